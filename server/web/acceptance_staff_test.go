package web

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/tutor/tutortest"
)

func TestAcceptance20AskHumanOnceAndEndorsedFirst(t *testing.T) {
	c := newClass(t, 3, tutortest.Says("By luck [1]."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	a := c.ask(0, "sue", askQuorum)
	c.same("sue", a)
	var mu sync.Mutex
	ids := map[string]bool{}
	parallel(9, func(i int) {
		q, err := api.Call(t.Context(), c.sites[i%3].as("sue"), api.AskHuman, api.AskHumanInput{Course: "c1", Question: a.question, Reply: a.reply, ID: fmt.Sprint("h", i)})
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		ids[q.ID] = true
		mu.Unlock()
	})
	staff := call(c.sites[1], "ina", api.ListQuestions, api.ListQuestionsInput{Course: "c1", To: lms.ToStaff})
	if len(ids) != 1 || len(staff.Items) != 1 {
		t.Errorf("asked nine times: %v, %d entries", ids, len(staff.Items))
	}
	for id := range ids {
		q := call(c.sites[1], "ina", api.GetQuestion, api.QuestionPath{Course: "c1", Question: id})
		if !strings.Contains(q.Body, askQuorum) || !strings.Contains(q.Body, "By luck") || !strings.Contains(q.Body, "Notes") {
			t.Errorf("the staff read %q", q.Body)
		}
	}
	const corrected = "Two majorities of the same nodes together hold more than all of them."
	call(c.sites[2], "ina", api.EndorseReply, api.EndorseInput{Course: "c1", Question: a.question, Reply: a.reply, Body: corrected})
	c.set.WaitEqual()
	c.model.Play(tutortest.Says("Because of counting [1]."))
	b := c.ask(1, "sam", askQuorum)
	r := c.same("sam", b)
	if len(r.Citations) != 1 || r.Citations[0].Endorsed != a.reply || !strings.Contains(r.Citations[0].Quote, "together hold more") || !strings.Contains(c.model.Last().Last(), "[1] Endorsed answer") {
		t.Errorf("cited %+v", r.Citations)
	}
}

// A reading of a transcript stands in the log; what a student erases is gone from every node and from the search.
func TestAcceptance21TranscriptsAndErasure(t *testing.T) {
	c := newClass(t, 3, tutortest.Says("They overlap, zyzzyva [1]."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	a := c.ask(0, "sue", askQuorum+" xylophone")
	c.same("sue", a)
	call(c.sites[1], "tom", api.GetQuestion, api.QuestionPath{Course: "c1", Question: a.question})
	c.set.WaitEqual()
	if q := call(c.sites[2], "sue", api.GetQuestion, api.QuestionPath{Course: "c1", Question: a.question}); len(q.Reads) != 1 || q.Reads[0].Reader != "Tom" {
		t.Errorf("the student reads %+v", q.Reads)
	}
	records, _, _, err := c.sites[0].store.AuditRecords(t.Context(), store.AuditFilter{Action: string(lms.AuditTranscriptRead)}, "", 10)
	if err != nil || len(records) != 1 || records[0].ActorID != "tom" {
		t.Errorf("the log: %+v, %v", records, err)
	}
	call(c.sites[1], "ina", api.EndorseReply, api.EndorseInput{Course: "c1", Question: a.question, Reply: a.reply})
	paths := []string{"/questions", "/questions/" + a.question, "/conversations?q=xylophone", "/conversations/export", "/search?q=overlap", "/faq?q=zyzzyva", "/conversations"}
	for _, path := range paths[:6] {
		if r := c.sites[1].send("GET", "/api/v1/courses/c1"+path, c.sites[1].token("sue", time.Hour), ""); r.status != 200 || !strings.Contains(r.body, "xylophone") && !strings.Contains(r.body, "zyzzyva") && path != "/search?q=overlap" {
			t.Errorf("%s does not show the conversation: %d %s", path, r.status, r.body)
		}
	}
	call(c.sites[1], "sue", api.EraseConversation, api.QuestionPath{Course: "c1", Question: a.question})
	c.set.WaitEqual()
	for i, s := range c.sites {
		token := s.token("sue", time.Hour)
		for _, path := range append(paths, "/search?q=zyzzyva", "/search?q=xylophone", "/faq") {
			for _, who := range []string{token, s.token("ina", time.Hour)} {
				if r := s.send("GET", "/api/v1/courses/c1"+path, who, ""); strings.Contains(r.body, "xylophone") || strings.Contains(r.body, "zyzzyva") {
					t.Errorf("node %d, %s: %s", i, path, r.body)
				}
			}
		}
	}
}

// A message of distress is answered at once, with the endpoint down, and told once however often it is read or resumed.
func TestAcceptance22CrisisWithTheEndpointDown(t *testing.T) {
	c := newClass(t, 3, tutortest.Says("no"), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	c.model.CloseClientConnections()
	c.model.Close()
	a := c.ask(2, "sue", "my loop fails and I want to die")
	r := c.same("sue", a)
	if r.State != lms.ReplyDone || !strings.Contains(r.Body, "findahelpline.com") || r.Generated {
		t.Errorf("%+v", r)
	}
	for i, s := range c.sites {
		for _, who := range []string{"ina", "root"} {
			home := call(s, who, api.GetHome, api.NoInput{})
			if len(home.Flags) != 1 || !home.Flags[0].Severe || home.Flags[0].Kind != "self_harm" {
				t.Errorf("node %d tells %s: %+v", i, who, home.Flags)
			}
		}
		flags := call(s, "ina", api.ListTutorFlags, api.ListFlagsInput{Course: "c1"})
		if len(flags.Items) != 1 {
			t.Errorf("node %d: %d alerts", i, len(flags.Items))
		}
	}
}
