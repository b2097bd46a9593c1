//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	clusterPort = 4100
	httpPort    = 4000
)

// node is one process of the program with its disk and its network.
type node struct {
	i      int
	id     string
	dir    string // holds the disk's folder, the mount and the log
	disk   *disk
	http   string // host:port for people
	args   []string
	env    []string
	binary string
	space  string   // network namespace
	sink   *os.File // where the log goes instead of the file

	mu       sync.Mutex
	cmd      *exec.Cmd
	exited   chan struct{} // closed when cmd has been waited for
	status   error
	expected bool      // the rig ended it, or a fault may
	impaired time.Time // until when what it answers may be out of date
	operator atomic.Pointer[string]
	crashes  []string
}

func (n *node) logPath() string { return filepath.Join(n.dir, "log") }

// data is the node's directory as the rig may read it.
func (n *node) data() string { return filepath.Join(n.disk.back, "data") }

// chunk is where the bytes with that hash lie.
func (n *node) chunk(hash string) string {
	return filepath.Join(n.data(), "files", "chunks", hash[:2], hash[2:3], hash)
}

// starter starts processes from one thread that lives as long as the rig: they die with it (Pdeathsig is tied to the
// thread), also when the rig is killed.
var starter = sync.OnceValue(func() chan func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range c {
			f()
		}
	}()
	return c
})

// start starts the process if it does not run. env is added to the environment of this start only.
func (n *node) start(env ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		select {
		case <-n.exited:
		default:
			return nil
		}
	}
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(n.binary, n.args...)
	cmd.Env = append(append(environment(), n.env...), env...)
	cmd.Stdout, cmd.Stderr = log, log
	if n.sink != nil {
		cmd.Stderr = n.sink
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	starter() <- func() { result <- startIn(n.space, cmd) }
	if err := <-result; err != nil {
		return fmt.Errorf("start %s: %w", n.id, err)
	}
	n.cmd, n.exited, n.expected = cmd, make(chan struct{}), len(env) > 0
	go n.reap(cmd, n.exited)
	return nil
}

func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TRIVIUM_") {
			env = append(env, e)
		}
	}
	return append(env, "GOMAXPROCS=1")
}

// startIn starts the command in a network namespace. It runs on the starter's thread.
func startIn(space string, cmd *exec.Cmd) error {
	if space == "" {
		return cmd.Start()
	}
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	to, err := os.Open(space)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := unix.Setns(int(to.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", space, err)
	}
	err = cmd.Start()
	return errors.Join(err, unix.Setns(int(own.Fd()), unix.CLONE_NEWNET))
}

func (n *node) reap(cmd *exec.Cmd, exited chan struct{}) {
	err := cmd.Wait()
	n.mu.Lock()
	n.status = err
	if !n.expected {
		n.crashes = append(n.crashes, fmt.Sprintf("%s ended by itself (%v) although nothing was done to it: %s", n.id, err, n.lastLines()))
	}
	n.mu.Unlock()
	close(exited)
}

// allow says that the node may end by itself from now on.
func (n *node) allow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expected = true
}

// impair notes that what the node answers may be old until a while after now.
func (n *node) impair(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := time.Now().Add(d); t.After(n.impaired) {
		n.impaired = t
	}
}

func (n *node) impairedAt(t time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return t.Before(n.impaired)
}

func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return
	}
	select {
	case <-n.exited:
	default:
		n.cmd.Process.Signal(s)
	}
}

// kill ends the process at once. A frozen disk thaws: the kernel does not let go of a process that waits for it.
func (n *node) kill() {
	n.allow()
	n.signal(syscall.SIGKILL)
	if n.disk != nil {
		n.disk.heal()
	}
	n.wait(20 * time.Second)
}

// stop asks the process to end.
func (n *node) stop(limit time.Duration) error {
	n.allow()
	n.signal(syscall.SIGTERM)
	if !n.wait(limit) {
		return fmt.Errorf("%s did not stop within %v of SIGTERM", n.id, limit)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

// wait reports whether the process has ended within the limit.
func (n *node) wait(limit time.Duration) bool {
	n.mu.Lock()
	exited := n.exited
	n.mu.Unlock()
	if exited == nil {
		return true
	}
	select {
	case <-exited:
		return true
	case <-time.After(limit):
		return false
	}
}

func (n *node) exitStatus() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

func (n *node) logText() string {
	b, _ := os.ReadFile(n.logPath())
	return string(b)
}

func (n *node) lastLines() string {
	b := []byte(n.logText())
	b = bytes.TrimSpace(b[max(0, len(b)-600):])
	return string(b)
}

// token is the node's operator token.
func (n *node) token() string {
	if t := n.operator.Load(); t != nil {
		return *t
	}
	b, err := os.ReadFile(filepath.Join(n.data(), "operator-token"))
	if err != nil || len(b) == 0 {
		return ""
	}
	t := strings.TrimSpace(string(b))
	n.operator.Store(&t)
	return t
}

// files counts the open descriptors of the process.
func (n *node) files() int {
	entries, _ := os.ReadDir("/proc/" + strconv.Itoa(n.pid()) + "/fd")
	return len(entries)
}

// memory is the resident set in bytes.
func (n *node) memory() int64 {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(n.pid()) + "/statm")
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
