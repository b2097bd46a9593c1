package lms

import (
	"errors"
	"fmt"
)

// Kind classifies a refusal. It travels to the client as "code" and decides the HTTP status, so the list is
// append-only.
type Kind string

// The kinds of refusal, with the status that server/web answers.
const (
	KindInvalid     Kind = "invalid"     // 400: malformed request
	KindSignIn      Kind = "sign_in"     // 401: no session, or it has expired
	KindForbidden   Kind = "forbidden"   // 403: the role does not allow it
	KindNotFound    Kind = "not_found"   // 404: unknown or hidden
	KindConflict    Kind = "conflict"    // 409: duplicate, stale version, or a key reused with other content
	KindTooLarge    Kind = "too_large"   // 413
	KindUnsupported Kind = "unsupported" // 415: type not allowed
	KindRule        Kind = "rule"        // 422: well-formed, but a rule of the course or the site refuses it
	KindLimit       Kind = "limit"       // 429: rate limit or quota
	KindUnavailable Kind = "unavailable" // 503: no majority; nothing was changed
	KindUnknown     Kind = "unknown"     // 503: the outcome is unknown; a retry with the same key settles it
	KindInternal    Kind = "internal"    // 500: a fault of ours

	KindConfirm Kind = "reauth_required" // 403: allowed, but the password must be given again first
	KindEnrol   Kind = "enrol_required"  // 403: allowed, but two-step sign-in must be set up first
)

// Kinds lists every kind, for completeness tests.
var Kinds = []Kind{KindInvalid, KindSignIn, KindForbidden, KindNotFound, KindConflict, KindTooLarge, KindUnsupported,
	KindRule, KindLimit, KindUnavailable, KindUnknown, KindInternal, KindConfirm, KindEnrol}

// Error is a refusal in the words of the person who reads it: what happened, what was kept, what to do next.
type Error struct {
	Kind      Kind   `json:"code"`
	Message   string `json:"message"`
	Field     string `json:"field,omitempty"`     // JSON name of the input field at fault
	RequestID string `json:"requestId,omitempty"` // set by the node that answered
	RetryIn   int    `json:"retryIn,omitempty"`   // seconds to wait, for KindLimit and KindUnavailable
}

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s (%s)", e.Kind, e.Message, e.Field)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Message)
}

// Is reports equality of kind, field and message, so that a refusal that crossed the network still matches the
// variable it came from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Field == e.Field && t.Message == e.Message
}

// Errorf makes a refusal of the kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// FieldErrorf makes a refusal of the kind that names an input field.
func FieldErrorf(kind Kind, field, format string, args ...any) *Error {
	return &Error{Kind: kind, Field: field, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of err, KindInternal when err is not a refusal, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// Refusals that several packages return or test for.
var (
	ErrSignIn        = Errorf(KindSignIn, "Please sign in. If you were signed in, your session has ended; nothing you typed is lost.")
	ErrConfirm       = Errorf(KindConfirm, "Please give your password again, so that nobody else does this in your name. Nothing you typed is lost.")
	ErrEnrol         = Errorf(KindEnrol, "This site wants staff to sign in in two steps. Set that up on the page Account; then you can go on.")
	ErrForbidden     = Errorf(KindForbidden, "Your role does not allow this.")
	ErrNotYourCourse = Errorf(KindForbidden, "You are not a member of this course. Ask its instructor for an invite code.")
	ErrNotYours      = Errorf(KindForbidden, "This belongs to another member.")
	ErrNotFound      = Errorf(KindNotFound, "There is nothing here, or it is hidden from you.")
	ErrStale         = Errorf(KindConflict, "Somebody else changed this meanwhile. Your text is kept; compare and save again.")
	ErrKeyReused     = Errorf(KindConflict, "This request repeats the key of another one with different content. Reload the page and try again.")
	ErrUnavailable   = &Error{Kind: KindUnavailable, RetryIn: 5, Message: "The cluster has no majority at the moment, so nothing can be saved. Nothing was changed and nothing is lost; it will be tried again."}
	ErrNoSpace       = &Error{Kind: KindUnavailable, RetryIn: 30, Message: "Nothing can be saved at the moment because the site's disks are almost full. What you typed is not lost; reading works. Please tell an administrator, and try again later."}
	ErrUnknown       = &Error{Kind: KindUnknown, RetryIn: 2, Message: "The cluster could not confirm this in time. Trying again is safe: it will not be done twice."}
	ErrInternal      = Errorf(KindInternal, "Something went wrong on our side. Nothing you typed is lost; please try again.")
)
