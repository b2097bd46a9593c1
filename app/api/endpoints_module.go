package api

import (
	"slices"
	"time"

	"trivium/app/lms"
)

// The order of a course's content, and the versions of its materials.
var (
	GetOutline    = Endpoint[CoursePath, lms.Outline]{"GET", "/api/v1/courses/:course/outline", lms.MemberOfCourse, "Show the modules and what is in them"}
	OrderOutline  = Endpoint[OrderInput, Empty]{"PUT", "/api/v1/courses/:course/outline", lms.StaffOfCourse, "Put modules and items into an order, if the order still has the version"}
	CreateModule  = Endpoint[ModuleInput, Empty]{"POST", "/api/v1/courses/:course/modules", lms.StaffOfCourse, "Make a module"}
	UpdateModule  = Endpoint[UpdateModuleInput, Empty]{"PATCH", "/api/v1/courses/:course/modules/:module", lms.StaffOfCourse, "Change a module: its title, whether and from when students see it"}
	DeleteModule  = Endpoint[ModulePath, Empty]{"DELETE", "/api/v1/courses/:course/modules/:module", lms.StaffOfCourse, "Archive a module with the materials in it; it can be restored for 30 days"}
	RestoreModule = Endpoint[ModulePath, Empty]{"POST", "/api/v1/courses/:course/modules/:module/restore", lms.StaffOfCourse, "Restore an archived module with its materials"}
	CreateItem    = Endpoint[ItemInput, Empty]{"POST", "/api/v1/courses/:course/modules/:module/items", lms.StaffOfCourse, "Add a header, a link, a material or an assignment at the end of a module"}
	UpdateItem    = Endpoint[UpdateItemInput, Empty]{"PATCH", "/api/v1/courses/:course/items/:item", lms.StaffOfCourse, "Change an item of a module: its title and address, whether and from when students see it"}
	DeleteItem    = Endpoint[ItemPath, Empty]{"DELETE", "/api/v1/courses/:course/items/:item", lms.StaffOfCourse, "Take an item out of its module; materials and assignments stay"}

	MaterialCaptions = Endpoint[MaterialPath, Raw]{"GET", "/api/v1/courses/:course/materials/:material/captions", lms.MemberOfCourse, "Show the captions of a video as WebVTT"}
	GetEmbeds        = Endpoint[NoInput, lms.EmbedSite]{"GET", "/api/v1/embeds", lms.AnyUser, "List the hosts whose content pages may embed"}
	UpdateEmbeds     = Endpoint[EmbedInput, lms.EmbedSite]{"PUT", "/api/v1/embeds", lms.AdminConfirmed, "Change the hosts whose content pages may embed, if the list still has the version"}

	SaveMaterialDraft    = Endpoint[MaterialDraftInput, Empty]{"PUT", "/api/v1/courses/:course/materials/:material/draft", lms.StaffOfCourse, "Keep the text of a page as it is being written; students go on seeing what was saved"}
	GetMaterialDraft     = Endpoint[MaterialPath, lms.MaterialDraft]{"GET", "/api/v1/courses/:course/materials/:material/draft", lms.StaffOfCourse, "Show the text of a page as it is being written"}
	DiscardMaterialDraft = Endpoint[MaterialPath, Empty]{"DELETE", "/api/v1/courses/:course/materials/:material/draft", lms.StaffOfCourse, "Discard the text of a page as it is being written"}
	ReplaceMaterialFile  = Endpoint[ReplaceFileInput, lms.Material]{"PUT", "/api/v1/courses/:course/materials/:material/file", lms.StaffOfCourse, "Put another file in the place of a material's; the old one stays among the versions"}
	ListMaterialVersions = Endpoint[MaterialPath, Page[lms.MaterialVersion]]{"GET", "/api/v1/courses/:course/materials/:material/versions", lms.StaffOfCourse, "List what was published of a material, newest first"}
	GetMaterialVersion   = Endpoint[VersionPath, lms.MaterialVersion]{"GET", "/api/v1/courses/:course/materials/:material/versions/:number", lms.StaffOfCourse, "Show one published version of a material"}
	RestoreVersion       = Endpoint[RestoreVersionInput, lms.Material]{"POST", "/api/v1/courses/:course/materials/:material/versions/:number/restore", lms.StaffOfCourse, "Publish an earlier version of a material again"}
)

// EmbedInput replaces the list of hosts whose content pages may embed.
type EmbedInput struct{ lms.EmbedSite }

// Validate checks the hosts.
func (in EmbedInput) Validate() error { return in.EmbedSite.Validate() }

// Paths of modules and items.
type (
	// ModulePath names a module.
	ModulePath struct {
		Course string `param:"course" json:"-"`
		Module string `param:"module" json:"-"`
	}
	// ItemPath names an item of a module.
	ItemPath struct {
		Course string `param:"course" json:"-"`
		Item   string `param:"item" json:"-"`
	}
	// VersionPath names a version of a material.
	VersionPath struct {
		Course   string `param:"course" json:"-"`
		Material string `param:"material" json:"-"`
		Number   int    `param:"number" json:"-"`
	}
)

// OrderInput is the whole order of a course's content.
type OrderInput struct {
	Course  string            `param:"course" json:"-"`
	Version int64             `json:"version"`
	Modules []lms.ModuleOrder `json:"modules"`
	Loose   []string          `json:"loose"` // materials in no module
}

