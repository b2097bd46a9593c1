//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// network decides who can talk to whom. The driver always reaches the nodes.
type network interface {
	address(i int) string      // where node i listens, without port
	listen(i, port int) string // for the cluster port: what the node listens on
	advertise(i int) string    // the cluster address that the others use
	namespace(i int) string    // path of the network namespace; "": that of the rig
	drop(from, to int) error   // packets from one node to another vanish, silently
	slow(i int, on bool) error // the node's link
	heal() error
	close() error
	host() string // address of the rig as the nodes see it
}

// spaces gives each node a network namespace with one leg in a bridge. A direction is cut by a permanent neighbour
// entry that names a hardware address nobody has: packets leave and never arrive, as with a broken cable.
type spaces struct {
	tag, net string
	n        int
	mac      []string

	mu  sync.Mutex
	cut map[[2]int]bool
}

var opened atomic.Int32

const nowhere = "02:00:00:00:de:ad"

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func newSpaces(n int) (*spaces, error) {
	// The kernel takes its time to forget a namespace: the next rig of this process has names of its own.
	const letters = "cdefghijklmopqrstuwxyz"
	s := &spaces{tag: fmt.Sprintf("tvs%d%c", os.Getpid(), letters[int(opened.Add(1))%len(letters)]), n: n, cut: map[[2]int]bool{}}
	sweep()
	// A private network of its own for each rig.
	s.net = fmt.Sprintf("10.%d.%d.", 192+os.Getpid()>>8&31, os.Getpid()&255)
	if err := s.build(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *spaces) build() error {
	bridge := s.tag + "b"
	for _, args := range [][]string{{"link", "add", bridge, "type", "bridge"}, {"addr", "add", s.net + "254/24", "dev", bridge}, {"link", "set", bridge, "up"}} {
		if err := run("ip", args...); err != nil {
			return err
		}
	}
	for i := range s.n {
		ns, leg := s.name(i), fmt.Sprintf("%sv%d", s.tag, i)
		mac := fmt.Sprintf("02:00:00:00:%02x:%02x", os.Getpid()&255, i+1)
		s.mac = append(s.mac, mac)
		for _, args := range [][]string{
			{"netns", "add", ns},
			{"link", "add", leg, "type", "veth", "peer", "name", "eth0", "netns", ns},
			{"link", "set", leg, "master", bridge, "up"},
			{"-n", ns, "link", "set", "lo", "up"},
			{"-n", ns, "link", "set", "eth0", "address", mac},
			{"-n", ns, "addr", "add", s.address(i) + "/24", "dev", "eth0"},
			{"-n", ns, "link", "set", "eth0", "up"},
		} {
			if err := run("ip", args...); err != nil {
				return err
			}
		}
	}
	return s.heal()
}

func (s *spaces) name(i int) string         { return fmt.Sprintf("%sn%d", s.tag, i) }
func (s *spaces) address(i int) string      { return s.net + strconv.Itoa(i+1) }
func (s *spaces) namespace(i int) string    { return filepath.Join("/var/run/netns", s.name(i)) }
func (s *spaces) host() string              { return s.net + "254" }
func (s *spaces) listen(i, port int) string { return fmt.Sprintf("%s:%d", s.address(i), port) }
func (s *spaces) advertise(i int) string    { return fmt.Sprintf("%s:%d", s.address(i), clusterPort) }

func (s *spaces) drop(from, to int) error {
	s.mu.Lock()
	s.cut[[2]int{from, to}] = true
	s.mu.Unlock()
	return s.neighbour(from, to, nowhere)
}

func (s *spaces) neighbour(from, to int, mac string) error {
	return run("ip", "-n", s.name(from), "neigh", "replace", s.address(to), "lladdr", mac, "dev", "eth0", "nud", "permanent")
}

// slow limits what the node sends to 1 Mbit/s.
func (s *spaces) slow(i int, on bool) error {
	if !on {
		return run("tc", "-n", s.name(i), "qdisc", "del", "dev", "eth0", "root")
	}
	return run("tc", "-n", s.name(i), "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", "1mbit", "burst", "32kb", "latency", "400ms")
}

func (s *spaces) heal() error {
	var errs []error
	for a := range s.n {
		for b := range s.n {
			if a != b {
				errs = append(errs, s.neighbour(a, b, s.mac[b]))
			}
		}
	}
	s.mu.Lock()
	clear(s.cut)
	s.mu.Unlock()
	return errors.Join(errs...)
}

func (s *spaces) close() error {
	for i := range s.n {
		run("ip", "link", "del", fmt.Sprintf("%sv%d", s.tag, i))
		run("ip", "netns", "del", s.name(i))
	}
	run("ip", "link", "del", s.tag+"b")
	return nil
}

// sweep removes what rigs have left that were killed: each name carries the process id.
func sweep() {
	entries, _ := os.ReadDir("/var/run/netns")
	links, _ := os.ReadDir("/sys/class/net")
	for _, e := range append(entries, links...) {
		pid, ok := ownerOf(e.Name())
		if !ok || alive(pid) {
			continue
		}
		if strings.HasSuffix(e.Name(), "b") {
			run("ip", "link", "del", e.Name())
		} else if strings.Contains(e.Name(), "n") {
			run("ip", "netns", "del", e.Name())
		}
	}
	mounts, _ := os.ReadFile("/proc/mounts")
	for _, line := range strings.Split(string(mounts), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(f[0], "trivium-soak-") {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimPrefix(f[0], "trivium-soak-")); err == nil && !alive(pid) {
			syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}

// ownerOf reads the process id out of the name of a namespace or a bridge.
func ownerOf(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, "tvs")
	if !ok {
		return 0, false
	}
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if digits <= 0 {
		return 0, false
	}
	pid, err := strconv.Atoi(rest[:digits])
	return pid, err == nil
}

func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }
