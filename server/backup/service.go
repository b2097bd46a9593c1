package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/lms"
)

// Store is what the service keeps in the replicated database.
type Store interface {
	Setting(ctx context.Context, name string) (string, error)
	SetSetting(ctx context.Context, name, value string) error
	SwapSetting(ctx context.Context, name, from, to string) (bool, error)
	Now() time.Time // of the cluster
}

// Schedule says when and where backups are made by themselves. Every node should have the same.
type Schedule struct {
	Every      time.Duration // 0: never
	To         string        // see ParseDestination
	Keep       int           // archives that are kept; 0: all
	Recipients []string      // public keys of age; none: not encrypted
}

// Validate refuses a schedule that cannot work.
func (s Schedule) Validate() error {
	if s.Every == 0 && s.To == "" {
		return nil
	}
	if s.Every < time.Minute || s.To == "" {
		return lms.Errorf(lms.KindInvalid, "Backups by schedule need both an interval of at least a minute and a place to put them.")
	}
	if s.Keep < 0 {
		return lms.Errorf(lms.KindInvalid, "Keep 0 (all) or more archives, not %d.", s.Keep)
	}
	if _, err := Recipients(s.Recipients); err != nil {
		return err
	}
	_, err := ParseDestination(s.To)
	return err
}

// Config describes the service of a node.
type Config struct {
	Source   Source
	Store    Store
	IsLeader func() bool
	Schedule Schedule
	Logger   *slog.Logger // default slog.Default
}

// Names of the settings.
const (
	settingClaim = "backup.claim" // who works on which slot
	settingLast  = "backup.last"  // lms.Backup of the last attempt
	settingGood  = "backup.good"  // time of the last success, RFC 3339
	settingWhole = "backup.whole" // name of the newest archive that lacks no part of a file
)

// readyLife is how long a backup waits to be downloaded: it holds a copy of the database.
const readyLife = 10 * time.Minute

// Service makes backups on a node: those that are asked for, and those of the schedule.
type Service struct {
	c       Config
	to      Destination // of the schedule; nil: none
	keys    []age.Recipient
	log     *slog.Logger
	metrics *metrics

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	job     *job
	warning string
}

// job is a backup that somebody downloads.
type job struct {
	lms.Backup
	to   []age.Recipient
	keys bool // of sealed secrets, in the archive
	snap *Snapshot
}

