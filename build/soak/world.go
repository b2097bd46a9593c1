//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// world is the school that the load works in, and what the driver knows of it.
type world struct {
	name            string // begins the logins; empty: the first school
	course, foreign string // the students are members of the first only
	teacher, ta     *session
	students        []*session
	logins          []string
	users           []string // ids of the students
	assignments     []lms.Assignment
	threads         []string

	mu          sync.Mutex
	submissions []*submitted
	gradable    []*gradable
	replies     map[string]*said    // by their text
	seen        map[string][]string // thread -> the longest list of replies seen
	seats       []*seatRound
	revoked     []revoked
	tutored     []asked
}

// submitted is a hand-in that was acknowledged.
type submitted struct {
	id, user, assignment, text string
	files                      []sent
	stamp                      time.Time
	index                      uint64
	start, end                 time.Time
	late                       int64
}

// sent is a file whose every byte was acknowledged.
type sent struct {
	id, sha string
	size    int64
	chunks  []string
}

// said is a reply in a thread that was sent.
type said struct {
	thread, text, who string
	start, end        time.Time
	outcome           outcome
}

// gradable is a submission whose grade several markers change.
type gradable struct {
	id      string
	version int64 // newest that anybody was told
}

// seatRound is a course with few seats.
type seatRound struct {
	course, invite, code string
	seats                int
	mu                   sync.Mutex
	got                  map[int]bool // student -> acknowledged
	perhaps              map[int]bool
	refusals             int
}

type revoked struct {
	token string
	ack   time.Time
}

type asked struct{ question, reply string }

const (
	password    = "a long enough password"
	assignments = 12
	threads     = 8
)

func must[T any](v T, a answer) (T, error) {
	if a.outcome != done {
		return v, fmt.Errorf("%s: %w", a.outcome, a.err)
	}
	return v, nil
}

// populate makes accounts, courses, assignments and threads.
func (r *rig) populate(ctx context.Context) error {
	w := &world{course: lms.NewID(), foreign: lms.NewID(), replies: map[string]*said{}, seen: map[string][]string{}}
	if r.world != nil {
		w.name = w.course[len(w.course)-6:] + "-"
	}
	r.world = w
	var err error
	if w.teacher, _, err = r.person(ctx, "teacher", true); err != nil {
		return err
	}
	for _, c := range []string{w.course, w.foreign} {
		in := api.CourseInput{ID: c, Code: "SOAK " + c[:4], Title: "Endurance", Zone: "Europe/Berlin", State: lms.CoursePublished}
		if _, err := must(call(ctx, r, w.teacher, 0, api.CreateCourse, in, lms.NewID())); err != nil {
			return fmt.Errorf("a course: %w", err)
		}
	}
	if w.ta, err = r.member(ctx, "assistant", lms.RoleTA); err != nil {
		return err
	}
	for i := range r.clients {
		s, err := r.member(ctx, fmt.Sprintf("student%d", i), lms.RoleStudent)
		if err != nil {
			return err
		}
		w.students = append(w.students, s)
	}
	for i := range assignments {
		if _, err := r.assignment(ctx, fmt.Sprintf("Task %d", i+1), time.Time{}, true); err != nil {
			return err
		}
	}
	for i := range threads {
		in := api.QuestionInput{Course: w.course, ID: lms.NewID(), To: lms.ToStaff, Title: fmt.Sprintf("Thread %d", i+1), Visibility: lms.VisibleCourse}
		if _, err := must(call(ctx, r, w.teacher, 0, api.AskQuestion, in, lms.NewID())); err != nil {
			return fmt.Errorf("a thread: %w", err)
		}
		w.threads = append(w.threads, in.ID)
	}
	return nil
}

// person makes an account and signs in.
func (r *rig) person(ctx context.Context, login string, courses bool) (*session, string, error) {
	login = r.world.name + login
	u, err := must(call(ctx, r, r.byHand, 0, api.CreateUser, api.CreateUserInput{ID: lms.NewID(), Login: login, Name: login, Password: password, MayCreateCourses: courses}, lms.NewID()))
	if err != nil {
		return nil, "", fmt.Errorf("account %s: %w", login, err)
	}
	s := newSession(login, "")
	in, err := must(call(ctx, r, s, 0, api.SignIn, api.SignInInput{Login: login, Password: password, Bearer: true}, lms.NewID()))
	if err != nil {
		return nil, "", fmt.Errorf("sign in %s: %w", login, err)
	}
	s.token.Store(&in.Token)
	return s, u.ID, nil
}

// member makes a person and enrols them.
func (r *rig) member(ctx context.Context, login string, role lms.Role) (*session, error) {
	s, id, err := r.person(ctx, login, false)
	if err != nil {
		return nil, err
	}
	_, err = must(call(ctx, r, r.world.teacher, 0, api.AddMember, api.AddMemberInput{Course: r.world.course, Login: s.name, Role: role}, lms.NewID()))
	if role == lms.RoleStudent {
		r.world.logins, r.world.users = append(r.world.logins, s.name), append(r.world.users, id)
	}
	return s, err
}

// assignment posts one; those of the load are kept.
func (r *rig) assignment(ctx context.Context, title string, due time.Time, keep bool) (lms.Assignment, error) {
	in := api.AssignmentInput{Course: r.world.course, ID: lms.NewID(), Title: title, Points: 10000, DueAt: due, AllowText: true, MaxFiles: 4,
		MaxFileSize: 16 << 20, AllowedTypes: []string{}, Published: true}
	a, err := must(call(ctx, r, r.world.teacher, 0, api.CreateAssignment, in, lms.NewID()))
	if err != nil {
		return a, fmt.Errorf("assignment %q: %w", title, err)
	}
	if keep {
		r.world.assignments = append(r.world.assignments, a)
	}
	return a, nil
}

// newSeats makes a course that a few of the students may join.
func (r *rig) newSeats(ctx context.Context) error {
	w := r.world
	s := &seatRound{course: lms.NewID(), seats: 1 + r.clients/4, got: map[int]bool{}, perhaps: map[int]bool{}}
	in := api.CourseInput{ID: s.course, Code: "SEAT " + s.course[:4], Title: "Few seats", Zone: "Europe/Berlin", State: lms.CoursePublished}
	if _, err := must(call(ctx, r, w.teacher, 0, api.CreateCourse, in, lms.NewID())); err != nil {
		return err
	}
	invite, err := must(call(ctx, r, w.teacher, 0, api.CreateInvite, api.CreateInviteInput{Course: s.course, ID: lms.NewID(), Role: lms.RoleStudent, MaxUses: s.seats}, lms.NewID()))
	if err != nil {
		return err
	}
	s.invite, s.code = invite.ID, invite.Code
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seats = append(w.seats, s)
	return nil
}

// see compares a list of replies with the longest one seen of the thread: one must begin with the other (I5).
func (r *rig) see(node int, thread string, replies []lms.Reply) {
	list := make([]string, len(replies))
	for i, p := range replies {
		list[i] = p.Body
	}
	w := r.world
	w.mu.Lock()
	old := w.seen[thread]
	if len(list) > len(old) {
		w.seen[thread] = list
	}
	w.mu.Unlock()
	for i := range min(len(list), len(old)) {
		if list[i] != old[i] {
			r.violate("I5", "n%d shows thread %s with %q at place %d, before there was %q", node+1, thread, list[i], i, old[i])
			return
		}
	}
}

func short(s string) string { return strings.TrimSpace(s[:min(len(s), 80)]) }
