//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// client is one person at work, one operation after the other.
type client struct {
	r   *rig
	i   int
	s   *session
	op  *session // with the operator's rights
	rng *rand.Rand
	seq int

	own own // the key that nobody else writes
}

// mix is what people do, about in percent: section 4 of the requirements. Autosaves are registers of the key-value store.
var mix = []struct {
	share int
	op    func(*client, context.Context)
}{
	{13, (*client).readRegister}, {10, (*client).readOwn}, {4, (*client).readHome}, {4, (*client).readAssignment}, {4, (*client).readThread},
	{12, (*client).writeRegister}, {8, (*client).writeOwn},
	{12, (*client).submit}, {6, (*client).upload}, {10, (*client).post}, {4, (*client).takeSeat}, {5, (*client).grade},
	{2, (*client).signInAndOut}, {2, (*client).askTutor}, {1, (*client).administrate},
	{2, (*client).trespass}, {1, (*client).deadline}, {2, (*client).revisit},
}

// load runs the clients until ctx ends. Each op holds paused, so that a quiet check can wait for all.
func (r *rig) load(ctx context.Context) *sync.WaitGroup {
	var wg sync.WaitGroup
	between := time.Duration(float64(time.Second) * float64(r.clients) / r.rate)
	for i, s := range r.world.students {
		c := &client{r: r, i: i, s: s, op: newSession(s.name, operatorToken), rng: rand.New(rand.NewPCG(r.seed, uint64(i)+1))}
		c.own.key = fmt.Sprintf("%sown-%d", r.world.name, i)
		wg.Go(func() {
			next := time.Now().Add(time.Duration(c.rng.Int64N(int64(between) + 1)))
			for ctx.Err() == nil {
				r.paused.RLock()
				c.step(ctx)
				r.paused.RUnlock()
				// Behind its pace a client goes on at once, but it does not make up for a fault's whole duration.
				next = next.Add(between)
				if lag := time.Now().Add(-time.Second); next.Before(lag) {
					next = lag
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Until(next)):
				}
			}
		})
	}
	return &wg
}

func (c *client) step(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	sum := 0
	for _, m := range mix {
		sum += m.share
	}
	n := c.rng.IntN(sum)
	for _, m := range mix {
		if n -= m.share; n < 0 {
			m.op(c, ctx)
			return
		}
	}
}

func (c *client) node() int { return c.rng.IntN(len(c.r.nodes)) }

func (c *client) unique() string {
	c.seq++
	return fmt.Sprintf("c%d-%d-%x", c.i, c.seq, c.rng.Uint32())
}

// note records the operation and looks for what no answer may say.
func (c *client) note(kind, key, detail string, writes bool, a answer) {
	c.r.history.record(c.s.name, kind, key, detail, writes, a)
	if a.outcome == refused && a.kind == lms.KindSignIn {
		c.r.violate("I8", "%s was signed out by force: %s through n%d: %v", c.s.name, kind, a.node+1, a.err)
	}
}

// repeat sends an acknowledged write again, through another node: the answer must be the same.
func repeat[In, Out any](ctx context.Context, c *client, e api.Endpoint[In, Out], in In, key string, same func(Out) bool) {
	if c.rng.IntN(12) != 0 {
		return
	}
	out, a := call(ctx, c.r, c.s, c.node(), e, in, key)
	switch {
	case a.outcome == refused:
		c.r.violate("I3", "a repeat of %s with its key %s was refused by n%d: %v", e.Path, key, a.node+1, a.err)
	case a.outcome == done && !same(out):
		c.r.violate("I3", "a repeat of %s with its key %s was answered differently by n%d: %.300s", e.Path, key, a.node+1, a.body)
	}
}

func (c *client) readHome(ctx context.Context) {
	_, a := call(ctx, c.r, c.s, c.node(), api.GetHome, api.NoInput{}, "")
	c.note("home", "", "", false, a)
}

func (c *client) readAssignment(ctx context.Context) {
	w := c.r.world
	as := w.assignments[c.rng.IntN(len(w.assignments))]
	_, a := call(ctx, c.r, c.s, c.node(), api.GetAssignment, api.AssignmentPath{Course: w.course, Assignment: as.ID}, "")
	c.note("assignment", as.ID, "", false, a)
}

func (c *client) readThread(ctx context.Context) {
	w := c.r.world
	id := w.threads[c.rng.IntN(len(w.threads))]
	q, a := call(ctx, c.r, c.s, c.node(), api.GetQuestion, api.QuestionPath{Course: w.course, Question: id}, "")
	c.note("thread", id, "", false, a)
	if a.outcome == done {
		c.r.see(a.node, id, q.Replies)
	}
}

