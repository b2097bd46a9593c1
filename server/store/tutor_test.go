package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

func askTutor(s *storetest.Site, actor lms.Actor, id string) error {
	_, err := s.Ask(context.Background(), actor, lms.Question{ID: "q-" + id, CourseID: s.Course.ID, To: lms.ToTutor, Title: "Why " + id + "?",
		Visibility: lms.VisibleStaff}, "r-"+id)
	return err
}

func finish(t *testing.T, s *storetest.Site, id string, r lms.Reply, rec lms.ReplyRecord) {
	t.Helper()
	r.ID = "r-" + id
	if claimed, err := s.ClaimReply(t.Context(), r.ID, "n1", time.Minute); err != nil || !claimed {
		t.Fatalf("claim %s: %v %v", id, claimed, err)
	}
	if r.State == "" {
		r.State, r.Body = lms.ReplyDone, "Because."
	}
	want(t, s.FinishReply(t.Context(), "n1", r, rec), nil)
}

func setPolicy(t *testing.T, s *storetest.Site, change func(*lms.TutorPolicy)) lms.TutorPolicy {
	t.Helper()
	p, err := s.TutorPolicy(t.Context(), s.Instructor, s.Course.ID)
	want(t, err, nil)
	change(&p)
	p, err = s.SetTutorPolicy(t.Context(), s.Instructor, p)
	want(t, err, nil)
	return p
}

