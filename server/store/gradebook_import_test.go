package store_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store/storetest"
)

// An import does what its plan says, not if a cell has changed since, and can be taken back except where somebody went on.
func TestImportAndUndo(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	s.HandIn(t, s.Alice, "hw", "s1", "x")
	plan := func(lines ...string) lms.ImportPlan {
		t.Helper()
		book, students, _, err := s.Book(ctx, s.Instructor, s.Course.ID, "")
		want(t, err, nil)
		var in []lms.ImportLine
		for i, l := range lines {
			in = append(in, lms.ImportLine{Line: i + 1, Cells: strings.Split(l, ",")})
		}
		p, err := lms.PlanImport(book.Columns, students, in, []string{"Quiz"})
		want(t, err, nil)
		return p
	}
	file := []string{"Student,SIS Login ID,Essay hw (hw),Talk,Quiz", "Points Possible,,100,10,5", "A,alice,90,7,4", "B,bob,EX,,3"}
	p := plan(file...)
	if p.Count != 5 || len(p.Create) != 1 || p.Create[0].Points != 5_00 {
		t.Fatalf("plan: %+v", p)
	}
	_, err := s.ApplyImport(ctx, s.TA, s.Course.ID, "i1", "f.csv", p)
	want(t, err, lms.ErrForbidden)
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "6", 0, false)
	want(t, err, nil)
	_, err = s.ApplyImport(ctx, s.Instructor, s.Course.ID, "i1", "f.csv", p)
	wantKind(t, err, lms.KindConflict, "changed since this preview")
	if _, row := rowOf(t, s, s.Bob); strings.Contains(row.Cells, "EX") {
		t.Error("a refused import has changed something")
	}
	done, err := s.ApplyImport(ctx, s.Instructor, s.Course.ID, "i1", "f.csv", plan(file...))
	want(t, err, nil)
	g, alice := rowOf(t, s, s.Alice)
	quiz := slices.IndexFunc(g.Columns, func(c lms.BookColumn) bool { return c.Title == "Quiz" })
	if done.Changes != 5 || quiz < 0 || alice.Cell(column(t, g, "hw")).Mark.String() != "90" || alice.Cell(column(t, g, "talk")).Mark.String() != "7" || alice.Cell(quiz).Mark.String() != "4" {
		t.Errorf("applied %+v: %+v", done, alice)
	}
	sub, _, err := s.Submission(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Grade == nil || sub.Grade.Points != 90_00 {
		t.Errorf("handed-in work is graded by the import: %+v", sub.Grade)
	}
	if p := plan(file[0][:len(file[0])-5], "A,alice,90,7", "B,bob,EX,"); p.Count != 0 || p.Unchanged != 3 {
		t.Errorf("the same file again: %+v", p)
	}
	d, err := s.BookCell(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID)
	want(t, err, nil)
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "8", d.Version, false)
	want(t, err, nil)
	undone, err := s.UndoImport(ctx, s.Instructor, s.Course.ID, "i1")
	want(t, err, nil)
	g, alice = rowOf(t, s, s.Alice)
	_, bob := rowOf(t, s, s.Bob)
	if fmt.Sprint(undone.Kept) != "[Alice Example, Talk]" || undone.UndoneBy != "Ines Instructor" || len(g.Columns) != 3 ||
		!alice.Cell(column(t, g, "hw")).Mark.Empty() || alice.Cell(column(t, g, "talk")).Mark.String() != "8" || strings.Contains(bob.Cells, "EX") {
		t.Errorf("undone %+v: %+v %+v", undone, alice, bob)
	}
	_, err = s.UndoImport(ctx, s.Instructor, s.Course.ID, "i1")
	wantKind(t, err, lms.KindConflict, "undone already")
	_, err = s.UndoImport(ctx, s.Instructor, s.Course.ID, "i-none")
	want(t, err, lms.ErrNotFound)
	list, err := s.BookImports(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	if len(list) != 1 || list[0].UndoneAt.IsZero() {
		t.Errorf("imports: %+v", list)
	}
}

