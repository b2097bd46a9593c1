package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Life of a mail in the outbox.
const (
	MailPatience = 3 * 24 * time.Hour  // how long a mail is tried; later it would only surprise
	mailKept     = 30 * 24 * time.Hour // how long it is known what became of it
	mailerLife   = 3 * 24 * time.Hour  // how long a node that is silent counts as one that sends mail
)

// MailReceipt is the kind of mail that brings the receipt of an attempt; its object is the attempt. Another kind of mail
// needs a name, a statement beside the one that it tells of (see queueReceipt) and a text (see package outbox).
const MailReceipt = "receipt"

// TopicOutbox tells that a mail was queued.
const TopicOutbox = "outbox"

// A mail m that is not done with: ?1 now. The number is MailPatience.
const mailOpen = `m.sent_at IS NULL AND m.failed_at IS NULL AND m.queued_at > ?1 - 259200000`

// A mail m that can be sent: a receipt is one only when a majority of the nodes has verified every file (SUBMIT-4).
const mailReady = `(m.kind <> 'receipt' OR NOT EXISTS(SELECT 1 FROM submission_files sf JOIN files f ON f.file_id = sf.file_id
	WHERE sf.submission_id = m.object_id AND f.complete_at IS NULL))`

// A mail m that somebody may claim: ?1 now, ?2 how long it must have been due.
const mailDue = mailOpen + ` AND m.next_at <= ?1 - ?2 AND (m.held_until IS NULL OR m.held_until <= ?1 - ?2) AND ` + mailReady

