//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// school is a site with one course that was made through the API, for tests of single faults.
type school struct {
	*site
	admin, ines        *api.Client // an administrator, and the instructor of the course
	token              string      // of the administrator
	course, assignment string      // ids
}

// startSchool starts a site and makes the course with one page of material and one assignment.
func startSchool(t *testing.T, extra ...string) *school {
	t.Helper()
	return openSchool(t, startSite(t, extra...))
}

func openSchool(t *testing.T, site *site) *school {
	t.Helper()
	s := &school{site: site}
	_, token, _ := strings.Cut(s.setupLink(), "#")
	made := call(t, api.NewClient(s.nodes[0].origin()), api.Setup, api.SetupInput{Token: token, Login: "ada", Name: "Ada Admin", Password: password, Bearer: true})
	s.admin, s.token = s.client(made.Token), made.Token
	call(t, s.admin, api.CreateUser, api.CreateUserInput{ID: lms.NewID(), Login: "ines", Name: "Ines Instructor", Password: password, MayCreateCourses: true})
	s.ines = s.signedIn("ines")
	s.course, s.assignment = lms.NewID(), lms.NewID()
	call(t, s.ines, api.CreateCourse, api.CourseInput{ID: s.course, Code: "DS 1", Title: "Distributed Systems", Zone: "Europe/Berlin", State: lms.CoursePublished})
	page, err := os.ReadFile(filepath.Join("..", "..", "assets", "demo", "glossary.md"))
	if err != nil {
		t.Fatal(err)
	}
	call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: lms.NewID(), Title: "Glossary", Kind: lms.MaterialPage, Body: string(page), Published: true})
	call(t, s.ines, api.CreateAssignment, api.AssignmentInput{Course: s.course, ID: s.assignment, Title: "Quorums", Description: "Explain why **two majorities** share a member.",
		Points: 2000, DueAt: time.Now().AddDate(0, 0, 3).UTC().Truncate(time.Second), AllowText: true, MaxFiles: 2, MaxFileSize: 25 << 20, Published: true})
	return s
}

// readable waits until the tutor has read the material, on every node.
func (s *school) readable() {
	s.t.Helper()
	for _, n := range s.nodes {
		client := bearer(s.t, n, "ines")
		eventually(s.t, 60*time.Second, "the material to be readable on "+n.id, func() error {
			list := call(s.t, client, api.ListMaterials, api.CoursePath{Course: s.course})
			for _, m := range list.Items {
				if m.Index != lms.IndexReady {
					return fmt.Errorf("%s is %s %s", m.Title, m.Index, m.IndexNote)
				}
			}
			return nil
		})
	}
}

// client calls the first node, and the others when it does not answer.
func (s *school) client(token string) *api.Client { return s.clientAt(s.nodes[0], token) }

func (s *school) clientAt(n *node, token string) *api.Client {
	c := api.NewClient(n.origin(), api.WithBearer(token))
	var origins []string
	for _, n := range s.nodes {
		origins = append(origins, n.origin())
	}
	c.SetNodes(origins)
	return c
}

// signedIn is a program of a person, which moves to another node by itself.
func (s *school) signedIn(login string) *api.Client {
	s.t.Helper()
	in := api.SignInInput{Login: login, Password: password, Bearer: true}
	return s.client(call(s.t, s.client(""), api.SignIn, in).Token)
}

// enrol makes an account and a student of it.
func (s *school) enrol(login, name string) lms.User {
	s.t.Helper()
	u := call(s.t, s.admin, api.CreateUser, api.CreateUserInput{ID: lms.NewID(), Login: login, Name: name, Password: password})
	call(s.t, s.ines, api.AddMember, api.AddMemberInput{Course: s.course, Login: login, Role: lms.RoleStudent})
	return u
}

// page is the path of a page of the course.
func (s *school) page(parts ...string) string {
	return "/" + strings.Join(append([]string{"courses", s.course}, parts...), "/")
}

// tabOf opens a tab on a node and signs in through the form.
func (s *site) tabOf(t *testing.T, login string, n *node) *tab {
	t.Helper()
	b := openTab(t, login+" at "+n.id)
	b.enter(n.origin(), login, password)
	return b
}

// enter signs in through the form.
func (b *tab) enter(origin, login, secret string) {
	b.t.Helper()
	b.open(origin + "/signin")
	b.fill("#login", login)
	b.fill("#password", secret)
	b.click("Sign in")
	b.waitFor(30*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
}

// expectDeath allows what Chromium itself reports when a node dies, at whatever stage of a request, and while another starts.
func (b *tab) expectDeath() {
	for _, part := range []string{"net::ERR_", "503", "/api/v1/session/redeem"} {
		b.expect(part)
	}
}

// for a test that shares the site, its own t must fail.
func (s *school) in(t *testing.T) *school {
	site := *s.site
	site.t = t
	c := *s
	c.site = &site
	return &c
}
