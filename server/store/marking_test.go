package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

func rubricOf(s *storetest.Site, id string) lms.Rubric {
	return lms.Rubric{ID: id, CourseID: s.Course.ID, Title: "Essay rubric", Criteria: []lms.Criterion{
		{ID: "thesis", Title: "Thesis", Points: 60_00, Levels: []lms.CriterionLevel{{ID: "good", Title: "Clear", Points: 60_00}, {ID: "weak", Title: "Vague", Points: 20_00}}},
		{ID: "style", Title: "Style", Points: 40_00, Levels: []lms.CriterionLevel{{ID: "good", Title: "Fluent", Points: 40_00}, {ID: "none", Title: "Rough", Points: 0}}},
	}}
}

func pts(v lms.Points) *lms.Points { return &v }

func marksOf(version int64, thesis, style string) *lms.Marks {
	m := lms.Marks{RubricID: "r1", Version: version}
	points := map[string]lms.Points{"thesis/good": 60_00, "thesis/weak": 20_00, "style/good": 40_00, "style/none": 0}
	for c, l := range map[string]string{"thesis": thesis, "style": style} {
		if l != "" {
			m.Criteria = append(m.Criteria, lms.CriterionMark{Criterion: c, Level: l, Points: pts(points[c+"/"+l]), Comment: "on " + c})
		}
	}
	return &m
}

func TestGradesByType(t *testing.T) {
	tests := []struct {
		kind   lms.GradeType
		typed  string
		points lms.Points
		shown  string
		fails  string // part of the refusal
	}{
		{lms.GradePoints, "87,5", 87_50, "", ""},
		{lms.GradePoints, "B+", 0, "", "not a number of points"},
		{lms.GradePoints, "-1", 0, "", "not a number of points"},
		{lms.GradePercent, "87.5 %", 87_50, "87.5 %", ""},
		{lms.GradePercent, "good", 0, "", "not a percentage"},
		{lms.GradePercent, "120", 0, "", "more than the 100 points"},
		{lms.GradeLetter, "b+", 87_00, "B+", ""},
		{lms.GradeLetter, "E", 0, "", "not a letter of this course"},
		{lms.GradePassFail, "pass", 100_00, "Pass", ""},
		{lms.GradePassFail, "Fail", 0, "Fail", ""},
		{lms.GradePassFail, "maybe", 0, "", "neither pass nor fail"},
		{lms.GradeUngraded, "5", 0, "", "not graded"},
	}
	s := storetest.New(t)
	ctx := t.Context()
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.kind, tt.typed), func(t *testing.T) {
			as, sub := fmt.Sprint("a", i), fmt.Sprint("s", i)
			s.Post(t, as)
			_, err := s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: as, GradeType: tt.kind, Posting: lms.PostingManual})
			want(t, err, nil)
			s.HandIn(t, s.Alice, as, sub, "x")
			g, err := s.Mark(ctx, s.TA, s.Course.ID, sub, lms.GradeEntry{Typed: &tt.typed})
			if tt.fails != "" {
				wantKind(t, err, lms.KindRule, tt.fails)
				return
			}
			want(t, err, nil)
			if g.Points != tt.points || g.Grade != tt.shown {
				t.Errorf("saved %s %q, want %s %q", g.Points, g.Grade, tt.points, tt.shown)
			}
			_, err = s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: as, GradeType: lms.GradeUngraded, Posting: lms.PostingManual, Version: 1})
			wantKind(t, err, lms.KindRule, "has grades already")
		})
	}
}

