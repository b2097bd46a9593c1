package store_test

import (
	"slices"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// channels of an assignment in which the actor meets it; asking may hand in, save and ask, so each actor is asked once.
func channels(t *testing.T, s *storetest.Site, actor lms.Actor, id, file string) (seen []string) {
	t.Helper()
	ctx, course := t.Context(), s.Course.ID
	note := func(channel string, is bool) {
		if is {
			seen = append(seen, channel)
		}
	}
	list, err := s.Assignments(ctx, actor, course)
	want(t, err, nil)
	note("list", slices.ContainsFunc(list, func(a lms.Assignment) bool { return a.ID == id }))
	_, err = s.Assignment(ctx, actor, course, id)
	note("page", err == nil)
	_, err = s.File(ctx, actor, course, file)
	note("file", err == nil)
	_, err = s.Draft(ctx, actor, course, id)
	note("draft", err == nil)
	if !actor.Staff() {
		_, err = s.Marking(ctx, actor, course, id)
		note("marking", err == nil)
		_, err = s.MySubmissions(ctx, actor, course, id)
		note("work", err == nil)
	}
	home, err := s.Home(ctx, actor)
	want(t, err, nil)
	note("due", slices.ContainsFunc(home.Due, func(d lms.DueItem) bool { return d.AssignmentID == id }))
	note("news", slices.ContainsFunc(home.News, func(n lms.News) bool { return n.AssignmentID == id }))
	if grades, err := s.StudentGrades(ctx, actor, course, actor.UserID); err == nil {
		note("grades", slices.ContainsFunc(grades.Items, func(g lms.GradeItem) bool { return g.ID == id }))
		note("total", grades.Final.Percent != "")
	}
	if askTutor(s, actor, actor.UserID) == nil {
		brief, err := s.Brief(ctx, "r-"+actor.UserID)
		want(t, err, nil)
		note("tutor", slices.ContainsFunc(brief.Graded, func(g lms.GradedItem) bool { return g.ID == id }))
	}
	_, err = s.RequestExtension(ctx, actor, lms.Question{ID: "q-ext-" + actor.UserID, CourseID: course, Assignment: id, Title: "More time", Body: "Please."})
	note("extension", err == nil)
	_, err = s.SaveDraft(ctx, actor, course, id, lms.Draft{Text: "begun"}, nil)
	note("save", err == nil)
	_, _, err = s.Submit(ctx, actor, course, id, "s-"+actor.UserID, "done", nil)
	note("hand in", err == nil)
	return seen
}

// An assignment in a module that is hidden is hidden itself (CONTENT-1), but not from who has worked on it.
func TestAssignmentInAHiddenModule(t *testing.T) {
	off, on := false, true
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name         string
		module, item store.ModulePatch
		archived     bool
		hidden       bool
	}{
		{"shown", store.ModulePatch{}, store.ModulePatch{}, false, false},
		{"the module is a draft", store.ModulePatch{Published: &off}, store.ModulePatch{}, false, true},
		{"the module is released later", store.ModulePatch{ReleaseAt: &future}, store.ModulePatch{}, false, true},
		{"the module was released", store.ModulePatch{Published: &on, ReleaseAt: &past}, store.ModulePatch{}, false, false},
		{"the item is released later", store.ModulePatch{}, store.ModulePatch{ReleaseAt: &future}, false, true},
		{"the module is archived", store.ModulePatch{}, store.ModulePatch{}, true, false},
		{"the module was a draft when it was archived", store.ModulePatch{Published: &off}, store.ModulePatch{}, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := storetest.New(t)
			ctx, course := t.Context(), s.Course.ID
			a := s.Post(t, "as-1", func(a *lms.Assignment) { a.DueAt = time.Now().Add(time.Hour) })
			f := s.Upload(t, s.Instructor, "f-1", "task.pdf", 5, true)
			a, err := s.UpdateAssignment(ctx, s.Instructor, a, []string{f.ID})
			want(t, err, nil)
			_, err = s.GrantOverrides(ctx, s.Instructor, store.Grant{Override: lms.Override{CourseID: course, AssignmentID: a.ID, DueAt: time.Now().Add(2 * time.Hour)},
				Targets: []string{"student/" + s.Alice.UserID}, IDs: []string{"o-1"}})
			want(t, err, nil)
			// Bob has handed in before the module is hidden; Carol has a mark for work on paper.
			s.HandIn(t, s.Bob, a.ID, "s-bob", "early")
			carol := s.Account(t, "carol", "Carol Example", false)
			_, err = s.AddMember(ctx, s.Instructor, course, "carol", lms.RoleStudent)
			want(t, err, nil)
			carol.Role = lms.RoleStudent
			_, err = s.SetMark(ctx, s.TA, course, a.ID, carol.UserID, "90", 0, false)
			want(t, err, nil)
			want(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-1", CourseID: course, Title: "Week 1", Published: true}), nil)
			want(t, s.CreateItem(ctx, s.TA, course, "d-1", lms.ModuleItem{ID: a.ID, Kind: lms.ItemAssignment}), nil)
			want(t, s.UpdateItem(ctx, s.TA, course, a.ID, 1, tt.item), nil)
			want(t, s.UpdateModule(ctx, s.TA, course, "d-1", 1, tt.module), nil)
			if tt.archived {
				want(t, s.DeleteModule(ctx, s.TA, course, "d-1"), nil)
			}
			if _, err := s.Assignment(ctx, carol, course, a.ID); (err == nil) == tt.hidden {
				t.Errorf("a mark that is not posted decides what is seen: %v", err)
			}
			_, err = s.PostColumn(ctx, s.TA, course, a.ID, nil)
			want(t, err, nil)

			all := []string{"list", "page", "file", "draft", "marking", "work", "due", "news", "grades", "total", "tutor", "extension", "save", "hand in"}
			kept := []string{"list", "page", "file", "draft", "marking", "work", "grades", "total", "tutor", "extension", "save", "hand in"}
			if got := channels(t, s, s.Bob, a.ID, f.ID); !slices.Equal(got, kept) {
				t.Errorf("who has handed in sees it in %v", got)
			}
			if _, err := s.Assignment(ctx, carol, course, a.ID); err != nil {
				t.Errorf("who has a posted mark does not see it: %v", err)
			}
			for _, staff := range []lms.Actor{s.TA, s.Instructor, s.Admin} {
				if _, err := s.Assignment(ctx, staff, course, a.ID); err != nil {
					t.Errorf("hidden from %s: %v", staff.Login, err)
				}
			}
			if g, _ := rowOf(t, s, s.Alice); column(t, g, a.ID) < 0 {
				t.Error("hidden from the gradebook")
			}
			if tt.hidden {
				all = nil
			}
			if got := channels(t, s, s.Alice, a.ID, f.ID); !slices.Equal(got, all) {
				t.Errorf("a student sees it in %v, want %v", got, all)
			}
			if list, err := s.Assignments(ctx, s.Observer, course); err != nil || (len(list) > 0) == tt.hidden {
				t.Errorf("an observer who is linked to nobody sees %d (%v)", len(list), err)
			}
		})
	}
}
