package api

import (
	"strconv"
	"time"

	"trivium/app/lms"
)

// Page is one page of a list. Next is empty on the last page; Total counts all pages.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
	Total int    `json:"total"`
}

// MaxPage is the largest number of items of a page.
const MaxPage = 200

// NoInput is the input of an endpoint that takes none.
type NoInput struct{}

// ListInput pages through a list. Query filters by a part of the name.
type ListInput struct {
	After string `query:"after" json:"-"`
	Limit int    `query:"limit" json:"-"` // 0: MaxPage
	Query string `query:"q" json:"-"`
}

// Inputs that only name an object.
type (
	CoursePath struct {
		Course string `param:"course" json:"-"`
	}
	InvitePath struct {
		Course string `param:"course" json:"-"`
		Invite string `param:"invite" json:"-"`
	}
	FilePath struct {
		Course string `param:"course" json:"-"`
		File   string `param:"file" json:"-"`
	}
	ContentPath struct {
		Course string `param:"course" json:"-"`
		File   string `param:"file" json:"-"`
		Inline bool   `query:"inline" json:"-"` // show it in the page, in a sandbox, where the type allows it
	}
	ChunkPath struct {
		Course string `param:"course" json:"-"`
		File   string `param:"file" json:"-"`
		Number int    `param:"number" json:"-"` // from 0
	}
	MaterialPath struct {
		Course   string `param:"course" json:"-"`
		Material string `param:"material" json:"-"`
	}
	AssignmentPath struct {
		Course     string `param:"course" json:"-"`
		Assignment string `param:"assignment" json:"-"`
	}
	SubmissionPath struct {
		Course     string `param:"course" json:"-"`
		Submission string `param:"submission" json:"-"`
	}
	QuestionPath struct {
		Course   string `param:"course" json:"-"`
		Question string `param:"question" json:"-"`
	}
	ReplyPath struct {
		Course   string `param:"course" json:"-"`
		Question string `param:"question" json:"-"`
		Reply    string `param:"reply" json:"-"`
	}
)

// SetupInput claims the first administrator.
type SetupInput struct {
	Token    string `json:"token"`
	Login    string `json:"login"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Bearer   bool   `json:"bearer,omitempty"` // answer a bearer token instead of setting a cookie
}

// RegisterInput makes an account with an invite code, or without one where the site allows it.
type RegisterInput struct {
	Code     string `json:"code,omitempty"`
	Login    string `json:"login"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Bearer   bool   `json:"bearer,omitempty"`
}

// CodeInput names an invite code.
type CodeInput struct {
	Code string `json:"code"`
}

// SignInInput makes a session: of a login with its password, and a second step where the account has one; or of a passkey alone.
type SignInInput struct {
	Login    string         `json:"login"`             // beside a passkey alone: whose it must be; may be empty
	Password string         `json:"password"`          // empty: the passkey alone
	Code     string         `json:"code,omitempty"`    // of the authenticator app, or a recovery code
	Passkey  *PasskeyAnswer `json:"passkey,omitempty"` // to a challenge of AskPasskey
	Bearer   bool           `json:"bearer,omitempty"`
}

// Ticket hands a session over to another node: single use, 10 minutes, kept in memory only.
type Ticket struct {
	Ticket string `json:"ticket"`
}

// PasswordInput changes the own password.
type PasswordInput struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// CreateUserInput makes an account.
type CreateUserInput struct {
	ID               string `json:"id"`
	Login            string `json:"login"`
	Name             string `json:"name"`
	Password         string `json:"password"`
	Admin            bool   `json:"admin,omitempty"`
	MayCreateCourses bool   `json:"mayCreateCourses,omitempty"`
}

// UpdateUserInput changes the fields that are set.
type UpdateUserInput struct {
	User             string  `param:"user" json:"-"`
	Version          int64   `json:"version"`
	Name             *string `json:"name,omitempty"`
	Password         *string `json:"password,omitempty"`
	Admin            *bool   `json:"admin,omitempty"`
	MayCreateCourses *bool   `json:"mayCreateCourses,omitempty"`
	Disabled         *bool   `json:"disabled,omitempty"`
	Mail             *string `json:"mail,omitempty"` // empty: none
}

