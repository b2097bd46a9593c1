package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func reads(t *testing.T, s *storetest.Site, actor lms.Actor, id string) lms.Question {
	t.Helper()
	q, err := s.Question(t.Context(), actor, s.Course.ID, id)
	want(t, err, nil)
	want(t, s.ReadTranscript(t.Context(), actor, q), nil)
	return q
}

// Whoever of the staff reads a conversation stands in the log and in the conversation (TUTOR-16).
func TestReadTranscript(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	answered(t, s, "1", "Because.")
	reads(t, s, s.Alice, "q-1")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { reads(t, s, s.TA, "q-1") })
	}
	wg.Wait()
	reads(t, s, s.Instructor, "q-1")
	q := reads(t, s, s.Alice, "q-1")
	if len(q.Reads) != 2 || q.Reads[0].Reader != s.Instructor.Name || q.Reads[1].Reader != s.TA.Name || time.Since(q.Reads[0].At) > time.Hour {
		t.Errorf("the student sees %+v", q.Reads)
	}
	records, _, total, err := s.AuditRecords(ctx, store.AuditFilter{Action: string(lms.AuditTranscriptRead)}, "", 0)
	want(t, err, nil)
	if total != 2 || records[0].Object != "question/q-1" || records[0].Details["student"] != s.Alice.UserID {
		t.Errorf("%+v", records)
	}
	staff := lms.ToStaff
	_, err = s.SetQuestion(ctx, s.Alice, s.Course.ID, "q-1", nil, &staff)
	want(t, err, nil)
	if q := reads(t, s, s.Admin, "q-1"); len(q.Reads) != 2 {
		t.Errorf("what was sent to the staff is a transcript: %+v", q.Reads)
	}
	items, _, _, err := s.Questions(ctx, s.TA, s.Course.ID, lms.ToTutor, "", false, "", 0)
	want(t, err, nil)
	for _, q := range items {
		if q.Body != "" {
			t.Errorf("a list shows what was asked without a record: %q", q.Body)
		}
	}
}

// everywhere counts the places of the database where a text stands, the search included.
func everywhere(t *testing.T, s *storetest.Site, word string) int {
	t.Helper()
	n := 0
	for _, q := range []string{
		`SELECT count(*) FROM questions WHERE instr(title || body, ?1)`, `SELECT count(*) FROM replies WHERE instr(body || note || citations, ?1)`,
		`SELECT count(*) FROM endorsements WHERE instr(asked || body, ?1)`, `SELECT count(*) FROM passages WHERE instr(heading || text, ?1)`,
		`SELECT count(*) FROM reply_ratings WHERE instr(reason, ?1)`, `SELECT count(*) FROM passages_search WHERE passages_search MATCH ?1`,
	} {
		rows, err := s.DB().Query(t.Context(), consensus.Local, q, word)
		want(t, err, nil)
		var k int
		want(t, rows.Values[0].Scan(&k), nil)
		n += k
	}
	return n
}

// Erased text is nowhere, not even in the search; counts stay (TUTOR-20, TUTOR-32).
func TestEraseConversation(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	answered(t, s, "zebra", "Because zebra.")
	_, err := s.RateReply(ctx, s.Alice, s.Course.ID, "q-zebra", "r-zebra", lms.Rating{Reason: "zebra"})
	want(t, err, nil)
	_, err = s.Endorse(ctx, s.TA, lms.Endorsement{CourseID: s.Course.ID, QuestionID: "q-zebra", ReplyID: "r-zebra"})
	want(t, err, nil)
	answered(t, s, "other", "Because other.")
	want(t, askTutor(s, s.Alice, "busy"), nil)
	list := func(query string) int {
		_, _, total, err := s.Conversations(ctx, s.Alice, s.Course.ID, query, "", 0)
		want(t, err, nil)
		return total
	}
	if list("") != 3 || list("ZEBRA") != 1 || list("because o") != 1 || everywhere(t, s, "zebra") < 6 {
		t.Fatalf("%d, %d, %d conversations; in %d places", list(""), list("zebra"), list("because o"), everywhere(t, s, "zebra"))
	}
	for _, actor := range []lms.Actor{s.Bob, s.Instructor, s.Admin} {
		want(t, s.EraseConversation(ctx, actor, s.Course.ID, "q-zebra"), lms.ErrNotYours)
	}
	used, err := counts(t, s)
	want(t, err, nil)
	want(t, s.EraseConversation(ctx, s.Alice, s.Course.ID, "q-zebra"), nil)
	if n := everywhere(t, s, "zebra"); n != 0 {
		t.Errorf("erased text is still in %d places", n)
	}
	if list("") != 2 {
		t.Error("an erased conversation is listed")
	}
	_, err = s.Question(ctx, s.Alice, s.Course.ID, "q-zebra")
	want(t, err, lms.ErrNotFound)
	_, err = s.AddReply(ctx, s.Alice, s.Course.ID, "q-zebra", lms.Reply{ID: "again", Body: "More"}, "again-r")
	want(t, err, lms.ErrNotFound)
	after, err := counts(t, s)
	want(t, err, nil)
	if used != after {
		t.Errorf("the counts were %s and are %s", used, after)
	}

	claimed, err := s.ClaimReply(ctx, "r-busy", "n1", time.Minute)
	if err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	want(t, s.EraseConversation(ctx, s.Alice, s.Course.ID, "q-busy"), nil)
	wantKind(t, s.FinishReply(ctx, "n1", lms.Reply{ID: "r-busy", State: lms.ReplyDone, Body: "late"}, lms.ReplyRecord{}), lms.KindConflict, "")
	var ids []string
	want(t, s.EachConversation(ctx, s.Alice, s.Course.ID, func(q lms.Question) error { ids = append(ids, q.ID); return nil }), nil)
	if fmt.Sprint(ids) != "[q-other]" {
		t.Errorf("exported: %v", ids)
	}
}

