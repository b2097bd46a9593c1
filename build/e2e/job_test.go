//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

const password = "velvet kernel 0209"

// job is the state of the main job: who sits where, and what exists.
type job struct {
	*site
	t                       *testing.T
	files                   string // directory of the files that people hand in
	admin, ines, amara, ben *tab
	course, assignment      string // paths
	ids                     struct{ course, assignment string }
}

// TestJob is the main job of the product from the first administrator to the death of two nodes. The steps build on
// each other, as they do in a school.
func TestJob(t *testing.T) {
	j := &job{t: t, site: startSite(t), files: t.TempDir()}
	for _, step := range []struct {
		name string
		run  func(*job)
	}{
		{"administrator is claimed with the link only", (*job).claim},
		{"instructor makes a course with material", (*job).makeCourse},
		{"students register with a code", (*job).register},
		{"instructor posts an assignment", (*job).post},
		{"student hands in and gets a receipt", (*job).handIn},
		{"instructor grades and posts", (*job).grade},
		{"questions to the tutor and to the instructor", (*job).ask},
		{"leader dies in the middle of an upload", (*job).killLeader},
		{"a second node dies", (*job).killSecond},
		{"every page is fit to be seen", (*job).inspect},
	} {
		begin := time.Now()
		step.run(j)
		if t.Failed() {
			t.Fatalf("step %q failed after %v", step.name, time.Since(begin))
		}
		t.Logf("%-48s %v", step.name, time.Since(begin).Round(100*time.Millisecond))
	}
}

func (j *job) claim() {
	link := j.setupLink()
	_, err := api.Call(context.Background(), api.NewClient(j.nodes[0].origin()), api.Setup,
		api.SetupInput{Token: "guessed", Login: "mallory", Name: "Mallory", Password: password})
	if lms.KindOf(err) != lms.KindForbidden {
		j.t.Fatalf("a guessed token: %v, want forbidden", err)
	}
	second := openTab(j.t, "second claim")
	second.expect("403")
	second.open(link)
	second.see("Welcome to Trivium")

	j.admin = openTab(j.t, "admin")
	j.admin.open(j.nodes[0].origin())
	j.admin.see("this site has no administrator")
	j.admin.open(link)
	j.admin.fill("#name", "Ada Admin")
	j.admin.fill("#login", "ada")
	j.admin.fill("#password", password)
	j.admin.click("Create the administrator")
	j.admin.see("Courses")

	second.fill("#name", "Mallory")
	second.fill("#login", "mallory")
	second.fill("#password", password)
	second.click("Create the administrator")
	second.waitFor(20*time.Second, "a refusal", `document.querySelector("[role=alert]") !== null`)
	second.open(j.nodes[0].origin() + "/setup")
	second.see("Already set up")

	j.admin.open(j.nodes[0].origin() + "/users")
	j.admin.click("New account")
	j.admin.fill("#name", "Ines Instructor")
	j.admin.fill("#login", "ines")
	j.admin.fill("#password", password)
	j.admin.set("#mayCreateCourses", true)
	j.admin.click("Create the account")
	j.admin.see("Ines Instructor can sign in now.")
}