// CourseInput makes a course.
type CourseInput struct {
	ID       string          `json:"id"`
	Code     string          `json:"code"`
	Title    string          `json:"title"`
	Summary  string          `json:"summary,omitempty"`
	Zone     string          `json:"zone"`
	State    lms.CourseState `json:"state"`
	Term     string          `json:"term,omitempty"`
	Language string          `json:"language,omitempty"`
}

// UpdateCourseInput replaces a course's fields if it still has the version.
type UpdateCourseInput struct {
	Course string `param:"course" json:"-"`
	CourseInput
	Version int64 `json:"version"`
}

// AddMemberInput enrols a user by login.
type AddMemberInput struct {
	Course string   `param:"course" json:"-"`
	Login  string   `json:"login"`
	Role   lms.Role `json:"role"`
}

// UpdateMemberInput changes the fields that are set.
type UpdateMemberInput struct {
	Course   string    `param:"course" json:"-"`
	User     string    `param:"user" json:"-"`
	Role     *lms.Role `json:"role,omitempty"`
	Active   *bool     `json:"active,omitempty"`
	Section  *string   `json:"section,omitempty"`  // empty: none
	Sections *[]string `json:"sections,omitempty"` // that a TA is limited to; empty: all
	Linked   *string   `json:"linked,omitempty"`   // the student whose work an observer reads; empty: none
}

// CreateInviteInput makes an invite code.
type CreateInviteInput struct {
	Course    string    `param:"course" json:"-"`
	ID        string    `json:"id"`
	Role      lms.Role  `json:"role"`
	MaxUses   int       `json:"maxUses,omitempty"` // 0: no limit
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// DeclareFileInput describes a file before its bytes are sent.
type DeclareFileInput struct {
	Course string   `param:"course" json:"-"`
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Chunks []string `json:"chunks"` // SHA-256 of each 1 MiB chunk
}

// Missing lists the numbers, from 0, of the chunks that have not arrived.
type Missing struct {
	Numbers []int `json:"numbers"`
}

// FileReceipt tells on how many nodes a complete file is.
type FileReceipt struct {
	File     lms.File `json:"file"`
	Replicas int      `json:"replicas"`
	Nodes    int      `json:"nodes"`
}

// MaterialInput makes a material.
type MaterialInput struct {
	Course    string           `param:"course" json:"-"`
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Kind      lms.MaterialKind `json:"kind"`
	Body      string           `json:"body,omitempty"`
	FileID    string           `json:"fileId,omitempty"`
	Published bool             `json:"published"`
}

// UpdateMaterialInput changes the fields that are set if the material still has the version.
type UpdateMaterialInput struct {
	Course    string  `param:"course" json:"-"`
	Material  string  `param:"material" json:"-"`
	Version   int64   `json:"version"`
	Title     *string `json:"title,omitempty"`
	Body      *string `json:"body,omitempty"`
	Published *bool   `json:"published,omitempty"`
	Captions  *string `json:"captions,omitempty"` // of a video: the id of the material with its captions, "" for none
}

// AssignmentInput posts an assignment.
type AssignmentInput struct {
	Course       string     `param:"course" json:"-"`
	ID           string     `json:"id"`
	Title        string     `json:"title"`
	Description  string     `json:"description"`
	Points       lms.Points `json:"points"`
	OpensAt      time.Time  `json:"opensAt,omitzero"`
	DueAt        time.Time  `json:"dueAt,omitzero"`
	CutoffAt     time.Time  `json:"cutoffAt,omitzero"`
	AllowText    bool       `json:"allowText"`
	MaxFiles     int        `json:"maxFiles"`
	MaxFileSize  int64      `json:"maxFileSize"`
	AllowedTypes []string   `json:"allowedTypes"`
	MaxAttempts  int        `json:"maxAttempts"`
	Published    bool       `json:"published"`
	Attachments  []string   `json:"attachments,omitempty"` // ids of complete files
	lms.AssignmentRules
}

// UpdateAssignmentInput replaces an assignment's fields if it still has the version.
type UpdateAssignmentInput struct {
	Assignment string `param:"assignment" json:"-"`
	AssignmentInput
	Version int64  `json:"version"`
	Preview string `json:"preview,omitempty"` // token of the preview that was looked at
}

// SubmitInput hands work in. The files must have been declared; their bytes may still be on the way.
type SubmitInput struct {
	Course     string   `param:"course" json:"-"`
	Assignment string   `param:"assignment" json:"-"`
	ID         string   `json:"id"`
	Text       string   `json:"text,omitempty"`
	URL        string   `json:"url,omitempty"`
	Files      []string `json:"files,omitempty"`  // ids of declared files
	Honour     bool     `json:"honour,omitempty"` // the statement of the assignment was ticked
}

// ListSubmissionsInput filters the list of submissions.
type ListSubmissionsInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	Filter     string `query:"filter" json:"-"` // one of lms.SubmissionFilters
	After      string `query:"after" json:"-"`
	Limit      int    `query:"limit" json:"-"`
}

