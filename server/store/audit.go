package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"trivium/app/lms"
	"trivium/consensus"
)

// The audit log is a chain: the hash of each record covers the hash before it. Which record comes first is decided by the
// order of the entries in Raft's log, and several batches of one entry may append, so the link can only be made where the
// entry is applied: by the statement itself, with consensus' deterministic function sha256. Every node computes the same
// chain from the same log; no node can be asked for it, and none has to be trusted with it.
//
// The hash is that of these lines, joined by line feeds, so that anybody can check an export with sha256sum: hash before
// (empty for the first record), id, time in Unix milliseconds, actor id, actor, address, action, object, details.

// auditInsert appends one record. ?1 stamp, ?2 actor's id, ?3 actor, ?4 address, ?5 action, ?6 object, ?7 details
const auditInsert = `
	WITH tip AS (SELECT coalesce(max(audit_id), 0) + 1 AS id, coalesce((SELECT hash FROM audit_log ORDER BY audit_id DESC LIMIT 1), '') AS hash FROM audit_log)
	INSERT INTO audit_log (audit_id, at, actor_id, actor, address, action, object, details, hash)
	SELECT tip.id, ?1, ?2, ?3, ?4, ?5, ?6, ?7, lower(hex(sha256(tip.hash || char(10) || tip.id || char(10) || ?1 || char(10) || ?2 || char(10) ||
		?3 || char(10) || ?4 || char(10) || ?5 || char(10) || ?6 || char(10) || ?7)))
	FROM tip`

// auditHash computes what auditInsert stores.
func auditHash(before string, id, at int64, fields ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{before, strconv.FormatInt(id, 10), strconv.FormatInt(at, 10)}, fields...), "\n")))
	return hex.EncodeToString(sum[:])
}

// Caller is who makes a request, and from which address.
type Caller struct {
	Actor   lms.Actor
	Address string
}

type callerKey struct{}

// WithCaller tells the writes under the returned context who causes them, for the audit log.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller of WithCaller; the zero value for what nobody asked for: the node acts by itself.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// audit appends a record to the log within the batch: both take effect, or neither. details are names and values in
// turn; they must not hold passwords, tokens or what people wrote. It comes last, so that the numbers of the statements
// before it stay. An actor without an id is the caller of the context.
func audit(ctx context.Context, b *consensus.Batch, actor lms.Actor, action lms.AuditAction, object string, details ...string) {
	if actor.UserID == "" {
		actor = CallerOf(ctx).Actor
	}
	if actor.ViewerLogin != "" {
		details = append(details, "viewer", actor.ViewerLogin)
	}
	b.Exec(auditInsert, consensus.Stamp{}, oneLine(actor.UserID), oneLine(actor.Login), oneLine(CallerOf(ctx).Address),
		string(action), oneLine(object), auditDetails(details))
}

// auditDetails is an object with its names in order.
func auditDetails(details []string) string {
	m := make(map[string]string, len(details)/2)
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			m[details[i]] = details[i+1]
		}
	}
	text, _ := json.Marshal(m) // strings always marshal; control characters are escaped
	return string(text)
}

// oneLine keeps a field on its line, and records short: nobody may fill the log with one request.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	const longest = 300
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// AuditEvent is a record that belongs to no other write of the store.
type AuditEvent struct {
	Caller  Caller
	Action  lms.AuditAction
	Object  string
	Details []string // names and values in turn
}

