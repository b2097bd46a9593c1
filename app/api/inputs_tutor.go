package api

import (
	"strings"
	"time"

	"trivium/app/lms"
)

// RateInput rates an answer of the tutor.
type RateInput struct {
	Course   string `param:"course" json:"-"`
	Question string `param:"question" json:"-"`
	Reply    string `param:"reply" json:"-"`
	Helpful  bool   `json:"helpful"`
	Reason   string `json:"reason,omitempty"`
}

// Value is the rating of the input.
func (in RateInput) Value() lms.Rating { return lms.Rating{Helpful: in.Helpful, Reason: in.Reason} }

func (in RateInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Question, in.Reply), in.Value().Validate())
}

// AskHumanInput sends an answer of the tutor to the staff as a question.
type AskHumanInput struct {
	Course     string         `param:"course" json:"-"`
	Question   string         `param:"question" json:"-"`
	Reply      string         `param:"reply" json:"-"`
	ID         string         `json:"id"`                   // of the new question; ignored when it was asked before
	Visibility lms.Visibility `json:"visibility,omitempty"` // empty: staff
	Comment    string         `json:"comment,omitempty"`    // what is still unclear
}

func (in AskHumanInput) Validate() error {
	if err := firstErr(checkIDs(in.Course, in.Question, in.Reply, in.ID), lms.Rating{Reason: in.Comment}.Validate()); err != nil {
		return err
	}
	if in.Visibility == "" {
		return nil
	}
	return in.Visibility.Validate()
}

// EndorseInput puts an answer into the FAQ of the course.
type EndorseInput struct {
	Course   string `param:"course" json:"-"`
	Question string `param:"question" json:"-"`
	Reply    string `param:"reply" json:"-"`
	Asked    string `json:"asked,omitempty"` // the question as all members will read it; empty: as it was asked
	Body     string `json:"body,omitempty"`  // the corrected answer; empty: as it stands
	Version  int64  `json:"version"`         // of the endorsement as it was loaded; 0: there was none
}

// Value is the endorsement of the input.
func (in EndorseInput) Value() lms.Endorsement {
	return lms.Endorsement{ReplyID: in.Reply, QuestionID: in.Question, CourseID: in.Course, Asked: strings.TrimSpace(in.Asked),
		Body: strings.TrimSpace(in.Body), Version: in.Version}
}

func (in EndorseInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Question, in.Reply), in.Value().Validate())
}

// ListEndorsedInput pages through the FAQ of a course.
type ListEndorsedInput struct {
	Course string `param:"course" json:"-"`
	Query  string `query:"q" json:"-"` // part of the question or the answer
	After  string `query:"after" json:"-"`
	Limit  int    `query:"limit" json:"-"`
}

func (in ListEndorsedInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkQuery(in.Query), checkLimit(in.Limit))
}

// ListFlagsInput pages through the flags of a course.
type ListFlagsInput struct {
	Course string `param:"course" json:"-"`
	Unseen bool   `query:"unseen" json:"-"`
	After  string `query:"after" json:"-"`
	Limit  int    `query:"limit" json:"-"`
}

func (in ListFlagsInput) Validate() error { return firstErr(checkIDs(in.Course), checkLimit(in.Limit)) }

// ListSevereInput pages through the severe flags of the site.
type ListSevereInput struct {
	Unseen bool   `query:"unseen" json:"-"`
	After  string `query:"after" json:"-"`
	Limit  int    `query:"limit" json:"-"`
}

func (in ListSevereInput) Validate() error { return checkLimit(in.Limit) }

// FlagPath names a flag.
type FlagPath struct {
	Course string `param:"course" json:"-"`
	Flag   string `param:"flag" json:"-"`
}

func (in FlagPath) Validate() error {
	if reply, kind, ok := strings.Cut(in.Flag, "."); !ok || !lms.ValidID(reply) || !lms.ValidID(kind) {
		return lms.ErrNotFound
	}
	return checkIDs(in.Course)
}

// TutorSiteInput replaces the site's rules of the tutor.
type TutorSiteInput struct {
	lms.TutorSite
}

func (in TutorSiteInput) Validate() error { return in.TutorSite.Validate() }

// ListConversationsInput pages through the own conversations with the tutor.
type ListConversationsInput struct {
	Course string `param:"course" json:"-"`
	Query  string `query:"q" json:"-"` // part of what was asked or answered
	After  string `query:"after" json:"-"`
	Limit  int    `query:"limit" json:"-"`
}

func (in ListConversationsInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkQuery(in.Query), checkLimit(in.Limit))
}

// ExportConversationsInput downloads the own conversations with the tutor.
type ExportConversationsInput struct {
	Course string `param:"course" json:"-"`
	Format string `query:"format" json:"-"` // "json" (default) or "md"
}

func (in ExportConversationsInput) Validate() error {
	if in.Format != "" && in.Format != "json" && in.Format != "md" {
		return lms.FieldErrorf(lms.KindInvalid, "format", "%q is no format. Choose json or md.", in.Format)
	}
	return checkIDs(in.Course)
}

func checkQuery(q string) error {
	if len(q) > 200 {
		return lms.FieldErrorf(lms.KindInvalid, "q", "This is too long to search for.")
	}
	return nil
}

// GapInput names the days of a report, UTC days such as 2026-09-04; empty: the last 90 days.
type GapInput struct {
	Course string `param:"course" json:"-"`
	From   string `query:"from" json:"-"`
	To     string `query:"to" json:"-"`
}

// Days are the times from which and up to which (not included) the report goes; zero: without a bound.
func (in GapInput) Days() (from, to time.Time, err error) {
	return AuditFilter{From: in.From, To: in.To}.Days()
}

func (in GapInput) Validate() error {
	_, _, err := in.Days()
	return firstErr(checkIDs(in.Course), err)
}

// OutlineInput asks for a topic list of a material.
type OutlineInput struct {
	Course   string `param:"course" json:"-"`
	Material string `param:"material" json:"-"`
	ID       string `json:"id"` // of the page that is made
}

func (in OutlineInput) Validate() error { return checkIDs(in.Course, in.Material, in.ID) }