// GradeInput saves a draft grade. Version is that of the grade as it was loaded, 0 if there was none.
type GradeInput struct {
	Course     string     `param:"course" json:"-"`
	Submission string     `param:"submission" json:"-"`
	Points     lms.Points `json:"points"`
	Grade      *string    `json:"grade,omitempty"` // in place of points: as a person types it, by the kind of the grades; empty: no grade yet
	Feedback   string     `json:"feedback"`
	Marks      *lms.Marks `json:"marks,omitempty"` // the rubric, filled in
	Version    int64      `json:"version"`
	AllowAbove bool       `json:"allowAbove,omitempty"` // the marker confirmed more than the possible points
	Draft      bool       `json:"draft,omitempty"`      // do not post it yet, also where posting is automatic
}

// Entry is the domain value of the input.
func (in GradeInput) Entry() lms.GradeEntry {
	return lms.GradeEntry{Points: in.Points, Typed: in.Grade, Feedback: in.Feedback, Marks: in.Marks, Version: in.Version, AllowAbove: in.AllowAbove, Draft: in.Draft}
}

// PostGradesInput posts the draft grades of the named submissions, of a section, or of all.
type PostGradesInput struct {
	Course      string   `param:"course" json:"-"`
	Assignment  string   `param:"assignment" json:"-"`
	Submissions []string `json:"submissions,omitempty"` // empty: all with a draft
	Section     string   `json:"section,omitempty"`
	Everyone    bool     `json:"everyone,omitempty"` // and who has no grade yet sees theirs as soon as it is given
}

// Scope is the domain value of the input.
func (in PostGradesInput) Scope() lms.PostScope {
	return lms.PostScope{Submissions: in.Submissions, Section: in.Section, Everyone: in.Everyone}
}

// PostGradesOutput counts the grades that became visible.
type PostGradesOutput struct {
	Posted int `json:"posted"`
}

// ListQuestionsInput filters the questions.
type ListQuestionsInput struct {
	Course string            `param:"course" json:"-"`
	To     lms.Addressee     `query:"to" json:"-"`
	State  lms.QuestionState `query:"state" json:"-"`
	Mine   bool              `query:"mine" json:"-"`
	After  string            `query:"after" json:"-"`
	Limit  int               `query:"limit" json:"-"`
}

// QuestionInput asks a question. ReplyID is the id of the tutor's coming reply, for a question to the tutor.
type QuestionInput struct {
	Course     string         `param:"course" json:"-"`
	ID         string         `json:"id"`
	ReplyID    string         `json:"replyId,omitempty"`
	To         lms.Addressee  `json:"to"`
	Title      string         `json:"title"`
	Body       string         `json:"body,omitempty"`
	MaterialID string         `json:"materialId,omitempty"`
	Visibility lms.Visibility `json:"visibility"`
	Mode       lms.TutorMode  `json:"mode,omitempty"` // of the tutor; empty: as the course has it
}

// ReplyInput replies to a question. TutorReplyID is the id of the tutor's coming reply, in a tutor thread.
type ReplyInput struct {
	Course       string `param:"course" json:"-"`
	Question     string `param:"question" json:"-"`
	ID           string `json:"id"`
	TutorReplyID string `json:"tutorReplyId,omitempty"`
	Body         string `json:"body"`
}

// SetQuestionInput changes the fields that are set.
type SetQuestionInput struct {
	Course   string             `param:"course" json:"-"`
	Question string             `param:"question" json:"-"`
	State    *lms.QuestionState `json:"state,omitempty"`
	To       *lms.Addressee     `json:"to,omitempty"` // "staff": send a tutor thread to the staff
}