func TestBeginningOfAGrade(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	none := ""
	mark := func(actor lms.Actor, e lms.GradeEntry) (lms.Grade, error) {
		return s.Mark(ctx, actor, s.Course.ID, "s1", e)
	}
	g, err := mark(s.TA, lms.GradeEntry{Typed: &none, Feedback: "so far"})
	want(t, err, nil)
	if !g.Begun || g.Version != 1 || g.Feedback != "so far" || g.By != "Tom Assistant" {
		t.Errorf("begun: %+v", g)
	}
	_, err = mark(s.Instructor, lms.GradeEntry{Points: 1_00})
	wantKind(t, err, lms.KindConflict, "Tom Assistant saved feedback meanwhile")
	sub, _, err := s.Submission(ctx, s.Instructor, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Grade != nil || sub.Begun == nil || sub.Begun.Feedback != "so far" {
		t.Errorf("staff see %+v, %+v", sub.Grade, sub.Begun)
	}
	sub, _, err = s.Submission(ctx, s.Alice, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Begun != nil {
		t.Errorf("the student sees %+v", sub.Begun)
	}
	counts, err := s.SubmissionCounts(ctx, s.TA, s.Course.ID, "a1")
	want(t, err, nil)
	if counts.Ungraded != 1 || counts.Needs != 1 {
		t.Errorf("counts: %+v", counts)
	}
	g, err = mark(s.Instructor, lms.GradeEntry{Points: 90_00, Feedback: "done", Version: 1})
	want(t, err, nil)
	if g.Begun || g.Version != 2 {
		t.Errorf("graded: %+v", g)
	}
	_, err = mark(s.Instructor, lms.GradeEntry{Typed: &none, Version: 2})
	wantKind(t, err, lms.KindRule, "This work has a grade")
}

// TestPosting walks through the policies; seen is what Alice's channels show of her grade.
func TestPosting(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	s.HandIn(t, s.Bob, "a1", "s2", "y")
	seen := func() string {
		t.Helper()
		sub, _, err := s.Submission(ctx, s.Alice, s.Course.ID, "s1")
		want(t, err, nil)
		mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a1")
		want(t, err, nil)
		a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a1")
		want(t, err, nil)
		home, err := s.Home(ctx, s.Alice)
		want(t, err, nil)
		comments, err := s.Comments(ctx, s.Alice, s.Course.ID, "s1")
		want(t, err, nil)
		remarks, err := s.Annotations(ctx, s.Alice, s.Course.ID, "s1")
		want(t, err, nil)
		n := 0
		if sub.Grade != nil {
			n++
		}
		if mine[0].Grade != nil {
			n++
		}
		if a.Mine.Grade != nil {
			n++
		}
		n += len(home.Feedback)
		switch n {
		case 0:
			return fmt.Sprintf("nothing, %d comments, %d remarks", len(comments), len(remarks))
		case 4:
			return fmt.Sprintf("%s, %d comments, %d remarks", sub.Grade.Points, len(comments), len(remarks))
		}
		return fmt.Sprintf("the grade in %d of 4 places", n)
	}
	expect := func(step, what string) {
		t.Helper()
		if got := seen(); got != what {
			t.Errorf("%s: Alice sees %s, want %s", step, got, what)
		}
	}
	version := map[string]int64{}
	grade := func(sub string, points lms.Points, draft bool) {
		t.Helper()
		g, err := s.Mark(ctx, s.TA, s.Course.ID, sub, lms.GradeEntry{Points: points, Version: version[sub], Draft: draft})
		want(t, err, nil)
		version[sub] = g.Version
	}
	post := func(scope lms.PostScope) int {
		t.Helper()
		n, err := s.PostScope(ctx, s.TA, s.Course.ID, "a1", scope)
		want(t, err, nil)
		return n
	}
	hide := func(scope lms.PostScope) int {
		t.Helper()
		n, err := s.HideGrades(ctx, s.TA, s.Course.ID, "a1", scope)
		want(t, err, nil)
		return n
	}
	_, err := s.AddComment(ctx, s.TA, s.Course.ID, lms.Comment{ID: "c1", SubmissionID: "s1", Body: "Look here"})
	want(t, err, nil)
	_, err = s.Annotate(ctx, s.TA, s.Course.ID, lms.Annotation{ID: "n1", SubmissionID: "s1", Body: "This", Anchor: lms.Anchor{End: 1, Quote: "x"}})
	want(t, err, nil)
	grade("s1", 80_00, false)
	expect("manual", "nothing, 0 comments, 0 remarks")
	if n := post(lms.PostScope{Submissions: []string{"s2"}}); n != 0 {
		t.Errorf("posted %d of another student", n)
	}
	expect("another student is posted", "nothing, 0 comments, 0 remarks")
	post(lms.PostScope{Submissions: []string{"s1"}})
	expect("posted", "80, 1 comments, 1 remarks")
	if n := hide(lms.PostScope{}); n != 1 {
		t.Errorf("hid %d", n)
	}
	expect("hidden", "nothing, 0 comments, 0 remarks")
	post(lms.PostScope{})
	sub, _, err := s.Submission(ctx, s.Alice, s.Course.ID, "s1")
	want(t, err, nil)
	if !sub.Grade.RevisedAt.IsZero() {
		t.Error("the same grade posted again counts as changed")
	}
	grade("s1", 85_00, false)
	post(lms.PostScope{})
	sub, _, err = s.Submission(ctx, s.Alice, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Grade.RevisedAt.IsZero() {
		t.Error("a changed grade has no time of change")
	}
	expect("changed", "85, 1 comments, 1 remarks")

	hide(lms.PostScope{})
	_, err = s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: "a1", Posting: lms.PostingAutomatic})
	want(t, err, nil)
	expect("automatic posts nothing by itself", "nothing, 0 comments, 0 remarks")
	grade("s1", 70_00, true)
	expect("an unfinished grade", "nothing, 0 comments, 0 remarks")
	grade("s1", 71_00, false)
	expect("automatic", "71, 1 comments, 1 remarks")
	hide(lms.PostScope{})
	grade("s1", 72_00, false)
	expect("hiding all ends automatic posting", "nothing, 0 comments, 0 remarks")
	post(lms.PostScope{Everyone: true})
	grade("s1", 73_00, false)
	expect("posted for everyone", "73, 1 comments, 1 remarks")
	hide(lms.PostScope{Submissions: []string{"s1"}})
	expect("one is hidden", "nothing, 0 comments, 0 remarks")

	_, err = s.PostScope(ctx, s.Alice, s.Course.ID, "a1", lms.PostScope{})
	want(t, err, lms.ErrForbidden)
	_, err = s.HideGrades(ctx, s.Alice, s.Course.ID, "a1", lms.PostScope{})
	want(t, err, lms.ErrForbidden)
	_, err = s.HideGrades(ctx, s.TA, s.Course.ID, "none", lms.PostScope{})
	want(t, err, lms.ErrNotFound)
	_, err = s.PostScope(ctx, s.TA, s.Course.ID, "a1", lms.PostScope{Section: "none"})
	want(t, err, lms.ErrNotFound)
}

func TestRubricVersions(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	_, err := s.CreateRubric(ctx, s.Alice, rubricOf(s, "r1"))
	want(t, err, lms.ErrForbidden)
	r, err := s.CreateRubric(ctx, s.TA, rubricOf(s, "r1"))
	want(t, err, nil)
	_, err = s.CreateRubric(ctx, s.TA, rubricOf(s, "r1"))
	wantKind(t, err, lms.KindConflict, "exists already")
	_, err = s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: "a1", Posting: lms.PostingManual, RubricID: "none"})
	wantKind(t, err, lms.KindRule, "not in the course")
	m, err := s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: "a1", Posting: lms.PostingManual, RubricID: "r1"})
	want(t, err, nil)
	if m.Rubric == nil || m.Rubric.Possible() != 100_00 {
		t.Errorf("marking: %+v", m)
	}
	m, err = s.Marking(ctx, s.Alice, s.Course.ID, "a1")
	want(t, err, nil)
	if m.Rubric != nil || m.RubricID != "" || m.Posting != "" {
		t.Errorf("a student sees %+v of a rubric that is not shown", m)
	}
	_, err = s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: "a1", Posting: lms.PostingManual, RubricID: "r1", RubricShown: true, Version: 1})
	want(t, err, nil)
	m, err = s.Marking(ctx, s.Alice, s.Course.ID, "a1")
	want(t, err, nil)
	if m.Rubric == nil || m.Rubric.Uses != 0 || m.Sections != nil {
		t.Errorf("a student sees %+v of a rubric that is shown", m)
	}

	none := ""
	_, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &none, Marks: marksOf(1, "great", "good")})
	wantKind(t, err, lms.KindRule, "no such level")
	_, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &none, Marks: marksOf(7, "good", "good")})
	wantKind(t, err, lms.KindRule, "no such version")
	g, err := s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &none, Marks: marksOf(1, "weak", "")})
	want(t, err, nil)
	if !g.Begun || g.Marks == nil || g.Rubric == nil {
		t.Errorf("half a rubric: %+v", g)
	}
	g, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &none, Marks: marksOf(1, "weak", "good"), Version: g.Version})
	want(t, err, nil)
	if g.Points != 60_00 {
		t.Errorf("the total is %s", g.Points)
	}
	g, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Points: 65_00, Marks: marksOf(1, "weak", "good"), Version: g.Version})
	want(t, err, nil)
	if g.Points != 65_00 {
		t.Errorf("the overridden total is %s", g.Points)
	}

	r.Criteria[0].Levels[1].Points = 30_00
	_, err = s.UpdateRubric(ctx, s.TA, lms.Rubric{ID: "r1", CourseID: s.Course.ID, Title: r.Title, Criteria: r.Criteria, Version: 9})
	want(t, err, lms.ErrStale)
	next, err := s.UpdateRubric(ctx, s.TA, r)
	want(t, err, nil)
	if next.Version != 2 || next.Graded != 1 || next.Uses != 1 {
		t.Errorf("the new version: %+v", next)
	}
	sub, _, err := s.Submission(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Grade.Rubric.Version != 1 || sub.Grade.Rubric.Criteria[0].Levels[1].Points != 20_00 {
		t.Errorf("graded work has version %d of the rubric", sub.Grade.Rubric.Version)
	}
	applied := next.Apply(*sub.Grade.Marks)
	g, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &none, Marks: &applied, Version: g.Version})
	want(t, err, nil)
	if g.Points != 70_00 || g.Rubric.Version != 2 {
		t.Errorf("with the new version: %s of %d", g.Points, g.Rubric.Version)
	}
	post := func() *lms.Grade {
		_, err := s.PostGrades(ctx, s.TA, s.Course.ID, "a1", nil)
		want(t, err, nil)
		sub, _, err := s.Submission(ctx, s.Alice, s.Course.ID, "s1")
		want(t, err, nil)
		return sub.Grade
	}
	if g := post(); g.Marks.Mark("thesis").Comment != "on thesis" || g.Rubric == nil {
		t.Errorf("the student sees %+v", g.Marks)
	}
	_, err = s.ArchiveRubric(ctx, s.TA, s.Course.ID, "r1", true)
	want(t, err, nil)
	list, err := s.Rubrics(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	if len(list) != 0 {
		t.Errorf("an archived rubric is listed")
	}
	_, err = s.ArchiveRubric(ctx, s.TA, s.Course.ID, "r1", false)
	want(t, err, nil)
	_, err = s.ArchiveRubric(ctx, s.Stranger, s.Other.ID, "r1", true)
	want(t, err, lms.ErrNotFound)
}

