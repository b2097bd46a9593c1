package outbox

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/server/mail"
	"trivium/server/store"
)

// compose writes a mail from what is true now. lms.ErrNotFound: there is nothing to tell any more.
func (s *Service) compose(ctx context.Context, m store.Mail) (mail.Message, error) {
	switch m.Kind {
	case store.MailReceipt:
		n, err := s.c.Store.ReceiptNews(ctx, m.UserID, m.Object)
		if err != nil {
			return mail.Message{}, err
		}
		return mail.Message{ID: m.Message, To: n.To, Subject: fmt.Sprintf("Receipt: %s, attempt %d", n.Title, n.Submission.Attempt), Text: s.receipt(n)}, nil
	}
	return mail.Message{}, fmt.Errorf("outbox: this program does not know mails of the kind %q", m.Kind)
}

// site is the host at which people reach this node.
func (s *Service) site() string {
	if u, err := url.Parse(s.c.Origin); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "trivium"
}

func (s *Service) messageID(id string) string { return id + "@" + s.site() }

// receipt is the text of a mail with a receipt. It holds nothing of the work and no grade: mail is read by others.
func (s *Service) receipt(n store.ReceiptNews) string {
	sub := n.Submission
	zone, err := time.LoadLocation(n.Course.Zone)
	if err != nil {
		zone = time.UTC
	}
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%-12s %s\n", label+":", value) }
	how := "Your work was received"
	if sub.FromDraft {
		how = "Your draft was handed in at the cut-off"
	}
	fmt.Fprintf(&b, "Hello %s,\n\n%s. This is its receipt.\n\n", n.Name, how)
	line("Course", strings.TrimSpace(n.Course.Code+" "+n.Course.Title))
	line("Assignment", n.Title)
	line("Attempt", fmt.Sprint(sub.Attempt))
	line("Received", sub.SubmittedAt.In(zone).Format("Mon 2 Jan 2006, 15:04:05 MST"))
	line("Receipt id", sub.ID)
	for _, f := range sub.Files {
		fmt.Fprintf(&b, "\n%-12s %s\n%-12s %d bytes (%s)\n%-12s %s\n", "File:", f.Name, "Size:", f.Size, lms.FormatBytes(f.Size), "SHA-256:", f.SHA256)
	}
	fmt.Fprintf(&b, "\n%s/courses/%s/assignments/%s\n\nA majority of the nodes of %s has verified every file of this attempt.\n", s.c.Origin, n.Course.ID, sub.AssignmentID, s.site())
	return b.String()
}