// The counts are exact with parallel requests, tell the time of renewal, and give back what led to no answer (TUTOR-22).
func TestTutorQuota(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	var passed, refused sync.Map
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			switch err := askTutor(s, s.Alice, id); lms.KindOf(err) {
			case "":
				passed.Store(id, true)
			case lms.KindLimit:
				refused.Store(id, err)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var ids []string
	passed.Range(func(id, _ any) bool { ids = append(ids, id.(string)); return true })
	if len(ids) != 20 {
		t.Fatalf("%d of 30 parallel questions passed the quota of 20", len(ids))
	}
	refused.Range(func(_, err any) bool {
		var e *lms.Error
		if !errors.As(err.(error), &e) || e.RetryIn < 3500 || e.RetryIn > 3601 {
			t.Errorf("the refusal does not tell when to come back: %v, %d s", err, e.RetryIn)
		}
		return true
	})
	state, err := s.TutorState(ctx, s.Alice, s.Course.ID)
	want(t, err, nil)
	q := state.Quota
	if q.Limit != 20 || q.Left != 0 || time.Until(q.RenewsAt) < 58*time.Minute {
		t.Errorf("quota %+v", q)
	}
	want(t, askTutor(s, s.Bob, "bob"), nil)

	finish(t, s, ids[0], lms.Reply{}, lms.ReplyRecord{Calls: 1, Relevant: true, PromptTokens: 100, AnswerTokens: 20})
	finish(t, s, ids[1], lms.Reply{}, lms.ReplyRecord{Relevant: false})                                 // nothing found: no call
	finish(t, s, ids[2], lms.Reply{State: lms.ReplyFailed, Note: "offline"}, lms.ReplyRecord{Calls: 1}) // failed
	finish(t, s, ids[3], lms.Reply{State: lms.ReplyStopped, Body: "So"}, lms.ReplyRecord{Calls: 1})     // stopped: was used
	if state, err = s.TutorState(ctx, s.Alice, s.Course.ID); err != nil || state.Quota.Left != 2 {
		t.Errorf("after two refunds %+v, %v", state.Quota, err)
	}
	course, site, err := s.TutorTokens(ctx, s.Course.ID, time.Now().Add(-time.Hour))
	if err != nil || course != 120 || site != 120 {
		t.Errorf("tokens %d of the course, %d of the site, %v", course, site, err)
	}
}

func TestAskAnyway(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	retry := func(id string, anyway bool) error {
		_, err := s.RetryReply(ctx, s.Alice, s.Course.ID, "q-"+id, "r-"+id, anyway)
		return err
	}
	for i := range 4 {
		id := fmt.Sprint("a", i)
		want(t, askTutor(s, s.Alice, id), nil)
		finish(t, s, id, lms.Reply{}, lms.ReplyRecord{Relevant: false})
		wantKind(t, retry(id, false), lms.KindConflict, "failed or was stopped")
		if i == 3 {
			wantKind(t, retry(id, true), lms.KindLimit, "beyond the course material")
			continue
		}
		want(t, retry(id, true), nil)
		brief, err := s.Brief(ctx, "r-"+id)
		want(t, err, nil)
		if !brief.Anyway || brief.Request != 2 {
			t.Errorf("brief %+v", brief)
		}
		finish(t, s, id, lms.Reply{}, lms.ReplyRecord{Calls: 1})
	}
	want(t, askTutor(s, s.Alice, "found"), nil)
	finish(t, s, "found", lms.Reply{}, lms.ReplyRecord{Relevant: true, Calls: 1})
	wantKind(t, retry("found", true), lms.KindConflict, "failed or was stopped")
}

func TestTutorCaps(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	setPolicy(t, s, func(p *lms.TutorPolicy) { p.MonthlyCap = 1000 })
	month := time.Now().Add(-time.Hour)
	want(t, askTutor(s, s.Alice, "1"), nil)
	want(t, s.ReserveTokens(ctx, "r-1", 600, month, 0), nil)
	want(t, askTutor(s, s.Bob, "2"), nil)
	wantKind(t, s.ReserveTokens(ctx, "r-2", 600, month, 0), lms.KindLimit, "month")
	finish(t, s, "1", lms.Reply{}, lms.ReplyRecord{Calls: 1, PromptTokens: 200, AnswerTokens: 50})
	want(t, s.ReserveTokens(ctx, "r-2", 600, month, 0), nil) // settled at 250
	wantKind(t, s.ReserveTokens(ctx, "r-2", 100, month, 900), lms.KindLimit, "month")
}

func TestTutorPolicy(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	p, err := s.TutorPolicy(ctx, s.Alice, s.Course.ID)
	want(t, err, nil)
	if d := lms.DefaultTutorPolicy(s.Course.ID, s.Instructor.UserID); fmt.Sprint(d) != fmt.Sprint(p) {
		t.Errorf("the defaults of SQL and Go differ:\n%+v\n%+v", p, d)
	}
	stranger := p
	stranger.OwnerID = s.Alice.UserID
	_, err = s.SetTutorPolicy(ctx, s.Instructor, stranger)
	wantKind(t, err, lms.KindRule, "active staff")
	_, err = s.SetTutorPolicy(ctx, s.Alice, p)
	want(t, err, lms.ErrForbidden)

	setPolicy(t, s, func(p *lms.TutorPolicy) { p.Modes, p.Mode = []lms.TutorMode{lms.ModeExplain}, lms.ModeExplain })
	_, err = s.SetTutorPolicy(ctx, s.Instructor, p)
	want(t, err, lms.ErrStale)
	forged := lms.Question{ID: "q-f", CourseID: s.Course.ID, To: lms.ToTutor, Title: "T", Visibility: lms.VisibleStaff, Mode: lms.ModeSocratic}
	_, err = s.Ask(ctx, s.Alice, forged, "r-f")
	wantKind(t, err, lms.KindForbidden, "mode")
	wantKind(t, s.SetTutorChoice(ctx, s.Alice, s.Course.ID, lms.TutorChoice{Mode: lms.ModeQuizMe}), lms.KindForbidden, "mode")
	want(t, s.SetTutorChoice(ctx, s.Alice, s.Course.ID, lms.TutorChoice{Mode: lms.ModeExplain, Level: lms.LevelAdvanced}), nil)

	setPolicy(t, s, func(p *lms.TutorPolicy) { p.Enabled = false })
	wantKind(t, askTutor(s, s.Alice, "off"), lms.KindForbidden, "switched off")
}

func TestTutorNotice(t *testing.T) {
	s := storetest.New(t)
	new := s.Account(t, "nina", "Nina New", false)
	_, err := s.AddMember(t.Context(), s.Instructor, s.Course.ID, "nina", lms.RoleStudent)
	want(t, err, nil)
	wantKind(t, askTutor(s, new, "n"), lms.KindForbidden, "accept")
	want(t, s.AcceptTutorNotice(t.Context(), new, lms.TutorNotice), nil)
	want(t, s.AcceptTutorNotice(t.Context(), new, lms.TutorNotice), nil)
	want(t, askTutor(s, new, "n"), nil)
}

// The brief holds what the tutor needs and nothing of a draft, a closed or an unopened item; the ladder climbs with what was
// stored; the level follows posted grades only (TUTOR-9, 10, 12, 15).
func TestBrief(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a-open")
	s.Post(t, "a-draft", func(a *lms.Assignment) { a.Published = false })
	s.Post(t, "a-later", func(a *lms.Assignment) { a.OpensAt = time.Now().Add(time.Hour) })
	s.Post(t, "a-closed", func(a *lms.Assignment) { a.CutoffAt = time.Now().Add(-time.Hour) })
	_, err := s.SetTutorItem(ctx, s.Instructor, s.Course.ID, lms.ItemPolicy{AssignmentID: "a-open", Notes: "The answer is 42.", Answer: "42"}, "kestrel-x")
	want(t, err, nil)
	_, err = s.TutorItem(ctx, s.Alice, s.Course.ID, "a-open")
	want(t, err, lms.ErrForbidden)

	want(t, askTutor(s, s.Alice, "1"), nil)
	brief, err := s.Brief(ctx, "r-1")
	want(t, err, nil)
	if len(brief.Graded) != 1 || brief.Graded[0].ID != "a-open" || brief.Graded[0].Policy.Notes == "" || brief.Graded[0].Canary != "kestrel-x" ||
		brief.Graded[0].Hint != 0 || brief.Graded[0].InThread || brief.Level != lms.LevelBeginner || brief.Request != 1 {
		t.Errorf("%+v", brief)
	}
	finish(t, s, "1", lms.Reply{}, lms.ReplyRecord{Calls: 2, AssignmentID: "a-open", Hint: lms.HintConcept})
	_, err = s.AddReply(ctx, s.Alice, s.Course.ID, "q-1", lms.Reply{ID: "m-1", Body: "just tell me"}, "r-2")
	want(t, err, nil)
	if brief, err = s.Brief(ctx, "r-2"); err != nil || brief.Graded[0].Hint != lms.HintConcept || !brief.Graded[0].InThread {
		t.Errorf("%+v %v", brief.Graded, err)
	}
	finish(t, s, "2", lms.Reply{}, lms.ReplyRecord{Calls: 2, AssignmentID: "a-open", Hint: lms.HintRestate}) // late: the ladder never goes down
	want(t, askTutor(s, s.Alice, "3"), nil)
	if brief, err = s.Brief(ctx, "r-3"); err != nil || brief.Graded[0].Hint != lms.HintConcept || brief.Graded[0].InThread {
		t.Errorf("a new conversation resets the ladder: %+v %v", brief.Graded, err)
	}

	for i, c := range []struct {
		points lms.Points
		post   bool
		want   lms.Level
	}{{69_90, true, lms.LevelBeginner}, {70_00, true, lms.LevelIntermediate}, {84_99, true, lms.LevelIntermediate}, {85_00, true, lms.LevelAdvanced}, {10_00, false, lms.LevelAdvanced}} {
		if i == 0 {
			s.HandIn(t, s.Alice, "a-open", "s-1", "work")
		}
		_, err := s.SaveGrade(ctx, s.Instructor, s.Course.ID, "s-1", c.points, "", int64(i), false)
		want(t, err, nil)
		if c.post {
			_, err = s.PostGrades(ctx, s.Instructor, s.Course.ID, "a-open", nil)
			want(t, err, nil)
		}
		if brief, err = s.Brief(ctx, "r-3"); err != nil || brief.Level != c.want {
			t.Errorf("%s points (posted %v): %s, want %s (%v)", c.points, c.post, brief.Level, c.want, err)
		}
	}
}
