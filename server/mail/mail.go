// Package mail sends what people need to get back into their accounts, through the mail server that the operator names.
package mail

import (
	"context"
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

// Send delivers one mail of plain text to the server.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	m := mail.NewMsg()
	if err := m.From(s.from); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := m.To(to); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, text)
	c, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
