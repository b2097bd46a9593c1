package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

const demoLoadHelp = `load makes the site of the running demo big: many students, courses, assignments, hand-ins and grades, through the same
API that people use. The same numbers and seed give the same site; loaded twice, nothing is added.

The first course has all students. Each of the others has a fifth of them. Everybody's password is that of the demo.`

// scaleFlags say how big a site is made.
type scaleFlags struct {
	students, courses, assignments int
	share                          int // percent of the possible hand-ins that are made
	seed                           uint64
	workers                        int
}

func (f *scaleFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.IntVar(&f.students, "students", 1000, "students of the site")
	s.IntVar(&f.courses, "courses", 20, "courses")
	s.IntVar(&f.assignments, "assignments", 60, "assignments of each course")
	s.Uint64Var(&f.seed, "seed", 1, "which site it is")
	s.IntVar(&f.workers, "workers", 24, "people at work at a time")
}

func (f *scaleFlags) validate() error {
	for _, r := range []struct {
		flag               string
		value, least, most int
	}{{"students", f.students, 1, 5000}, {"courses", f.courses, 1, 200}, {"assignments", f.assignments, 0, 200}, {"share", f.share, 0, 100}, {"workers", f.workers, 1, 200}} {
		if r.value < r.least || r.value > r.most {
			return fmt.Errorf("--%s %d: choose between %d and %d", r.flag, r.value, r.least, r.most)
		}
	}
	return nil
}

// scaleSite makes a big site. Every id follows from the seed, so that what is there already is not made again.
type scaleSite struct {
	scaleFlags
	site  *demoSite
	out   io.Writer
	mu    sync.Mutex // guards the clients of site
	began time.Time
}

// newDemoLoad makes the site of a running demo big.
func newDemoLoad(d *demoFlags) *cobra.Command {
	s := &scaleSite{}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Make the site of the running demo big: students, courses, assignments, hand-ins, grades",
		Long:  demoLoadHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err = s.validate(); err == nil {
				s.out = cmd.OutOrStdout()
				s.site, err = openDemoSite(d.dir)
			}
			if err != nil {
				return err
			}
			return s.load(cmd.Context())
		},
	}
	s.add(cmd)
	cmd.Flags().IntVar(&s.share, "share", 85, "percent of the possible hand-ins that are made")
	return cmd
}

// openDemoSite reaches the demo that runs in the directory.
func openDemoSite(dir string) (*demoSite, error) {
	state, err := readDemo(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !running(dir) {
		return nil, fmt.Errorf("no demo runs in %s; start it with \"trivium demo\"", dir)
	} else if err != nil {
		return nil, err
	}
	s := &demoSite{password: state.Password, now: time.Now(), clients: map[string]*api.Client{}}
	for i := range state.Nodes {
		s.origins = append(s.origins, fmt.Sprintf("http://127.0.0.1:%d", state.BasePort+i))
	}
	return s, nil
}

func (s *scaleSite) id(kind string, numbers ...int) string {
	id := fmt.Sprintf("scale-%d-%s", s.seed, kind)
	for _, n := range numbers {
		id += fmt.Sprintf("-%d", n)
	}
	return id
}

func scaleTeacher(course int) string { return fmt.Sprintf("teacher%02d", course/4+1) }

func scaleStudent(i int) string { return fmt.Sprintf("student%04d", i+1) }

// chance is a number in [0, 1) that follows from the seed and the place.
func (s *scaleSite) chance(numbers ...int) float64 {
	h := s.seed
	for _, n := range numbers {
		h = h*0x9e3779b97f4a7c15 + uint64(n) + 1
	}
	return rand.New(rand.NewPCG(h, 1)).Float64()
}

// in reports whether the student is in the course.
func (s *scaleSite) in(course, student int) bool {
	return course == 0 || s.chance(1, course, student) < 0.2
}

// as is a client of the person, signed in once.
func (s *scaleSite) as(ctx context.Context, login string) (*api.Client, error) {
	s.mu.Lock()
	c := s.site.clients[login]
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	// The first client of every person goes to another node, so that the load is spread.
	own := &demoSite{password: s.site.password, clients: map[string]*api.Client{}}
	at := int(s.chance(2, len(login), int(login[len(login)-1])) * float64(len(s.site.origins)))
	own.origins = append(append(own.origins, s.site.origins[at:]...), s.site.origins[:at]...)
	c, err := own.as(ctx, login)
	if err == nil {
		s.mu.Lock()
		s.site.clients[login] = c
		s.mu.Unlock()
	}
	return c, err
}

// each does the work for 0 to n-1 with several workers and tells how far it is. The first failure ends it.
func (s *scaleSite) each(ctx context.Context, what string, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, finished atomic.Int64
	var wg sync.WaitGroup
	for range min(s.workers, max(n, 1)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				err := do(ctx, i)
				for later(err) && wait(ctx, time.Second) { // every id is the same again
					err = do(ctx, i)
				}
				if err != nil {
					cancel(fmt.Errorf("%s: %w", what, err))
					return
				}
				finished.Add(1)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			if err := context.Cause(ctx); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %d (%.0f s)\n", what, n, time.Since(s.began).Seconds())
			return nil
		case <-tick.C:
			fmt.Fprintf(s.out, "%s: %d of %d\n", what, finished.Load(), n)
		}
	}
}