// Audit appends records, all or none.
func (s *Store) Audit(ctx context.Context, events ...AuditEvent) error {
	var b consensus.Batch
	for _, e := range events {
		audit(WithCaller(ctx, e.Caller), &b, e.Caller.Actor, e.Action, e.Object, e.Details...)
	}
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// AuditOnce appends the records whose action and object have none yet: for what every node sees at every start.
func (s *Store) AuditOnce(ctx context.Context, events ...AuditEvent) error {
	for _, e := range events {
		n, err := s.number(ctx, `SELECT count(*) FROM audit_log WHERE action = ?1 AND object = ?2`, string(e.Action), oneLine(e.Object))
		if err != nil {
			return err
		} else if n > 0 {
			continue
		}
		var b consensus.Batch
		b.Require(errRecorded, `NOT EXISTS(SELECT 1 FROM audit_log WHERE action = ?1 AND object = ?2)`, string(e.Action), oneLine(e.Object))
		audit(WithCaller(ctx, e.Caller), &b, e.Caller.Actor, e.Action, e.Object, e.Details...)
		if _, err := s.applyUnkeyed(ctx, &b); err != nil && !errors.Is(err, errRecorded) {
			return err
		}
	}
	return nil
}

var errRecorded = errors.New("another node has recorded it")

// AuditFilter selects records. Empty fields select all.
type AuditFilter struct {
	Query    string    // part of the actor, the address, the object or the details
	Actor    string    // exactly this login
	Action   string    // this action, or with a final dot every action that begins so
	From, To time.Time // To is not included
}

const auditColumns = `a.audit_id, a.at, a.actor_id, a.actor, a.address, a.action, a.object, a.details, a.hash`

// AuditRow is a record as it is stored: the hash covers the text of the details.
type AuditRow struct {
	lms.AuditRecord
	DetailsText string
}

// JSON is the record on one line, with the details as they are stored.
func (r AuditRow) JSON() []byte {
	details := json.RawMessage(r.DetailsText)
	if !json.Valid(details) {
		details, _ = json.Marshal(r.DetailsText)
	}
	line, _ := json.Marshal(struct { // strings, numbers and valid JSON always marshal
		lms.AuditRecord
		UnixMs  int64           `json:"unixMs"`
		Details json.RawMessage `json:"details"`
	}{r.AuditRecord, r.At.UnixMilli(), details})
	return line
}

func scanAudit(row consensus.Row) (r AuditRow, err error) {
	if err := row.Scan(&r.ID, &r.At, &r.ActorID, &r.Actor, &r.Address, &r.Action, &r.Object, &r.DetailsText, &r.Hash); err != nil {
		return r, err
	}
	if json.Unmarshal([]byte(r.DetailsText), &r.Details) != nil { // the chain tells that it was changed
		r.Details = map[string]string{"damaged": r.DetailsText}
	}
	return r, nil
}

// ?1 to ?5: the fields of an AuditFilter
const auditFrom = `
	FROM audit_log a
	WHERE (?1 = '' OR instr(lower(a.actor || ' ' || a.address || ' ' || a.object || ' ' || a.details), lower(?1)) > 0)
		AND (?2 = '' OR a.actor = ?2)
		AND (?3 = '' OR a.action = ?3 OR substr(?3, -1) = '.' AND substr(a.action, 1, length(?3)) = ?3)
		AND (?4 IS NULL OR a.at >= ?4) AND (?5 IS NULL OR a.at < ?5)`

// AuditRecords lists records, newest first. after is the id of the last record of the page before.
func (s *Store) AuditRecords(ctx context.Context, f AuditFilter, after string, limit int) (items []lms.AuditRecord, next string, total int, err error) {
	const q = `SELECT ` + auditColumns + auditFrom + ` AND (?6 = 0 OR a.audit_id < ?6) ORDER BY a.audit_id DESC LIMIT ?7`
	place := int64(0)
	if after != "" {
		if place, err = strconv.ParseInt(after, 10, 64); err != nil || place < 1 {
			return nil, "", 0, errCursor
		}
	}
	limit = limitOf(limit)
	query := strings.TrimSpace(f.Query)
	rows, err := s.query(ctx, q, query, f.Actor, f.Action, f.From, f.To, place, limit+1)
	found, err := collect(rows, err, scanAudit)
	if err != nil {
		return nil, "", 0, err
	}
	found, next = pageOf(found, limit, func(r AuditRow) string { return strconv.FormatInt(r.ID, 10) })
	for _, r := range found {
		items = append(items, r.AuditRecord)
	}
	total, err = s.number(ctx, `SELECT count(*)`+auditFrom, query, f.Actor, f.Action, f.From, f.To)
	return items, next, total, err
}

// LastAudit is the id of the newest record; 0: there is none.
func (s *Store) LastAudit(ctx context.Context) (int64, error) {
	n, err := s.number(ctx, `SELECT coalesce(max(audit_id), 0) FROM audit_log`)
	return int64(n), err
}

// EachAudit hands the records up to the last to fn, oldest first.
func (s *Store) EachAudit(ctx context.Context, f AuditFilter, last int64, fn func(AuditRow) error) error {
	const q = `SELECT ` + auditColumns + auditFrom + ` AND a.audit_id > ?6 AND a.audit_id <= ?7 ORDER BY a.audit_id LIMIT ?8`
	for place := int64(0); ; {
		rows, err := s.query(ctx, q, strings.TrimSpace(f.Query), f.Actor, f.Action, f.From, f.To, place, last, auditPage)
		found, err := collect(rows, err, scanAudit)
		if err != nil {
			return err
		}
		for _, r := range found {
			if err := fn(r); err != nil {
				return err
			}
			place = r.ID
		}
		if len(found) < auditPage {
			return nil
		}
	}
}

// auditPage is how many records are read at once to check the chain.
const auditPage = 2000

// VerifyAudit computes the chain anew from the first record to the last, as this node has them, and tells where it breaks
// first: a record was changed, is missing, or was put in. What it cannot see is that the newest records are gone, or that
// somebody computed everything anew; both change the head, which is why it is told.
func (s *Store) VerifyAudit(ctx context.Context) (lms.AuditCheck, error) {
	const q = `SELECT ` + auditColumns + ` FROM audit_log a WHERE a.audit_id > ?1 ORDER BY a.audit_id LIMIT ?2`
	var c lms.AuditCheck
	for {
		rows, err := s.query(ctx, q, c.Records, auditPage)
		found, err := collect(rows, err, scanAudit)
		if err != nil {
			return c, err
		}
		for _, r := range found {
			if c.Reason = auditBreak(c, r); c.Reason != "" {
				c.Broken = cmp.Or(min(r.ID, c.Records+1), r.ID)
				return c, nil
			}
			c.Records, c.Head = r.ID, r.Hash
		}
		if len(found) < auditPage {
			return c, nil
		}
	}
}

// auditBreak says what is wrong with the record that follows those that are in order; "" if nothing is.
func auditBreak(c lms.AuditCheck, r AuditRow) string {
	if next := c.Records + 1; r.ID != next {
		return fmt.Sprintf("Record %d is missing: record %d follows %d.", next, r.ID, c.Records)
	}
	want := auditHash(c.Head, r.ID, r.At.UnixMilli(), r.ActorID, r.Actor, r.Address, string(r.Action), r.Object, r.DetailsText)
	if r.Hash != want {
		return fmt.Sprintf("Record %d does not fit its hash: it, or the record before it, was changed after it was written.", r.ID)
	}
	return ""
}
