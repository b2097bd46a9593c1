package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"trivium/app/api"
	"trivium/app/lms"
)

// typing gives the commands the line as standard input.
func typing(t *testing.T, line string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = old; f.Close() })
}

// refused runs a command line that must fail and say something.
func refused(t *testing.T, want string, args ...string) {
	t.Helper()
	out, errs, err := trivium(t, args...)
	if err == nil {
		t.Errorf("trivium %s was accepted: %s", strings.Join(args, " "), out)
	} else if !strings.Contains(errs, want) {
		t.Errorf("trivium %s: %q; want %q in it", strings.Join(args, " "), errs, want)
	}
}

// TestCoursework does a small course's work with nothing but the command line.
func TestCoursework(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	url := regexp.MustCompile(`http://\S+?:\d+`).FindString(s.out.String())
	operator, err := readLine(filepath.Join(data, operatorFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{"teacher", "student"} {
		typing(t, "correct horse "+login)
		args := []string{"user", "create", login, "--data", data, "--password-stdin"}
		if login == "teacher" {
			args = append(args, "--instructor")
		}
		must(t, args...)
	}
	session := func(login string) string { return filepath.Join(data, login+".json") }
	refused(t, "nobody is signed in", "courses", "--session", session("teacher"))
	typing(t, "wrong password")
	refused(t, "password", "login", "teacher", "--url", url, "--session", session("teacher"))
	for _, login := range []string{"teacher", "student"} {
		typing(t, "correct horse "+login)
		must(t, "login", login, "--url", url, "--session", session(login))
		if info, err := os.Stat(session(login)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the login can be read by others: %v %v", info.Mode(), err)
		}
	}
	as := func(login string, args ...string) string {
		t.Helper()
		return must(t, append(args, "--session", session(login))...)
	}

	// The course itself is made in the browser; here the API stands in for it.
	var saved savedSession
	text, err := os.ReadFile(session("teacher"))
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := personClient(saved)
	course, err := api.Call(t.Context(), c, api.CreateCourse, api.CourseInput{ID: lms.NewID(), Code: "CS 101", Title: "Programming", Zone: "Europe/Berlin", State: lms.CoursePublished})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Call(t.Context(), c, api.AddMember, api.AddMemberInput{Course: course.ID, Login: "student", Role: lms.RoleStudent}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Call(t.Context(), c, api.CreateAssignment, api.AssignmentInput{Course: course.ID, ID: lms.NewID(), Title: "Loops", Points: 10_00,
		AllowText: true, MaxFiles: 2, MaxFileSize: 1 << 20, AllowedTypes: []string{".txt"}, Published: true}); err != nil {
		t.Fatal(err)
	}

	if out := as("student", "courses"); !strings.Contains(out, "CS 101") || !strings.Contains(out, "student") {
		t.Errorf("courses: %s", out)
	}
	work := filepath.Join(data, "my loop.txt")
	if err := os.WriteFile(work, []byte("for i := range 10 {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "there are Loops", "submit", "cs 101", "Lops", work, "--session", session("student"))
	refused(t, "not of a type", "submit", "cs 101", "loops", session("student"), "--session", session("student"))
	receipt := as("student", "submit", "cs 101", "loops", work, "--text", "See the file.")
	for _, want := range []string{"attempt 1", "my loop.txt", hashOf([]byte("for i := range 10 {}\n")), "held by  1 of 1 nodes"} {
		if !strings.Contains(receipt, want) {
			t.Errorf("the receipt lacks %q:\n%s", want, receipt)
		}
	}
	id := regexp.MustCompile(`receipt  (\S+)`).FindStringSubmatch(receipt)[1]

	if out := as("teacher", "submissions", "CS 101", "Loops", "--filter", "ungraded"); !strings.Contains(out, id) {
		t.Errorf("submissions: %s", out)
	}
	refused(t, "not a number of points", "grade", "CS 101", id, "much", "--session", session("teacher"))
	refused(t, "more than", "grade", "CS 101", id, "11", "--session", session("teacher"))
	as("teacher", "grade", "CS 101", id, "8.5", "--feedback", "Good.")
	if out := as("student", "assignments", "CS 101"); strings.Contains(out, "8.5") {
		t.Errorf("a draft grade is shown: %s", out)
	}
	as("teacher", "grade", "CS 101", id, "9", "--post")
	if out := as("student", "assignments", "CS 101"); !strings.Contains(out, "9 of 10 points") {
		t.Errorf("assignments: %s", out)
	}
	refused(t, "", "submissions", "CS 101", "Loops", "--session", session("student"))

	out := as("student", "ask", "CS 101", "When is the exam?", "--staff")
	question := regexp.MustCompile(`question is (\S+)\.`).FindStringSubmatch(out)[1]
	as("teacher", "answer", "CS 101", question, "On Friday.")
	if out := as("student", "questions", "CS 101", question); !strings.Contains(out, "On Friday.") {
		t.Errorf("the thread: %s", out)
	}

	if out := as("student", "search", "CS 101", "loo"); !strings.Contains(out, "assignment: Loops (") {
		t.Errorf("search: %s", out)
	}
	if out := as("student", "search", "CS 101", "when", "friday", "--kind", "question", "--json"); !strings.Contains(out, question) || !strings.Contains(out, `"hit": true`) {
		t.Errorf("search: %s", out)
	}
	if out := as("student", "search", "CS 101", "xylophone"); !strings.Contains(out, "Nothing found") {
		t.Errorf("search: %s", out)
	}
	refused(t, "The kinds are", "search", "CS 101", "loops", "--kind", "poem", "--session", session("student"))

	archive := filepath.Join(data, "course.trivium.zip")
	as("teacher", "course", "export", "CS 101", archive)
	refused(t, "exists", "course", "export", "CS 101", archive, "--session", session("teacher"))
	refused(t, "", "course", "export", "CS 101", archive+"2", "--session", session("student"))
	if out := as("teacher", "course", "import", archive); !strings.Contains(out, "Programming is here") || !strings.Contains(out, "1 assignment\n") {
		t.Errorf("import: %s", out)
	}
	refused(t, "not an archive of a course", "course", "import", work, "--session", session("teacher"))

	must(t, "logout", "--session", session("student"))
	refused(t, "nobody is signed in", "courses", "--session", session("student"))
	if strings.Contains(s.log.String(), operator) || strings.Contains(s.log.String(), saved.Token) {
		t.Error("the log holds a token")
	}
}