// later reports whether it is only too early: a slow machine, or a thousand people who sign in from one address.
func later(err error) bool {
	kind := lms.KindOf(err)
	return kind == lms.KindUnavailable || kind == lms.KindLimit
}

func existed(err error) error {
	if lms.KindOf(err) == lms.KindConflict {
		return nil
	}
	return err
}

func (s *scaleSite) load(ctx context.Context) error {
	s.began = time.Now()
	admin, err := s.as(ctx, demoAdmin)
	if err != nil {
		return err
	}
	teachers := (s.courses + 3) / 4
	account := func(ctx context.Context, kind string, i int, login, name string, teaches bool) error {
		_, err := api.Call(ctx, admin, api.CreateUser, api.CreateUserInput{ID: s.id(kind, i), Login: login, Name: name, Password: s.site.password, MayCreateCourses: teaches})
		return existed(err)
	}
	steps := []struct {
		what string
		n    int
		do   func(ctx context.Context, i int) error
	}{
		{"teachers", teachers, func(ctx context.Context, i int) error {
			return account(ctx, "teacher", i, scaleTeacher(i*4), scaleName(s.chance(3, i), s.chance(4, i)), true)
		}},
		{"students", s.students, func(ctx context.Context, i int) error {
			return account(ctx, "student", i, scaleStudent(i), scaleName(s.chance(5, i), s.chance(6, i)), false)
		}},
		{"courses", s.courses, s.loadCourse},
		{"enrolments", s.courses * s.students, s.loadMember},
		{"assignments", s.courses * s.assignments, s.loadAssignment},
		{"hand-ins and grades", s.students, s.loadWork},
		{"posted assignments", s.assignments * s.courses, s.post},
	}
	for _, step := range steps {
		if err := s.each(ctx, step.what, step.n, step.do); err != nil {
			return err
		}
	}
	return nil
}

func (s *scaleSite) loadCourse(ctx context.Context, i int) error {
	teacher, err := s.as(ctx, scaleTeacher(i))
	if err != nil {
		return err
	}
	subjects := strings.Fields("Algebra Biology Chemistry Drawing Ecology French Geography History Informatics Law Music Optics Physics Rhetoric Statistics")
	title := fmt.Sprintf("%s %d", subjects[i%len(subjects)], 101+i)
	_, err = api.Call(ctx, teacher, api.CreateCourse, api.CourseInput{ID: s.id("course", i), Code: fmt.Sprintf("SC %03d", i+1), Title: title, Zone: demoZone, State: lms.CoursePublished})
	return existed(err)
}