func TestEraseOldConversations(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	answered(t, s, "old", "Because old.")
	answered(t, s, "new", "Because new.")
	asked, err := s.Ask(ctx, s.Alice, lms.Question{ID: "staff", CourseID: s.Course.ID, To: lms.ToStaff, Title: "Exam?", Visibility: lms.VisibleStaff}, "")
	want(t, err, nil)
	n, err := s.EraseOldConversations(ctx)
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
	age(t, s, 180*24*time.Hour+time.Minute, "q-old", asked.ID)
	if n, err = s.EraseOldConversations(ctx); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err = s.Question(ctx, s.Alice, s.Course.ID, "q-new"); err != nil {
		t.Error(err)
	}
	if _, err = s.Question(ctx, s.Alice, s.Course.ID, asked.ID); err != nil {
		t.Error("a question to the staff was erased:", err)
	}
	if everywhere(t, s, "old") != 0 {
		t.Error("old text is still there")
	}
	if n, err = s.EraseOldConversations(ctx); err != nil || n != 0 {
		t.Error(n, err)
	}
}

// counts is what stays of a conversation.
func counts(t *testing.T, s *storetest.Site) (string, error) {
	t.Helper()
	rows, err := s.DB().Query(t.Context(), consensus.Local, `SELECT (SELECT count(*) FROM tutor_calls WHERE counted = 1), (SELECT sum(tokens) FROM tutor_calls),
		(SELECT count(*) FROM reply_records), (SELECT count(*) FROM reply_ratings), (SELECT count(*) FROM replies)`)
	return fmt.Sprint(rows.Values), err
}

// age makes questions older.
func age(t *testing.T, s *storetest.Site, by time.Duration, ids ...string) {
	t.Helper()
	var b consensus.Batch
	for _, id := range ids {
		b.Exec(`UPDATE questions SET updated_at = updated_at - ?2 WHERE question_id = ?1`, id, by.Milliseconds())
	}
	_, err := s.DB().Apply(t.Context(), &b)
	want(t, err, nil)
}

// What the report is made of: students only, each message with what became of it, no other course, counts without text after erasing.
func TestTutorTurns(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	answered(t, s, "1", "Because.")
	_, err := s.AddReply(ctx, s.Alice, s.Course.ID, "q-1", lms.Reply{ID: "m-2", Body: "And the second one?"}, "r-2")
	want(t, err, nil)
	finish(t, s, "2", lms.Reply{}, lms.ReplyRecord{Relevant: false})
	_, err = s.RateReply(ctx, s.Alice, s.Course.ID, "q-1", "r-2", lms.Rating{})
	want(t, err, nil)
	want(t, askTutor(s, s.TA, "ta"), nil)
	day := 24 * time.Hour
	turns, err := s.TutorTurns(ctx, s.TA, s.Course.ID, time.Now().Add(-day), time.Now().Add(day))
	want(t, err, nil)
	if len(turns) != 2 {
		t.Fatalf("%+v", turns)
	}
	byText := map[string]lms.TutorTurn{}
	for _, turn := range turns {
		byText[strings.TrimSpace(turn.Text)] = turn
	}
	if a, b := byText["Why 1?"], byText["And the second one?"]; a.NoPassage || len(a.Citations) != 1 || a.Rated || !b.NoPassage || !b.Rated || b.Helpful {
		t.Errorf("%+v", turns)
	}
	_, err = s.TutorTurns(ctx, s.Alice, s.Course.ID, time.Now().Add(-day), time.Now())
	want(t, err, lms.ErrForbidden)
	_, err = s.TutorTurns(ctx, s.Stranger, s.Course.ID, time.Now().Add(-day), time.Now())
	want(t, err, lms.ErrNotYourCourse)
	if old, err := s.TutorTurns(ctx, s.TA, s.Course.ID, time.Now().Add(-3*day), time.Now().Add(-2*day)); err != nil || len(old) != 0 {
		t.Errorf("%+v %v", old, err)
	}
	want(t, s.EraseConversation(ctx, s.Alice, s.Course.ID, "q-1"), nil)
	turns, err = s.TutorTurns(ctx, s.TA, s.Course.ID, time.Now().Add(-day), time.Now().Add(day))
	want(t, err, nil)
	for _, turn := range turns {
		if strings.TrimSpace(turn.Text) != "" || len(turn.Citations) != 0 {
			t.Errorf("erased, but in the report: %+v", turn)
		}
	}
	if len(turns) != 2 {
		t.Errorf("the counts are lost: %+v", turns)
	}
}