func TestCommentThread(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	s.Upload(t, s.TA, "f1", "marked.pdf", 9, true)
	s.Upload(t, s.TA, "f2", "late.pdf", 9, false)
	say := func(actor lms.Actor, id, sub string, files ...lms.File) error {
		_, err := s.AddComment(ctx, actor, s.Course.ID, lms.Comment{ID: id, SubmissionID: sub, Body: id, Files: files})
		return err
	}
	want(t, say(s.Bob, "c0", "s1"), lms.ErrNotYours)
	want(t, say(s.Observer, "c0", "s1"), lms.ErrNotYours)
	want(t, say(s.Stranger, "c0", "s1"), lms.ErrNotYourCourse)
	want(t, say(s.TA, "c0", "none"), lms.ErrNotFound)
	wantKind(t, say(s.TA, "c0", "s1", lms.File{ID: "f2"}), lms.KindRule, "has not arrived")
	wantKind(t, say(s.Alice, "c0", "s1", lms.File{ID: "f1"}), lms.KindRule, "not uploaded by you")
	want(t, say(s.TA, "c1", "s1", lms.File{ID: "f1"}), nil)
	wantKind(t, say(s.TA, "c1", "s1"), lms.KindConflict, "sent already")
	want(t, say(s.Alice, "c2", "s1"), nil)
	read := func(actor lms.Actor) (ids []string) {
		items, err := s.Comments(ctx, actor, s.Course.ID, "s1")
		want(t, err, nil)
		for _, c := range items {
			ids = append(ids, c.ID)
		}
		return ids
	}
	if a, b := fmt.Sprint(read(s.Alice)), fmt.Sprint(read(s.Instructor)); a != "[c2]" || b != "[c1 c2]" {
		t.Errorf("Alice reads %s, staff %s", a, b)
	}
	_, err := s.Comments(ctx, s.Bob, s.Course.ID, "s1")
	want(t, err, lms.ErrNotYours)
	_, err = s.File(ctx, s.Alice, s.Course.ID, "f1")
	want(t, err, lms.ErrNotYours)
	_, err = s.PostGrades(ctx, s.TA, s.Course.ID, "a1", []string{"s1"})
	want(t, err, nil)
	if got := fmt.Sprint(read(s.Alice)); got != "[c1 c2]" {
		t.Errorf("after posting Alice reads %s", got)
	}
	_, err = s.File(ctx, s.Alice, s.Course.ID, "f1")
	want(t, err, nil)
	_, err = s.File(ctx, s.Bob, s.Course.ID, "f1")
	want(t, err, lms.ErrNotYours)
	want(t, s.DeleteComment(ctx, s.Alice, s.Course.ID, "s1", "c1", true), lms.ErrNotYours)
	want(t, s.DeleteComment(ctx, s.TA, s.Course.ID, "s1", "c1", true), nil)
	if got := fmt.Sprint(read(s.Alice)); got != "[c2]" {
		t.Errorf("after removing Alice reads %s", got)
	}
	_, err = s.File(ctx, s.Alice, s.Course.ID, "f1")
	want(t, err, lms.ErrNotYours)
	want(t, s.DeleteComment(ctx, s.TA, s.Course.ID, "s1", "c1", false), nil)
}

