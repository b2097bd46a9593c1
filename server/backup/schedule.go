package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"trivium/app/lms"
)

// Times of the schedule.
const (
	lookEvery  = 5 * time.Second  // whether a slot is due
	renewEvery = 15 * time.Second // a node that works on a slot says so
	claimLife  = time.Minute      // a claim that is not renewed for so long is taken over
	maxRetry   = 15 * time.Minute // after a failure, or a quarter of the interval
)

// claim is the state of the newest slot. Whoever changes it does so with SwapSetting: two nodes never own one slot.
type claim struct {
	Slot int64  `json:"slot"` // Unix seconds of its beginning
	Node string `json:"node"`
	At   int64  `json:"at"`             // Unix seconds of the last sign of life
	Done bool   `json:"done,omitempty"` // the slot has its archive
	Next int64  `json:"next,omitempty"` // after a failure: when to try again
}

// due reports whether the slot should be worked on now.
func (c claim) due(slot, now int64) bool {
	silent := now-c.At >= int64(claimLife/time.Second)
	switch {
	case c.Slot < slot:
		return c.Done || c.Next != 0 || silent // else an older one is still being made
	case c.Slot > slot || c.Done:
		return false
	case c.Next != 0:
		return now >= c.Next
	}
	return silent
}

// watch keeps the schedule until Close.
func (s *Service) watch() {
	for sleep(s.ctx, lookEvery) {
		s.look(s.ctx)
	}
}

// look makes the backup of the present slot, if this node leads and nobody else has it.
func (s *Service) look(ctx context.Context) {
	if good, err := s.lastGood(ctx); err == nil && !good.IsZero() {
		s.metrics.lastGood.Set(float64(good.Unix()))
	}
	s.warn(ctx)
	if s.to == nil || !s.c.IsLeader() {
		return
	}
	mine, text, err := s.claim(ctx)
	if err != nil {
		s.log.Warn("the schedule of backups", "error", err)
	}
	if text == "" {
		return
	}
	b, err := s.scheduled(ctx, mine, text)
	if errors.Is(err, context.Canceled) {
		return // another node has it, or takes it over
	}
	s.record(ctx, b, err)
}

// claim takes the present slot. The text is what it wrote; empty: the slot is not this node's.
func (s *Service) claim(ctx context.Context) (claim, string, error) {
	now := s.c.Store.Now()
	mine := claim{Slot: now.Truncate(s.c.Schedule.Every).Unix(), Node: s.c.Source.Node, At: now.Unix()}
	before, err := s.c.Store.Setting(ctx, settingClaim)
	if err != nil {
		return mine, "", err
	}
	var c claim
	if before != "" {
		if err := json.Unmarshal([]byte(before), &c); err != nil {
			return mine, "", fmt.Errorf("%s: %w", settingClaim, err)
		}
	}
	if !c.due(mine.Slot, mine.At) {
		return mine, "", nil
	}
	text := mine.text()
	ok, err := s.c.Store.SwapSetting(ctx, settingClaim, before, text)
	if err != nil || !ok {
		return mine, "", err
	}
	return mine, text, nil
}

func (c claim) text() string {
	b, _ := json.Marshal(c) // of plain fields: cannot fail
	return string(b)
}

// scheduled makes the archive of a slot and thins out the old ones.
func (s *Service) scheduled(ctx context.Context, mine claim, text string) (b lms.Backup, err error) {
	s.metrics.running.Set(1)
	defer s.metrics.running.Set(0)
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		text = s.renew(ctx, cancel, mine, text)
	}()
	b = lms.Backup{ID: fmt.Sprint(mine.Slot), Node: mine.Node, State: lms.BackupRunning, To: s.to.String(), StartedAt: s.c.Store.Now(), Encrypted: len(s.keys) > 0}
	err = s.deliver(ctx, mine, &b)
	lost := ctx.Err() != nil
	cancel()
	<-stopped
	if lost {
		return b, fmt.Errorf("the slot was lost to another node, or this one stops: %w", context.Canceled)
	}
	mine.At = s.c.Store.Now().Unix()
	if mine.Done = err == nil; err != nil {
		mine.Next = mine.At + int64(min(maxRetry, s.c.Schedule.Every/4)/time.Second)
	}
	if _, serr := s.c.Store.SwapSetting(s.ctx, settingClaim, text, mine.text()); serr != nil {
		s.log.Warn("the schedule of backups", "error", serr) // the slot is made again, under the same name
	}
	return b, err
}

