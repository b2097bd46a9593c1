package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/mail"
	"trivium/server/store"
)

// Deliverer hands a mail to a mail server; *mail.Sender is one.
type Deliverer interface {
	Deliver(ctx context.Context, m mail.Message) error
}

// Config describes the service of a node. Store, Node and IsLeader are required.
type Config struct {
	Store    *store.Store
	Mail     Deliverer // nil: this node sends nothing
	Node     string    // its name
	Origin   string    // where people reach it
	IsLeader func() bool
	Logger   *slog.Logger // default slog.Default

	Lease    time.Duration // of a claim; default 2 min
	Deadline time.Duration // of handing one mail over; default 1 min
	Poll     time.Duration // how often the outbox is looked into, whatever happens; default 5 s
	Behind   time.Duration // by how much nodes that do not lead come later; default 5 s
	Retry    time.Duration // pause of a mail after its first failure; default 30 s
}

// Pauses after a failure double up to these: of the node that has seen it, and of the mail. A node says every hour that it
// sends mail.
const (
	nodePause     = 5 * time.Minute
	mailPause     = time.Hour
	announceEvery = time.Hour
)

// Service sends the mails of the outbox. Make one with New, and Close it before the store.
type Service struct {
	c     Config
	log   *slog.Logger
	count *counters

	ctx       context.Context // of a mail on its way
	cancel    context.CancelFunc
	stop      context.Context // no further mail is begun
	end       context.CancelFunc
	done      chan struct{}
	announced time.Time
	pause     time.Duration

	mu      sync.Mutex
	trouble string // why this node's mail server takes nothing; empty: it does
}

// New starts the service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&c.Lease, 2 * time.Minute}, {&c.Deadline, time.Minute}, {&c.Poll, 5 * time.Second}, {&c.Behind, 5 * time.Second},
		{&c.Retry, 30 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	s := &Service{c: c, log: c.Logger.With("part", "outbox"), done: make(chan struct{})}
	s.count = newCounters(s)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.stop, s.end = context.WithCancel(s.ctx)
	go func() {
		defer close(s.done)
		s.run()
	}()
	return s
}

// closePatience is how long Close lets a mail that is on its way arrive: cut off, it might go out twice.
const closePatience = 5 * time.Second

// Close ends the service.
func (s *Service) Close() {
	s.end()
	select {
	case <-s.done:
	case <-time.After(closePatience):
	}
	s.cancel()
	<-s.done
}

func (s *Service) run() {
	changes := s.c.Store.DB().Watch(s.stop)
	for s.stop.Err() == nil {
		s.announce()
		wait := s.c.Poll
		if s.c.Mail != nil {
			wait = s.sendDue()
		} else if !s.announced.IsZero() {
			return // it is withdrawn
		}
		if !s.rest(wait, changes) {
			return
		}
	}
}

// rest waits for something to do. After a failure of the mail server no change shortens the pause.
func (s *Service) rest(wait time.Duration, changes <-chan consensus.Event) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-s.stop.Done():
			return false
		case <-timer.C:
			return true
		case e, ok := <-changes:
			if !ok {
				return false
			}
			news := e.Lost || slices.Contains(e.Topics, store.TopicOutbox) || slices.Contains(e.Topics, store.TopicFiles)
			if news && s.pause == 0 {
				return true
			}
		}
	}
}

// announce tells the cluster whether this node sends mail.
func (s *Service) announce() {
	if !s.announced.IsZero() && time.Since(s.announced) < announceEvery {
		return
	}
	tell := s.c.Store.AnnounceMailer
	if s.c.Mail == nil {
		tell = s.c.Store.WithdrawMailer
	}
	if err := tell(s.stop, s.c.Node); err != nil {
		s.log.Debug("the cluster does not know yet whether this node sends mail", "error", err)
		return
	}
	s.announced = time.Now()
}