// signIn opens a tab on a node and signs in through the form.
func (j *job) signIn(name, login string, n *node) *tab {
	b := openTab(j.t, name)
	b.open(n.origin() + "/signin")
	b.fill("#login", login)
	b.fill("#password", password)
	b.click("Sign in")
	b.waitFor(20*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
	return b
}

// path waits for an address of the form and returns its path.
func (b *tab) path(prefix string) string {
	b.t.Helper()
	b.waitFor(20*time.Second, "the address "+prefix, fmt.Sprintf(`location.pathname.startsWith(%s) && !location.pathname.endsWith("/new")`, quote(prefix)))
	var p string
	b.eval(`location.pathname`, &p)
	return p
}

func (j *job) makeCourse() {
	j.ines = j.signIn("ines", "ines", j.nodes[1])
	b, origin := j.ines, j.nodes[1].origin()
	b.open(origin + "/courses/new")
	b.fill("#title", "Distributed Systems")
	b.fill("#code", "DS 1")
	b.click("Every member")
	b.click("Create the course")
	j.course = b.path("/courses/")
	j.ids.course = strings.TrimPrefix(j.course, "/courses/")

	demo := filepath.Join("..", "..", "assets", "demo")
	pdf, _ := filepath.Abs(filepath.Join(demo, "lecture-notes.pdf"))
	docx, _ := filepath.Abs(filepath.Join(demo, "handout.docx"))
	b.open(origin + j.course + "/materials")
	b.waitFor(20*time.Second, "the file field", `document.querySelector("#material-files") !== null`)
	b.set("#publish-at-once", true)
	b.attach("#material-files", pdf, docx)
	b.seeWithin(60*time.Second, "Readable by the tutor")
	b.waitFor(60*time.Second, "both files to be read", `document.body.innerText.split("Readable by the tutor").length >= 3`)

	page, err := os.ReadFile(filepath.Join(demo, "glossary.md"))
	if err != nil {
		j.t.Fatal(err)
	}
	b.open(origin + j.course + "/materials/new")
	b.fill("#title", "Glossary")
	b.fill("#body", string(page))
	b.set("#published", true)
	b.click("Add the page")
	b.see("“Glossary” is saved.")
}

func (j *job) register() {
	b, origin := j.ines, j.nodes[1].origin()
	b.open(origin + j.course + "/people")
	b.click("Invite by code")
	b.fill("#maxUses", "2")
	b.click("Make the code")
	b.see("used 0 of 2 times")
	client := bearer(j.t, j.nodes[0], "ines")
	code := call(j.t, client, api.ListInvites, api.CoursePath{Course: j.ids.course}).Items[0].Code
	expired := call(j.t, client, api.CreateInvite, api.CreateInviteInput{Course: j.ids.course, ID: lms.NewID(), Role: lms.RoleStudent,
		ExpiresAt: time.Now().Add(4 * time.Second)}).Code
	eventually(j.t, 20*time.Second, "the code to expire", func() error {
		_, err := api.Call(context.Background(), client, api.PreviewInvite, api.CodeInput{Code: expired})
		if lms.KindOf(err) != lms.KindRule {
			return fmt.Errorf("still %v", err)
		}
		return nil
	})

	register := func(b *tab, n *node, code, name, login string) {
		b.open(n.origin() + "/register?code=" + code)
		b.fill("#name", name)
		b.fill("#login", login)
		b.fill("#password", password)
		b.click("Register")
	}
	j.amara = openTab(j.t, "amara")
	j.amara.expect("422")
	register(j.amara, j.nodes[2], "zzzz-zzzz", "Amara", "amara")
	j.amara.see("This invite code does not exist.")
	register(j.amara, j.nodes[2], expired, "Amara", "amara")
	j.amara.see("This invite code has expired.")
	register(j.amara, j.nodes[2], code, "Amara", "amara")
	j.amara.see("DS 1")
	j.ben = openTab(j.t, "ben")
	register(j.ben, j.nodes[1], code, "Ben", "ben")
	j.ben.see("DS 1")
	third := openTab(j.t, "third")
	third.expect("422")
	register(third, j.nodes[0], code, "Carl", "carl")
	third.see("This invite code has been used as often as it may be.")
	third.expectDeath() // the page stays open while nodes die
}

func (j *job) post() {
	b, origin := j.ines, j.nodes[1].origin()
	sheet := filepath.Join(j.files, "exercise sheet 1.md")
	if err := os.WriteFile(sheet, []byte("# Exercise 1\n\nProve that two majorities intersect.\n"), 0o644); err != nil {
		j.t.Fatal(err)
	}
	b.open(origin + j.course + "/assignments/new")
	b.fill("#title", "Quorums")
	b.click("What to do")
	b.fill("#description", "Explain why **two majorities** always share a member.\n\n1. In words\n2. As a proof")
	b.set("#dueAt", time.Now().AddDate(0, 0, 3).Add(-time.Hour).Format("2006-01-02T15:04"))
	b.click("Points, grading and lateness")
	b.fill("#points", "20")
	b.click("What is handed in")
	b.fill("#maxFiles", "6")
	b.fill("#maxFileSize", "25")
	b.attach("#attachments", sheet)
	b.see("exercise sheet 1.md")
	b.waitFor(30*time.Second, "the attachment to arrive", `document.querySelector("[aria-label^='Remove exercise sheet']") !== null`)
	b.click("Post the assignment")
	b.see("“Quorums” is posted. Students see it now.")
	j.assignment = b.path(j.course + "/assignments/")
	j.ids.assignment = filepath.Base(j.assignment)

	j.amara.zone("America/New_York")
	j.amara.open(j.nodes[2].origin() + j.assignment)
	j.amara.see("Times are in the course's zone, UTC")
	j.amara.see("where you are")
	j.amara.see("Explain why two majorities always share a member.")
	j.amara.see("exercise sheet 1.md")
	j.amara.see("in 2 days")
}

func (j *job) handIn() {
	b := j.amara
	var paths, sums []string
	for name, size := range map[string]int{"empty.txt": 0, "one byte.txt": 1, "exactly 1 MiB.bin": 1 << 20, "25 MiB.bin": 25 << 20, `it's "quoted" Übung 作业 №1.txt`: 1234} {
		path, sum := blob(j.t, j.files, name, size)
		paths, sums = append(paths, path), append(sums, sum)
	}
	b.waitFor(20*time.Second, "the form", `document.querySelector("#files") !== null`)
	b.fill("#text", "Any two majorities of the same set share at least one member, because together they have more members than the set.")
	b.attach("#files", paths...)
	b.see("25 MiB.bin")
	b.click("Hand in")
	b.seeWithin(120*time.Second, "Everything is on")
	b.see("of 3 nodes")
	for _, sum := range sums {
		b.see(sum)
	}
	b.shot("receipt-1280-light")

	// Again: every attempt is kept. Twice the same click is one attempt.
	b.click("Hand in again")
	b.fill("#text", "Second thoughts: |A| + |B| > n, hence A and B intersect.")
	b.run("a double click", chromedpDouble("Hand in as attempt 2"))
	b.seeWithin(60*time.Second, "Everything is on")
	b.see("Attempt 2 handed in")
	b.absent("Attempt 3")

	// Another student sees none of it.
	amara := call(j.t, bearer(j.t, j.nodes[0], "ines"), api.ListSubmissions, api.ListSubmissionsInput{Course: j.ids.course, Assignment: j.ids.assignment})
	if len(amara.Items) != 1 || amara.Items[0].Attempt != 2 {
		j.t.Fatalf("latest attempts: %+v", amara.Items)
	}
	first := amara.Items[0]
	ben := bearer(j.t, j.nodes[0], "ben")
	if _, err := api.Call(context.Background(), ben, api.GetSubmission, api.SubmissionPath{Course: j.ids.course, Submission: first.ID}); lms.KindOf(err) != lms.KindForbidden {
		j.t.Errorf("Ben reads Amara's submission: %v", err)
	}
	j.ben.open(j.nodes[1].origin() + j.assignment)
	j.ben.see("Not handed in yet")
	j.ben.absent("Second thoughts")
}

// bearer signs in a program.
func bearer(t *testing.T, n *node, login string) *api.Client {
	t.Helper()
	s := call(t, api.NewClient(n.origin()), api.SignIn, api.SignInInput{Login: login, Password: password, Bearer: true})
	return api.NewClient(n.origin(), api.WithBearer(s.Token))
}

func (j *job) grade() {
	b := j.ines
	ben := bearer(j.t, j.nodes[2], "ben")
	call(j.t, ben, api.Submit, api.SubmitInput{Course: j.ids.course, Assignment: j.ids.assignment, ID: lms.NewID(), Text: "Because I say so."})
	b.open(j.nodes[1].origin() + j.assignment + "/submissions")
	b.see("2 to grade")
	b.click("Amara")
	b.see("Second thoughts")
	b.fill("#points", "17,5")
	b.fill("#feedback", "Good: **short** and right.")
	b.see("Draft saved")

	j.amara.open(j.nodes[2].origin() + j.assignment)
	j.amara.see("Attempt 2 handed in")
	j.amara.absent("17.5")
	j.amara.absent("short and right")

	b.click("Post the grade")
	b.confirm("Post the grade")
	b.see("the student sees it")
	j.amara.see("17.5 of 20 points") // the open page follows by itself
	j.amara.see("Good: short and right.")

	b.click("Next student")
	b.see("Because I say so.")
	b.fill("#points", "2")
	b.see("Draft saved")
	j.ben.open(j.nodes[1].origin() + j.assignment)
	j.ben.see("Attempt 1 handed in")
	j.ben.absent("2 of 20 points")
}

func (j *job) ask() {
	b, origin := j.amara, j.nodes[2].origin()
	b.open(origin + j.course + "/questions")
	b.click("#ask-to-tutor")
	b.fill("#ask-body", "Why do two quorums always intersect?")
	b.click("Ask the tutor")
	b.seeWithin(30*time.Second, "From the materials")
	b.see("No language model is set up")
	b.shot("tutor-1280-light")
	b.run("open the first source", chromedpClickFirst(".source"))
	b.waitFor(20*time.Second, "the cited passage", `location.pathname.includes("/materials/") && location.hash.startsWith("#p") && document.querySelector(location.hash) !== null`)

	b.open(origin + j.course + "/questions")
	b.click("#ask-to-staff")
	b.fill("#ask-title", "May we work in pairs?")
	b.fill("#ask-body", "For the quorum exercise.")
	b.click("Ask the instructors")
	thread := b.path(j.course + "/questions/")
	j.ines.open(j.nodes[1].origin() + j.course + "/questions?show=open")
	j.ines.click("May we work in pairs?")
	j.ines.fill("#body", "Yes, in pairs of two; hand in once each.")
	j.ines.click(".composer [type=submit]")
	j.ines.see("Yes, in pairs of two")
	b.see("Yes, in pairs of two") // live
	q := call(j.t, bearer(j.t, j.nodes[0], "ines"), api.GetQuestion, api.QuestionPath{Course: j.ids.course, Question: filepath.Base(thread)})
	if q.State != lms.QuestionAnswered {
		j.t.Errorf("an answered question is %s", q.State)
	}
}

// killLeader kills the node that leads and that the student's page came from, in the middle of an upload.
func (j *job) killLeader() {
	lead := j.leader()
	b := j.signIn("amara at the leader", "amara", lead)
	b.expectDeath()
	for _, other := range []*tab{j.admin, j.ines, j.amara, j.ben} {
		other.expectDeath()
	}
	b.open(lead.origin() + j.assignment)
	b.waitFor(20*time.Second, "the hand-over ticket and the service worker", `navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready.then(() => true)`)
	path, sum := blob(j.t, j.files, "big.bin", 25<<20-7)
	b.click("Hand in again")
	b.attach("#files", path)
	b.see("big.bin")
	b.click("Hand in as attempt 3")
	b.waitFor(60*time.Second, "the upload to be under way", `/waiting for files: ([1-9]|[1-8][0-9]) %/.test(document.body.innerText)`)
	j.kill(lead)
	j.t.Logf("%s killed", lead.id)
	b.seeWithin(90*time.Second, "Everything is on 2 of 3 nodes")
	b.see(sum)
	b.shot("receipt-after-kill-1280-light")
	b.see("Attempt 3 handed in")

	// Everybody stays signed in and the course is complete on the two remaining nodes.
	rest := j.up()
	for _, n := range rest {
		c := bearer(j.t, n, "amara")
		if got := len(call(j.t, c, api.ListMaterials, api.CoursePath{Course: j.ids.course}).Items); got != 3 {
			j.t.Errorf("%s lists %d materials", n.id, got)
		}
		if got := len(call(j.t, c, api.MySubmissions, api.AssignmentPath{Course: j.ids.course, Assignment: j.ids.assignment}).Items); got != 3 {
			j.t.Errorf("%s lists %d attempts", n.id, got)
		}
	}
	for _, tb := range []*tab{j.ines, j.ben} {
		if lead == j.nodes[1] { // they sit at the dead node: the open page goes on
			tb.click("Courses")
			tb.see("DS 1")
		}
	}

	j.start(lead)
	j.waitReady(lead)
	j.sameRows()
	j.sameFile(sum)
}

// sameFile checks that every node serves the bytes from its own disk.
func (j *job) sameFile(sum string) {
	mine := call(j.t, bearer(j.t, j.nodes[0], "amara"), api.MySubmissions, api.AssignmentPath{Course: j.ids.course, Assignment: j.ids.assignment})
	file := mine.Items[0].Files[0]
	if file.SHA256 != sum {
		j.t.Fatalf("the file's hash is %s, want %s", file.SHA256, sum)
	}
	for _, n := range j.nodes {
		eventually(j.t, 60*time.Second, "the file on "+n.id, func() error {
			for i, chunk := range file.Chunks {
				found, _ := filepath.Glob(filepath.Join(n.dir, "files", "chunks", "*", "*", chunk+"*"))
				if len(found) == 0 {
					found, _ = filepath.Glob(filepath.Join(n.dir, "files", "chunks", "*", chunk+"*"))
				}
				if len(found) == 0 {
					return fmt.Errorf("chunk %d of %d is missing", i, len(file.Chunks))
				}
			}
			return nil
		})
		got, err := download(j.t, n, j.ids.course, file.ID)
		if err != nil || got != sum {
			j.t.Errorf("%s serves %s, %v", n.id, got, err)
		}
	}
}

func download(t *testing.T, n *node, course, file string) (string, error) {
	t.Helper()
	s := call(t, api.NewClient(n.origin()), api.SignIn, api.SignInInput{Login: "amara", Password: password, Bearer: true})
	req, err := http.NewRequest("GET", n.origin()+"/api/v1/courses/"+course+"/files/"+file+"/content", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, res.Body); err != nil {
		return "", err
	}
	if res.StatusCode != 200 {
		return "", errors.New(res.Status)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// killSecond leaves one node of three: writes are held, then refused; pages stay readable with a warning; and everything
// goes on by itself when the nodes return.
func (j *job) killSecond() {
	b := j.signIn("ben at the survivor", "ben", j.nodes[0])
	b.expectDeath()
	b.open(j.nodes[0].origin() + j.course + "/questions")
	b.click("#ask-to-staff")
	b.fill("#ask-title", "Is anybody there?")
	j.kill(j.nodes[1])
	j.kill(j.nodes[2])
	b.click("Ask the instructors")
	b.waitFor(90*time.Second, "a clear refusal", `/no majority|Trying again is safe/.test(document.body.innerText)`)
	b.waitFor(10*time.Second, "what was typed to be there still", `document.querySelector("#ask-title").value === "Is anybody there?"`)
	begin := time.Now()
	_, err := api.Call(context.Background(), api.NewClient(j.nodes[0].origin(), api.WithTimeouts(20*time.Second, time.Second), api.WithBearer("x")),
		api.SignIn, api.SignInInput{Login: "ben", Password: password})
	if lms.KindOf(err) != lms.KindUnavailable || time.Since(begin) > 25*time.Second {
		j.t.Errorf("a write without a majority: %v after %v", err, time.Since(begin))
	}
	b.click("Assignments")
	b.see("Quorums")
	b.seeWithin(30*time.Second, "out of date")
	b.shot("read-only-1280-light")

	j.start(j.nodes[1])
	j.start(j.nodes[2])
	j.waitReady(j.nodes[1])
	j.waitReady(j.nodes[2])
	b.open(j.nodes[0].origin() + j.course + "/questions")
	b.waitFor(20*time.Second, "the question that was not sent", `document.querySelector("#ask-title") !== null && document.querySelector("#ask-title").value === "Is anybody there?"`)
	b.click("Ask the instructors")
	b.path(j.course + "/questions/")
	b.see("Is anybody there?")
	j.sameRows()
}

// inspect looks at every page wide and narrow, light and dark, with axe.
func (j *job) inspect() {
	open := func(b *tab, n *node, path, wait, name string) {
		b.open(n.origin() + path)
		b.see(wait)
		b.look(name)
	}
	anonymous := openTab(j.t, "anonymous")
	open(anonymous, j.nodes[0], "/signin", "Register with your code", "signin")
	open(anonymous, j.nodes[0], "/register", "Invite code", "register")
	open(j.admin, j.nodes[0], "/cluster", "any one may fail", "cluster")
	open(j.admin, j.nodes[0], "/users", "Ines Instructor", "users")
	open(j.admin, j.nodes[0], "/audit", "newest first", "audit-log")
	open(j.amara, j.nodes[2], "/", "DS 1", "home-student")
	open(j.amara, j.nodes[2], j.course, "New feedback", "course-student")
	open(j.amara, j.nodes[2], j.course+"/materials", "Glossary", "materials-student")
	open(j.amara, j.nodes[2], j.assignment, "17.5 of 20 points", "assignment-student")
	open(j.amara, j.nodes[2], j.course+"/questions", "May we work in pairs?", "questions-student")
	open(j.ines, j.nodes[1], "/", "DS 1", "home-instructor")
	open(j.ines, j.nodes[1], j.course, "To grade", "course-instructor")
	open(j.ines, j.nodes[1], j.course+"/materials", "Glossary", "materials-instructor")
	open(j.ines, j.nodes[1], j.course+"/people", "Invite codes", "people")
	open(j.ines, j.nodes[1], j.assignment+"/submissions", "to post", "submissions")
	j.ines.click("Ben")
	j.ines.see("Draft saved")
	j.ines.look("grading")
	open(j.ines, j.nodes[1], j.course+"/assignments/new", "What to do", "assignment-form")
}
