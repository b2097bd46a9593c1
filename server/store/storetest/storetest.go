// Package storetest opens stores on real one-node databases and fills them with fixtures as code.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus/consensustest"
	"trivium/server/store"
)

// Password is the stored "hash" of every fixture account. The store never looks into it.
const Password = "$argon2id$fixture"

// Open returns a store on an empty one-node database, which is closed with the test.
func Open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), consensustest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Site is a store with a course and its people.
type Site struct {
	*store.Store
	Admin      lms.Actor // of the site; member of no course
	Instructor lms.Actor
	TA         lms.Actor
	Alice, Bob lms.Actor // students
	Observer   lms.Actor
	Stranger   lms.Actor // instructor of Other, member of nothing else
	Course     lms.Course
	Other      lms.Course // a second course
}

// New returns a site on a new one-node database.
func New(t testing.TB) *Site {
	t.Helper()
	return Fill(t, Open(t))
}

// Fill makes the fixtures in an empty store.
func Fill(t testing.TB, s *store.Store) *Site {
	t.Helper()
	ctx := context.Background()
	site := &Site{Store: s}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	token := Hash("setup")
	must(s.SetSetupToken(ctx, token, time.Now().Add(time.Hour)))
	admin, err := s.Setup(ctx, token, lms.User{ID: "u-admin", Login: "admin", Name: "Ada Admin"}, Password)
	must(err)
	site.Admin = lms.Actor{UserID: admin.ID, Login: admin.Login, Name: admin.Name, Admin: true, MayCreateCourses: true}
	site.Instructor = site.Account(t, "ines", "Ines Instructor", true)
	site.Stranger = site.Account(t, "stan", "Stan Stranger", true)
	site.TA = site.Account(t, "tom", "Tom Assistant", false)
	site.Alice = site.Account(t, "alice", "Alice Example", false)
	site.Bob = site.Account(t, "bob", "Bob Example", false)
	site.Observer = site.Account(t, "olga", "Olga Observer", false)

	site.Course, err = s.CreateCourse(ctx, site.Instructor, lms.Course{ID: "c-one", Code: "CS 1", Title: "Systems", Zone: "Europe/Berlin", State: lms.CoursePublished})
	must(err)
	site.Other, err = s.CreateCourse(ctx, site.Stranger, lms.Course{ID: "c-two", Code: "CS 2", Title: "Another", Zone: "UTC", State: lms.CoursePublished})
	must(err)
	for _, m := range []struct {
		actor *lms.Actor
		role  lms.Role
	}{{&site.TA, lms.RoleTA}, {&site.Alice, lms.RoleStudent}, {&site.Bob, lms.RoleStudent}, {&site.Observer, lms.RoleObserver}} {
		_, err := s.AddMember(ctx, site.Instructor, site.Course.ID, m.actor.Login, m.role)
		must(err)
		m.actor.Role = m.role
		must(s.AcceptTutorNotice(ctx, *m.actor, lms.TutorNotice))
	}
	site.Instructor.Role = lms.RoleInstructor
	return site
}

// Account makes an account.
func (s *Site) Account(t testing.TB, login, name string, mayCreate bool) lms.Actor {
	t.Helper()
	u, err := s.CreateUser(context.Background(), s.Admin, lms.User{ID: "u-" + login, Login: login, Name: name, MayCreateCourses: mayCreate}, Password)
	if err != nil {
		t.Fatal(err)
	}
	return lms.Actor{UserID: u.ID, Login: u.Login, Name: u.Name, MayCreateCourses: u.MayCreateCourses}
}

// Post posts an assignment of the course: 100 points, text and up to three files of 1 MiB, open, without dates.
// The functions change it first.
func (s *Site) Post(t testing.TB, id string, change ...func(*lms.Assignment)) lms.Assignment {
	t.Helper()
	a := lms.Assignment{ID: id, CourseID: s.Course.ID, Title: "Essay " + id, Description: "Write.", Points: 100_00, AllowText: true,
		MaxFiles: 3, MaxFileSize: 1 << 20, Published: true}
	for _, f := range change {
		f(&a)
	}
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	a, err := s.CreateAssignment(context.Background(), s.Instructor, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Upload declares a file of the course and, if asked, completes it.
func (s *Site) Upload(t testing.TB, owner lms.Actor, id, name string, size int64, complete bool) lms.File {
	t.Helper()
	f := lms.File{ID: id, CourseID: s.Course.ID, Name: name, Size: size, Type: "application/octet-stream", SHA256: hex.EncodeToString(Hash(id))}
	for range lms.ChunkCount(size) {
		f.Chunks = append(f.Chunks, hex.EncodeToString(Hash(id+"/chunk")))
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	f, err := s.DeclareFile(context.Background(), owner, f)
	if err == nil && complete {
		f, err = s.CompleteFile(context.Background(), owner, s.Course.ID, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// HandIn hands text and files in.
func (s *Site) HandIn(t testing.TB, actor lms.Actor, assignmentID, id, text string, files ...string) lms.Submission {
	t.Helper()
	sub, _, err := s.Submit(context.Background(), actor, s.Course.ID, assignmentID, id, text, files)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// Page adds a page with the passages, as the indexer would.
func (s *Site) Page(t testing.TB, id, title string, published bool, passages ...string) lms.Material {
	t.Helper()
	ctx := context.Background()
	m, err := s.CreateMaterial(ctx, s.Instructor, lms.Material{ID: id, CourseID: s.Course.ID, Title: title, Kind: lms.MaterialPage, Body: title, Published: published})
	if err != nil {
		t.Fatal(err)
	}
	var list []lms.Passage
	for i, text := range passages {
		list = append(list, lms.Passage{MaterialID: id, Ordinal: i + 1, Title: title, Text: text})
	}
	if err := s.ReplacePassages(ctx, m, list, lms.IndexReady, ""); err != nil {
		t.Fatal(err)
	}
	return m
}

// Hash is a SHA-256, in the place of a token's or a file's.
func Hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}
