//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// quiet stops the load and compares all nodes: at equal index they must hold equal rows (I4).
func (r *rig) quiet(ctx context.Context) {
	r.paused.Lock()
	defer r.paused.Unlock()
	defer r.history.still()
	if err := r.healthy(ctx, time.Minute); err != nil {
		r.violate("health", "not healthy at a quiet check: %v", err)
		return
	}
	r.compareRows(ctx)
	if r.enough != nil {
		r.history.linear.check(r.violate) // else once, at the end
	}
}

func (r *rig) compareRows(ctx context.Context) {
	switch err := r.sameRows(ctx, time.Minute); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errDiffer):
		r.violate("I4", "%v", err)
	default:
		r.violate("health", "the rows cannot be compared: %v", err)
	}
}

var errDiffer = errors.New("different rows")

// sameRows asks the nodes for their hashes until all stand at the same index.
func (r *rig) sameRows(ctx context.Context, limit time.Duration) error {
	var differ error
	err := eventually(ctx, limit, func() error {
		at := map[uint64]map[string][]string{}
		for _, n := range r.nodes {
			h, a := callOnce(ctx, r, newSession("", operatorToken), n.i, api.GetNodeHash, api.NoInput{}, "")
			if a.outcome != done {
				return fmt.Errorf("no hash of %s: %w", n.id, a.err)
			}
			if len(h.Hash) != 64 || h.Index == 0 {
				return fmt.Errorf("%w: %s reports the hash %q at index %d", errDiffer, n.id, h.Hash, h.Index)
			}
			if at[h.Index] == nil {
				at[h.Index] = map[string][]string{}
			}
			at[h.Index][h.Hash] = append(at[h.Index][h.Hash], n.id)
		}
		for index, hashes := range at {
			if len(hashes) > 1 {
				differ = fmt.Errorf("%w at index %d: %v", errDiffer, index, hashes)
				return nil
			}
		}
		if len(at) > 1 {
			return fmt.Errorf("the nodes stand at different indices: %v", at)
		}
		return nil
	})
	return errors.Join(differ, err)
}

// final is every check over the whole history, with the cluster healthy and nothing else going on.
func (r *rig) final(ctx context.Context) {
	r.say("final checks")
	r.checkLogs()
	decided := r.history.linear.check(r.violate)
	r.say("I1: %d operations decided", decided)
	if err := r.healthy(ctx, time.Minute); err != nil {
		r.violate("health", "not healthy at the end, so the nodes are not looked at: %v", err)
		r.checkLogs()
		return
	}
	r.compareRows(ctx)
	r.checkCompared(ctx)
	r.checkSubmissions(ctx)
	r.checkThreads(ctx)
	r.checkSeats(ctx)
	r.checkTutor(ctx)
	r.checkAudit(ctx)
	r.checkLogs()
}

// checkCompared: each node has found its rows equal to those of a majority, by itself, not long ago (I4).
func (r *rig) checkCompared(ctx context.Context) {
	for _, n := range r.nodes {
		err := eventually(ctx, 40*time.Second, func() error {
			status, _, body, err := r.send(ctx, r.byHand, n.i, raw{method: "GET", path: "/metrics"})
			if err != nil || status != 200 {
				return errors.Join(err, fmt.Errorf("metrics: status %d", status))
			}
			checked, applied := metric(string(body), "trivium_consensus_checked_index"), metric(string(body), "trivium_consensus_applied_index")
			if checked+3*float64(r.check) < applied {
				r.moreEntries(ctx, 100) // a node that was started a moment ago compares at the next mark
				return fmt.Errorf("no rows-hash for %.0f entries: compared at %.0f, now at %.0f", applied-checked, checked, applied)
			}
			return nil
		})
		if err != nil {
			r.violate("I4", "%s has not compared its rows with the others: %v", n.id, err)
		}
	}
}

// moreEntries lengthens the log.
func (r *rig) moreEntries(ctx context.Context, n int) {
	for i := range n {
		value := strconv.Itoa(i)
		callOnce(ctx, r, newSession("", operatorToken), i%len(r.nodes), api.KVPut, api.KVPutInput{Key: "more", Value: &value}, lms.NewID())
	}
}

// checkSubmissions asks every node for every acknowledged hand-in: text, files, author, stamp and lateness (I2, I3, I6).
func (r *rig) checkSubmissions(ctx context.Context) {
	w := r.world
	due := map[string]time.Time{}
	ordered := slices.Clone(w.submissions)
	slices.SortFunc(ordered, func(a, b *submitted) int { return int(int64(a.index) - int64(b.index)) })
	for i, s := range ordered {
		if i > 0 && s.stamp.Before(ordered[i-1].stamp) {
			r.violate("I6", "stamps go back: %v at index %d, %v at %d", ordered[i-1].stamp, ordered[i-1].index, s.stamp, s.index)
		}
		if s.stamp.Before(s.start.Add(-2*time.Second)) || s.stamp.After(s.end.Add(2*time.Second)) {
			r.violate("I6", "stamped %v, but handed in between %v and %v", s.stamp, s.start, s.end)
		}
	}
	for _, n := range r.nodes {
		found := map[string]lms.Submission{}
		if err := r.eachSubmission(ctx, n, func(s lms.Submission) { found[s.ID] = s }, due); err != nil {
			r.violate("I2", "the submissions of %s cannot be listed: %v", n.id, err)
			continue
		}
		for _, s := range ordered {
			r.checkSubmission(n, s, found, due[s.assignment])
		}
	}
}

