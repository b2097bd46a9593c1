package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// freePorts finds a base port whose neighbours, as far as the demo uses them, are free.
func freePorts(t *testing.T) string {
	t.Helper()
search:
	for base := 21_000; base < 30_000; base += 211 {
		for _, offset := range []int{0, 1, 2, 100, 101, 102} {
			ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+offset))
			if err != nil {
				continue search
			}
			ln.Close()
		}
		return strconv.Itoa(base)
	}
	t.Fatal("no free ports")
	return ""
}

// startDemo runs "trivium demo" with real processes until it has told everything.
func startDemo(t *testing.T, dir, port string) (out *buffer, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out = &buffer{}
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"demo", "--dir", dir, "--base-port", port, "--restart", "1s"}, out, out)
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("demo: %v", err)
		}
	}
	t.Cleanup(stop)
	eventually(t, "the demo has told how to kill a node", func() bool {
		select {
		case err := <-done:
			stopped = true
			t.Fatalf("demo has ended: %v\n%s", err, out)
		default:
		}
		return strings.Contains(out.String(), "Ctrl-C stops everything")
	})
	return out, stop
}

// counts tells how much there is on the site.
func counts(t *testing.T, dir, port string) string {
	t.Helper()
	state, err := readDemo(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &demoSite{origins: []string{"http://127.0.0.1:" + port}, password: state.Password, clients: map[string]*api.Client{}}
	admin, err := s.as(t.Context(), demoAdmin)
	if err != nil {
		t.Fatal(err)
	}
	users, err1 := api.Call(t.Context(), admin, api.ListUsers, api.ListInput{})
	courses, err2 := api.Call(t.Context(), admin, api.ListCourses, api.NoInput{})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	text := fmt.Sprintf("%d users, %d courses", users.Total, len(courses.Items))
	for _, c := range courses.Items {
		members, err1 := api.Call(t.Context(), admin, api.ListMembers, api.ListMembersInput{Course: c.ID})
		materials, err2 := api.Call(t.Context(), admin, api.ListMaterials, api.CoursePath{Course: c.ID})
		assignments, err3 := api.Call(t.Context(), admin, api.ListAssignments, api.CoursePath{Course: c.ID})
		questions, err4 := api.Call(t.Context(), admin, api.ListQuestions, api.ListQuestionsInput{Course: c.ID})
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Fatal(err1, err2, err3, err4)
		}
		work := 0
		for _, a := range assignments.Items {
			subs, err := api.Call(t.Context(), admin, api.ListSubmissions, api.ListSubmissionsInput{Course: c.ID, Assignment: a.ID})
			if err != nil {
				t.Fatal(err)
			}
			work += subs.Total
		}
		text += fmt.Sprintf("; %s: %d members, %d materials, %d assignments, %d hand-ins, %d questions", c.Code,
			len(members.Items), len(materials.Items), len(assignments.Items), work, questions.Total)
	}
	return text
}

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three processes")
	}
	dir, port := filepath.Join(t.TempDir(), "demo"), freePorts(t)
	out, stop := startDemo(t, dir, port)
	for _, want := range []string{"3 of 3 healthy: any one may fail", "(leader)", "the password ", "amara", "status --watch"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	loaded := counts(t, dir, port)
	for _, want := range []string{"4 courses", "CS 340: 6 members, 4 materials, 3 assignments, 3 hand-ins, 3 questions"} {
		if !strings.Contains(loaded, want) {
			t.Errorf("loaded %s; want %s", loaded, want)
		}
	}
	checkDemoSite(t, dir, port)
	checkScale(t, dir, port)
	addCourse(t, dir, port) // people try things out; the demo goes on all the same
	loaded = counts(t, dir, port)

	// The printed command kills the leader; the cluster goes on, and the node comes back.
	pid, err := strconv.Atoi(regexp.MustCompile(`kill -9 (\d+)`).FindStringSubmatch(out.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	must(t, "kv", "put", "after", "the kill", "--data", filepath.Join(dir, "node3"))
	eventually(t, "the node is back", func() bool {
		return strings.Contains(out.String(), "is back") && strings.Contains(must(t, "status", "--data", filepath.Join(dir, "node3")), "3 of 3 healthy")
	})

	if _, errs, err := trivium(t, "demo", "--dir", dir, "--base-port", port); err == nil || !strings.Contains(errs, "runs already") {
		t.Errorf("a second demo in the directory: %v, %q", err, errs)
	}
	stop()
	_, stop = startDemo(t, dir, port)
	if again := counts(t, dir, port); again != loaded {
		t.Errorf("loaded twice:\n%s\n%s", loaded, again)
	}
	stop()
	if _, _, err := trivium(t, "demo", "clean", "--dir", dir); err == nil {
		t.Error("clean does not ask")
	}
	must(t, "demo", "clean", "--dir", dir, "--yes")
	if _, err := os.Stat(dir); err == nil {
		t.Error("clean leaves the directory")
	}
}

// checkScale makes the site bigger, twice: the second time adds nothing. Then it measures.
func checkScale(t *testing.T, dir, port string) {
	t.Helper()
	size := []string{"--dir", dir, "--students", "9", "--courses", "2", "--assignments", "3", "--seed", "7"}
	must(t, append([]string{"demo", "load"}, size...)...)
	first := counts(t, dir, port)
	if !strings.Contains(first, "SC 001: 10 members, 0 materials, 3 assignments") {
		t.Errorf("made bigger: %s", first)
	}
	must(t, append([]string{"demo", "load"}, size...)...)
	if again := counts(t, dir, port); again != first {
		t.Errorf("made bigger twice:\n%s\n%s", first, again)
	}
	out := must(t, append([]string{"demo", "measure", "--rounds", "3", "--hand-ins", "12", "--within", "1s", "--files", "30"}, size...)...)
	for _, want := range []string{"home, student", "deadline: text", "deadline: with 2 MB"} {
		if !strings.Contains(out, want) {
			t.Errorf("measure does not tell of %q:\n%s", want, out)
		}
	}
}

// addCourse makes a course that is not of the demo.
func addCourse(t *testing.T, dir, port string) {
	t.Helper()
	state, err := readDemo(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &demoSite{origins: []string{"http://127.0.0.1:" + port}, password: state.Password, clients: map[string]*api.Client{}}
	admin, err := s.as(t.Context(), demoAdmin)
	if err != nil {
		t.Fatal(err)
	}
	in := api.CourseInput{ID: lms.NewID(), Code: "MY 1", Title: "Trying out", Zone: "UTC", State: lms.CoursePublished}
	if _, err := api.Call(t.Context(), admin, api.CreateCourse, in); err != nil {
		t.Fatal(err)
	}
}

// checkDemoSite looks at the site as people in it do.
func checkDemoSite(t *testing.T, dir, port string) {
	t.Helper()
	state, err := readDemo(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	s := &demoSite{origins: []string{"http://127.0.0.1:" + strconv.Itoa(n+1)}, password: state.Password, clients: map[string]*api.Client{}}
	amara, err := s.as(t.Context(), "amara")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := api.Call(t.Context(), amara, api.GetSubmission, api.SubmissionPath{Course: demoDistributed.id, Submission: "demo-work-amara-quorums"})
	if err != nil || sub.Grade == nil || sub.Grade.Points != 1850 || len(sub.Files) != 1 {
		t.Errorf("Amara's work: %+v, %v", sub, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last []lms.Material
	for {
		page, err := api.Call(ctx, amara, api.ListMaterials, api.CoursePath{Course: demoDistributed.id})
		if err != nil {
			t.Fatalf("materials: %v (last %+v)", err, last)
		}
		last = page.Items
		ready := 0
		for _, m := range last {
			if m.Index == lms.IndexFailed {
				t.Fatalf("%s cannot be read: %s", m.Title, m.IndexNote)
			}
			if m.Index == lms.IndexReady && m.Passages >= 3 {
				ready++
			}
		}
		if ready == 4 {
			break
		}
		wait(ctx, 50*time.Millisecond)
	}
	found, err := api.Call(t.Context(), amara, api.SearchCourse, api.SearchInput{Course: demoDistributed.id, Query: "why an odd number of nodes"})
	if err != nil || len(found.Items) == 0 {
		t.Errorf("search: %+v, %v", found, err)
	}
	chiara, err := s.as(t.Context(), "chiara")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the tutor has answered Chiara", func() bool {
		q, err := api.Call(t.Context(), chiara, api.GetQuestion, api.QuestionPath{Course: demoDistributed.id, Question: "demo-question-chiara"})
		return err == nil && len(q.Replies) == 1 && q.Replies[0].State == lms.ReplyDone && len(q.Replies[0].Citations) > 0
	})
}
