package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestLogHoldsNoPersonalText: everything that people are called, type or call their things contains one word, and the log
// of a day's requests, told in all detail, does not.
func TestLogHoldsNoPersonalText(t *testing.T) {
	s := startServer(t, t.TempDir(), "--log-level", "debug", "--log-format", "json")
	operator, _ := readLine(filepath.Join(s.data, operatorFile))
	call := func(method, path, token, body string, want int) string {
		t.Helper()
		a := s.send(t, method, path, token, body)
		if a.status != want {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		return a.body
	}
	signIn := func(login string) string {
		var session lms.Session
		body := call("POST", "/api/v1/session", "", `{"login":"`+login+`","password":"zebra crossing","bearer":true}`, 200)
		if err := json.Unmarshal([]byte(body), &session); err != nil || session.Token == "" {
			t.Fatalf("%v: %s", err, body)
		}
		return session.Token
	}
	for login, creates := range map[string]bool{"zebra-ines": true, "zebra-ben": false} {
		call("POST", "/api/v1/users", operator, fmt.Sprintf(`{"id":"u-%s","login":"%s","name":"Zebra Falk","password":"zebra crossing","mayCreateCourses":%t}`, login[6:], login, creates), 200)
	}
	call("POST", "/api/v1/users", operator, `{"id":"u9","login":"ZEBRA-ines","name":"Zebra","password":"zebra crossing"}`, 409)
	call("POST", "/api/v1/session", "", `{"login":"zebra@example.edu","password":"zebra crossing"}`, 401)
	call("POST", "/api/v1/session", "", `{"login":"zebra-ines","password":"zebra","zebra":1}`, 400)
	teacher, student := signIn("zebra-ines"), signIn("zebra-ben")
	call("GET", "/api/v1/users?q=zebra", operator, "", 200)
	call("POST", "/api/v1/courses", teacher, `{"id":"c1","code":"ZEBRA1","title":"Zebras","summary":"zebra","zone":"UTC","state":"published"}`, 200)
	call("POST", "/api/v1/courses/c1/members", teacher, `{"login":"zebra-ben","role":"student"}`, 200)
	call("POST", "/api/v1/courses/c1/members", teacher, `{"login":"zebra-nobody","role":"student"}`, 422)
	call("POST", "/api/v1/courses/c1/materials", teacher, `{"id":"m1","title":"Zebra","kind":"page","body":"# Zebra\n\nA zebra has stripes.","published":true}`, 200)
	call("POST", "/api/v1/courses/c1/assignments", teacher, `{"id":"a1","title":"Zebra","description":"zebra","points":1000,"allowText":true,"maxAttempts":3,"published":true}`, 200)
	call("POST", "/api/v1/courses/c1/assignments/a1/submissions", student, `{"id":"s1","text":"my zebra"}`, 200)
	call("PUT", "/api/v1/courses/c1/submissions/s1/grade", teacher, `{"points":500,"feedback":"more zebra","version":0}`, 200)
	call("POST", "/api/v1/courses/c1/questions", student, `{"id":"q1","to":"staff","title":"Where is the zebra?","body":"zebra","visibility":"staff"}`, 200)
	eventually(t, "the material is indexed", func() bool {
		return strings.Contains(s.send(t, "GET", "/api/v1/courses/c1/search?q=zebra", student, "").body, "stripes")
	})
	call("POST", "/api/v1/tutor/notice", student, fmt.Sprintf(`{"notice":%d}`, lms.TutorNotice), 200)
	call("POST", "/api/v1/courses/c1/questions", student, `{"id":"q2","replyId":"r2","to":"tutor","title":"What has a zebra?","body":"zebra","visibility":"staff"}`, 200)
	eventually(t, "the tutor has answered", func() bool {
		return strings.Contains(s.send(t, "GET", "/api/v1/courses/c1/questions/q2", student, "").body, "stripes")
	})
	call("PUT", "/api/v1/kv/zebra", operator, `{"value":"zebra"}`, 200)
	call("GET", "/api/v1/zebra", student, "", 404)
	s.send(t, "GET", "/zebra?zebra=1", student, "")

	log := s.log.String()
	for _, line := range strings.Split(log, "\n") {
		if strings.Contains(strings.ToLower(line), "zebra") {
			t.Errorf("in the log: %s", line)
		}
	}
	var line map[string]any
	request := regexp.MustCompile(`(?m)^.*"msg":"request","node".*$`).FindString(log)
	if err := json.Unmarshal([]byte(request), &line); err != nil {
		t.Fatalf("%v: %q", err, request)
	}
	for _, key := range []string{"time", "level", "node", "term", "request", "route"} {
		if line[key] == nil || line[key] == "" {
			t.Errorf("a request's line has no %s: %s", key, request)
		}
	}
}

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	s := startServer(t, t.TempDir(), "--log-level", "info", "--log-file", path)
	s.stop(t)
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "msg=ready") || s.log.String() != "" {
		t.Errorf("%v\nin the file: %s\non stderr: %s", err, text, s.log)
	}
	if got := previous(path); !strings.HasSuffix(got, "node.1.log") || previous("/var/log/trivium") != "/var/log/trivium.1" {
		t.Errorf("the one before is %s", got)
	}
}

// TestBlockedLogDoesNotStopTheNode (F19): nobody reads what the process writes, on stdout and stderr; requests go on, the
// lost lines are counted, and the process ends when it is told to.
func TestBlockedLogDoesNotStopTheNode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	data := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() // read by nobody until then
	p := exec.Command(program, "serve", "--data", data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--log-level", "debug")
	p.Stdout, p.Stderr = w, w
	if err := errors.Join(p.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	t.Cleanup(func() { p.Process.Kill() })
	s := &server{data: data}
	eventually(t, "the node is ready", func() bool { return s.send(t, "GET", "/readyz", "", "").status == http.StatusOK })
	operator, _ := readLine(filepath.Join(data, operatorFile))
	slowest := time.Duration(0)
	lost := regexp.MustCompile(`(?m)^trivium_log_lines_dropped_total [1-9]`)
	for i := 0; ; i++ {
		start := time.Now()
		if a := s.send(t, "PUT", fmt.Sprint("/api/v1/kv/k", i%10), operator, `{"value":"x"}`); a.status != http.StatusOK {
			t.Fatalf("write %d: %d %s", i, a.status, a.body)
		}
		for range 20 {
			if a := s.send(t, "GET", api.CurrentSession.Path, operator, ""); a.status == 0 {
				t.Fatalf("read %d fails", i)
			}
		}
		slowest = max(slowest, time.Since(start))
		if lost.MatchString(s.send(t, "GET", "/metrics", "", "").body) {
			t.Logf("lines were lost after %d rounds; the slowest of 21 requests took %v", i, slowest.Round(time.Millisecond))
			break
		}
		if i > 1000 {
			t.Fatal("20,000 requests were logged, and nothing was lost: is the pipe read?")
		}
	}
	if slowest > 10*time.Second {
		t.Errorf("21 requests took %v", slowest)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the node does not stop")
	}
}