func TestAnnotations(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	s.Upload(t, s.Alice, "f1", "essay.pdf", 9, true)
	s.Upload(t, s.Alice, "f2", "other.pdf", 9, true)
	s.HandIn(t, s.Alice, "a1", "s1", "My own essay.", "f1")
	place := lms.Annotation{ID: "n1", SubmissionID: "s1", Body: "Whose?", Anchor: lms.Anchor{Start: 3, End: 6, Quote: "own"}}
	_, err := s.Annotate(ctx, s.Alice, s.Course.ID, place)
	want(t, err, lms.ErrForbidden)
	a, err := s.Annotate(ctx, s.TA, s.Course.ID, place)
	want(t, err, nil)
	if a.Anchor != place.Anchor || a.AuthorName != "Tom Assistant" {
		t.Errorf("saved %+v", a)
	}
	area := lms.Annotation{ID: "n2", SubmissionID: "s1", FileID: "f2", Body: "Here", Anchor: lms.Anchor{Page: 2, X: 10, Y: 20, Width: 30, Height: 40}}
	_, err = s.Annotate(ctx, s.TA, s.Course.ID, area)
	wantKind(t, err, lms.KindRule, "not part of the work")
	area.FileID = "f1"
	_, err = s.Annotate(ctx, s.TA, s.Course.ID, area)
	want(t, err, nil)
	a, err = s.UpdateAnnotation(ctx, s.Instructor, s.Course.ID, "s1", "n1", "Whose own?", 1)
	want(t, err, nil)
	_, err = s.UpdateAnnotation(ctx, s.TA, s.Course.ID, "s1", "n1", "x", 1)
	want(t, err, lms.ErrStale)
	want(t, s.DeleteAnnotation(ctx, s.TA, s.Course.ID, "s1", "n1", true), nil)
	want(t, s.DeleteAnnotation(ctx, s.TA, s.Course.ID, "none", "n1", true), lms.ErrNotFound)
	items, err := s.Annotations(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if len(items) != 1 || items[0].ID != "n2" || items[0].Anchor != area.Anchor {
		t.Errorf("after removing: %+v", items)
	}
	want(t, s.DeleteAnnotation(ctx, s.TA, s.Course.ID, "s1", "n1", false), nil)
	if items, _ = s.Annotations(ctx, s.TA, s.Course.ID, "s1"); len(items) != 2 || items[0].Body != "Whose own?" {
		t.Errorf("restored: %+v", items)
	}
	_, err = s.Annotations(ctx, s.Bob, s.Course.ID, "s1")
	want(t, err, lms.ErrNotYours)
}

func TestFiltersOfWork(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1", func(a *lms.Assignment) { a.DueAt = time.Now().Add(-time.Hour) })
	s.HandIn(t, s.Alice, "a1", "s1", "x")
	list := func(filter string) string {
		t.Helper()
		var ids []string
		items, _, total, err := s.Submissions(ctx, s.TA, s.Course.ID, "a1", filter, "", 0)
		want(t, err, nil)
		for _, sub := range items {
			ids = append(ids, sub.ID+"/"+sub.UserName)
		}
		if total != len(ids) {
			t.Errorf("%s: total %d of %d", filter, total, len(ids))
		}
		return fmt.Sprint(ids)
	}
	for filter, ids := range map[string]string{"late": "[s1/Alice Example]", "missing": "[/Bob Example]", "extension": "[]", "resubmitted": "[]", "needs": "[s1/Alice Example]"} {
		if got := list(filter); got != ids {
			t.Errorf("%s: %s, want %s", filter, got, ids)
		}
	}
	_, err := s.SaveGrade(ctx, s.TA, s.Course.ID, "s1", 1, "", 0, false)
	want(t, err, nil)
	if got := list("needs"); got != "[]" {
		t.Errorf("after grading, needs grading: %s", got)
	}
	s.HandIn(t, s.Alice, "a1", "s1b", "again")
	if got := list("resubmitted"); got != "[s1b/Alice Example]" {
		t.Errorf("resubmitted: %s", got)
	}
	c, err := s.SubmissionCounts(ctx, s.TA, s.Course.ID, "a1")
	want(t, err, nil)
	if c != (lms.SubmissionCounts{Submitted: 1, Ungraded: 1, Needs: 1, Late: 1, Missing: 1, Resubmitted: 1}) {
		t.Errorf("counts: %+v", c)
	}
	_, err = s.SubmissionCounts(ctx, s.Alice, s.Course.ID, "a1")
	want(t, err, lms.ErrForbidden)
}
