package lms

import (
	"net/url"
	"strings"
	"time"
)

// Outline is how a course orders what it has: modules of items, and the materials that are in none.
type Outline struct {
	Version  int64        `json:"version"` // of the order
	Modules  []Module     `json:"modules"`
	Loose    []ModuleItem `json:"loose"`              // materials that are in no module
	Archived []Module     `json:"archived,omitempty"` // for staff: those that can be restored, without their items
}

// Module is an ordered unit of content.
type Module struct {
	ID         string       `json:"id"`
	CourseID   string       `json:"courseId"`
	Title      string       `json:"title"`
	Published  bool         `json:"published"`          // a draft hides all that is in it
	ReleaseAt  time.Time    `json:"releaseAt,omitzero"` // until then it is a draft for students
	Items      []ModuleItem `json:"items"`
	ArchivedAt time.Time    `json:"archivedAt,omitzero"`
	Version    int64        `json:"version"`
}

// Validate checks what a person typed.
func (m Module) Validate() error { return first(checkID("id", m.ID), checkTitle("title", m.Title)) }

// ItemKind is what an entry of a module is.
type ItemKind string

// The kinds of items. Materials and assignments are themselves elsewhere; the item has their id.
const (
	ItemMaterial   ItemKind = "material"
	ItemAssignment ItemKind = "assignment"
	ItemHeader     ItemKind = "header"
	ItemLink       ItemKind = "link"
)

// ModuleItem is one entry of a module.
type ModuleItem struct {
	ID        string    `json:"id"`
	Kind      ItemKind  `json:"kind"`
	Title     string    `json:"title"`
	URL       string    `json:"url,omitempty"` // of a link
	Published bool      `json:"published"`
	ReleaseAt time.Time `json:"releaseAt,omitzero"` // until then it is a draft for students
	Material  *Material `json:"material,omitempty"` // without its text
	DueAt     time.Time `json:"dueAt,omitzero"`     // of an assignment
	Points    Points    `json:"points,omitempty"`   // of an assignment
	Version   int64     `json:"version"`
}

// ModuleOrder is the order of the items of one module.
type ModuleOrder struct {
	ID    string   `json:"id"`
	Items []string `json:"items"`
}

// Validate checks a header or a link that a person typed.
func (i ModuleItem) Validate() error {
	if err := first(checkID("id", i.ID), checkTitle("title", i.Title)); err != nil {
		return err
	}
	if i.Kind != ItemLink {
		return nil
	}
	return CheckLink("url", i.URL)
}

// CheckLink refuses what is not the address of a web page.
func CheckLink(field, link string) error {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || len(link) > 2000 {
		return FieldErrorf(KindRule, field, "This is not the address of a web page. It begins with https:// and names a site, such as https://example.edu/page.")
	}
	return nil
}

// OpenAt reports whether students see something that is published from a time on.
func OpenAt(published bool, release, now time.Time) bool {
	return published && !release.After(now)
}

// MaterialVersion is a published state of a material that can be restored.
type MaterialVersion struct {
	Number int       `json:"number"` // from 1
	Title  string    `json:"title"`
	Body   string    `json:"body,omitempty"` // only in the answer for one version
	File   *File     `json:"file,omitempty"`
	By     string    `json:"by"` // name
	At     time.Time `json:"at"`
}

// MaterialDraft is the text of a page as staff are writing it; students see it when it is saved.
type MaterialDraft struct {
	Title   string    `json:"title"`
	Body    string    `json:"body"`
	Base    int64     `json:"base"` // version of the material that it began from
	By      string    `json:"by,omitempty"`
	SavedAt time.Time `json:"savedAt,omitzero"`
}
