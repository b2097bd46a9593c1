// Package mail sends mail of plain text through the mail server that the operator names.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Config names a mail server. The zero value is none.
type Config struct {
	Server       string // host:port; port 465 speaks TLS from the start, others STARTTLS
	From         string // address of the sender
	User         string // empty: without signing in
	PasswordFile string
	Plain        bool // without encryption, for a relay on this machine
}

// Sender sends mail. It is safe for concurrent use.
type Sender struct {
	host    string
	from    string
	options []mail.Option
}

// New checks the settings and makes a sender; nil when no server is named.
func New(c Config) (*Sender, error) {
	if c.Server == "" {
		if c.From != "" || c.User != "" || c.PasswordFile != "" || c.Plain {
			return nil, fmt.Errorf("--smtp-from, --smtp-user, --smtp-password-file and --smtp-plain need --smtp-server")
		}
		return nil, nil
	}
	host, port, err := net.SplitHostPort(c.Server)
	number, atoi := strconv.Atoi(port)
	if err != nil || atoi != nil || number < 1 || number > 65535 || host == "" {
		return nil, fmt.Errorf("--smtp-server %q: write host:port, such as mail.example.edu:587", c.Server)
	}
	if err := mail.NewMsg().From(c.From); err != nil {
		return nil, fmt.Errorf("--smtp-from %q: write the address of the sender, such as lms@example.edu", c.From)
	}
	s := &Sender{host: host, from: c.From, options: []mail.Option{mail.WithPort(number), mail.WithTimeout(20 * time.Second)}}
	switch {
	case c.Plain:
		s.options = append(s.options, mail.WithTLSPolicy(mail.NoTLS))
	case number == 465:
		s.options = append(s.options, mail.WithSSL())
	default:
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.User == "" {
		if c.PasswordFile != "" {
			return nil, fmt.Errorf("--smtp-password-file needs --smtp-user")
		}
		return s, nil
	}
	data, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("--smtp-password-file: %w", err)
	}
	s.options = append(s.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.User), mail.WithPassword(strings.TrimSpace(string(data))))
	return s, nil
}

// Message is a mail of plain text.
type Message struct {
	ID            string // Message-ID without its angle brackets; empty: a new one
	To            string
	Subject, Text string
}

// Send delivers one mail of plain text to the server.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	return s.Deliver(ctx, Message{To: to, Subject: subject, Text: text})
}

// Deliver delivers a mail to the server. Without an error the server has taken it.
func (s *Sender) Deliver(ctx context.Context, msg Message) error {
	m := mail.NewMsg()
	if err := m.From(s.from); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := m.To(msg.To); err != nil {
		return fmt.Errorf("mail: %w: %w", errRecipient, err)
	}
	m.Subject(msg.Subject)
	if msg.ID != "" {
		m.SetMessageIDWithValue(msg.ID)
	}
	m.SetBodyString(mail.TypeTextPlain, msg.Text)
	c, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	// What goes wrong after the server has taken the mail is no failure: a repeat would be a second mail.
	if err := c.DialAndSendWithContext(ctx, m); err != nil && !m.IsDelivered() {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

var errRecipient = errors.New("this is not the address of a mailbox")

// Refused reports whether an error of Deliver is about the recipient and final: trying again would not help, and mails to
// others may go well.
func Refused(err error) bool {
	var e *mail.SendError
	return errors.Is(err, errRecipient) || errors.As(err, &e) && e.Reason == mail.ErrSMTPRcptTo && !e.IsTemp()
}
