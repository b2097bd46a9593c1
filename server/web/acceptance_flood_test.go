package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/tutor"
	"trivium/server/tutor/tutortest"
)

// A thousand idle streams and a flood of questions disturb neither writes nor the leader: the term stays, every write and every
// question succeeds. What the writes cost is logged; build/soak and build/bench measure it on a quiet machine.
func TestAcceptance23StreamsAndAFloodOfQuestions(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a thousand connections")
	}
	const people = 40
	streams := 1000
	if tutortest.Raced {
		streams = 60
	}
	gate := make(chan struct{})
	c := newClass(t, 3, tutortest.Holds(tutortest.Events(tutortest.Chunk("They overlap [1]. ")), gate, tutortest.Events(tutortest.Chunk("So they share a node."), tutortest.Stop, tutortest.Done)),
		func(tc *tutor.Config) { // claims as of the product: those that are quick enough for tests would be taken over
			tc.Waiting, tc.Limits.Heartbeat, tc.Limits.Stale, tc.Limits.Poll = 500, 2500*time.Millisecond, 10*time.Second, 500*time.Millisecond
			tc.Limits.Idle, tc.Limits.Total, tc.Limits.Queue = 5*time.Minute, 10*time.Minute, 10*time.Minute // the gate opens when half of the writes are done
		},
		func(cc *consensus.Config) { // the profile for slow machines: this one may be busy with other tests
			cc.HeartbeatTimeout, cc.ElectionTimeout, cc.LeaseTimeout, cc.HoldTimeout = 5*time.Second, 5*time.Second, 4*time.Second, 20*time.Second
		})
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	var tokens []string
	for i := range people {
		login := fmt.Sprint("p", i)
		c.sites[0].user(login, false, false)
		call(c.sites[0], "ina", api.AddMember, api.AddMemberInput{Course: "c1", Login: login, Role: lms.RoleStudent})
		call(c.sites[0], login, api.AcceptTutorNotice, api.TutorNoticeInput{Notice: lms.TutorNotice})
		tokens = append(tokens, c.sites[0].token(login, time.Hour))
	}
	c.set.WaitEqual()
	term := c.set.Leader().DB.Status().Term
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for i := range streams {
		req, err := http.NewRequestWithContext(ctx, "GET", c.sites[i%3].base+"/api/v1/events", nil)
		c.sites[0].check(err)
		req.Header.Set("Authorization", "Bearer "+tokens[i%people])
		res, err := client.Do(req)
		c.sites[0].check(err)
		if res.StatusCode != 200 {
			t.Fatalf("stream %d: %d", i, res.StatusCode)
		}
		readers.Go(func() {
			defer res.Body.Close()
			io.Copy(io.Discard, res.Body)
		})
	}
	var flood sync.WaitGroup
	all := make([]asked, 3*people)
	for i := range all {
		all[i] = asked{fmt.Sprint("f", i), fmt.Sprint("fr", i)}
		flood.Go(func() {
			_, err := api.Call(t.Context(), api.NewClient(c.sites[i%3].base, api.WithBearer(tokens[i%people])), api.AskQuestion, api.QuestionInput{Course: "c1", ID: all[i].question, ReplyID: all[i].reply,
				To: lms.ToTutor, Title: askQuorum, Visibility: lms.VisibleStaff})
			if err != nil {
				t.Errorf("question %d: %v", i, err)
			}
		})
	}
	var took []time.Duration
	ina := c.sites[0].as("ina")
	for i := range 100 {
		began := time.Now()
		if _, err := api.Call(t.Context(), ina, api.CreateMaterial, api.MaterialInput{Course: "c1", ID: fmt.Sprint("w", i), Title: "X", Kind: lms.MaterialPage, Body: "x"}); err != nil {
			t.Errorf("write %d: %v", i, err)
		}
		took = append(took, time.Since(began))
		if i == 50 {
			close(gate)
		}
	}
	flood.Wait()
	for i, a := range all {
		until(t, "answer "+a.reply, func() bool {
			_, state, err := c.sites[0].store.ReplyClaim(t.Context(), a.reply)
			if err == nil && state == lms.ReplyFailed {
				t.Fatalf("question %d has failed", i)
			}
			return err == nil && state == lms.ReplyDone
		})
	}
	if now := c.set.Leader().DB.Status().Term; now != term {
		t.Errorf("term %d became %d: there was an election", term, now)
	}
	slices.Sort(took)
	t.Logf("writes during the flood: median %v, p95 %v; %d calls for %d questions", took[50].Round(time.Millisecond), took[95].Round(time.Millisecond), c.model.Count(), len(all))
	if c.model.Count() != len(all) {
		t.Errorf("%d calls for %d questions", c.model.Count(), len(all))
	}
}