// ModuleInput makes a module.
type ModuleInput struct {
	Course    string `param:"course" json:"-"`
	ID        string `json:"id"`
	Title     string `json:"title"`
	Published bool   `json:"published"`
}

// UpdateModuleInput changes the fields that are set if the module still has the version. A zero release is none.
type UpdateModuleInput struct {
	Course    string     `param:"course" json:"-"`
	Module    string     `param:"module" json:"-"`
	Version   int64      `json:"version"`
	Title     *string    `json:"title,omitempty"`
	Published *bool      `json:"published,omitempty"`
	ReleaseAt *time.Time `json:"releaseAt,omitempty"`
}

// ItemInput adds an item. A material or an assignment is named by its id.
type ItemInput struct {
	Course    string       `param:"course" json:"-"`
	Module    string       `param:"module" json:"-"`
	ID        string       `json:"id"`
	Kind      lms.ItemKind `json:"kind"`
	Title     string       `json:"title,omitempty"` // of a header or link
	URL       string       `json:"url,omitempty"`   // of a link
	Published bool         `json:"published"`
}

// UpdateItemInput changes the fields that are set if the item still has the version. A zero release is none.
type UpdateItemInput struct {
	Course    string     `param:"course" json:"-"`
	Item      string     `param:"item" json:"-"`
	Version   int64      `json:"version"`
	Title     *string    `json:"title,omitempty"`
	URL       *string    `json:"url,omitempty"`
	Published *bool      `json:"published,omitempty"`
	ReleaseAt *time.Time `json:"releaseAt,omitempty"`
}

// MaterialDraftInput keeps the text of a page as it is being written.
type MaterialDraftInput struct {
	Course   string `param:"course" json:"-"`
	Material string `param:"material" json:"-"`
	Title    string `json:"title"`
	Body     string `json:"body"`
	Base     int64  `json:"base"` // version of the material that the text began from
}

// ReplaceFileInput names the file that takes the place of a material's if the material still has the version.
type ReplaceFileInput struct {
	Course   string `param:"course" json:"-"`
	Material string `param:"material" json:"-"`
	FileID   string `json:"fileId"`
	Version  int64  `json:"version"`
}

// RestoreVersionInput publishes an earlier version if the material still has the version.
type RestoreVersionInput struct {
	Course   string `param:"course" json:"-"`
	Material string `param:"material" json:"-"`
	Number   int    `param:"number" json:"-"`
	Version  int64  `json:"version"`
}

// maxOrdered bounds the items of an order.
const maxOrdered = 2000

// Validate checks the input.
func (in ModulePath) Validate() error  { return checkIDs(in.Course, in.Module) }
func (in ItemPath) Validate() error    { return checkIDs(in.Course, in.Item) }
func (in VersionPath) Validate() error { return checkIDs(in.Course, in.Material) }

// Validate refuses an order that names something twice.
func (in OrderInput) Validate() error {
	ids := slices.Clone(in.Loose)
	for _, m := range in.Modules {
		ids = append(append(ids, m.ID), m.Items...)
	}
	if len(ids) > maxOrdered {
		return lms.FieldErrorf(lms.KindRule, "modules", "A course orders at most %d modules and items.", maxOrdered)
	}
	if err := checkIDs(append(slices.Clone(ids), in.Course)...); err != nil {
		return err
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		return lms.FieldErrorf(lms.KindInvalid, "modules", "The order names something twice.")
	}
	return nil
}

// Validate checks the input.
func (in ModuleInput) Validate() error {
	return firstErr(checkIDs(in.Course), lms.Module{ID: in.ID, Title: in.Title}.Validate())
}

// Validate checks the input.
func (in UpdateModuleInput) Validate() error {
	m := lms.Module{ID: in.Module, Title: "-"}
	if in.Title != nil {
		m.Title = *in.Title
	}
	return firstErr(checkIDs(in.Course, in.Module), m.Validate())
}

// Validate checks the input.
func (in ItemInput) Validate() error {
	item := lms.ModuleItem{ID: in.ID, Kind: in.Kind, Title: in.Title, URL: in.URL}
	switch in.Kind {
	case lms.ItemMaterial, lms.ItemAssignment:
		item.Title = "-"
	case lms.ItemHeader, lms.ItemLink:
	default:
		return lms.FieldErrorf(lms.KindInvalid, "kind", "An item is a material, an assignment, a header or a link.")
	}
	return firstErr(checkIDs(in.Course, in.Module), item.Validate())
}

// Validate checks the input.
func (in UpdateItemInput) Validate() error {
	item := lms.ModuleItem{ID: in.Item, Kind: lms.ItemHeader, Title: "-"}
	if in.Title != nil {
		item.Title = *in.Title
	}
	if in.URL != nil {
		item.Kind, item.URL = lms.ItemLink, *in.URL
	}
	return firstErr(checkIDs(in.Course, in.Item), item.Validate())
}

// Validate checks the input. A draft may lack its title.
func (in MaterialDraftInput) Validate() error {
	m := lms.Material{ID: in.Material, Title: in.Title, Kind: lms.MaterialPage, Body: in.Body}
	if m.Title == "" {
		m.Title = "-"
	}
	return firstErr(checkIDs(in.Course, in.Material), m.Validate())
}

// Validate checks the input.
func (in ReplaceFileInput) Validate() error { return checkIDs(in.Course, in.Material, in.FileID) }

// Validate checks the input.
func (in RestoreVersionInput) Validate() error { return checkIDs(in.Course, in.Material) }
