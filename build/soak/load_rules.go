//go:build linux

package main

import (
	"context"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// signInAndOut makes a session, uses it through another node, and ends it.
func (c *client) signInAndOut(ctx context.Context) {
	w := c.r.world
	s := newSession(c.s.name, "")
	in, a := call(ctx, c.r, s, c.node(), api.SignIn, api.SignInInput{Login: w.logins[c.i], Password: password, Bearer: true}, lms.NewID())
	c.r.history.record(c.s.name, "sign-in", "", "", true, a)
	if a.outcome != done {
		return
	}
	s.token.Store(&in.Token)
	_, a = call(ctx, c.r, s, c.node(), api.CurrentSession, api.NoInput{}, "")
	c.note("session", "", "", false, a)
	_, a = call(ctx, c.r, s, c.node(), api.SignOut, api.NoInput{}, lms.NewID())
	c.r.history.record(c.s.name, "sign-out", "", "", true, a)
	// A repeat after a lost answer finds no session any more: that is success, too.
	if a.outcome == done || a.outcome == refused && a.kind == lms.KindSignIn {
		w.mu.Lock()
		w.revoked = append(w.revoked, revoked{token: in.Token, ack: a.end})
		w.mu.Unlock()
	}
}

// grace is how long a session that was ended may still be accepted (I8).
const grace = time.Second

// revisit uses a session that has ended.
func (c *client) revisit(ctx context.Context) {
	w := c.r.world
	w.mu.Lock()
	var old revoked
	if n := len(w.revoked); n > 0 {
		old = w.revoked[n-1-c.rng.IntN(min(n, 20))]
	}
	w.mu.Unlock()
	start := time.Now()
	if old.token == "" || start.Sub(old.ack) < grace {
		return
	}
	n := c.node()
	impaired := c.r.nodes[n].impairedAt(start)
	_, a := callOnce(ctx, c.r, newSession("revoked", old.token), n, api.CurrentSession, api.NoInput{}, "")
	c.r.history.record(c.s.name, "revoked", "", "", false, a)
	if a.outcome == done && !a.stale && !impaired && !c.r.nodes[n].impairedAt(start) {
		c.r.violate("I8", "n%d accepted a session %v after its end had been acknowledged", n+1, start.Sub(old.ack).Round(time.Millisecond))
	}
}

// trespass asks for what this student must not have.
func (c *client) trespass(ctx context.Context) {
	w := c.r.world
	w.mu.Lock()
	var other *submitted
	for range 5 {
		if len(w.submissions) > 0 {
			if s := w.submissions[c.rng.IntN(len(w.submissions))]; s.user != w.users[c.i] {
				other = s
				break
			}
		}
	}
	w.mu.Unlock()
	if other == nil {
		return
	}
	node, what := c.node(), ""
	var a answer
	switch c.rng.IntN(7) {
	case 0:
		what = "another student's submission"
		_, a = callOnce(ctx, c.r, c.s, node, api.GetSubmission, api.SubmissionPath{Course: w.course, Submission: other.id}, "")
	case 1:
		what = "another student's receipt"
		_, a = callOnce(ctx, c.r, c.s, node, api.GetReceipt, api.SubmissionPath{Course: w.course, Submission: other.id}, "")
	case 2:
		what = "a grade of their own making"
		_, a = callOnce(ctx, c.r, c.s, node, api.SaveGrade, api.GradeInput{Course: w.course, Submission: other.id, Points: 1, Feedback: "mine", AllowAbove: true}, lms.NewID())
	case 3:
		what = "the list of accounts"
		_, a = callOnce(ctx, c.r, c.s, node, api.ListUsers, api.ListInput{}, "")
	case 4:
		what = "a foreign course"
		_, a = callOnce(ctx, c.r, c.s, node, api.GetCourse, api.CoursePath{Course: w.foreign}, "")
	case 5:
		what = "everybody's submissions"
		_, a = callOnce(ctx, c.r, c.s, node, api.ListSubmissions, api.ListSubmissionsInput{Course: w.course, Assignment: other.assignment}, "")
	case 6:
		what = "a course without signing in"
		_, a = callOnce(ctx, c.r, newSession("nobody", ""), node, api.GetCourse, api.CoursePath{Course: w.course}, "")
	}
	c.r.history.record(c.s.name, "forbidden", what, "", false, a)
	if a.outcome == done {
		c.r.violate("access", "n%d gave a student %s", node+1, what)
	}
}

// deadline hands in, then moves the due date to exactly the stamp and to a millisecond before: exactly at the due date
// is on time (I6).
func (c *client) deadline(ctx context.Context) {
	w := c.r.world
	as, err := c.r.assignment(ctx, "Deadline "+c.unique(), time.Now().Add(time.Hour), false)
	if err != nil {
		return
	}
	in := api.SubmitInput{Course: w.course, Assignment: as.ID, ID: lms.NewID(), Text: c.unique()}
	rec, a := call(ctx, c.r, c.s, c.node(), api.Submit, in, lms.NewID())
	c.note("deadline", as.ID, "", true, a)
	if a.outcome != done {
		return
	}
	stamp := rec.Submission.SubmittedAt
	c.acked(&submitted{id: in.ID, user: w.users[c.i], assignment: as.ID, text: in.Text, stamp: stamp, index: rec.Index, start: a.start, end: a.end})
	version := as.Version
	for _, before := range []time.Duration{0, time.Millisecond} {
		update := api.UpdateAssignmentInput{Assignment: as.ID, Version: version, AssignmentInput: api.AssignmentInput{Course: w.course, ID: as.ID,
			Title: as.Title, Points: as.Points, DueAt: stamp.Add(-before), AllowText: true, MaxFiles: 4, MaxFileSize: 16 << 20, AllowedTypes: []string{}, Published: true}}
		preview, a := call(ctx, c.r, w.teacher, c.node(), api.PreviewAssignment, update, lms.NewID())
		c.r.history.record("teacher", "preview-due", as.ID, "", false, a)
		if a.outcome != done {
			return
		}
		update.Preview = preview.Token
		moved, a := call(ctx, c.r, w.teacher, c.node(), api.UpdateAssignment, update, lms.NewID())
		c.r.history.record("teacher", "move-due", as.ID, "", true, a)
		if a.outcome != done {
			return
		}
		version = moved.Version
		c.s.saw(w.teacher.index.Load())
		got, a := call(ctx, c.r, c.s, c.node(), api.GetSubmission, api.SubmissionPath{Course: w.course, Submission: in.ID}, "")
		if want := int64((before + time.Second - 1) / time.Second); a.outcome == done && !a.stale && got.LateSeconds != want {
			c.r.violate("I6", "handed in %v after the due date, stamped %v: late by %d s, want %d", before, stamp.Format(time.RFC3339Nano), got.LateSeconds, want)
		}
	}
}
