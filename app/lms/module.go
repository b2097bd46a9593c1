package lms

import (
	"net/url"
	"slices"
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

// Order is the order of the content as OrderInput wants it.
func (o Outline) Order() (modules []ModuleOrder, loose []string) {
	modules, loose = []ModuleOrder{}, itemIDs(o.Loose)
	for _, m := range o.Modules {
		modules = append(modules, ModuleOrder{ID: m.ID, Items: itemIDs(m.Items)})
	}
	return modules, loose
}

func itemIDs(items []ModuleItem) []string {
	ids := []string{}
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

// MoveModule is the outline with the module so many places further down, as far as it goes.
func (o Outline) MoveModule(id string, by int) Outline {
	at := slices.IndexFunc(o.Modules, func(m Module) bool { return m.ID == id })
	to := at + by
	if at < 0 || to < 0 || to >= len(o.Modules) {
		return o
	}
	moved := o.Modules[at]
	o.Modules = slices.Insert(slices.Delete(slices.Clone(o.Modules), at, at+1), to, moved)
	return o
}

// MoveItem is the outline with the item at the place in the module; "" is no module, where only materials can be. A place
// behind the last is the end.
func (o Outline) MoveItem(id, module string, place int) Outline {
	next := Outline{Version: o.Version, Archived: o.Archived, Modules: slices.Clone(o.Modules)}
	var moved *ModuleItem
	take := func(items []ModuleItem) []ModuleItem {
		at := slices.IndexFunc(items, func(i ModuleItem) bool { return i.ID == id })
		if at < 0 {
			return items
		}
		item := items[at]
		moved = &item
		return slices.Delete(slices.Clone(items), at, at+1)
	}
	next.Loose = take(o.Loose)
	for i := range next.Modules {
		next.Modules[i].Items = take(next.Modules[i].Items)
	}
	target := slices.IndexFunc(next.Modules, func(m Module) bool { return m.ID == module })
	if moved == nil || target < 0 && (module != "" || moved.Kind != ItemMaterial) {
		return o
	}
	list := &next.Loose
	if target >= 0 {
		list = &next.Modules[target].Items
	}
	*list = slices.Insert(slices.Clone(*list), max(0, min(place, len(*list))), *moved)
	return next
}
