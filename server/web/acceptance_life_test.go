package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
	"trivium/server/tutor/tutortest"
)

// same waits until all nodes show the same final answer and returns it.
func (c *class) same(user string, a asked) lms.Reply {
	c.t.Helper()
	var first lms.Reply
	for i := range c.sites {
		r := c.answer(i, user, a)
		if i == 0 {
			first = r
		} else if !reflect.DeepEqual(r, first) {
			c.t.Fatalf("node %d has %+v, node 0 %+v", i, r, first)
		}
	}
	return first
}

// The question is taken at once, the answer comes when it comes, and it is the same on all nodes for one call.
func TestAcceptance16SlowReply(t *testing.T) {
	gate := make(chan struct{})
	c := newClass(t, 3, tutortest.Holds(tutortest.Events(tutortest.Chunk("They overlap [1]. ")), gate, tutortest.Events(tutortest.Chunk("Hence they share a node."), tutortest.Stop, tutortest.Done)), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	a := c.ask(1, "sue", askQuorum) // returns while the model is silent
	q := call(c.sites[1], "sue", api.GetQuestion, api.QuestionPath{Course: "c1", Question: a.question})
	if r := q.Replies[0]; r.State.Final() || r.Body != "" {
		t.Errorf("before the model has spoken: %+v", r)
	}
	until(t, "the call", func() bool { return c.model.Count() == 1 })
	events := c.sites[2].stream(streamPath(a), c.sites[2].token("sue", time.Hour))
	for text := ""; !strings.Contains(text, "overlap"); {
		e, ok := next[api.ReplyEvent](t, events)
		if text += e.Text; !ok {
			t.Fatal("the stream has ended")
		}
	}
	close(gate)
	if r := c.same("sue", a); r.Body != "They overlap [1]. Hence they share a node." || r.State != lms.ReplyDone {
		t.Errorf("%+v", r)
	}
	c.set.WaitEqual()
	if n := c.model.Count(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// deaths is a model whose first call tells half of the answer and never ends; later calls tell all of it.
func deaths(begun chan<- struct{}) tutortest.Play {
	return tutortest.Script(func(w http.ResponseWriter, r *http.Request, n int) {
		tutortest.Events(tutortest.Chunk("They overlap [1]. "), tutortest.Chunk("Hence"))(w, r, n)
		begun <- struct{}{}
		<-r.Context().Done()
	}, tutortest.Says("They overlap [1]. Hence they share a node."))
}

// Whoever dies mid-stream, one answer is stored with at most one further call, and every node tells the same text.
func TestAcceptance15Deaths(t *testing.T) {
	const whole = "They overlap [1]. Hence they share a node."
	start := func(t *testing.T, play tutortest.Play) *class {
		c := newClass(t, 3, play, nil)
		c.page("c1", "ina", "m1", "Notes", quorums, true)
		c.set.WaitEqual()
		return c
	}
	index := func(c *class) (leader, follower int) {
		leader = c.set.Index(c.set.Leader())
		return leader, (leader + 1) % 3
	}
	check := func(t *testing.T, c *class, a asked, calls int) {
		t.Helper()
		if r := c.same("sue", a); r.State != lms.ReplyDone || r.Body != whole || !r.Generated {
			t.Errorf("%+v", r)
		}
		for i := range c.sites {
			if text, _ := c.stream(i, "sue", a); text != whole {
				t.Errorf("node %d tells %q by id", i, text)
			}
		}
		if n := c.model.Count(); n < 1 || n > calls {
			t.Errorf("%d calls, want at most %d", n, calls)
		}
		c.set.WaitEqual()
	}
	t.Run("the leader, which does not answer", func(t *testing.T) {
		gate := make(chan struct{})
		c := start(t, tutortest.Holds(tutortest.Events(tutortest.Chunk("They overlap [1]. ")), gate, tutortest.Events(tutortest.Chunk("Hence they share a node."), tutortest.Stop, tutortest.Done)))
		leader, follower := index(c)
		a := c.ask(follower, "sue", askQuorum)
		until(t, "the call", func() bool { return c.model.Count() == 1 })
		events := c.sites[follower].stream(streamPath(a), c.sites[follower].token("sue", time.Hour))
		c.kill(leader)
		close(gate)
		text := ""
		for {
			e, ok := next[api.ReplyEvent](t, events)
			if text += e.Text; !ok || e.Reply != nil {
				break
			}
		}
		if text != whole {
			t.Errorf("the stream told %q", text)
		}
		c.restart(leader)
		check(t, c, a, 2) // one, unless the election takes longer than a claim lasts
	})
	t.Run("the node that answers", func(t *testing.T) {
		begun := make(chan struct{}, 1)
		c := start(t, deaths(begun))
		_, follower := index(c)
		a := c.ask(follower, "sue", askQuorum)
		<-begun
		c.kill(follower)
		other := (follower + 1) % 3
		if r := c.answer(other, "sue", a); r.Body != whole {
			t.Errorf("%+v", r)
		}
		c.restart(follower)
		check(t, c, a, 2)
	})
	t.Run("the client", func(t *testing.T) {
		gate := make(chan struct{})
		c := start(t, tutortest.Holds(tutortest.Events(tutortest.Chunk("They overlap [1]. ")), gate, tutortest.Events(tutortest.Chunk("Hence they share a node."), tutortest.Stop, tutortest.Done)))
		a := c.ask(0, "sue", askQuorum)
		ctx, leave := context.WithCancel(t.Context())
		go api.Stream(ctx, c.sites[1].as("sue"), streamPath(a), "", func(event []byte) error {
			var e api.ReplyEvent
			if json.Unmarshal(event, &e) == nil && e.Text != "" {
				leave()
			}
			return nil
		})
		<-ctx.Done()
		close(gate)
		check(t, c, a, 1)
	})
	t.Run("all nodes", func(t *testing.T) {
		begun := make(chan struct{}, 1)
		c := start(t, deaths(begun))
		a := c.ask(0, "sue", askQuorum)
		<-begun
		for i := range c.sites {
			c.kill(i)
		}
		for i := range c.sites {
			c.set.Restart(i)
		}
		for i := range c.sites {
			c.set.WaitReady(i)
			c.open(i)
		}
		check(t, c, a, 2)
	})
}

// Parallel questions on three nodes, over a change of the leader: exactly as many as the quota allows are taken.
func TestAcceptance12QuotasOverALeaderChange(t *testing.T) {
	c := newClass(t, 3, tutortest.Says("They overlap [1]."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	c.policy(func(p *lms.TutorPolicy) { p.HourlyQuota, p.DailyQuota = 10, 15 })
	c.set.WaitEqual()
	leader := c.set.Index(c.set.Leader())
	clients := map[string]*api.Client{} // of one session each, moving between the nodes that live
	for _, user := range []string{"sue", "sam"} {
		var origins []string
		for i := range c.sites {
			if i != leader {
				origins = append(origins, c.sites[i].base)
			}
		}
		clients[user+"0"] = api.NewClient(origins[0], api.WithBearer(c.sites[0].token(user, time.Hour)), api.WithTimeouts(10*time.Second, time.Minute))
		clients[user+"1"] = api.NewClient(origins[1], api.WithBearer(c.sites[0].token(user, time.Hour)), api.WithTimeouts(10*time.Second, time.Minute))
	}
	var taken sync.Map
	var refusals atomic.Int32
	begin := make(chan struct{})
	var once sync.Once
	parallel(24, func(i int) {
		user := []string{"sue", "sam"}[i%2]
		if i >= 6 {
			<-begin // the first six before the leader dies, the others while it does
		}
		a := asked{fmt.Sprint("p", i), fmt.Sprint("pr", i)}
		_, err := api.Call(t.Context(), clients[fmt.Sprint(user, i/2%2)], api.AskQuestion, api.QuestionInput{Course: "c1", ID: a.question, ReplyID: a.reply, To: lms.ToTutor, Title: askQuorum, Visibility: lms.VisibleStaff})
		once.Do(func() {
			go c.kill(leader)
			close(begin)
		})
		switch lms.KindOf(err) {
		case "":
			taken.Store(a, user)
		case lms.KindLimit:
			refusals.Add(1)
		default:
			t.Errorf("%s: %v", a.question, err)
		}
	})
	byUser := map[any]int{}
	taken.Range(func(_, user any) bool { byUser[user]++; return true })
	if byUser["sue"]+byUser["sam"] != 15 || byUser["sue"] > 10 || byUser["sam"] > 10 || refusals.Load() != 9 {
		t.Errorf("taken %v, refused %d", byUser, refusals.Load())
	}
	alive := (leader + 1) % 3
	taken.Range(func(a, user any) bool {
		if r := c.answer(alive, user.(string), a.(asked)); r.State != lms.ReplyDone {
			t.Errorf("%+v", r)
		}
		return true
	})
	if n := c.model.Count(); n < 15 || n > 30 { // each once, or once more where the election takes longer than a claim lasts
		t.Errorf("%d calls for 15 questions", n)
	}
	until(t, "the leader's end", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.set.Nodes[leader].DB == nil })
}

// What failed is given back; an endpoint that tells no usage is estimated high; a cap on tokens is never passed.
func TestAcceptance12RefundAndTokens(t *testing.T) {
	c := newClass(t, 1, tutortest.Status(500, "{}"), nil)
	s := c.sites[0]
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	if r := c.say(askQuorum); r.State != lms.ReplyFailed || len(r.Citations) == 0 || c.quota("sue").Left != 20 {
		t.Errorf("a failed call: %+v, %+v", r, c.quota("sue"))
	}
	tokens := func() int64 {
		n, _, err := s.store.TutorTokens(t.Context(), "c1", time.Now().Add(-time.Hour))
		s.check(err)
		return n
	}
	before := tokens()
	c.model.Play(tutortest.Says("They overlap [1]."))
	c.say(askQuorum)
	prompt := int64(len(c.model.Last().Prompt()))
	if used := tokens() - before; used < prompt/3 || used > prompt/3+300 || c.quota("sue").Left != 19 {
		t.Errorf("without usage: %d tokens for %d bytes", used, prompt)
	}
	before = tokens()
	c.model.Play(tutortest.Events(tutortest.Chunk("They overlap [1]."), tutortest.Stop, tutortest.Usage(400, 9), tutortest.Done))
	c.say(askQuorum)
	if used := tokens() - before; used != 409 {
		t.Errorf("with usage: %d tokens", used)
	}
	limit := tokens() + 3000
	c.policy(func(p *lms.TutorPolicy) { p.MonthlyCap, p.HourlyQuota = limit, 100 })
	calls := c.model.Count()
	var done, capped atomic.Int32
	parallel(20, func(i int) {
		a, err := c.tryAsk(0, []string{"sue", "sam"}[i%2], askQuorum)
		if err != nil {
			t.Error(err)
			return
		}
		switch r := c.answer(0, []string{"sue", "sam"}[i%2], a); {
		case r.State == lms.ReplyDone:
			done.Add(1)
		case strings.Contains(r.Note, "used up") && len(r.Citations) > 0:
			capped.Add(1)
		default:
			t.Errorf("%+v", r)
		}
	})
	if n := tokens(); n > limit || done.Load() == 0 || capped.Load() == 0 || int(done.Load()) != c.model.Count()-calls {
		t.Errorf("%d of %d tokens, %d answered, %d capped, %d calls", n, limit, done.Load(), capped.Load(), c.model.Count()-calls)
	}
}

// While an endpoint hangs for many questions, nothing else of the site fails, and every question gets its passages in the end.
func TestAcceptance13OtherRequestsAreUnaffected(t *testing.T) {
	c := newClass(t, 1, tutortest.Holds(nil, nil, nil), func(tc *tutor.Config) { tc.Limits.FirstToken = 2 * time.Second })
	s := c.sites[0]
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	var all []asked
	for range 12 {
		all = append(all, c.ask(0, "sue", askQuorum))
	}
	until(t, "the calls", func() bool { return c.model.Count() >= 4 })
	for i := range 20 {
		call(s, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: fmt.Sprint("x", i), Title: "X", Kind: lms.MaterialPage, Body: "x"})
		call(s, "sue", api.ListMaterials, api.CoursePath{Course: "c1"})
		call(s, "sue", api.SearchCourse, api.SearchInput{Course: "c1", Query: "quorum"})
	}
	for _, a := range all {
		if r := c.answer(0, "sue", a); r.State != lms.ReplyFailed || len(r.Citations) == 0 || !strings.Contains(r.Note, "Your question is kept") {
			t.Errorf("%+v", r)
		}
	}
}
