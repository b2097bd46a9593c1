package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

func TestGrades(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	s.HandIn(t, s.Bob, "a1", "s2", "y")
	save := func(actor lms.Actor, sub string, points lms.Points, version int64) (lms.Grade, error) {
		return s.SaveGrade(ctx, actor, s.Course.ID, sub, points, fmt.Sprint("feedback ", points), version, false)
	}
	shown := func(actor lms.Actor) *lms.Grade {
		sub, _, err := s.Submission(ctx, actor, s.Course.ID, "s1")
		want(t, err, nil)
		return sub.Grade
	}
	_, err := save(s.Alice, "s1", 100_00, 0)
	want(t, err, lms.ErrForbidden)
	_, err = save(s.Stranger, "s1", 1_00, 0)
	want(t, err, lms.ErrNotYourCourse)
	_, err = s.SaveGrade(ctx, s.Stranger, s.Other.ID, "s1", 1_00, "", 0, false)
	want(t, err, lms.ErrNotFound)
	_, err = save(s.TA, "s1", -1, 0)
	wantKind(t, err, lms.KindRule, "negative")
	_, err = save(s.TA, "s1", 100_01, 0)
	wantKind(t, err, lms.KindRule, "100.01 is more than the 100 points")
	g, err := save(s.TA, "s1", 87_50, 0)
	want(t, err, nil)
	if g.Points != 87_50 || g.By != "Tom Assistant" || g.Version != 1 || !g.PostedAt.IsZero() {
		t.Errorf("saved %+v", g)
	}
	_, err = save(s.Instructor, "s1", 90_00, 0)
	wantKind(t, err, lms.KindConflict, "Tom Assistant saved 87.5 points")
	if shown(s.Alice) != nil || shown(s.Instructor).Points != 87_50 {
		t.Error("a draft is shown to the student, or not to staff")
	}

	_, err = s.PostGrades(ctx, s.Alice, s.Course.ID, "a1", nil)
	want(t, err, lms.ErrForbidden)
	_, err = s.PostGrades(ctx, s.TA, s.Course.ID, "a1", []string{"s-none"})
	want(t, err, lms.ErrNotFound)
	n, err := s.PostGrades(ctx, s.TA, s.Course.ID, "a1", []string{"s1", "s2"})
	want(t, err, nil)
	again, err := s.PostGrades(ctx, s.TA, s.Course.ID, "a1", nil)
	want(t, err, nil)
	if n != 1 || again != 0 {
		t.Errorf("posted %d, then %d", n, again)
	}
	if g := shown(s.Alice); g == nil || g.Points != 87_50 || g.PostedAt.IsZero() || g.By != "Tom Assistant" {
		t.Errorf("the student sees %+v", g)
	}

	g, err = s.SaveGrade(ctx, s.Instructor, s.Course.ID, "s1", 110_00, "bonus", 1, true)
	want(t, err, nil)
	if g.Version != 2 || !g.PostedAt.IsZero() || shown(s.Alice).Points != 87_50 || shown(s.TA).Points != 110_00 {
		t.Errorf("an edit of a posted grade: %+v, the student sees %+v", g, shown(s.Alice))
	}
	n, err = s.PostGrades(ctx, s.Instructor, s.Course.ID, "a1", nil)
	want(t, err, nil)
	if n != 1 || shown(s.Alice).Points != 110_00 || shown(s.TA).PostedAt.IsZero() {
		t.Errorf("posted %d, the student sees %+v", n, shown(s.Alice))
	}
	history, err := s.GradeHistory(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if len(history) != 4 || history[2].OldPoints == nil || *history[2].OldPoints != 87_50 || history[2].NewPoints != 110_00 || history[2].By != "Ines Instructor" || !history[3].Posted {
		t.Errorf("history: %+v", history)
	}
	home, err := s.Home(ctx, s.Alice)
	want(t, err, nil)
	if len(home.Feedback) != 1 || home.Feedback[0].Points != 110_00 || len(home.Due) != 0 {
		t.Errorf("home: %+v", home)
	}
	setState(t, s, lms.CourseEnded)
	_, err = save(s.TA, "s2", 1_00, 0)
	want(t, err, lms.ErrCourseOver)
}

func TestRacingMarkers(t *testing.T) {
	s := storetest.New(t)
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	n := race(t, 6, lms.KindConflict, func(i int) error {
		_, err := s.SaveGrade(t.Context(), s.TA, s.Course.ID, "s1", lms.Points(i), "", 0, false)
		return err
	})
	if n != 1 {
		t.Errorf("%d first grades", n)
	}
}

func TestSubmissionList(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1", func(a *lms.Assignment) { a.DueAt = time.Now().Add(-time.Hour) })
	for i := range 5 {
		login := fmt.Sprint("student", i)
		actor := s.Account(t, login, "Student", false)
		_, err := s.AddMember(ctx, s.Instructor, s.Course.ID, login, lms.RoleStudent)
		want(t, err, nil)
		s.HandIn(t, actor, "a1", fmt.Sprint("s", i), "first")
		if i == 1 {
			s.HandIn(t, actor, "a1", "s1b", "second")
		}
	}
	for _, id := range []string{"s0", "s3"} {
		_, err := s.SaveGrade(ctx, s.TA, s.Course.ID, id, 1, "", 0, false)
		want(t, err, nil)
	}
	_, err := s.PostGrades(ctx, s.TA, s.Course.ID, "a1", []string{"s0"})
	want(t, err, nil)
	for filter, ids := range map[string]string{"": "[s1b s2 s4 s0 s3]", "ungraded": "[s1b s2 s4]", "unposted": "[s3]", "late": "[s1b s2 s4 s0 s3]"} {
		t.Run("filter "+filter, func(t *testing.T) {
			var got []string
			after := ""
			for {
				items, next, total, err := s.Submissions(ctx, s.TA, s.Course.ID, "a1", filter, after, 2)
				want(t, err, nil)
				for _, sub := range items {
					got = append(got, sub.ID)
				}
				if after = next; next == "" {
					if total != len(got) {
						t.Errorf("total %d, listed %d", total, len(got))
					}
					break
				}
			}
			if fmt.Sprint(got) != ids {
				t.Errorf("got %v, want %s", got, ids)
			}
		})
	}
	_, _, _, err = s.Submissions(ctx, s.Alice, s.Course.ID, "a1", "", "", 0)
	want(t, err, lms.ErrForbidden)
	_, _, _, err = s.Submissions(ctx, s.TA, s.Course.ID, "a1", "", "nonsense", 0)
	wantKind(t, err, lms.KindInvalid, "place in the list")
	a, err := s.Assignment(ctx, s.TA, s.Course.ID, "a1")
	want(t, err, nil)
	if *a.Stats != (lms.AssignmentStats{Students: 7, Submitted: 5, Ungraded: 3, Unposted: 1}) {
		t.Errorf("stats: %+v", *a.Stats)
	}
	home, err := s.Home(ctx, s.TA)
	want(t, err, nil)
	if len(home.Grading) != 1 || home.Grading[0].Ungraded != 3 {
		t.Errorf("home: %+v", home.Grading)
	}
}
