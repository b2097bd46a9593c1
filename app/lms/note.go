package lms

import "time"

// Note is free feedback from a teacher to a student or the other way round. Only the two read it (FEED-1).
type Note struct {
	ID        string    `json:"id"`
	CourseID  string    `json:"courseId"`
	FromID    string    `json:"fromId"`
	FromName  string    `json:"fromName"`
	ToID      string    `json:"toId"`
	ToName    string    `json:"toName"`
	Body      string    `json:"body"` // Markdown
	BodyHTML  string    `json:"bodyHtml,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// Validate checks what a person typed.
func (n Note) Validate() error {
	if err := first(checkID("id", n.ID), checkID("to", n.ToID), checkBody("body", n.Body)); err != nil {
		return err
	}
	if n.Body == "" {
		return FieldErrorf(KindRule, "body", "Please write something.")
	}
	return nil
}

// ReadableBy reports whether the user may read the note: who sent it and who got it.
func (n Note) ReadableBy(userID string) bool { return userID == n.FromID || userID == n.ToID }
