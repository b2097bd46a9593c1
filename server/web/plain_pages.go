package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/app/ui"
)

func (s *Server) plainCourses(q *request) error {
	page, err := s.listCourses(q.ctx, q.actor, api.NoInput{})
	if err != nil {
		return err
	}
	var mine []lms.Course
	for _, c := range page.Items {
		if c.MyRole != "" && c.State != lms.CourseArchived {
			mine = append(mine, c)
		}
	}
	return q.show(http.StatusOK, "courses", plainView{Title: "Your courses", Page: mine})
}

// plainTask is an assignment in a list.
type plainTask struct {
	lms.Assignment
	Badge, Tone string
}

func (s *Server) plainCourse(q *request) error {
	in, err := plainInput[api.CoursePath](q)
	if err != nil {
		return err
	}
	course, err := s.getCourse(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	outline, err := s.getOutline(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	assignments, err := s.listAssignments(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	var page struct {
		Course  lms.Course
		Outline lms.Outline
		Tasks   []plainTask
	}
	page.Course, page.Outline = course, outline
	for _, a := range assignments.Items {
		if !a.ArchivedAt.IsZero() {
			continue
		}
		t := plainTask{Assignment: a}
		if q.actor.Role == lms.RoleStudent {
			t.Badge, t.Tone = ui.WorkBadge(a, s.now())
		} else if !a.Published {
			t.Badge, t.Tone = "Draft", "warn"
		}
		page.Tasks = append(page.Tasks, t)
	}
	v := q.inCourse(course, course.Title)
	v.Crumbs, v.Lead, v.Page = v.Crumbs[:1], course.Code, page
	return q.show(http.StatusOK, "course", v)
}

// inCourse is the frame of a page of a course.
func (q *request) inCourse(c lms.Course, title string) plainView {
	return plainView{Title: title, Zone: c.Zone, Full: q.r.URL.Path[len(plainRoot):],
		Crumbs: []plainLink{{"Your courses", plainRoot}, {c.Code, plainRoot + "/courses/" + c.ID}}}
}

func (s *Server) plainMaterial(q *request) error {
	in, err := plainInput[api.MaterialPath](q)
	if err != nil {
		return err
	}
	m, err := s.getMaterial(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	course, err := s.getCourse(q.ctx, q.actor, api.CoursePath{Course: in.Course})
	if err != nil {
		return err
	}
	v := q.inCourse(course, m.Title)
	v.Page = m
	return q.show(http.StatusOK, "material", v)
}

// plainWork is an assignment with what the reader has handed in and can hand in.
type plainWork struct {
	Assignment lms.Assignment
	Worth      string
	FilesHelp  string
	Accept     string // for the browser's choice of files
	Attempts   []plainAttempt
	Why        string // nothing can be handed in now; empty: something can
	Form       *plainForm
	Next       int    // number of the next attempt
	LateCost   string // what handing in at this moment costs; empty: nothing
	LateKey    string
	Warnings   []string
}

type plainAttempt struct {
	lms.Submission
	Score string
}

func (s *Server) plainAssignment(q *request) error {
	in, err := plainInput[api.AssignmentPath](q)
	if err != nil {
		return err
	}
	form := &plainForm{Token: lms.NewID()}
	if q.actor.Role == lms.RoleStudent {
		draft, err := s.getDraft(q.ctx, q.actor, in)
		if err != nil {
			return err
		}
		form.Text, form.URL = draft.Text, draft.URL
		for _, f := range draft.Files {
			if f.Complete() {
				form.Kept = append(form.Kept, f)
			}
		}
	}
	return s.showAssignment(q, in, http.StatusOK, form)
}

// showAssignment shows an assignment with the form as it was filled in.
func (s *Server) showAssignment(q *request, in api.AssignmentPath, status int, form *plainForm) error {
	a, err := s.getAssignment(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	course, err := s.getCourse(q.ctx, q.actor, api.CoursePath{Course: in.Course})
	if err != nil {
		return err
	}
	w := plainWork{Assignment: a, Worth: ui.Worth(a), FilesHelp: ui.FilesHelp(a), Accept: strings.Join(a.AllowedTypes, ",")}
	if q.actor.Role == lms.RoleStudent || q.actor.Role == lms.RoleObserver {
		mine, err := s.mySubmissions(q.ctx, q.actor, in)
		if err != nil && !errors.Is(err, lms.ErrForbidden) { // an observer of nobody
			return err
		}
		for _, sub := range mine.Items {
			w.Attempts = append(w.Attempts, plainAttempt{sub, ui.ScoreText(a, sub)})
		}
	}
	if q.actor.Role == lms.RoleStudent {
		w.offer(course, form, s.store.Now())
	}
	v := q.inCourse(course, a.Title)
	if len(form.Problems) > 0 {
		v.Title = "Not handed in: " + a.Title
	}
	v.Page = w
	return q.show(status, "assignment", v)
}

// offer adds the form, or why there is none.
func (w *plainWork) offer(course lms.Course, form *plainForm, now time.Time) {
	a := w.Assignment
	used := 0
	if a.Mine != nil {
		used = a.Mine.Used
	}
	if len(w.Attempts) > 0 {
		w.Next = w.Attempts[0].Attempt
	}
	w.Next++
	switch err := a.CheckOpen(now); {
	case a.OnPaper:
		w.Why = lms.ErrOnPaper.Message
	case course.State != lms.CoursePublished:
		w.Why = lms.ErrCourseOver.Message
	case err != nil:
		w.Why = refusalOf(err).Message
	case a.MaxAttempts > 0 && used >= a.MaxAttempts:
		w.Why = lms.ErrAttempts.Message
	}
	if w.Why != "" && len(form.Problems) == 0 {
		return
	}
	w.Form = form
	for _, sub := range w.Attempts {
		switch {
		case sub.Counts && sub.Chosen:
			w.Warnings = append(w.Warnings, "Your instructor has chosen an earlier attempt to be graded. A new one does not replace it by itself.")
		case sub.Counts:
			w.Warnings = append(w.Warnings, "Handing in again replaces the attempt before: the latest one is graded. Earlier ones are kept.")
		}
	}
	if a.MaxAttempts > 0 && used == a.MaxAttempts-1 {
		w.Warnings = append(w.Warnings, "This is your last attempt.")
	}
	if a.Mine != nil && a.Mine.Late != nil {
		w.LateCost, w.LateKey = "This is "+ui.LateText(a.Mine.Late.Seconds)+". "+ui.LateCostText(a, *a.Mine.Late), lateKey(a)
	}
}

// lateKey is what the tick of the warning about late work agrees to; "" when the work is on time.
func lateKey(a lms.Assignment) string {
	if a.Mine == nil || a.Mine.Late == nil {
		return ""
	}
	return "late-" + a.Mine.Late.Points.String()
}

func (s *Server) plainReceipt(q *request) error {
	in, err := plainInput[api.SubmissionPath](q)
	if err != nil {
		return err
	}
	r, err := s.getReceipt(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	sub := r.Submission
	a, err := s.getAssignment(q.ctx, q.actor, api.AssignmentPath{Course: in.Course, Assignment: sub.AssignmentID})
	if err != nil {
		return err
	}
	course, err := s.getCourse(q.ctx, q.actor, api.CoursePath{Course: in.Course})
	if err != nil {
		return err
	}
	v := q.inCourse(course, "Receipt")
	path := "/courses/" + course.ID + "/assignments/" + a.ID
	v.Crumbs, v.Full, v.Lead = append(v.Crumbs, plainLink{a.Title, plainRoot + path}), path, a.Title
	v.Page = struct {
		lms.Receipt
		Score  string
		Staff  bool
		Whole  bool
		Mailed string
	}{r, ui.ScoreText(a, sub), q.actor.Staff(), sub.State == lms.SubmissionReceived, mailedSentence(r)}
	return q.show(http.StatusOK, "receipt", v)
}

func mailedSentence(r lms.Receipt) string {
	if r.Mail == nil {
		return ""
	}
	return r.Mail.Sentence()
}
