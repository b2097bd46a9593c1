package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestQuestionsToStaff(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Page(t, "m-draft", "Draft", false)
	ask := func(actor lms.Actor, id, material string, v lms.Visibility) (lms.Question, error) {
		return s.Ask(ctx, actor, lms.Question{ID: id, CourseID: s.Course.ID, To: lms.ToStaff, Title: "Why?", MaterialID: material, Visibility: v}, "")
	}
	_, err := ask(s.Stranger, "q-x", "", lms.VisibleStaff)
	want(t, err, lms.ErrNotYourCourse)
	_, err = ask(s.Observer, "q-x", "", lms.VisibleStaff)
	want(t, err, lms.ErrForbidden)
	_, err = ask(s.Alice, "q-x", "m-draft", lms.VisibleStaff)
	wantKind(t, err, lms.KindNotFound, "material")
	q, err := ask(s.Alice, "q-own", "", lms.VisibleStaff)
	want(t, err, nil)
	if q.State != lms.QuestionOpen || q.AuthorName != "Alice Example" || len(q.Replies) != 0 {
		t.Errorf("asked %+v", q)
	}
	_, err = ask(s.Bob, "q-own", "", lms.VisibleStaff)
	wantKind(t, err, lms.KindConflict, "exists")
	_, err = ask(s.Alice, "q-all", "", lms.VisibleCourse)
	want(t, err, nil)

	_, err = s.Question(ctx, s.Bob, s.Course.ID, "q-own")
	want(t, err, lms.ErrNotYours)
	_, err = s.Question(ctx, s.Bob, s.Course.ID, "q-all")
	want(t, err, nil)
	_, err = s.Question(ctx, s.Stranger, s.Other.ID, "q-all")
	want(t, err, lms.ErrNotFound)
	for name, c := range map[string]struct {
		actor lms.Actor
		state lms.QuestionState
		mine  bool
		ids   string
	}{
		"author": {s.Alice, "", false, "[q-all q-own]"}, "peer": {s.Bob, "", false, "[q-all]"}, "own of a peer": {s.Bob, "", true, "[]"},
		"staff": {s.TA, lms.QuestionOpen, false, "[q-all q-own]"}, "answered": {s.TA, lms.QuestionAnswered, false, "[]"},
	} {
		t.Run("list of "+name, func(t *testing.T) {
			ids, after := []string{}, ""
			for {
				items, next, total, err := s.Questions(ctx, c.actor, s.Course.ID, "", c.state, c.mine, after, 1)
				want(t, err, nil)
				for _, q := range items {
					ids = append(ids, q.ID)
				}
				if after = next; next == "" {
					if total != len(ids) {
						t.Errorf("total %d", total)
					}
					break
				}
			}
			if fmt.Sprint(ids) != c.ids {
				t.Errorf("got %v, want %s", ids, c.ids)
			}
		})
	}

	reply := func(actor lms.Actor, q, id string) (lms.Question, error) {
		return s.AddReply(ctx, actor, s.Course.ID, q, lms.Reply{ID: id, Body: "Because."}, "")
	}
	_, err = reply(s.Bob, "q-own", "r-x")
	want(t, err, lms.ErrNotYours)
	home, err := s.Home(ctx, s.TA)
	want(t, err, nil)
	if len(home.Queue) != 2 {
		t.Errorf("queue %+v", home.Queue)
	}
	if n := race(t, 2, "", func(i int) error { _, err := reply(s.TA, "q-own", fmt.Sprint("r-", i)); return err }); n != 2 {
		t.Error("two answers at once: one was lost")
	}
	q, err = s.Question(ctx, s.Alice, s.Course.ID, "q-own")
	want(t, err, nil)
	if q.State != lms.QuestionAnswered || len(q.Replies) != 2 || q.Replies[0].AuthorName != "Tom Assistant" || q.Replies[0].AuthorRole != lms.RoleTA || q.ReplyCount != 2 || q.Replies[1].CreatedAt.IsZero() {
		t.Errorf("answered %+v", q)
	}
	q, err = reply(s.Alice, "q-own", "r-follow")
	want(t, err, nil)
	if q.State != lms.QuestionOpen {
		t.Errorf("a follow-up leaves it %s", q.State)
	}
	_, err = reply(s.Alice, "q-own", "r-follow")
	wantKind(t, err, lms.KindConflict, "reply exists")
	q, err = reply(s.Bob, "q-all", "r-peer")
	want(t, err, nil)
	if q.State != lms.QuestionOpen {
		t.Errorf("a peer's reply made it %s", q.State)
	}
	_, err = s.SetQuestion(ctx, s.Bob, s.Course.ID, "q-all", ptr(lms.QuestionResolved), nil)
	want(t, err, lms.ErrNotYours)
	q, err = s.SetQuestion(ctx, s.Alice, s.Course.ID, "q-all", ptr(lms.QuestionResolved), nil)
	want(t, err, nil)
	if q.State != lms.QuestionResolved {
		t.Errorf("resolved: %+v", q)
	}
}