// New makes the service and removes what an earlier process has left. Close ends it.
func New(c Config) (*Service, error) {
	if err := c.Schedule.Validate(); err != nil {
		return nil, err
	}
	s := &Service{c: c, log: cmp.Or(c.Logger, slog.Default()).With("part", "backup"), metrics: newMetrics()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if c.Schedule.Every > 0 {
		var err error
		if s.to, err = ParseDestination(c.Schedule.To); err != nil {
			return nil, err
		}
		if s.keys, err = Recipients(c.Schedule.Recipients); err != nil {
			return nil, err
		}
	}
	if err := c.Source.Clean(); err != nil {
		return nil, err
	}
	s.wg.Go(s.watch)
	return s, nil
}

// Close ends what is under way and waits for it. Downloads end with their requests.
func (s *Service) Close() error {
	s.cancel()
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != nil && s.job.snap != nil {
		return s.job.snap.Close()
	}
	return nil
}

// Collectors are the service's metrics.
func (s *Service) Collectors() []prometheus.Collector { return s.metrics.all() }

// Start begins a backup on this node, to be downloaded with Content when it is ready. One at a time: each needs room for
// a copy of the database. With keys the archive carries those of sealed secrets: the caller is the operator, and encrypts it if
// there are no recipients.
func (s *Service) Start(_ context.Context, recipients []string, keys bool) (lms.Backup, error) {
	to, err := Recipients(recipients)
	if err != nil {
		return lms.Backup{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.job; j != nil && (j.State == lms.BackupPreparing || j.State == lms.BackupRunning) {
		return lms.Backup{}, lms.Errorf(lms.KindConflict, "A backup is being made already. Wait until it has ended.")
	}
	if s.ctx.Err() != nil {
		return lms.Backup{}, lms.ErrUnavailable
	}
	s.drop()
	j := &job{to: to, keys: keys, Backup: lms.Backup{ID: lms.NewSecret()[:16], Node: s.c.Source.Node, State: lms.BackupPreparing, StartedAt: s.c.Store.Now(), Encrypted: len(to) > 0}}
	s.job = j
	s.wg.Go(func() { s.prepare(j) })
	return j.Backup, nil
}

// drop forgets the present job. s.mu is held.
func (s *Service) drop() {
	if j := s.job; j != nil && j.snap != nil {
		if err := j.snap.Close(); err != nil {
			s.log.Warn("remove the copy of a backup", "error", err)
		}
		j.snap = nil
	}
}

func (s *Service) prepare(j *job) {
	snap, err := s.c.Source.Take(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.end(j, err)
		return
	}
	if j.keys {
		snap.CarryKeys()
	}
	j.snap, j.State = snap, lms.BackupReady
	j.Name, j.Index, j.Total, j.Error = snap.Manifest.Name(j.Encrypted), snap.Manifest.Index, snap.Manifest.Total(), lacking(snap.Manifest)
	s.wg.Go(func() { s.expire(j) })
}

// expire gives up a backup that nobody downloads.
func (s *Service) expire(j *job) {
	if !sleep(s.ctx, readyLife) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.State == lms.BackupReady {
		s.end(j, errors.New("nobody downloaded it within ten minutes"))
		if s.job == j {
			s.drop()
		}
	}
}

// end records how a job ended. s.mu is held.
func (s *Service) end(j *job, err error) {
	j.State, j.FinishedAt = lms.BackupDone, s.c.Store.Now()
	if err != nil {
		j.State, j.Error = lms.BackupFailed, plainly(err)
		s.metrics.failures.Inc()
		s.log.Error("the backup failed", "backup", j.ID, "error", err)
	}
}

// lacking says what an archive could not have; empty: it has everything.
func lacking(m Manifest) string {
	if m.Missing.Count == 0 {
		return ""
	}
	return lms.GoneMessage(m.Missing.Count) + ", and so not in the archive."
}

// plainly is an error in the words for people.
func plainly(err error) string {
	var refusal *lms.Error
	if errors.As(err, &refusal) {
		return refusal.Message
	}
	return err.Error()
}

// Content returns the archive's name and a function that writes it, once, until ctx ends. It must be called.
func (s *Service) Content(ctx context.Context, id string) (name string, write func(io.Writer) error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job
	switch {
	case j == nil || j.ID != id:
		return "", nil, lms.Errorf(lms.KindNotFound, "This node has no such backup. Start another one.")
	case j.State == lms.BackupPreparing:
		return "", nil, lms.Errorf(lms.KindConflict, "The backup is not ready yet. Wait a moment.")
	case j.State != lms.BackupReady:
		return "", nil, lms.Errorf(lms.KindConflict, "This backup was downloaded already, or has failed. Start another one.")
	}
	j.State = lms.BackupRunning
	return j.Name, func(w io.Writer) error {
		err := writeSealed(ctx, j.snap, w, j.to, func(done int64) {
			s.mu.Lock()
			j.Done = done
			s.mu.Unlock()
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(j, err)
		if s.job == j {
			s.drop()
		}
		return err
	}, nil
}

// writeSealed writes an archive, encrypted if there are recipients.
func writeSealed(ctx context.Context, snap *Snapshot, w io.Writer, to []age.Recipient, progress func(int64)) error {
	out, err := Seal(w, to)
	if err != nil {
		return err
	}
	if err := snap.Write(ctx, out, progress); err != nil {
		return err // not closed: half an archive must not look like a whole one
	}
	return out.Close()
}

// Status tells about this node's job and the schedule.
func (s *Service) Status(ctx context.Context) (lms.BackupStatus, error) {
	sch := s.c.Schedule
	st := lms.BackupStatus{Every: int64(sch.Every / time.Second), Keep: sch.Keep, Encrypted: len(sch.Recipients) > 0}
	s.mu.Lock()
	if s.job != nil {
		b := s.job.Backup
		st.Job = &b
	}
	s.mu.Unlock()
	if s.to != nil {
		st.To = s.to.String()
	}
	last, err := s.c.Store.Setting(ctx, settingLast)
	if err != nil {
		return st, err
	}
	if last != "" {
		st.Last = &lms.Backup{}
		if err := json.Unmarshal([]byte(last), st.Last); err != nil {
			return st, fmt.Errorf("backup: %s: %w", settingLast, err)
		}
	}
	if st.LastGood, err = s.lastGood(ctx); err != nil {
		return st, err
	}
	if s.to != nil {
		st.NextAt = s.c.Store.Now().Truncate(sch.Every).Add(sch.Every)
	}
	return st, nil
}

// Warning says what about the schedule needs a person; empty: nothing.
func (s *Service) Warning() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warning
}

func (s *Service) warn(ctx context.Context) {
	st, err := s.Status(ctx)
	if err != nil || st.Every == 0 {
		return
	}
	w := ""
	switch good := "There is none yet."; {
	case st.Last != nil && st.Last.State == lms.BackupFailed:
		if !st.LastGood.IsZero() {
			good = "The last good one is of " + st.LastGood.Format("2006-01-02 15:04 MST") + "."
		}
		w = fmt.Sprintf("The scheduled backup to %s failed on node %s: %s. %s It is tried again.", st.Last.To, st.Last.Node, strings.TrimSuffix(st.Last.Error, "."), good)
	case st.Overdue(s.c.Store.Now()):
		w = fmt.Sprintf("The last scheduled backup is of %s, and another one is overdue. Look at the log of the leader.", st.LastGood.Format("2006-01-02 15:04 MST"))
	case st.Last != nil && st.Last.Error != "":
		w = "The last backup can be restored, but: " + st.Last.Error
	}
	s.mu.Lock()
	s.warning = w
	s.mu.Unlock()
}

func (s *Service) lastGood(ctx context.Context) (time.Time, error) {
	v, err := s.c.Store.Setting(ctx, settingGood)
	if err != nil || v == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, v)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
