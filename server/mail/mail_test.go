package mail

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// relay is a mail server that takes one mail and answers what it got.
func relay(t *testing.T) (string, <-chan []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	got := make(chan []string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		say := func(s string) { c.Write([]byte(s + "\r\n")) }
		say("220 relay")
		var lines []string
		data := false
		for sc := bufio.NewScanner(c); sc.Scan(); {
			line := sc.Text()
			lines = append(lines, line)
			switch word, _, _ := strings.Cut(line, " "); {
			case data && line == ".":
				data = false
				say("250 taken")
			case data:
			case word == "DATA":
				data = true
				say("354 go on")
			case word == "QUIT":
				say("221 bye")
				got <- lines
				return
			default:
				say("250 ok")
			}
		}
		got <- lines
	}()
	return ln.Addr().String(), got
}

func TestSend(t *testing.T) {
	address, got := relay(t)
	s, err := New(Config{Server: address, From: "lms@example.edu", Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), "zoë@example.edu\r\nBcc: x@example.edu", "Hello", "text"); err == nil {
		t.Error("an address of two lines is taken")
	}
	if err := s.Send(t.Context(), "bob@example.edu", "A new password\r\nBcc: eve@example.edu", "Hello Zoë,\n\nhttps://lms.example.edu/reset#secret\n"); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(<-got, "\n")
	for _, want := range []string{"MAIL FROM:<lms@example.edu>", "RCPT TO:<bob@example.edu>", "reset#secret", "text/plain"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	if strings.Contains(all, "\nBcc:") {
		t.Errorf("a subject made a header:\n%s", all)
	}
}

// A server without encryption gets no mail, unless the operator has said so.
func TestSendNeedsEncryption(t *testing.T) {
	address, _ := relay(t)
	s, err := New(Config{Server: address, From: "lms@example.edu"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), "bob@example.edu", "Hello", "text"); err == nil {
		t.Error("sent in clear")
	}
}

func TestConfig(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		c    Config
		want string // part of the refusal
	}{
		{Config{}, ""},
		{Config{From: "a@b.example"}, "need --smtp-server"},
		{Config{Server: "mail.example.edu"}, "--smtp-server"},
		{Config{Server: "mail.example.edu:0", From: "a@b.example"}, "--smtp-server"},
		{Config{Server: "mail.example.edu:587"}, "--smtp-from"},
		{Config{Server: "mail.example.edu:587", From: "lms"}, "--smtp-from"},
		{Config{Server: "mail.example.edu:587", From: "a@b.example", PasswordFile: secret}, "--smtp-user"},
		{Config{Server: "mail.example.edu:587", From: "a@b.example", User: "lms", PasswordFile: secret + "x"}, "--smtp-password-file"},
		{Config{Server: "mail.example.edu:465", From: "a@b.example", User: "lms", PasswordFile: secret}, ""},
	} {
		s, err := New(tt.c)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.c, err)
		}
		if err == nil && (s != nil) != (tt.c.Server != "") {
			t.Errorf("%+v: sender %v", tt.c, s)
		}
	}
}