// sendDue sends what is due and returns how long to wait.
func (s *Service) sendDue() time.Duration {
	for s.stop.Err() == nil {
		behind := s.c.Behind
		if s.c.IsLeader() {
			behind = 0
		}
		id, err := s.c.Store.DueMail(s.stop, behind)
		if err != nil || id == "" {
			s.pause = 0
			return s.c.Poll
		}
		if err := s.send(id); err != nil {
			s.pause = min(max(2*s.pause, s.c.Poll), nodePause)
			return s.pause
		}
	}
	return s.c.Poll
}

// send claims a mail and hands it over. It returns an error when this node should not go on at once.
func (s *Service) send(id string) error {
	start := time.Now()
	m, mine, err := s.c.Store.ClaimMail(s.stop, id, s.c.Node+"/"+lms.NewID(), s.messageID(id), s.c.Lease)
	if err != nil || !mine {
		return err
	}
	msg, err := s.compose(s.ctx, m)
	if errors.Is(err, lms.ErrNotFound) {
		return s.c.Store.DropMail(s.ctx, m)
	} else if err != nil {
		s.failed(m, err.Error(), false)
		return err
	}
	// A process that was held up must not send when the claim may be another node's.
	if time.Since(start) > s.c.Lease-s.c.Deadline {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.c.Deadline)
	defer cancel()
	err = s.c.Mail.Deliver(ctx, msg)
	switch {
	case err == nil:
		s.sent(m, msg)
		return nil
	case mail.Refused(err):
		s.failed(m, reason(err, msg), true)
		return nil
	}
	s.failed(m, reason(err, msg), false)
	s.setTrouble(reason(err, msg))
	return err
}

// sent marks the mail, however long it takes: as long as this node lives, nobody should send it again.
func (s *Service) sent(m store.Mail, msg mail.Message) {
	s.pause = 0
	s.setTrouble("")
	s.count.sent.Inc()
	for {
		err := s.c.Store.MailSent(s.ctx, m, msg.To)
		if err == nil {
			s.log.Info("a mail was sent", "mail", m.ID, "kind", m.Kind, "user", m.UserID)
			return
		}
		s.log.Warn("a mail was sent and is not marked as sent yet", "mail", m.ID, "error", err)
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (s *Service) failed(m store.Mail, why string, final bool) {
	s.count.failures.Inc()
	s.log.Warn("a mail was not sent", "mail", m.ID, "kind", m.Kind, "user", m.UserID, "final", final, "error", why)
	pause := min(s.c.Retry<<min(m.Tries, 10), mailPause)
	if err := s.c.Store.MailFailed(s.ctx, m, why, final, pause); err != nil {
		s.log.Debug("a failure is not recorded; the claim of the mail ends by itself", "mail", m.ID, "error", err)
	}
}

// reason is an error in a line, with the address shortened: administrators read it.
func reason(err error, msg mail.Message) string {
	why := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "mail: "), msg.To, lms.ShortMail(msg.To))
	why, _, _ = strings.Cut(why, ", affected ")
	if r := []rune(why); len(r) > 300 {
		why = string(r[:300]) + "…"
	}
	return strings.Join(strings.Fields(why), " ")
}

func (s *Service) setTrouble(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = why
}

// Warning is what about the mails needs a person; empty: nothing.
func (s *Service) Warning() string {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	o := s.state()
	var parts []string
	if trouble != "" {
		parts = append(parts, fmt.Sprintf("Node %s could not hand a mail to its mail server (%s). It is tried again by itself, for three days; check --smtp-server.", s.c.Node, trouble))
	}
	if o.Overdue > 0 {
		parts = append(parts, fmt.Sprintf("%d of the mails to people wait for more than 15 minutes. Check the nodes that are started with --smtp-server.", o.Overdue))
	}
	if o.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of the mails of the last week could not be sent. The latest reason: %s", o.Failed, o.Error))
	}
	return strings.Join(parts, " ")
}

// state reads what waits; a node that cannot tell says nothing.
func (s *Service) state() store.Outbox {
	ctx, cancel := context.WithTimeout(s.ctx, 2*time.Second)
	defer cancel()
	o, err := s.c.Store.OutboxState(ctx)
	if err != nil {
		s.log.Debug("the outbox is not read", "error", err)
	}
	return o
}
