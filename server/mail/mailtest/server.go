// Package mailtest is a mail server for tests: real TCP, no encryption, and failures on demand.
package mailtest

import (
	"bufio"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// Server is a mail server that keeps what it takes.
type Server struct {
	Addr string

	mu     sync.Mutex
	down   bool
	refuse map[string]bool // mailboxes that do not exist
	hold   chan struct{}   // mails wait for it before they are taken
	taken  []*mail.Message
	bodies []string
	calls  int
	held   int
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: ln.Addr().String(), refuse: map[string]bool{}}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		s.Release()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(c) })
		}
	})
	return s
}

// SetDown lets the server take no calls, or take them again.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Refuse makes a mailbox one that does not exist.
func (s *Server) Refuse(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[address] = true
}

// Hold lets mails wait after their text has come, until Release.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = make(chan struct{})
}

// Release ends Hold.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold != nil {
		close(s.hold)
		s.hold = nil
	}
}

// Held is how many mails have waited, or wait, because of Hold.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Calls is how often somebody connected, also while the server was down.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Mails are the mails that were taken, with their texts.
func (s *Server) Mails() ([]*mail.Message, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*mail.Message(nil), s.taken...), append([]string(nil), s.bodies...)
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	s.calls++
	down := s.down
	s.mu.Unlock()
	if down {
		return
	}
	say := func(line string) { c.Write([]byte(line + "\r\n")) }
	say("220 mailtest")
	var text strings.Builder
	data := false
	for sc := bufio.NewScanner(c); sc.Scan(); {
		line := sc.Text()
		switch word, rest, _ := strings.Cut(line, " "); {
		case data && line == ".":
			data = false
			s.take(text.String())
			text.Reset()
			say("250 taken")
		case data:
			text.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
		case word == "DATA":
			data = true
			say("354 go on")
		case word == "RCPT" && s.refuses(rest):
			say("550 no such mailbox")
		case word == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *Server) refuses(rcpt string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, rest, _ := strings.Cut(rcpt, "<")
	address, _, _ := strings.Cut(rest, ">")
	return s.refuse[address]
}

func (s *Server) take(text string) {
	s.mu.Lock()
	hold := s.hold
	if hold != nil {
		s.held++
	}
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return
	}
	body := decode(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken, s.bodies = append(s.taken, m), append(s.bodies, body)
}
