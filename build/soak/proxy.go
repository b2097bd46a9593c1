//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxies is the network without root: the nodes listen on loopback, and each reaches the others only through the rig.
// One direction of a link is the bytes of one direction of its connections; who connects cannot be told from the
// address, so a node is cut off as a whole: drop(a, b) holds back what b receives, and drop(b, a) what it sends.
type proxies struct {
	links []*link
	ports []int
}

// link stands before the cluster port of one node.
type link struct {
	l      net.Listener
	target string

	mu      sync.Mutex
	changed *sync.Cond
	in, out bool // held back: towards the node, from the node
	late    atomic.Bool
	conns   map[net.Conn]bool
}

func newProxies(n int) (*proxies, error) {
	p := &proxies{}
	for range n {
		front, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		port, err := freePort()
		if err != nil {
			return nil, errors.Join(err, front.Close(), p.close())
		}
		k := &link{l: front, target: fmt.Sprintf("127.0.0.1:%d", port), conns: map[net.Conn]bool{}}
		k.changed = sync.NewCond(&k.mu)
		p.links, p.ports = append(p.links, k), append(p.ports, port)
		go k.serve()
	}
	return p, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (p *proxies) address(int) string     { return "127.0.0.1" }
func (p *proxies) namespace(int) string   { return "" }
func (p *proxies) host() string           { return "127.0.0.1" }
func (p *proxies) listen(i, _ int) string { return p.links[i].target }
func (p *proxies) advertise(i int) string { return p.links[i].l.Addr().String() }

// slow makes whatever the node receives and sends 75 ms late, give or take 50.
func (p *proxies) slow(i int, on bool) error {
	p.links[i].late.Store(on)
	return nil
}

func (p *proxies) drop(from, to int) error {
	p.links[to].hold(true, false)
	p.links[from].hold(false, true)
	return nil
}

func (p *proxies) heal() error {
	for _, k := range p.links {
		k.mu.Lock()
		k.in, k.out = false, false
		k.changed.Broadcast()
		k.mu.Unlock()
	}
	return nil
}

func (p *proxies) close() error {
	p.heal()
	for _, k := range p.links {
		k.l.Close()
		k.mu.Lock()
		for c := range k.conns {
			c.Close()
		}
		k.mu.Unlock()
	}
	return nil
}

func (k *link) hold(in, out bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.in, k.out = k.in || in, k.out || out
}

func (k *link) serve() {
	for {
		c, err := k.l.Accept()
		if err != nil {
			return
		}
		go k.carry(c)
	}
}

func (k *link) carry(c net.Conn) {
	defer c.Close()
	t, err := net.Dial("tcp", k.target)
	if err != nil {
		return
	}
	defer t.Close()
	k.mu.Lock()
	k.conns[c], k.conns[t] = true, true
	k.mu.Unlock()
	done := make(chan struct{}, 2)
	go func() { k.copy(t, c, &k.in); done <- struct{}{} }()
	go func() { k.copy(c, t, &k.out); done <- struct{}{} }()
	<-done
	c.Close()
	t.Close()
	<-done
	k.mu.Lock()
	delete(k.conns, c)
	delete(k.conns, t)
	k.mu.Unlock()
}

func (k *link) copy(to io.Writer, from io.Reader, held *bool) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		k.mu.Lock()
		for *held {
			k.changed.Wait()
		}
		k.mu.Unlock()
		if k.late.Load() {
			time.Sleep(25*time.Millisecond + rand.N(100*time.Millisecond))
		}
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