// renew shows that this node is alive, and stops the work when the slot is no longer its own.
func (s *Service) renew(ctx context.Context, lost context.CancelFunc, mine claim, text string) string {
	for sleep(ctx, renewEvery) {
		mine.At = s.c.Store.Now().Unix()
		next := mine.text()
		ok, err := s.c.Store.SwapSetting(ctx, settingClaim, text, next)
		switch {
		case err != nil:
			s.log.Debug("renew the claim of a backup", "error", err)
		case !ok:
			lost()
		default:
			text = next
		}
	}
	return text
}

func (s *Service) deliver(ctx context.Context, mine claim, b *lms.Backup) error {
	snap, err := s.c.Source.Take(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	if len(s.keys) > 0 {
		snap.CarryKeys()
	}
	b.Index, b.Total = snap.Manifest.Index, snap.Manifest.Total()
	b.Name = archiveName(snap.Manifest.Cluster, time.Unix(mine.Slot, 0).UTC().Format(nameTime), b.Encrypted)
	err = s.to.Put(ctx, b.Name, b.Total, func(w io.Writer) error {
		return writeSealed(ctx, snap, w, s.keys, func(done int64) { b.Done = done })
	})
	if err != nil {
		return err
	}
	whole := snap.Manifest.Missing.Count == 0
	if !whole {
		b.Error = lacking(snap.Manifest) + " The older ones that have everything are kept."
	}
	if err := s.thinOut(ctx, snap.Manifest.Cluster, b.Name, whole); err != nil {
		b.Error = strings.TrimSpace(b.Error + " Old archives could not be removed: " + plainly(err))
		s.log.Error("old backups could not be removed; they use room until somebody does", "to", s.to.String(), "error", err)
	}
	return nil
}

// thinOut removes the oldest archives of this cluster. As long as new ones are not whole, because they lack something, the last one
// that has everything stays, with those before it.
func (s *Service) thinOut(ctx context.Context, cluster, newest string, whole bool) error {
	if whole {
		if err := s.c.Store.SetSetting(ctx, settingWhole, newest); err != nil {
			return err
		}
	}
	if s.c.Schedule.Keep == 0 {
		return nil
	}
	names, err := s.to.List(ctx, cluster)
	if err != nil {
		return err
	}
	if !whole {
		last, err := s.lastWhole(ctx, names, newest)
		if err != nil {
			return err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name <= last })
	}
	for len(names) > s.c.Schedule.Keep {
		if err := s.to.Delete(ctx, names[0]); err != nil {
			return err
		}
		s.log.Info("an old backup was removed", "name", names[0])
		names = names[1:]
	}
	return nil
}

// lastWhole is the name of the newest archive that has everything. All before the first that does not had everything.
func (s *Service) lastWhole(ctx context.Context, names []string, newest string) (string, error) {
	name, err := s.c.Store.Setting(ctx, settingWhole)
	if err != nil || name != "" {
		return name, err
	}
	for _, n := range names { // the oldest first
		if n < newest {
			name = n
		}
	}
	return name, s.c.Store.SetSetting(ctx, settingWhole, name)
}

// record tells everybody how it went, the log first.
func (s *Service) record(ctx context.Context, b lms.Backup, err error) {
	b.State, b.FinishedAt = lms.BackupDone, s.c.Store.Now()
	if err != nil {
		b.State, b.Error = lms.BackupFailed, plainly(err)
		s.metrics.failures.Inc()
		s.log.Error("THE SCHEDULED BACKUP FAILED; it is tried again", "to", b.To, "error", err)
	} else {
		s.metrics.lastGood.Set(float64(b.FinishedAt.Unix()))
		s.metrics.lastSize.Set(float64(b.Total))
		s.log.Info("backup", "name", b.Name, "to", b.To, "index", b.Index, "bytes", b.Total, "took", b.FinishedAt.Sub(b.StartedAt))
	}
	text, merr := json.Marshal(b)
	if merr == nil {
		merr = s.c.Store.SetSetting(ctx, settingLast, string(text))
	}
	if merr == nil && err == nil {
		merr = s.c.Store.SetSetting(ctx, settingGood, b.FinishedAt.Format(time.RFC3339))
	}
	if merr != nil {
		s.log.Warn("the result of a backup could not be recorded", "error", merr)
	}
}
