package web

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// A member of staff who opens a student's conversation, in whichever way, leaves a trace that the student sees (TUTOR-16).
func TestTranscriptIsRecorded(t *testing.T) {
	for name, open := range map[string]func(*course){
		"page": func(c *course) {
			call(c.site, "tom", api.GetQuestion, api.QuestionPath{Course: "c1", Question: c.toTutor})
		},
		"stream": func(c *course) {
			c.send("GET", "/api/v1/courses/c1/questions/"+c.toTutor+"/replies/"+c.tutorReply+"/stream", c.token("tom", time.Hour), "")
		},
		"reply": func(c *course) {
			call(c.site, "tom", api.AddReply, api.ReplyInput{Course: "c1", Question: c.toTutor, ID: lms.NewID(), Body: "Well."})
		},
		"endorse": func(c *course) {
			call(c.site, "tom", api.EndorseReply, api.EndorseInput{Course: "c1", Question: c.toTutor, Reply: c.tutorReply, Body: "Yes."})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCourse(t, nil)
			c.waitReply(c.toTutor, c.tutorReply)
			mine := api.QuestionPath{Course: "c1", Question: c.toTutor}
			if q := call(c.site, "sue", api.GetQuestion, mine); len(q.Reads) != 0 {
				t.Fatalf("read before anybody has: %+v", q.Reads)
			}
			open(c)
			if q := call(c.site, "sue", api.GetQuestion, mine); len(q.Reads) != 1 || q.Reads[0].Reader == "" {
				t.Errorf("the student sees %+v", q.Reads)
			}
		})
	}
}

func TestExportConversations(t *testing.T) {
	c := newCourse(t, nil)
	c.waitReply(c.toTutor, c.tutorReply)
	const path = "/api/v1/courses/c1/conversations/export"
	sue := c.token("sue", time.Hour)
	all := c.send("GET", path, sue, "")
	var doc struct {
		Course        string
		Conversations []exportedConversation
	}
	decodeJSON(t, all.body, &doc)
	if len(doc.Conversations) != 1 || doc.Conversations[0].ID != c.toTutor || len(doc.Conversations[0].Replies) != 1 {
		t.Errorf("%s", all.body)
	}
	md := c.send("GET", path+"?format=md", sue, "")
	if md.status != 200 || !strings.Contains(md.body, "### Tutor") {
		t.Errorf("%d %s", md.status, md.body)
	}
	if other := c.send("GET", path, c.token("sam", time.Hour), ""); strings.Contains(other.body, c.toTutor) {
		t.Errorf("another's conversation is exported: %s", other.body)
	}
	call(c.site, "sue", api.EraseConversation, api.QuestionPath{Course: "c1", Question: c.toTutor})
	if again := c.send("GET", path, sue, ""); strings.Contains(again.body, c.toTutor) {
		t.Errorf("an erased conversation is exported: %s", again.body)
	}
}

// Generated text is marked in words in both forms (TUTOR-33).
func TestExportMarksGeneratedText(t *testing.T) {
	q := lms.Question{Title: "Why?", AuthorName: "Sue", Replies: []lms.Reply{{AuthorName: "Tutor", Body: "So.", Generated: true, State: lms.ReplyStopped}, {AuthorName: "Ina", Body: "No.", State: lms.ReplyDone}}}
	e := exportOf(q)
	if e.Replies[0].Mark != lms.GeneratedMark || e.Replies[1].Mark != "" {
		t.Errorf("%+v", e.Replies)
	}
	var b strings.Builder
	if err := conversationMarkdown(&b, q); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), lms.GeneratedMark) != 1 || !strings.Contains(b.String(), "stopped") {
		t.Errorf("%s", b.String())
	}
}

func TestGapReport(t *testing.T) {
	c := newCourse(t, nil)
	c.waitReply(c.toTutor, c.tutorReply)
	r := call(c.site, "tom", api.GetTutorGaps, api.GapInput{Course: "c1"})
	if r.Asked != 1 || r.Students != 1 || len(r.Frequent) > 1 || len(r.Weeks) != 1 || r.Weeks[0].Title != "other" {
		t.Errorf("%+v", r)
	}
	refused(c.site, "tom", api.GetTutorGaps, api.GapInput{Course: "c1", From: "yesterday"}, lms.KindInvalid)
	file := c.send("GET", "/api/v1/courses/c1/tutor/gaps/export", c.token("tom", time.Hour), "")
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	if err != nil || len(rows) < 3 || len(rows[0]) != 7 || rows[len(rows)-1][0] != "week" {
		t.Errorf("%v %q", err, rows)
	}
}

// An outline is a draft: students do not see it before it is published (TUTOR-31).
func TestOutlineIsADraft(t *testing.T) {
	c := newCourse(t, nil)
	const text = "# Leaders\n\nA leader needs a quorum. Without a quorum there is no leader."
	m := call(c.site, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: "m3", Title: "Raft", Kind: lms.MaterialPage, Body: text, Published: true})
	refused(c.site, "tom", api.OutlineMaterial, api.OutlineInput{Course: "c1", Material: c.draft, ID: "o0"}, lms.KindRule)
	c.check(c.server.store.ReplacePassages(t.Context(), m, []lms.Passage{{MaterialID: "m3", Ordinal: 1, Heading: "Leaders", Text: text}}, lms.IndexReady, ""))
	page := call(c.site, "tom", api.OutlineMaterial, api.OutlineInput{Course: "c1", Material: "m3", ID: "o1"})
	if page.Published || page.Title != "Outline: Raft" || !strings.Contains(page.BodyHTML, `href="/courses/c1/materials/m3#p1"`) {
		t.Errorf("%+v", page)
	}
	refused(c.site, "sue", api.GetMaterial, api.MaterialPath{Course: "c1", Material: "o1"}, lms.KindNotFound)
}