func (s *scaleSite) loadMember(ctx context.Context, i int) error {
	course, student := i/s.students, i%s.students
	if !s.in(course, student) {
		return nil
	}
	teacher, err := s.as(ctx, scaleTeacher(course))
	if err != nil {
		return err
	}
	_, err = api.Call(ctx, teacher, api.AddMember, api.AddMemberInput{Course: s.id("course", course), Login: scaleStudent(student), Role: lms.RoleStudent})
	return existed(err)
}

func (s *scaleSite) loadAssignment(ctx context.Context, i int) error {
	course, n := i/s.assignments, i%s.assignments
	teacher, err := s.as(ctx, scaleTeacher(course))
	if err != nil {
		return err
	}
	due := n + 1
	if n%10 == 9 {
		due = -1 // what is handed in is late
	}
	_, err = api.Call(ctx, teacher, api.CreateAssignment, api.AssignmentInput{Course: s.id("course", course), ID: s.id("assignment", course, n),
		Title: fmt.Sprintf("Exercise %d", n+1), Description: "Solve the exercises of this week and explain each step.", Points: 10_00,
		DueAt: demoDay(s.site.now, due), AllowText: true, MaxFiles: 3, MaxFileSize: 20 << 20, Published: true})
	return existed(err)
}

// loadWork hands in everything of one student, and grades it.
func (s *scaleSite) loadWork(ctx context.Context, i int) error {
	student, err := s.as(ctx, scaleStudent(i))
	if err != nil {
		return err
	}
	for course := range s.courses {
		if !s.in(course, i) {
			continue
		}
		teacher, err := s.as(ctx, scaleTeacher(course))
		if err != nil {
			return err
		}
		for n := range s.assignments {
			if s.chance(7, course, i, n) >= float64(s.share)/100 {
				continue
			}
			if err := s.loadAttempt(ctx, student, teacher, course, i, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scaleSite) loadAttempt(ctx context.Context, student, teacher *api.Client, course, i, n int) error {
	id := s.id("work", course, i, n)
	_, err := api.Call(ctx, student, api.Submit, api.SubmitInput{Course: s.id("course", course), Assignment: s.id("assignment", course, n), ID: id,
		Text: fmt.Sprintf("Exercise %d, solved by %s. The sum of the first n numbers is n(n+1)/2: pair the first with the last.", n+1, scaleStudent(i))})
	if existed(err) != nil {
		return err
	}
	if s.chance(8, course, i, n) > 0.9 {
		return nil // not graded yet
	}
	points := lms.Points(400 + 50*int(13*s.chance(9, course, i)*0.6+13*s.chance(10, course, i, n)*0.4))
	in := api.GradeInput{Course: s.id("course", course), Submission: id, Points: min(points, 10_00), Feedback: "See the model solution."}
	for {
		_, err = api.Call(ctx, teacher, api.SaveGrade, in)
		// The teacher's node may not have heard of the hand-in yet, which somebody else made a moment ago.
		if lms.KindOf(err) != lms.KindNotFound || !wait(ctx, 20*time.Millisecond) {
			return existed(err)
		}
	}
}

// post shows the grades of all but the newest assignments.
func (s *scaleSite) post(ctx context.Context, i int) error {
	course, n := i/s.assignments, i%s.assignments
	if n >= s.assignments*9/10 {
		return nil
	}
	teacher, err := s.as(ctx, scaleTeacher(course))
	if err != nil {
		return err
	}
	_, err = api.Call(ctx, teacher, api.PostGrades, api.PostGradesInput{Course: s.id("course", course), Assignment: s.id("assignment", course, n)})
	return err
}

func scaleName(a, b float64) string {
	first := strings.Fields("Ada Ben Chiara Daniel Emi Farid Greta Hugo Ines Jonas Kofi Lena Mina Noah Olga Pablo Quinn Rosa Sami Tara Uma Viktor Wanda Xenia Yusuf Zoe")
	last := strings.Fields("Almeida Brandt Costa Dubois Eriksen Fischer Garcia Haddad Ivanov Jensen Kim Lindqvist Moreau Novák Okafor Petrov Quist Russo Said Tanaka Ueda Vargas Weber Xu Yilmaz Zeller")
	return first[int(a*float64(len(first)))] + " " + last[int(b*float64(len(last)))]
}