func TestImportCannotBeUndoneForEver(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	_, err := s.ApplyImport(ctx, s.Instructor, s.Course.ID, "i1", "f.csv", lms.ImportPlan{})
	want(t, err, nil)
	var b consensus.Batch
	b.Exec(`UPDATE book_imports SET created_at = ?1`, time.Now().AddDate(0, 0, -31))
	_, err = s.DB().Apply(ctx, &b)
	want(t, err, nil)
	_, err = s.UndoImport(ctx, s.Instructor, s.Course.ID, "i1")
	wantKind(t, err, lms.KindRule, "30 days")
}

// Students see statistics only if they are released, of five posted marks or more.
func TestStatisticsForStudents(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	_, err := s.ClassStatistics(ctx, s.Alice, s.Course.ID)
	wantKind(t, err, lms.KindForbidden, "not released")
	students := []lms.Actor{s.Alice, s.Bob}
	for i := range 3 {
		a := s.Account(t, fmt.Sprint("more", i), fmt.Sprint("More ", i), false)
		_, err := s.AddMember(ctx, s.Instructor, s.Course.ID, a.Login, lms.RoleStudent)
		want(t, err, nil)
		students = append(students, a)
	}
	for i, a := range students {
		_, err := s.SetMark(ctx, s.TA, s.Course.ID, "hw", a.UserID, fmt.Sprint(60+10*i), 0, false)
		want(t, err, nil)
		if i < 4 {
			_, err = s.SetMark(ctx, s.TA, s.Course.ID, "exam", a.UserID, "50", 0, false)
			want(t, err, nil)
		}
	}
	v, err := s.BookSettings(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	v.ReleaseStats = true
	_, err = s.SetBookSettings(ctx, s.Instructor, s.Course.ID, v)
	want(t, err, nil)
	seen, err := s.ClassStatistics(ctx, s.Alice, s.Course.ID)
	want(t, err, nil)
	if len(seen.Items) != 0 || seen.Total != nil || seen.Usage != nil {
		t.Errorf("drafts in statistics for students: %+v", seen)
	}
	for _, c := range []string{"hw", "exam"} {
		_, err = s.PostColumn(ctx, s.TA, s.Course.ID, c, nil)
		want(t, err, nil)
	}
	seen, err = s.ClassStatistics(ctx, s.Alice, s.Course.ID)
	want(t, err, nil)
	if len(seen.Items) != 1 || seen.Items[0].ID != "hw" || seen.Items[0].Median != 80_00 || seen.Items[0].Lower != 70_00 || seen.Total == nil || seen.Total.Count != 5 {
		t.Errorf("students see %+v", seen)
	}
	all, err := s.ClassStatistics(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	if len(all.Items) != 2 || all.Usage == nil || all.Usage.Members != 5 || all.Usage.Active != 0 {
		t.Errorf("staff see %+v %+v", all, all.Usage)
	}
	_, err = s.ClassStatistics(ctx, s.Observer, s.Course.ID)
	wantKind(t, err, lms.KindForbidden, "")
}

// BenchmarkGradebook reads a gradebook of 1,000 students and 60 columns of handed-in, graded work with drop rules. cpu-ms is
// what it costs whatever else the machine does.
func BenchmarkGradebook(b *testing.B) {
	s := storetest.New(b)
	storetest.FillBook(b, s.Store, s.Course.ID, 1000, 60)
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := cpu()
	for b.Loop() {
		g, err := s.Gradebook(b.Context(), s.Instructor, s.Course.ID, "")
		if err != nil || len(g.Rows) != 1002 || len(g.Columns) != 60 {
			b.Fatalf("%d rows, %d columns, %v", len(g.Rows), len(g.Columns), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/grid")
	b.ReportMetric(float64((cpu()-before).Milliseconds())/float64(b.N), "cpu-ms/grid")
}

// The rules and the manual columns go with the archive of a course; marks stay.
func TestGradebookGoesWithTheArchive(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	_, err := s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "7", 0, false)
	want(t, err, nil)
	a, err := s.ExportCourse(ctx, s.Instructor, s.Course.ID)
	want(t, err, nil)
	_, err = s.CreateCourse(ctx, s.Instructor, lms.Course{ID: "c-copy", Code: "CS 3", Title: "Copy", Zone: "UTC", State: lms.CourseUnpublished})
	want(t, err, nil)
	_, err = s.ImportCourse(ctx, s.Instructor, "c-copy", a, "canary")
	want(t, err, nil)
	g, err := s.Gradebook(ctx, s.Instructor, "c-copy", "")
	want(t, err, nil)
	before, _ := rowOf(t, s, s.Alice)
	talk := slices.IndexFunc(g.Columns, func(c lms.BookColumn) bool { return c.Title == "Talk" })
	if len(g.Rows) != 0 || talk < 0 || g.Columns[talk].CategoryID != g.Settings.Categories[0].ID || g.Columns[talk].Points != 10_00 ||
		fmt.Sprint(g.Settings.Letters) != fmt.Sprint(before.Settings.Letters) || g.Warning != "" {
		t.Errorf("the copy: %+v", g)
	}
}

// A TA who is limited to a section reads, marks and posts nothing outside of it.
func TestGradebookOfALimitedTA(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	var b consensus.Batch
	b.Exec(`INSERT INTO sections (section_id, course_id, title, position, created_at, version) VALUES ('x1', ?1, 'Group 1', 1, 1, 1)`, s.Course.ID)
	b.Exec(`UPDATE enrolments SET section_id = 'x1' WHERE course_id = ?1 AND user_id = ?2`, s.Course.ID, s.Alice.UserID)
	b.Exec(`INSERT INTO staff_sections (course_id, user_id, section_id) VALUES (?1, ?2, 'x1')`, s.Course.ID, s.TA.UserID)
	_, err := s.DB().Apply(ctx, &b)
	want(t, err, nil)
	for _, a := range []lms.Actor{s.Alice, s.Bob} {
		_, err := s.SetMark(ctx, s.Instructor, s.Course.ID, "talk", a.UserID, "5", 0, false)
		want(t, err, nil)
	}
	g, err := s.Gradebook(ctx, s.TA, s.Course.ID, "")
	want(t, err, nil)
	if len(g.Rows) != 1 || g.Rows[0].UserID != s.Alice.UserID {
		t.Errorf("the TA sees %+v", g.Rows)
	}
	_, students, _, err := s.Book(ctx, s.TA, s.Course.ID, "")
	want(t, err, nil)
	if len(students) != 1 {
		t.Errorf("the TA exports %d students", len(students))
	}
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "6", 1, false)
	want(t, err, nil)
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Bob.UserID, "6", 1, false)
	wantKind(t, err, lms.KindForbidden, "section that you do not look after")
	_, err = s.BookCell(ctx, s.TA, s.Course.ID, "talk", s.Bob.UserID)
	wantKind(t, err, lms.KindForbidden, "")
	_, err = s.StudentGrades(ctx, s.TA, s.Course.ID, s.Bob.UserID)
	wantKind(t, err, lms.KindForbidden, "")
	_, err = s.PostColumn(ctx, s.TA, s.Course.ID, "talk", []string{s.Alice.UserID, s.Bob.UserID})
	wantKind(t, err, lms.KindForbidden, "")
	n, err := s.PostColumn(ctx, s.TA, s.Course.ID, "talk", nil)
	want(t, err, nil)
	bob, err := s.StudentGrades(ctx, s.Bob, s.Course.ID, s.Bob.UserID)
	want(t, err, nil)
	if n != 1 || bob.Current.Percent != "" {
		t.Errorf("posted %d, and Bob sees %q", n, bob.Current.Percent)
	}
}
