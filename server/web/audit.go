package web

import (
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// audit records an action of the caller before it is done, where its effect is no batch of the store: what is not
// recorded does not happen.
func (s *Server) audit(ctx context.Context, action lms.AuditAction, object string, details ...string) error {
	return s.store.Audit(ctx, store.AuditEvent{Caller: store.CallerOf(ctx), Action: action, Object: object, Details: details})
}

func auditFilter(in api.AuditFilter) (f store.AuditFilter, err error) {
	f = store.AuditFilter{Query: in.Query, Actor: in.Actor, Action: in.Action}
	f.From, f.To, err = in.Days()
	return f, err
}

func (s *Server) listAudit(ctx context.Context, _ lms.Actor, in api.AuditInput) (api.Page[lms.AuditRecord], error) {
	f, err := auditFilter(in.AuditFilter)
	if err != nil {
		return api.Page[lms.AuditRecord]{}, err
	}
	items, next, total, err := s.store.AuditRecords(ctx, f, in.After, limitOf(in.Limit))
	return api.Page[lms.AuditRecord]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) verifyAudit(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.AuditCheck, error) {
	check, err := s.store.VerifyAudit(ctx)
	if check.Broken > 0 {
		s.log.Error("the chain of the audit log is broken", "record", check.Broken, "reason", check.Reason)
	}
	return check, err
}

// exportAudit writes the records that match, oldest first, as they are stored. The export itself is recorded, and is not
// in the file.
func (s *Server) exportAudit(q *request, in api.ExportAuditInput) error {
	f, err := auditFilter(in.AuditFilter)
	if err != nil {
		return err
	}
	format := in.Format
	if format == "" {
		format = "jsonl"
	}
	last, err := s.store.LastAudit(q.ctx)
	if err != nil {
		return err
	}
	if err := s.audit(q.ctx, lms.AuditExport, "audit", "format", format); err != nil {
		return err
	}
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Disposition", disposition("audit-"+s.now().UTC().Format(time.DateOnly)+"."+format, false))
	if format == "csv" {
		h.Set("Content-Type", "text/csv; charset=utf-8")
		return s.exportCSV(q, f, last)
	}
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	return s.store.EachAudit(q.ctx, f, last, func(r store.AuditRow) error {
		_, err := q.w.Write(append(r.JSON(), '\n'))
		return err
	})
}

func (s *Server) exportCSV(q *request, f store.AuditFilter, last int64) error {
	w := csv.NewWriter(q.w)
	_ = w.Write([]string{"id", "at", "unix_ms", "actor_id", "actor", "address", "action", "object", "details", "hash"}) // Flush tells
	err := s.store.EachAudit(q.ctx, f, last, func(r store.AuditRow) error {
		return w.Write([]string{strconv.FormatInt(r.ID, 10), r.At.Format("2006-01-02T15:04:05.000Z"), strconv.FormatInt(r.At.UnixMilli(), 10),
			cell(r.ActorID), cell(r.Actor), cell(r.Address), cell(string(r.Action)), cell(r.Object), cell(r.DetailsText), r.Hash})
	})
	w.Flush()
	if err != nil {
		return err
	}
	return w.Error()
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Bounds of the records that no write carries.
const (
	recordQueue = 1000 // waiting; beyond that they are counted only
	recordEvery = time.Second
	recordAgain = 10 * time.Minute // the same one is not repeated within
	recordKnown = 10_000

	refusalsPerSecond, refusalBurst = 5, 50
)

// recorder writes audit records of what changes nothing: staff who read submissions, refused access. They are written
// once a second and together, so that a reader waits for no majority and a flood of refusals does not fill the log. What
// it must leave out it counts in the next record. Up to a second of them is lost with the process.
type recorder struct {
	s       *Server
	refused *rate.Limiter

	mu      sync.Mutex
	waiting []store.AuditEvent
	left    int // events left out since the last record
	known   map[string]time.Time
	running bool
}

func newRecorder(s *Server) *recorder {
	return &recorder{s: s, refused: rate.NewLimiter(refusalsPerSecond, refusalBurst), known: map[string]time.Time{}}
}

// add queues a record, unless the same one was just made.
func (r *recorder) add(e store.AuditEvent) {
	key := e.Caller.Actor.UserID + "\n" + e.Caller.Address + "\n" + string(e.Action) + "\n" + e.Object + "\n" + strings.Join(e.Details, "\n")
	now := r.s.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.known[key]; ok && now.Sub(at) < recordAgain {
		return
	}
	if len(r.waiting) >= recordQueue || e.Action == lms.AuditRefused && !r.refused.AllowN(now, 1) {
		r.left++
		return
	}
	if len(r.known) >= recordKnown {
		clear(r.known)
	}
	r.known[key] = now
	r.waiting = append(r.waiting, e)
	if !r.running && r.s.begin() {
		r.running = true
		go r.run()
	}
}

// run writes until nothing waits.
func (r *recorder) run() {
	defer r.s.workers.Done()
	for {
		select {
		case <-r.s.ctx.Done():
		case <-time.After(recordEvery):
		}
		if !r.flush(15 * time.Second) {
			return
		}
	}
}

// flush writes what waits and reports whether to go on. Without a majority the records wait.
func (r *recorder) flush(limit time.Duration) bool {
	r.mu.Lock()
	events, left := r.waiting, r.left
	if len(events) == 0 || r.s.ctx.Err() != nil {
		r.running = false
		r.mu.Unlock()
		return false
	}
	r.waiting, r.left = nil, 0
	r.mu.Unlock()
	if left > 0 {
		last := &events[len(events)-1]
		last.Details = append(last.Details[:len(last.Details):len(last.Details)], "notRecorded", strconv.Itoa(left))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.s.store.Audit(ctx, events...); err != nil {
		r.s.log.Warn("audit records wait", "records", len(events), "error", err)
		r.mu.Lock()
		r.waiting = append(events, r.waiting...)
		r.mu.Unlock()
	}
	return true
}

// close writes what waits, if a majority answers soon.
func (r *recorder) close() { r.flush(2 * time.Second) }

// recordRead records that staff has read a submission.
func (s *Server) recordRead(ctx context.Context, actor lms.Actor, sub lms.Submission) {
	if sub.UserID == actor.UserID {
		return
	}
	s.records.add(store.AuditEvent{Caller: store.CallerOf(ctx), Action: lms.AuditSubmissionRead, Object: "submission/" + sub.ID,
		Details: []string{"course", sub.CourseID, "student", sub.UserID}})
}

// recordRefusal records that a request was answered 403.
func (s *Server) recordRefusal(q *request) {
	if q.c == nil || !strings.HasPrefix(q.c.Path(), "/api/") && !strings.HasPrefix(q.c.Path(), plainRoot) && q.c.Path() != "/metrics" && !strings.HasPrefix(q.c.Path(), "/debug/") {
		return
	}
	object := "site"
	if course := q.c.Param("course"); course != "" {
		object = "course/" + course
	}
	s.records.add(store.AuditEvent{Caller: q.caller(), Action: lms.AuditRefused, Object: object,
		Details: []string{"route", q.r.Method + " " + q.c.Path()}})
}