func (c *client) administrate(ctx context.Context) {
	if c.rng.IntN(2) == 0 {
		_, a := call(ctx, c.r, c.op, c.node(), api.ListUsers, api.ListInput{Limit: 20}, "")
		c.note("users", "", "", false, a)
		return
	}
	_, a := call(ctx, c.r, c.s, c.node(), api.GetCluster, api.NoInput{}, "")
	c.note("cluster", "", "", false, a)
}

// submit hands in text.
func (c *client) submit(ctx context.Context) { c.handIn(ctx, c.unique(), nil) }

func (c *client) handIn(ctx context.Context, text string, files []sent) {
	w := c.r.world
	as := w.assignments[c.rng.IntN(len(w.assignments))]
	in := api.SubmitInput{Course: w.course, Assignment: as.ID, ID: lms.NewID(), Text: text}
	for _, f := range files {
		in.Files = append(in.Files, f.id)
	}
	key := lms.NewID()
	rec, a := call(ctx, c.r, c.s, c.node(), api.Submit, in, key)
	c.note("submit", in.ID, text, true, a)
	if a.outcome == refused {
		c.r.violate("I3", "%s could not hand in (%d tries): %v", c.s.name, a.tries, a.err)
	}
	if a.outcome != done {
		return
	}
	s := rec.Submission
	c.acked(&submitted{id: in.ID, user: w.users[c.i], assignment: as.ID, text: text, files: files, stamp: s.SubmittedAt, index: rec.Index,
		start: a.start, end: a.end, late: s.LateSeconds})
	repeat(ctx, c, api.Submit, in, key, func(again lms.Receipt) bool {
		return again.Submission.ID == s.ID && again.Submission.Attempt == s.Attempt && again.Submission.SubmittedAt.Equal(s.SubmittedAt) && again.Index == rec.Index
	})
}

const maxGradable = 24

func (c *client) acked(s *submitted) {
	w := c.r.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.submissions = append(w.submissions, s)
	if len(w.gradable) < maxGradable {
		w.gradable = append(w.gradable, &gradable{id: s.id})
	}
}

// post appends to a thread.
func (c *client) post(ctx context.Context) {
	w := c.r.world
	thread, text := w.threads[c.rng.IntN(len(w.threads))], c.unique()
	q, a := call(ctx, c.r, c.s, c.node(), api.AddReply, api.ReplyInput{Course: w.course, Question: thread, ID: lms.NewID(), Body: text}, lms.NewID())
	c.note("post", thread, text, true, a)
	w.mu.Lock()
	w.replies[text] = &said{thread: thread, text: text, who: c.s.name, start: a.start, end: a.end, outcome: a.outcome}
	w.mu.Unlock()
	if a.outcome == done {
		c.r.see(a.node, thread, q.Replies)
	}
}

// takeSeat tries to join the newest course with few seats.
func (c *client) takeSeat(ctx context.Context) {
	w := c.r.world
	w.mu.Lock()
	var s *seatRound
	if len(w.seats) > 0 {
		s = w.seats[len(w.seats)-1]
	}
	w.mu.Unlock()
	if s == nil {
		return
	}
	_, a := call(ctx, c.r, c.s, c.node(), api.JoinCourse, api.CodeInput{Code: s.code}, lms.NewID())
	c.note("seat", s.course, "", true, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch a.outcome {
	case done:
		s.got[c.i] = true
	case unknown:
		s.perhaps[c.i] = true
	default:
		s.refusals++
	}
}

// askTutor asks the tutor and, half of the time, reads along.
func (c *client) askTutor(ctx context.Context) {
	w := c.r.world
	in := api.QuestionInput{Course: w.course, ID: lms.NewID(), ReplyID: lms.NewID(), To: lms.ToTutor, Title: "Why " + c.unique(), Visibility: lms.VisibleStaff}
	_, a := call(ctx, c.r, c.s, c.node(), api.AskQuestion, in, lms.NewID())
	c.note("tutor", in.ID, "", true, a)
	if a.outcome != done {
		return
	}
	w.mu.Lock()
	w.tutored = append(w.tutored, asked{in.ID, in.ReplyID})
	w.mu.Unlock()
	if c.rng.IntN(2) == 0 {
		path, err := api.PathOf(api.StreamReply, api.ReplyPath{Course: w.course, Question: in.ID, Reply: in.ReplyID})
		if err == nil {
			c.r.send(ctx, c.s, c.node(), raw{method: "GET", path: path}) // what it brings is checked at the end
		}
	}
}
