package lms

import "time"

// MaterialKind tells a written page from an uploaded file.
type MaterialKind string

// The kinds of material.
const (
	MaterialPage MaterialKind = "page"
	MaterialFile MaterialKind = "file"
)

// IndexState tells whether the tutor and the search can read a material.
type IndexState string

// The states of indexing.
const (
	IndexPending IndexState = "pending"
	IndexReady   IndexState = "ready"
	IndexFailed  IndexState = "failed" // IndexNote says why, for instance "scanned PDF: no text"
)

// Material is a page or a file of a course.
type Material struct {
	ID         string       `json:"id"`
	CourseID   string       `json:"courseId"`
	Title      string       `json:"title"`
	Kind       MaterialKind `json:"kind"`
	Body       string       `json:"body,omitempty"`     // Markdown, of a page
	BodyHTML   string       `json:"bodyHtml,omitempty"` // safe HTML of Body, made by the node
	File       *File        `json:"file,omitempty"`
	CaptionsID string       `json:"captionsId,omitempty"` // of a video: the material whose file has its captions
	Published  bool         `json:"published"`            // a draft is 404 for students and absent from search and tutor
	Position   int64        `json:"position"`
	Index      IndexState   `json:"index"`
	IndexNote  string       `json:"indexNote,omitempty"`
	Passages   int          `json:"passages"`
	CreatedAt  time.Time    `json:"createdAt,omitzero"`
	UpdatedAt  time.Time    `json:"updatedAt,omitzero"`
	Version    int64        `json:"version"`
}

// Video reports whether browsers play the material.
func (m Material) Video() bool {
	return m.File != nil && (m.File.Extension() == ".mp4" || m.File.Extension() == ".webm")
}

// Captions reports whether the material's file can be the captions of a video.
func (m Material) Captions() bool {
	return m.File != nil && (m.File.Extension() == ".vtt" || m.File.Extension() == ".srt")
}

// Validate checks what a person typed.
func (m Material) Validate() error {
	if err := first(checkID("id", m.ID), checkTitle("title", m.Title), checkBody("body", m.Body)); err != nil {
		return err
	}
	switch m.Kind {
	case MaterialPage, MaterialFile:
		return nil
	}
	return FieldErrorf(KindRule, "kind", "A material is a page or a file.")
}

// Passage is a piece of a material that can be searched, cited and opened.
type Passage struct {
	MaterialID string `json:"materialId"`
	Ordinal    int    `json:"ordinal"` // place in the material, from 1
	Title      string `json:"title"`   // of the material
	Heading    string `json:"heading,omitempty"`
	Page       int    `json:"page,omitempty"` // page of a PDF or slide of a presentation, from 1; 0: none
	Text       string `json:"text"`
	Endorsed   string `json:"endorsed,omitempty"` // id of the reply: the passage is an entry of the FAQ, not of a material
}
