package api

import (
	"slices"
	"time"

	"trivium/app/lms"
)

// ConfirmInput is the password of who is signed in.
type ConfirmInput struct {
	Password string `json:"password"`
}

func (in ConfirmInput) Validate() error {
	switch {
	case in.Password == "":
		return lms.FieldErrorf(lms.KindRule, "password", "Please type your password.")
	case len(in.Password) > lms.MaxPassword:
		return lms.FieldErrorf(lms.KindTooLarge, "password", "This is too long.")
	}
	return nil
}

// AuditFilter selects records of the audit log; empty fields select all. Days are UTC days such as 2026-09-04.
type AuditFilter struct {
	Query  string `query:"q" json:"-"`      // part of the actor, address, object or details
	Actor  string `query:"actor" json:"-"`  // exactly this login
	Action string `query:"action" json:"-"` // such as "grade.save", or "grade." for all of grades
	From   string `query:"from" json:"-"`   // first day
	To     string `query:"to" json:"-"`     // last day
}

// Days are the times from which and up to which (not included) the filter selects; zero: without a bound.
func (in AuditFilter) Days() (from, to time.Time, err error) {
	if in.From != "" {
		if from, err = time.Parse(time.DateOnly, in.From); err != nil {
			return from, to, lms.FieldErrorf(lms.KindInvalid, "from", "Write the day as 2026-09-04.")
		}
	}
	if in.To != "" {
		if to, err = time.Parse(time.DateOnly, in.To); err != nil {
			return from, to, lms.FieldErrorf(lms.KindInvalid, "to", "Write the day as 2026-09-04.")
		}
		to = to.AddDate(0, 0, 1)
	}
	return from, to, nil
}

func (in AuditFilter) check() error {
	if len(in.Query) > 200 || len(in.Actor) > 200 || len(in.Action) > 64 {
		return lms.FieldErrorf(lms.KindInvalid, "q", "This is too long to search for.")
	}
	_, _, err := in.Days()
	return err
}

// AuditInput pages through the audit log.
type AuditInput struct {
	AuditFilter
	After string `query:"after" json:"-"`
	Limit int    `query:"limit" json:"-"` // 0: MaxPage
}

func (in AuditInput) Validate() error { return firstErr(checkLimit(in.Limit), in.check()) }

// ExportAuditInput downloads the audit log.
type ExportAuditInput struct {
	AuditFilter
	Format string `query:"format" json:"-"` // "jsonl" (default) or "csv"
}

func (in ExportAuditInput) Validate() error {
	if in.Format != "" && in.Format != "jsonl" && in.Format != "csv" {
		return lms.FieldErrorf(lms.KindInvalid, "format", "%q is no format. Choose jsonl or csv.", in.Format)
	}
	return in.check()
}

// NodePath names a node of the cluster.
type NodePath struct {
	Node string `param:"node" json:"-"`
}

func (in NodePath) Validate() error { return checkNode(in.Node) }

// NodeTextInput names a text of a node.
type NodeTextInput struct {
	Node string `param:"node" json:"-"`
	Name string `param:"name" json:"-"` // one of lms.NodeTexts
	Tail int    `query:"tail" json:"-"` // about the last lines only; 0: all
}

func (in NodeTextInput) Validate() error {
	if !slices.Contains(lms.NodeTexts, in.Name) {
		return lms.ErrNotFound
	}
	if in.Tail < 0 || in.Tail > 100_000 {
		return lms.FieldErrorf(lms.KindInvalid, "tail", "Between 0 and 100000 lines, please.")
	}
	return checkNode(in.Node)
}
