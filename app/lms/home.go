package lms

import "time"

// Home is what a person sees first: what is due, what is new.
type Home struct {
	Courses  []Course       `json:"courses"`
	Due      []DueItem      `json:"due"`      // of the courses where the user is a student, soonest first, not handed in yet
	Feedback []Feedback     `json:"feedback"` // newly posted grades, newest first
	Grading  []DueItem      `json:"grading"`  // of the courses where the user is staff: assignments with ungraded work
	Endorsed []EndorsedNews `json:"endorsed"` // answers of the tutor to the user that staff have endorsed or corrected, newest first
	Flags    []TutorFlag    `json:"flags"`    // messages that nobody has looked at, and that the user is responsible for
	News     []News         `json:"news"`     // extensions, attempts that are incomplete or were returned, newest first
	Caps     []TutorCap     `json:"caps"`     // of tokens of the tutor, which the user owns and of which most is used
	Queue    []Question     `json:"queue"`    // of the courses where the user is staff: questions that wait for an answer
}

// DueItem is an assignment on the home page.
type DueItem struct {
	CourseID     string    `json:"courseId"`
	CourseCode   string    `json:"courseCode"`
	AssignmentID string    `json:"assignmentId"`
	Title        string    `json:"title"`
	DueAt        time.Time `json:"dueAt,omitzero"`
	Ungraded     int       `json:"ungraded,omitempty"`
	GradeByAt    time.Time `json:"gradeByAt,omitzero"`
	Zone         string    `json:"zone,omitempty"`
	DraftAt      time.Time `json:"draftAt,omitzero"` // unsent work was saved
}

// Feedback is a posted grade on the home page.
type Feedback struct {
	CourseID     string    `json:"courseId"`
	CourseCode   string    `json:"courseCode"`
	AssignmentID string    `json:"assignmentId"`
	Title        string    `json:"title"`
	Points       Points    `json:"points"`
	Possible     Points    `json:"possible"`
	Score        Scored    `json:"score"` // how the number that counts is made
	PostedAt     time.Time `json:"postedAt"`
}