func TestTutorThread(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	const stale = 10 * time.Second
	ask := lms.Question{ID: "q1", CourseID: s.Course.ID, To: lms.ToTutor, Title: "Why?", Visibility: lms.VisibleCourse}
	q, err := s.Ask(ctx, s.Alice, ask, "r1")
	want(t, err, nil)
	if q.State != lms.QuestionPending || q.Visibility != lms.VisibleStaff || len(q.Replies) != 1 || q.Replies[0].State != lms.ReplyPending || q.Replies[0].AuthorName != "Tutor" {
		t.Fatalf("asked %+v", q)
	}
	_, err = s.AddReply(ctx, s.Alice, s.Course.ID, "q1", lms.Reply{ID: "r-early", Body: "And?"}, "r-early-2")
	wantKind(t, err, lms.KindConflict, "still writing")
	ids, err := s.UnclaimedReplies(ctx, stale)
	want(t, err, nil)
	if fmt.Sprint(ids) != "[r1]" {
		t.Errorf("unclaimed %v", ids)
	}
	winners := 0
	race(t, 5, "", func(i int) error {
		claimed, err := s.ClaimReply(ctx, "r1", fmt.Sprint("n", i), stale)
		if claimed {
			winners++ // only one may come here
		}
		return err
	})
	node, state, err := s.ReplyClaim(ctx, "r1")
	want(t, err, nil)
	if winners != 1 || state != lms.ReplyAnswering {
		t.Fatalf("%d nodes claimed it, %s", winners, state)
	}
	want(t, s.HeartbeatReply(ctx, "r1", node), nil)
	wantKind(t, s.HeartbeatReply(ctx, "r1", "other"), lms.KindConflict, "taken this answer over")

	t.Run("the context has what the tutor needs", func(t *testing.T) {
		q, author, c, err := s.ReplyContext(ctx, "r1")
		want(t, err, nil)
		if q.ID != "q1" || len(q.Replies) != 1 || author.UserID != s.Alice.UserID || author.Role != lms.RoleStudent || c.ID != s.Course.ID {
			t.Errorf("got %+v, %+v, %+v", q, author, c)
		}
		_, _, _, err = s.ReplyContext(ctx, "r-none")
		want(t, err, lms.ErrNotFound)
	})
	answer := lms.Reply{ID: "r1", Body: "So [1].", State: lms.ReplyDone, Note: "note", Generated: true, Model: "m",
		Citations: []lms.Citation{{N: 1, MaterialID: "m-1", Ordinal: 2, Title: "Notes", Page: 3}}}
	t.Run("a silent node loses its claim", func(t *testing.T) {
		claimed, err := s.ClaimReply(ctx, "r1", "n-new", -time.Hour) // everything is older
		want(t, err, nil)
		if !claimed {
			t.Fatal("not claimed")
		}
		wantKind(t, s.FinishReply(ctx, node, answer, lms.ReplyRecord{}), lms.KindConflict, "taken this answer over")
		node = "n-new"
	})
	t.Run("the answer is stored once", func(t *testing.T) {
		wantKind(t, s.FinishReply(ctx, node, lms.Reply{ID: "r1", State: lms.ReplyAnswering}, lms.ReplyRecord{}), lms.KindInvalid, "finished")
		want(t, s.FinishReply(ctx, node, answer, lms.ReplyRecord{}), nil)
		wantKind(t, s.FinishReply(ctx, node, answer, lms.ReplyRecord{}), lms.KindConflict, "finished")
		claimed, err := s.ClaimReply(ctx, "r1", node, -time.Hour)
		want(t, err, nil)
		r, err2 := s.Reply(ctx, s.Alice, s.Course.ID, "q1", "r1")
		want(t, err2, nil)
		if claimed || r.Body != answer.Body || !r.Generated || r.Note != "note" || r.Model != "m" || len(r.Citations) != 1 || r.Citations[0].Page != 3 {
			t.Errorf("stored %+v", r)
		}
		_, err = s.Reply(ctx, s.Bob, s.Course.ID, "q1", "r1")
		want(t, err, lms.ErrNotYours)
		q, err := s.Question(ctx, s.Alice, s.Course.ID, "q1")
		want(t, err, nil)
		if q.State != lms.QuestionAnswered {
			t.Errorf("the question is %s", q.State)
		}
	})
	t.Run("a failed answer can be tried again", func(t *testing.T) {
		_, err := s.RetryReply(ctx, s.Alice, s.Course.ID, "q1", "r1", false)
		wantKind(t, err, lms.KindConflict, "failed or was stopped")
		q, err := s.AddReply(ctx, s.Alice, s.Course.ID, "q1", lms.Reply{ID: "r2", Body: "And?"}, "r3")
		want(t, err, nil)
		if len(q.Replies) != 3 || q.Replies[2].ID != "r3" || q.State != lms.QuestionPending || q.Replies[1].AuthorRole != lms.RoleStudent {
			t.Fatalf("got %+v", q)
		}
		_, err = s.ClaimReply(ctx, "r3", "n1", stale)
		want(t, err, nil)
		want(t, s.FinishReply(ctx, "n1", lms.Reply{ID: "r3", State: lms.ReplyFailed, Note: "offline"}, lms.ReplyRecord{}), nil)
		_, err = s.RetryReply(ctx, s.Bob, s.Course.ID, "q1", "r3", false)
		want(t, err, lms.ErrNotYours)
		_, err = s.RetryReply(ctx, s.Alice, s.Course.ID, "q1", "r2", false)
		want(t, err, lms.ErrNotFound)
		q, err = s.RetryReply(ctx, s.Alice, s.Course.ID, "q1", "r3", false)
		want(t, err, nil)
		if q.State != lms.QuestionPending || q.Replies[2].State != lms.ReplyPending || q.Replies[2].Note != "" {
			t.Errorf("got %+v", q)
		}
	})
	t.Run("staff can take a tutor thread over", func(t *testing.T) {
		q, err := s.SetQuestion(ctx, s.Alice, s.Course.ID, "q1", nil, ptr(lms.ToStaff))
		want(t, err, nil)
		if q.To != lms.ToStaff || q.State != lms.QuestionOpen {
			t.Errorf("got %+v", q)
		}
		_, err = s.ClaimReply(ctx, "r3", "n1", stale)
		want(t, err, nil)
		want(t, s.FinishReply(ctx, "n1", lms.Reply{ID: "r3", Body: "late", State: lms.ReplyDone}, lms.ReplyRecord{}), nil)
		q, err = s.Question(ctx, s.TA, s.Course.ID, "q1")
		want(t, err, nil)
		if q.State != lms.QuestionOpen {
			t.Errorf("the tutor's answer closed a question to the staff: %s", q.State)
		}
		q, err = s.AddReply(ctx, s.TA, s.Course.ID, "q1", lms.Reply{ID: "r4", Body: "Here."}, "")
		want(t, err, nil)
		if q.State != lms.QuestionAnswered {
			t.Errorf("after the staff's answer it is %s", q.State)
		}
	})
}

// A thread sent to the staff gets no further answer of the tutor, even if the client still sends an id for one.
func TestReplyAfterHandOver(t *testing.T) {
	s := storetest.New(t)
	ctx := store.WithRequest(t.Context(), store.Request{})
	_, err := s.Ask(ctx, s.Alice, lms.Question{ID: "q1", CourseID: s.Course.ID, To: lms.ToStaff, Title: "?", Visibility: lms.VisibleStaff}, "r0")
	want(t, err, nil)
	q, err := s.AddReply(ctx, s.Alice, s.Course.ID, "q1", lms.Reply{ID: "r1", Body: "More."}, "r2")
	want(t, err, nil)
	if len(q.Replies) != 1 {
		t.Errorf("got %+v", q.Replies)
	}
}
