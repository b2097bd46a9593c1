package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/assets/demo"
)

// demoSite loads the demo site through the API, as the people in it: the administrator makes accounts, instructors make
// courses, students hand in. Every object has a fixed id and is made only if it is missing, so that loading twice, or
// again after a failure in the middle, gives the same site.
type demoSite struct {
	origins  []string // of the nodes
	password string
	now      time.Time
	clients  map[string]*api.Client // by login, signed in
}

var errForeignSite = errors.New("there are other courses on this site; the demo is loaded only into an empty one")

// load loads the demo site into the cluster.
func (c *demoCluster) load(ctx context.Context) error {
	s := &demoSite{password: c.state.Password, now: time.Now(), clients: map[string]*api.Client{}}
	for _, n := range c.nodes {
		s.origins = append(s.origins, n.url())
	}
	link, err := readLine(filepath.Join(c.nodes[0].dir, setupFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.claim(ctx, link); err != nil {
		return err
	}
	return s.load(ctx)
}

// claim makes the administrator with the setup link, if there is none yet.
func (s *demoSite) claim(ctx context.Context, link string) error {
	_, token, ok := strings.Cut(link, "/setup#")
	if !ok {
		return nil
	}
	admin := demoUsers[0]
	_, err := api.Call(ctx, s.client(""), api.Setup, api.SetupInput{Token: token, Login: admin.login, Name: admin.name, Password: s.password, Bearer: true})
	if kind := lms.KindOf(err); kind == lms.KindForbidden || kind == lms.KindConflict {
		return nil // claimed before: signing in decides
	}
	return err
}

func (s *demoSite) client(token string) *api.Client {
	c := api.NewClient(s.origins[0], api.WithBearer(token), api.WithTimeouts(15*time.Second, 30*time.Second))
	c.SetNodes(s.origins)
	return c
}

// as returns a client that is signed in as the user.
func (s *demoSite) as(ctx context.Context, login string) (*api.Client, error) {
	if c := s.clients[login]; c != nil {
		return c, nil
	}
	session, err := api.Call(ctx, s.client(""), api.SignIn, api.SignInInput{Login: login, Password: s.password, Bearer: true})
	if err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", login, err)
	}
	c := s.client(session.Token)
	s.clients[login] = c
	return c, nil
}

func (s *demoSite) load(ctx context.Context) error {
	admin, err := s.as(ctx, demoAdmin)
	if err != nil {
		return err
	}
	courses, err := api.Call(ctx, admin, api.ListCourses, api.NoInput{})
	if err != nil {
		return err
	}
	// People may have added courses to the demo; a site without any of its courses is somebody's own.
	if len(courses.Items) > 0 && !slices.ContainsFunc(courses.Items, func(c lms.Course) bool {
		return slices.ContainsFunc(demoCourses, func(d demoCourse) bool { return d.id == c.ID })
	}) {
		return errForeignSite
	}
	if err := s.loadUsers(ctx, admin); err != nil {
		return err
	}
	for _, d := range demoCourses {
		known := slices.ContainsFunc(courses.Items, func(c lms.Course) bool { return c.ID == d.id })
		if err := s.loadCourse(ctx, d, known); err != nil {
			return fmt.Errorf("course %s: %w", d.code, err)
		}
	}
	return nil
}

func (s *demoSite) loadUsers(ctx context.Context, admin *api.Client) error {
	users, err := api.Call(ctx, admin, api.ListUsers, api.ListInput{Limit: api.MaxPage})
	if err != nil {
		return err
	}
	for _, d := range demoUsers[1:] {
		if slices.ContainsFunc(users.Items, func(u lms.User) bool { return u.ID == d.id }) {
			continue
		}
		in := api.CreateUserInput{ID: d.id, Login: d.login, Name: d.name, Password: s.password, MayCreateCourses: d.instructor}
		if _, err := api.Call(ctx, admin, api.CreateUser, in); err != nil {
			return fmt.Errorf("account %s: %w", d.login, err)
		}
	}
	return nil
}

func (s *demoSite) loadCourse(ctx context.Context, d demoCourse, known bool) error {
	teacher, err := s.as(ctx, d.by)
	if err != nil {
		return err
	}
	if !known {
		in := api.CourseInput{ID: d.id, Code: d.code, Title: d.title, Summary: d.summary, Zone: demoZone, State: lms.CoursePublished}
		if _, err := api.Call(ctx, teacher, api.CreateCourse, in); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, *api.Client, demoCourse) error{s.loadMembers, s.loadMaterials, s.loadAssignments, s.loadQuestions} {
		if err := step(ctx, teacher, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *demoSite) loadMembers(ctx context.Context, teacher *api.Client, d demoCourse) error {
	there := map[string]bool{}
	for in := (api.ListMembersInput{Course: d.id}); ; {
		members, err := api.Call(ctx, teacher, api.ListMembers, in)
		if err != nil {
			return err
		}
		for _, m := range members.Items {
			there[m.Login] = true
		}
		if in.After = members.Next; in.After == "" {
			break
		}
	}
	for _, login := range d.students {
		if there[login] {
			continue
		}
		if _, err := api.Call(ctx, teacher, api.AddMember, api.AddMemberInput{Course: d.id, Login: login, Role: lms.RoleStudent}); err != nil {
			return fmt.Errorf("enrol %s: %w", login, err)
		}
	}
	return nil
}

func (s *demoSite) loadMaterials(ctx context.Context, teacher *api.Client, d demoCourse) error {
	have, err := api.Call(ctx, teacher, api.ListMaterials, api.CoursePath{Course: d.id})
	if err != nil {
		return err
	}
	for _, m := range d.materials {
		if slices.ContainsFunc(have.Items, func(h lms.Material) bool { return h.ID == m.id }) {
			continue
		}
		in := api.MaterialInput{Course: d.id, ID: m.id, Title: m.title, Kind: lms.MaterialPage, Body: m.body, Published: true}
		if m.file != "" {
			data, err := demo.Files.ReadFile(m.file)
			if err != nil {
				return err
			}
			if strings.HasSuffix(m.file, ".md") {
				in.Body = string(data)
			} else {
				receipt, err := api.Upload(ctx, teacher, d.id, memoryFile{m.file, data}, nil)
				if err != nil {
					return fmt.Errorf("upload %s: %w", m.file, err)
				}
				in.Kind, in.FileID = lms.MaterialFile, receipt.File.ID
			}
		}
		if _, err := api.Call(ctx, teacher, api.CreateMaterial, in); err != nil {
			return fmt.Errorf("material %s: %w", m.title, err)
		}
	}
	return nil
}

func (s *demoSite) loadAssignments(ctx context.Context, teacher *api.Client, d demoCourse) error {
	have, err := api.Call(ctx, teacher, api.ListAssignments, api.CoursePath{Course: d.id})
	if err != nil {
		return err
	}
	for _, a := range d.assignments {
		if !slices.ContainsFunc(have.Items, func(h lms.Assignment) bool { return h.ID == a.id }) {
			if _, err := api.Call(ctx, teacher, api.CreateAssignment, s.assignment(d, a)); err != nil {
				return fmt.Errorf("assignment %s: %w", a.title, err)
			}
		}
		for _, w := range a.work {
			if err := s.loadWork(ctx, teacher, d, a, w); err != nil {
				return fmt.Errorf("work of %s in %s: %w", w.by, a.title, err)
			}
		}
	}
	return nil
}

func (s *demoSite) assignment(d demoCourse, a demoAssignment) api.AssignmentInput {
	in := api.AssignmentInput{
		Course: d.id, ID: a.id, Title: a.title, Description: a.description, Points: a.points, AllowText: a.text,
		MaxFiles: a.files, AllowedTypes: a.types, DueAt: demoDay(s.now, a.due), Published: true,
	}
	if a.files > 0 {
		in.MaxFileSize = 50 << 20
	}
	if a.opens != 0 {
		in.OpensAt = demoDay(s.now, a.opens-1)
	}
	if a.cutoff != 0 {
		in.CutoffAt = demoDay(s.now, a.cutoff)
	}
	return in
}

// loadWork hands in as the student, and grades and posts as the instructor.
func (s *demoSite) loadWork(ctx context.Context, teacher *api.Client, d demoCourse, a demoAssignment, w demoWork) error {
	student, err := s.as(ctx, w.by)
	if err != nil {
		return err
	}
	mine, err := api.Call(ctx, student, api.MySubmissions, api.AssignmentPath{Course: d.id, Assignment: a.id})
	if err != nil {
		return err
	}
	if len(mine.Items) == 0 {
		in := api.SubmitInput{Course: d.id, Assignment: a.id, ID: w.id, Text: w.text}
		if w.fileName != "" {
			receipt, err := api.Upload(ctx, student, d.id, memoryFile{w.fileName, []byte(w.fileBody)}, nil)
			if err != nil {
				return err
			}
			in.Files = []string{receipt.File.ID}
		}
		if _, err := api.Call(ctx, student, api.Submit, in); err != nil {
			return err
		}
	}
	if w.feedback == "" {
		return nil
	}
	sub, err := api.Call(ctx, teacher, api.GetSubmission, api.SubmissionPath{Course: d.id, Submission: w.id})
	if err != nil {
		return err
	}
	if sub.Grade == nil {
		in := api.GradeInput{Course: d.id, Submission: w.id, Points: w.points, Feedback: w.feedback}
		if _, err := api.Call(ctx, teacher, api.SaveGrade, in); err != nil {
			return err
		}
	}
	if w.post && (sub.Grade == nil || sub.Grade.PostedAt.IsZero()) {
		_, err = api.Call(ctx, teacher, api.PostGrades, api.PostGradesInput{Course: d.id, Assignment: a.id, Submissions: []string{w.id}})
	}
	return err
}

func (s *demoSite) loadQuestions(ctx context.Context, teacher *api.Client, d demoCourse) error {
	for _, q := range d.questions {
		student, err := s.as(ctx, q.by)
		if err != nil {
			return err
		}
		path := api.QuestionPath{Course: d.id, Question: q.id}
		have, err := api.Call(ctx, student, api.GetQuestion, path)
		if lms.KindOf(err) == lms.KindNotFound {
			if q.to == lms.ToTutor {
				s.waitRead(ctx, teacher, d)
			}
			in := api.QuestionInput{Course: d.id, ID: q.id, To: q.to, Title: q.title, Body: q.body, Visibility: lms.VisibleStaff}
			if q.to == lms.ToTutor {
				in.ReplyID = q.id + "-reply"
				if _, err := api.Call(ctx, student, api.AcceptTutorNotice, api.TutorNoticeInput{Notice: lms.TutorNotice}); err != nil {
					return fmt.Errorf("tutor's notice: %w", err)
				}
			} else {
				in.Visibility = lms.VisibleCourse
			}
			have, err = api.Call(ctx, student, api.AskQuestion, in)
		}
		if err != nil {
			return fmt.Errorf("question %q: %w", q.title, err)
		}
		if q.reply == "" || len(have.Replies) > 0 || have.ReplyCount > 0 {
			continue
		}
		in := api.ReplyInput{Course: d.id, Question: q.id, ID: q.id + "-reply", Body: q.reply}
		if _, err := api.Call(ctx, teacher, api.AddReply, in); err != nil {
			return fmt.Errorf("reply to %q: %w", q.title, err)
		}
	}
	return nil
}

// waitRead waits a while until the tutor has read the material, because it answers from what it has read.
func (s *demoSite) waitRead(ctx context.Context, teacher *api.Client, d demoCourse) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		have, err := api.Call(ctx, teacher, api.ListMaterials, api.CoursePath{Course: d.id})
		pending := func(m lms.Material) bool { return m.Index == lms.IndexPending }
		if err == nil && !slices.ContainsFunc(have.Items, pending) || !wait(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// memoryFile is a file to upload that lies in memory.
type memoryFile struct {
	name string
	data []byte
}

func (f memoryFile) Name() string { return f.name }
func (f memoryFile) Size() int64  { return int64(len(f.data)) }

func (f memoryFile) Slice(i int) ([]byte, error) {
	from := i * lms.ChunkSize
	return f.data[from : from+lms.ChunkLen(f.Size(), i)], nil
}