func (r *rig) checkSubmission(n *node, s *submitted, found map[string]lms.Submission, due time.Time) {
	got, ok := found[s.id]
	if !ok {
		r.violate("I2", "%s lost the hand-in %s of %s, acknowledged at index %d", n.id, s.id, s.stamp.Format(time.RFC3339), s.index)
		return
	}
	if got.Text != s.text || got.UserID != s.user || got.AssignmentID != s.assignment || !got.SubmittedAt.Equal(s.stamp) || len(got.Files) != len(s.files) {
		r.violate("I2", "%s holds another hand-in under %s: %+v, want %+v", n.id, s.id, got, *s)
		return
	}
	for i, f := range s.files {
		if g := got.Files[i]; g.SHA256 != f.sha || g.Size != f.size || !g.Complete() {
			r.violate("I2", "%s holds another file %s: %+v, want %+v", n.id, f.id, g, f)
		}
	}
	if want := (lms.Assignment{DueAt: due}).Late(s.stamp); got.LateSeconds != int64((want+time.Second-time.Millisecond)/time.Second) {
		r.violate("I6", "%s shows %s, stamped %v and due %v, as %d s late", n.id, s.id, s.stamp, due, got.LateSeconds)
	}
}

// eachSubmission goes through all attempts of everybody on one node. It counts that no attempt number is there twice or
// missing: an effect that happened twice would show (I3).
func (r *rig) eachSubmission(ctx context.Context, n *node, visit func(lms.Submission), due map[string]time.Time) error {
	w := r.world
	s := newSession("teacher", *w.teacher.token.Load())
	list, a := callOnce(ctx, r, s, n.i, api.ListAssignments, api.CoursePath{Course: w.course}, "")
	if a.outcome != done {
		return a.err
	}
	for _, as := range list.Items {
		due[as.ID] = as.DueAt
		in := api.ListSubmissionsInput{Course: w.course, Assignment: as.ID, Limit: 200}
		page, a := callOnce(ctx, r, s, n.i, api.ListSubmissions, in, "")
		if a.outcome != done {
			return a.err
		}
		for _, last := range page.Items {
			all, a := callOnce(ctx, r, s, n.i, api.ListAttempts, api.SubmissionPath{Course: w.course, Submission: last.ID}, "")
			if a.outcome != done {
				return a.err
			}
			for i, sub := range all.Items {
				visit(sub)
				if sub.Attempt != len(all.Items)-i {
					r.violate("I3", "%s: attempt %d of %s stands at place %d of %d", n.id, sub.Attempt, sub.UserID, i+1, len(all.Items))
				}
			}
		}
	}
	return nil
}

// checkThreads: every acknowledged reply is there once, on every node in the same order; what was acknowledged before
// another was sent stands before it (I5).
func (r *rig) checkThreads(ctx context.Context) {
	w := r.world
	for _, n := range r.nodes {
		for _, id := range w.threads {
			q, a := callOnce(ctx, r, newSession("teacher", *w.teacher.token.Load()), n.i, api.GetQuestion, api.QuestionPath{Course: w.course, Question: id}, "")
			if a.outcome != done {
				r.violate("I5", "thread %s cannot be read on %s: %v", id, n.id, a.err)
				continue
			}
			r.see(n.i, id, q.Replies)
			r.checkThread(n, id, q.Replies)
		}
	}
}

func (r *rig) checkThread(n *node, id string, replies []lms.Reply) {
	w := r.world
	times := map[string]int{}
	var latest *said // began last among those that stand before
	for _, p := range replies {
		times[p.Body]++
		s := w.replies[p.Body]
		if s == nil {
			r.violate("I5", "%s: thread %s has a reply that nobody sent: %.80q", n.id, id, p.Body)
			continue
		}
		if latest != nil && s.outcome == done && s.end.Before(latest.start) {
			r.violate("I5", "%s: thread %s has %q after %q, which was sent later", n.id, id, short(s.text), short(latest.text))
		}
		if latest == nil || s.start.After(latest.start) {
			latest = s
		}
	}
	for text, s := range w.replies {
		if s.thread == id && (s.outcome == done && times[text] != 1 || times[text] > 1) {
			r.violate("I3", "%s: reply %q of thread %s (%s) is there %d times", n.id, short(text), id, s.outcome, times[text])
		}
	}
}