// AnnounceMailer records that the node sends mail: from now on there are mails to send. The node repeats it from time to
// time.
func (s *Store) AnnounceMailer(ctx context.Context, node string) error {
	var b consensus.Batch
	b.Exec(`INSERT INTO mailers (node_id, until) VALUES (?1, ?2 + ?3) ON CONFLICT (node_id) DO UPDATE SET until = excluded.until`,
		node, consensus.Stamp{}, mailerLife.Milliseconds())
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// WithdrawMailer records that the node sends no mail. It writes only if the node has said otherwise before.
func (s *Store) WithdrawMailer(ctx context.Context, node string) error {
	n, err := s.number(ctx, `SELECT count(*) FROM mailers WHERE node_id = ?1`, node)
	if err != nil || n == 0 {
		return err
	}
	var b consensus.Batch
	b.Exec(`DELETE FROM mailers WHERE node_id = ?`, node)
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// queueReceipt puts the receipt of an attempt into the outbox, in the batch that writes the attempt and behind the
// statement that does. A repeat of the hand-in finds an attempt of another entry, or the mail, and queues nothing.
// Nothing is queued for people without an address, or while no node sends mail: old receipts must not go out on the day
// when mail is set up.
func queueReceipt(b *consensus.Batch, submissionID string) {
	b.Exec(`
		INSERT INTO outbox (mail_id, kind, object_id, user_id, queued_at, next_at, tries)
		SELECT ?2, 'receipt', s.submission_id, s.user_id, ?3, ?3, 0
		FROM submissions s JOIN users u ON u.user_id = s.user_id AND u.mail IS NOT NULL
		WHERE s.submission_id = ?1 AND s.log_index = ?4 AND EXISTS(SELECT 1 FROM mailers WHERE until > ?3)
		ON CONFLICT (kind, object_id, user_id) DO NOTHING`, submissionID, lms.NewID(), consensus.Stamp{}, consensus.Index{})
	b.Notify(TopicOutbox)
}

// DueMail returns the mail that should be sent next, of those that have been due for a while; "" when there is none.
func (s *Store) DueMail(ctx context.Context, overdue time.Duration) (string, error) {
	const q = `SELECT m.mail_id FROM outbox m WHERE ` + mailDue + ` ORDER BY m.next_at, m.mail_id LIMIT 1`
	rows, err := s.query(ctx, q, s.Now(), overdue.Milliseconds())
	found, err := collect(rows, err, scanString)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// Mail is a mail of the outbox that the holder of a claim sends.
type Mail struct {
	ID, Kind string
	Object   string // what it is about
	UserID   string
	Message  string // Message-ID, the same in every try, so that a second copy can be told for one
	Holder   string // of the claim
	Tries    int    // that have failed
}

// ClaimMail makes the mail the holder's for the time, if it is due and nobody's. The stamp of the batch decides, so of any
// number of nodes one gets it; false: not this one. The first claim gives the mail its Message-ID.
func (s *Store) ClaimMail(ctx context.Context, id, holder, messageID string, lease time.Duration) (Mail, bool, error) {
	var b consensus.Batch
	b.Exec(`UPDATE outbox AS m SET holder = ?4, held_until = ?1 + ?5, message_id = coalesce(m.message_id, ?6) WHERE m.mail_id = ?3 AND `+mailDue,
		consensus.Stamp{}, 0, id, holder, lease.Milliseconds(), messageID)
	b.Return(`SELECT mail_id, kind, object_id, user_id, message_id, holder, tries FROM outbox WHERE mail_id = ? AND holder = ?`, id, holder)
	res, err := s.applyUnkeyed(ctx, &b)
	if err != nil {
		return Mail{}, false, err
	}
	found, err := collect(res.Rows.Values, nil, func(row consensus.Row) (m Mail, err error) {
		return m, row.Scan(&m.ID, &m.Kind, &m.Object, &m.UserID, &m.Message, &m.Holder, &m.Tries)
	})
	if err != nil || len(found) == 0 {
		return Mail{}, false, err
	}
	return found[0], true, nil
}

// MailSent records that a mail server has taken the mail. It does not ask who holds the claim: it was sent.
func (s *Store) MailSent(ctx context.Context, m Mail, to string) error {
	var b consensus.Batch
	b.Exec(`UPDATE outbox SET sent_at = ?2, sent_to = ?3, holder = NULL, held_until = NULL, error = NULL, failed_at = NULL WHERE mail_id = ?1 AND sent_at IS NULL`,
		m.ID, consensus.Stamp{}, lms.ShortMail(to))
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// MailFailed gives a mail back that was not sent, with the reason. It is due again after the pause, unless the failure
// is final.
func (s *Store) MailFailed(ctx context.Context, m Mail, reason string, final bool, pause time.Duration) error {
	var b consensus.Batch
	b.Exec(`UPDATE outbox SET tries = tries + 1, error = ?3, holder = NULL, held_until = NULL, next_at = ?4 + ?5, failed_at = CASE WHEN ?6 THEN ?4 END
		WHERE mail_id = ?1 AND holder = ?2 AND sent_at IS NULL`, m.ID, m.Holder, reason, consensus.Stamp{}, pause.Milliseconds(), final)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// DropMail takes a mail out of the outbox for which there is nothing to send any more.
func (s *Store) DropMail(ctx context.Context, m Mail) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM outbox WHERE mail_id = ? AND holder = ? AND sent_at IS NULL`, m.ID, m.Holder)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// Outbox counts what has not been sent.
type Outbox struct {
	Waiting int    // receipts that wait for files do not count
	Overdue int    // wait for more than 15 minutes
	Failed  int    // in the last week
	Error   string // of the latest failure
}

// OutboxState counts what waits and what could not be sent.
func (s *Store) OutboxState(ctx context.Context) (Outbox, error) {
	const q = `
		SELECT
			(SELECT count(*) FROM outbox m WHERE ` + mailOpen + ` AND ` + mailReady + `),
			(SELECT count(*) FROM outbox m WHERE ` + mailOpen + ` AND ` + mailReady + ` AND m.queued_at <= ?1 - 900000),
			(SELECT count(*) FROM outbox m WHERE ` + mailGivenUp + ` AND m.queued_at > ?1 - 604800000),
			coalesce((SELECT m.error FROM outbox m WHERE m.sent_at IS NULL AND m.error IS NOT NULL AND m.queued_at > ?1 - 604800000
				ORDER BY m.next_at DESC LIMIT 1), '')`
	rows, err := s.query(ctx, q, s.Now())
	return one(rows, err, func(row consensus.Row) (o Outbox, err error) {
		return o, row.Scan(&o.Waiting, &o.Overdue, &o.Failed, &o.Error)
	})
}

// A mail m that will not be sent any more: ?1 now.
const mailGivenUp = `m.sent_at IS NULL AND (m.failed_at IS NOT NULL OR m.queued_at <= ?1 - 259200000) AND ` + mailReady

// EraseOldMail forgets what became of old mails, and the receipts of attempts whose files did not come; it returns how many.
func (s *Store) EraseOldMail(ctx context.Context) (int, error) {
	const old = `SELECT m.mail_id FROM outbox m WHERE m.queued_at <= ?1 - ?2 OR m.queued_at <= ?1 - ?3 AND m.sent_at IS NULL AND NOT ` + mailReady
	n, err := s.number(ctx, `SELECT count(*) FROM (`+old+`)`, s.Now(), mailKept.Milliseconds(), MailPatience.Milliseconds())
	if err != nil || n == 0 {
		return 0, err
	}
	var b consensus.Batch
	b.Exec(`DELETE FROM outbox WHERE mail_id IN (`+old+`)`, consensus.Stamp{}, mailKept.Milliseconds(), MailPatience.Milliseconds())
	res, err := s.applyUnkeyed(ctx, &b)
	return changedBy(res, err, 0)
}

// ReceiptMailed tells what became of the copy of the actor's own receipt; nil when none is sent.
func (s *Store) ReceiptMailed(ctx context.Context, actor lms.Actor, submissionID string) (*lms.Mailed, error) {
	const q = `
		SELECT CASE WHEN m.sent_at IS NOT NULL THEN 'sent' WHEN ` + mailGivenUp + ` THEN 'failed' ELSE 'waiting' END,
			coalesce(m.sent_to, ''), m.sent_at, coalesce(u.mail, '')
		FROM outbox m JOIN users u ON u.user_id = m.user_id
		WHERE m.kind = 'receipt' AND m.object_id = ?2 AND m.user_id = ?3`
	rows, err := s.query(ctx, q, s.Now(), submissionID, actor.UserID)
	found, err := collect(rows, err, func(row consensus.Row) (m lms.Mailed, err error) {
		var now string
		if err = row.Scan(&m.State, &m.To, &m.At, &now); m.To == "" {
			m.To = lms.ShortMail(now)
		}
		return m, err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// ReceiptNews is what the mail with a receipt tells.
type ReceiptNews struct {
	To, Name   string
	Course     lms.Course
	Title      string // of the assignment
	Submission lms.Submission
}

// ReceiptNews reads what the mail to a user about an attempt tells, as it is now; lms.ErrNotFound when there is nobody to
// tell. It reads no grade.
func (s *Store) ReceiptNews(ctx context.Context, userID, submissionID string) (ReceiptNews, error) {
	const q = `
		SELECT u.mail, u.name, c.course_id, c.code, c.title, c.zone, a.title, s.submission_id, s.assignment_id, s.attempt, s.submitted_at,
			coalesce(s.from_draft, 0), ` + submissionFiles + `
		FROM submissions s
		JOIN users u ON u.user_id = s.user_id AND u.disabled = 0 AND u.mail IS NOT NULL
		JOIN courses c ON c.course_id = s.course_id
		JOIN assignments a ON a.assignment_id = s.assignment_id
		WHERE s.submission_id = ?1 AND s.user_id = ?2`
	rows, err := s.query(ctx, q, submissionID, userID)
	return one(rows, err, func(row consensus.Row) (n ReceiptNews, err error) {
		var files string
		sub := &n.Submission
		if err = row.Scan(&n.To, &n.Name, &n.Course.ID, &n.Course.Code, &n.Course.Title, &n.Course.Zone, &n.Title, &sub.ID, &sub.AssignmentID,
			&sub.Attempt, &sub.SubmittedAt, &sub.FromDraft, &files); err == nil {
			sub.Files, err = parseFiles(files)
		}
		return n, err
	})
}