// SearchInput searches a course. The last word may be the beginning of one.
type SearchInput struct {
	Course string         `param:"course" json:"-"`
	Query  string         `query:"q" json:"-"`
	Kind   lms.SearchKind `query:"kind" json:"-"`  // only this; empty: everything
	After  string         `query:"after" json:"-"` // Next of the results before
	Limit  int            `query:"limit" json:"-"`
}

// Search is the input as a query.
func (in SearchInput) Search() lms.SearchQuery {
	from, _ := strconv.Atoi(in.After) // digits, or nothing
	return lms.SearchQuery{Text: in.Query, Kind: in.Kind, From: from, Limit: in.Limit}
}

// RetryInput asks the tutor again. Anyway sends a question that the material does not cover to the language model.
type RetryInput struct {
	Course   string `param:"course" json:"-"`
	Question string `param:"question" json:"-"`
	Reply    string `param:"reply" json:"-"`
	Anyway   bool   `json:"anyway,omitempty"`
}

// TutorStatus tells what answers, where text goes, and what the asking user may do.
type TutorStatus struct {
	Model    string          `json:"model,omitempty"` // empty: no language model; cited passages only
	Where    string          `json:"where"`           // "stays on your computers", or the provider's host
	Passages int             `json:"passages"`        // that the asking user may see
	Enabled  bool            `json:"enabled"`
	Modes    []lms.TutorMode `json:"modes"` // to choose from
	Mode     lms.TutorMode   `json:"mode"`  // chosen, or where the course starts
	Level    lms.Level       `json:"level"` // chosen, or from posted grades
	Chosen   lms.TutorChoice `json:"chosen"`
	Quota    lms.TutorQuota  `json:"quota"`
	Notice   int             `json:"notice"`   // number of the notice
	Accepted bool            `json:"accepted"` // the user has accepted it
}

// TutorPolicyInput replaces the policy of a course.
type TutorPolicyInput struct {
	Course string `param:"course" json:"-"`
	lms.TutorPolicy
}

// TutorItemInput replaces the tutor's rules for an assignment.
type TutorItemInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	lms.ItemPolicy
}

// TutorChoiceInput chooses how the tutor helps; an empty field follows the course.
type TutorChoiceInput struct {
	Course string `param:"course" json:"-"`
	lms.TutorChoice
}

// TutorNoticeInput accepts the notice with the number.
type TutorNoticeInput struct {
	Notice int `json:"notice"`
}

// ReplyEvent is one event of StreamReply. The first carries the text so far; later ones what was added.
type ReplyEvent struct {
	Text  string         `json:"text,omitempty"`
	Wait  string         `json:"wait,omitempty"`  // what it is waiting for, in plain words
	Found []lms.Citation `json:"found,omitempty"` // the passages that the answer will rest on, while the model is silent
	Reply *lms.Reply     `json:"reply,omitempty"` // the final reply; the stream ends
}

// Empty reports whether the event tells nothing.
func (e ReplyEvent) Empty() bool {
	return e.Text == "" && e.Wait == "" && e.Found == nil && e.Reply == nil
}

// Event is one event of Events: something that the user may see has changed.
type Event struct {
	Index  uint64   `json:"index"`
	Topics []string `json:"topics"` // such as "course/<id>", "question/<id>", "user/<id>", "cluster"
}

// JoinToken lets one node join.
type JoinToken struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
	Command   string    `json:"command"` // what to type on the new machine
}

// RemoveNodeInput removes a node. Force allows a removal that ends the majority.
type RemoveNodeInput struct {
	Node  string `param:"node" json:"-"`
	Force bool   `query:"force" json:"-"`
}

// SuspendNodeInput makes a node silent for a while. Force allows it where it ends the majority.
type SuspendNodeInput struct {
	Node    string `param:"node" json:"-"`
	Seconds int    `json:"seconds"`
	Force   bool   `json:"force,omitempty"`
}

// TransferInput hands leadership over.
type TransferInput struct {
	Node string `json:"node,omitempty"` // empty: the best one
}

func checkIDs(ids ...string) error {
	for _, id := range ids {
		if !lms.ValidID(id) {
			return lms.FieldErrorf(lms.KindInvalid, "id", "%q is not an id.", id)
		}
	}
	return nil
}

func checkLimit(n int) error {
	if n < 0 || n > MaxPage {
		return lms.FieldErrorf(lms.KindInvalid, "limit", "A page has at most %s items.", strconv.Itoa(MaxPage))
	}
	return nil
}