// checkSeats: nobody sits where no seat was, and who was told of a seat has it (I5).
func (r *rig) checkSeats(ctx context.Context) {
	w := r.world
	for _, s := range w.seats {
		for _, n := range r.nodes {
			t := newSession("teacher", *w.teacher.token.Load())
			members, a := callOnce(ctx, r, t, n.i, api.ListMembers, api.ListMembersInput{Course: s.course}, "")
			invites, b := callOnce(ctx, r, t, n.i, api.ListInvites, api.CoursePath{Course: s.course}, "")
			if a.outcome != done || b.outcome != done || len(invites.Items) != 1 {
				r.violate("I5", "the seats of %s cannot be read on %s: %v", s.course, n.id, errors.Join(a.err, b.err))
				continue
			}
			sitting := map[string]bool{}
			for _, m := range members.Items {
				if m.Role == lms.RoleStudent {
					sitting[m.Login] = true
				}
			}
			if len(sitting) > s.seats || invites.Items[0].Uses != len(sitting) {
				r.violate("I5", "%s: %d students on %d seats, %d uses counted", n.id, len(sitting), s.seats, invites.Items[0].Uses)
			}
			for i := range s.got {
				if !sitting[w.logins[i]] {
					r.violate("I5", "%s: %s was told of a seat in %s and has none", n.id, w.logins[i], s.course)
				}
			}
		}
	}
}

// checkTutor: every question to the tutor has its reply, and none is left undecided, whatever happened meanwhile.
func (r *rig) checkTutor(ctx context.Context) {
	w := r.world
	err := eventually(ctx, 90*time.Second, func() error {
		var open int
		for _, q := range w.tutored {
			got, a := callOnce(ctx, r, newSession("teacher", *w.teacher.token.Load()), 0, api.GetQuestion, api.QuestionPath{Course: w.course, Question: q.question}, "")
			if a.outcome != done {
				return a.err
			}
			if i := slices.IndexFunc(got.Replies, func(p lms.Reply) bool { return p.ID == q.reply }); i < 0 {
				return fmt.Errorf("the reply %s is missing", q.reply)
			} else if !got.Replies[i].State.Final() {
				open++
			}
		}
		if open > 0 {
			return fmt.Errorf("%d of %d answers of the tutor are not decided", open, len(w.tutored))
		}
		return nil
	})
	if err != nil {
		r.violate("tutor", "%v", err)
	}
}

// checkAudit: the chain of the audit log is whole on every node, and the same (I12). Records of reads are written a moment after
// them, so ends are compared where the chains are equally long.
func (r *rig) checkAudit(ctx context.Context) {
	ends := map[int64]map[string]bool{}
	for range 5 {
		for _, n := range r.nodes {
			c, a := callOnce(ctx, r, r.byHand, n.i, api.VerifyAudit, api.NoInput{}, "")
			switch {
			case a.outcome != done:
				r.violate("I12", "the audit log of %s cannot be verified: %v", n.id, a.err)
				return
			case c.Broken != 0:
				r.violate("I12", "the audit log of %s breaks at record %d: %s", n.id, c.Broken, c.Reason)
				return
			case c.Records < int64(r.clients):
				r.violate("I12", "the audit log of %s has %d records, but %d accounts were made", n.id, c.Records, r.clients)
				return
			}
			if ends[c.Records] == nil {
				ends[c.Records] = map[string]bool{}
			}
			if ends[c.Records][c.Head] = true; len(ends[c.Records]) > 1 {
				r.violate("I12", "the audit logs differ after %d records, the last on %s", c.Records, n.id)
				return
			}
		}
	}
}

var alarm = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|WARNING: DATA RACE|.*msg=panic .*)$`)

// checkLogs: no panic, no race, no end of a process that nobody caused (I9).
func (r *rig) checkLogs() {
	for _, n := range r.nodes {
		for i, m := range alarm.FindAllString(n.logText(), -1) {
			if i < 3 {
				r.violate("I9", "%s said: %.300s", n.id, m)
			}
		}
		n.mu.Lock()
		for _, c := range n.crashes {
			r.violate(blame(c), "%s", c)
		}
		n.crashes = nil
		n.mu.Unlock()
	}
}

// blame is the invariant that a process broke which ended by itself.
func blame(crash string) string {
	if strings.Contains(crash, "differ from those of a majority") {
		return "I4"
	}
	return "I9"
}

// resources is what a node holds when nobody asks it for anything.
type resources struct {
	Goroutines int   `json:"goroutines"`
	Files      int   `json:"files"`
	Memory     int64 `json:"memory"`
}

func (r *rig) resources(ctx context.Context, n *node) (res resources, err error) {
	status, _, body, err := r.send(ctx, r.byHand, n.i, raw{method: "GET", path: "/metrics"})
	if err != nil || status != 200 {
		return res, errors.Join(err, fmt.Errorf("metrics of %s: status %d", n.id, status))
	}
	res.Goroutines = int(metric(string(body), "go_goroutines"))
	res.Files, res.Memory = n.files(), n.memory()
	return res, nil
}

// metric finds a value without labels, or the sum over all labels.
func metric(text, name string) (sum float64) {
	for _, line := range strings.Split(text, "\n") {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		f := strings.Fields(rest)
		v, _ := strconv.ParseFloat(f[len(f)-1], 64)
		sum += v
	}
	return sum
}
