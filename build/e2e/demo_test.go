//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demo is a running "trivium demo".
type demo struct {
	cmd  *exec.Cmd
	log  string
	dir  string
	done chan error
}

var (
	demoLeader  = regexp.MustCompile(`(node\d)  (http://\S+)   pid (\d+)   \(leader\)`)
	demoSecret  = regexp.MustCompile(`always with the password (\S+):`)
	demoStudent = regexp.MustCompile(`(?m)^  (\w+) +.*[Ss]tudent`)
	demoKill    = regexp.MustCompile(`kill -9 (\d+)`)
)

// startDemo starts what "make run" starts, in a directory and on ports of its own.
func startDemo(t *testing.T) *demo {
	t.Helper()
	base := freePort(t, 0, 1, 2, 100, 101, 102)
	d := &demo{log: filepath.Join(t.TempDir(), "said"), dir: filepath.Join(t.TempDir(), "demo"), done: make(chan error, 1)}
	out, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	d.cmd = exec.Command(binary(t), "demo", "--dir", d.dir, "--base-port", strconv.Itoa(base), "--restart", "2s")
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.Env = out, out, environment()
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			d.cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("the demo said:\n%s", d.said())
		}
	})
	return d
}

func (d *demo) said() string {
	b, _ := os.ReadFile(d.log)
	return string(b)
}

// line waits until the demo has printed something of the form and returns its parts.
func (d *demo) line(t *testing.T, limit time.Duration, form *regexp.Regexp) []string {
	t.Helper()
	var found []string
	eventually(t, limit, "the demo to print "+form.String(), func() error {
		select {
		case err := <-d.done:
			d.done <- err
			t.Fatalf("the demo has ended: %v\n%s", err, d.said())
		default:
		}
		if found = form.FindStringSubmatch(d.said()); found == nil {
			return fmt.Errorf("it printed %s", tail([]byte(d.said()), 400))
		}
		return nil
	})
	return found
}

// TestDemo does what a stranger does after "make run": reads what is printed, looks around as a student, kills the leader and
// goes on, and stops it.
func TestDemo(t *testing.T) {
	d := startDemo(t)
	kill := d.line(t, 90*time.Second, demoKill)
	leader, secret, student := d.line(t, 5*time.Second, demoLeader), d.line(t, time.Second, demoSecret)[1], d.line(t, time.Second, demoStudent)[1]
	if kill[1] != leader[3] {
		t.Errorf("it prints kill -9 %s, but the leader is %s", kill[1], leader[3])
	}
	b := openTab(t, "demo "+student)
	b.expectDeath()
	b.enter(leader[2], student, secret)
	b.waitFor(20*time.Second, "the home page", `location.pathname === "/" && document.querySelectorAll("main .row, main .card, main li").length > 0`)
	b.waitFor(20*time.Second, "the page to be complete", `document.querySelector("main .skeleton, main [aria-busy=true]") === null`)
	b.look("home-demo")
	b.run("open a course", chromedpClickFirst(`main a[href^="/courses/"]:not([href*="/assignments"]):not([href*="/questions"])`))
	b.waitFor(20*time.Second, "the course", `/^\/courses\/[^/]+/.test(location.pathname) && document.querySelector("main .skeleton, main [aria-busy=true]") === null`)
	b.look("course-demo")

	pid, err := strconv.Atoi(leader[3])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.click("Questions & tutor")
	b.click("#ask-to-staff")
	b.fill("#ask-title", "Does this arrive?")
	b.click("Ask the instructors")
	b.path("/courses/")
	b.see("Does this arrive?")
	b.waitFor(20*time.Second, "the notice", `document.body.innerText.includes("went away")`)
	b.shot("demo-killed-1280-light")
	d.line(t, 20*time.Second, regexp.MustCompile(leader[1]+` \(pid `+leader[3]+`\) has ended`))
	d.line(t, 20*time.Second, regexp.MustCompile(leader[1]+` is back, pid \d+`))

	stop := exec.Command(binary(t), "demo", "stop", "--dir", d.dir)
	var said bytes.Buffer
	stop.Stdout, stop.Stderr, stop.Env = &said, &said, environment()
	if err := stop.Run(); err != nil || !strings.Contains(said.String(), "Stopped.") {
		t.Errorf("demo stop: %v: %s", err, said.String())
	}
	select {
	case err := <-d.done:
		if err != nil {
			t.Errorf("the demo ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the demo does not end")
	}
	if os.Getenv("TRIVIUM_README_SHOT") != "" {
		readmeShot(t)
	}
}

// readmeShot keeps the picture that the README shows.
func readmeShot(t *testing.T) {
	png, err := os.ReadFile(filepath.Join(shotDir(), "home-demo-1280-light.png"))
	if err != nil {
		t.Fatal(err)
	}
	if len(png) > 200<<10 {
		t.Fatalf("the picture has %d bytes", len(png))
	}
	if err := os.WriteFile(filepath.Join("..", "..", "assets", "docs", "home.png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
