package lms

import (
	"strings"
	"time"
)

// Section is a part of a course's roster with dates and staff of its own.
type Section struct {
	ID         string    `json:"id"`
	CourseID   string    `json:"courseId"`
	Title      string    `json:"title"`
	Members    int       `json:"members,omitempty"` // active ones; staff only
	ArchivedAt time.Time `json:"archivedAt,omitzero"`
	Version    int64     `json:"version"`
}

// Validate checks what a person typed.
func (s Section) Validate() error { return first(checkID("id", s.ID), checkTitle("title", s.Title)) }

// NormalTitle is the form under which the titles of sections are compared: a course has each only once.
func NormalTitle(title string) string {
	return strings.ToLower(strings.Join(strings.Fields(title), " "))
}
