package store

import (
	"context"
	"encoding/json"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errModuleExists = lms.FieldErrorf(lms.KindConflict, "id", "This module exists already. Load the page again.")
	errItemPlaced   = lms.FieldErrorf(lms.KindConflict, "id", "This is in a module already. Move it there instead.")
	errOrderStale   = lms.FieldErrorf(lms.KindConflict, "version", "Somebody else has changed the order meanwhile. Load the page again; nothing was moved.")
	errOrderPartial = lms.FieldErrorf(lms.KindConflict, "modules", "The order does not name everything that is there. Load the page again; nothing was moved.")
)

const (
	moduleColumns = `d.module_id, d.course_id, d.title, d.published, d.release_at, d.archived_at, d.version`
	itemColumns   = `i.item_id, i.module_id, i.kind, CASE i.kind WHEN 'assignment' THEN a.title ELSE i.title END, i.url,
		CASE i.kind WHEN 'assignment' THEN a.published ELSE i.published END, i.release_at, i.version, a.due_at, coalesce(a.points, 0)`
)

func scanModule(row consensus.Row) (m lms.Module, err error) {
	m.Items = []lms.ModuleItem{}
	return m, row.Scan(&m.ID, &m.CourseID, &m.Title, &m.Published, &m.ReleaseAt, &m.ArchivedAt, &m.Version)
}

// placedItem is an item with its module.
type placedItem struct {
	lms.ModuleItem
	module string
}

func scanItem(row consensus.Row) (i placedItem, err error) {
	return i, row.Scan(&i.ID, &i.module, &i.Kind, &i.Title, &i.URL, &i.Published, &i.ReleaseAt, &i.Version, &i.DueAt, &i.Points)
}

// Outline is the order of the course's content, as the actor may see it: for members without what is hidden or still to be
// released.
func (s *Store) Outline(ctx context.Context, actor lms.Actor, courseID string) (lms.Outline, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Outline{}, err
	}
	now := s.Now()
	rows, err := s.query(ctx, `SELECT coalesce((SELECT version FROM outlines WHERE course_id = ?1), 0)`, courseID)
	version, err := one(rows, err, scanInt)
	if err != nil {
		return lms.Outline{}, err
	}
	o := lms.Outline{Version: int64(version), Modules: []lms.Module{}, Loose: []lms.ModuleItem{}}
	materials, err := s.Materials(ctx, actor, courseID)
	if err != nil {
		return o, err
	}
	const modules = `SELECT ` + moduleColumns + ` FROM modules d WHERE d.course_id = ?1 ORDER BY d.position, d.module_id`
	rows, err = s.query(ctx, modules, courseID)
	all, err := collect(rows, err, scanModule)
	if err != nil {
		return o, err
	}
	const items = `
		SELECT ` + itemColumns + `
		FROM module_items i
		LEFT JOIN assignments a ON i.kind = 'assignment' AND a.assignment_id = i.item_id
		WHERE i.course_id = ?1 AND a.archived_at IS NULL
		ORDER BY i.position, i.item_id`
	rows, err = s.query(ctx, items, courseID)
	placed, err := collect(rows, err, scanItem)
	if err != nil {
		return o, err
	}
	arrange(&o, all, placed, materials, sc.staff(), now)
	return o, nil
}

// arrange puts the items into their modules and leaves out what the reader does not see. Materials are those that the
// reader sees.
func arrange(o *lms.Outline, modules []lms.Module, items []placedItem, materials []lms.Material, staff bool, now time.Time) {
	byID := make(map[string]*lms.Material, len(materials))
	for i := range materials {
		byID[materials[i].ID] = &materials[i]
	}
	inModule := map[string][]lms.ModuleItem{}
	placed := map[string]bool{}
	for _, i := range items {
		placed[i.ID] = true
		if i.Kind == lms.ItemMaterial {
			m := byID[i.ID]
			if m == nil {
				continue // archived, or hidden from the reader
			}
			i.Material, i.Title, i.Published = m, m.Title, m.Published
		}
		if staff || lms.OpenAt(i.Published, i.ReleaseAt, now) {
			inModule[i.module] = append(inModule[i.module], i.ModuleItem)
		}
	}
	for _, m := range modules {
		switch {
		case m.ArchivedAt.IsZero() && (staff || lms.OpenAt(m.Published, m.ReleaseAt, now)):
			m.Items = append(m.Items, inModule[m.ID]...)
			o.Modules = append(o.Modules, m)
		case !m.ArchivedAt.IsZero() && staff && now.Sub(m.ArchivedAt) < undoWindow:
			o.Archived = append(o.Archived, m)
		}
	}
	for i := range materials {
		if m := &materials[i]; !placed[m.ID] {
			o.Loose = append(o.Loose, lms.ModuleItem{ID: m.ID, Kind: lms.ItemMaterial, Title: m.Title, Published: m.Published, Material: m})
		}
	}
}

// outlineBatch begins a change of the order of the course's content.
func outlineBatch(actor lms.Actor, courseID string) *consensus.Batch {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	return &b
}

// applyOutline carries a change out, after which orders that began earlier are stale.
func (s *Store) applyOutline(ctx context.Context, b *consensus.Batch, courseID string) error {
	b.Exec(`INSERT INTO outlines (course_id, version) VALUES (?1, 1) ON CONFLICT (course_id) DO UPDATE SET version = version + 1`, courseID)
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, b)
	return err
}

// OrderOutline puts modules and items into the order, if it still has the version and the order names everything (CONTENT-2).
func (s *Store) OrderOutline(ctx context.Context, actor lms.Actor, courseID string, version int64, modules []lms.ModuleOrder, loose []string) error {
	order, err := json.Marshal(modules)
	if err != nil {
		return err
	}
	b := outlineBatch(actor, courseID)
	b.Require(errOrderStale, `coalesce((SELECT version FROM outlines WHERE course_id = ?1), 0) = ?2`, courseID, version)
	b.Require(errOrderPartial, `
		(SELECT count(*) FROM modules WHERE course_id = ?1 AND archived_at IS NULL) = json_array_length(?2)
		AND NOT EXISTS(SELECT 1 FROM json_each(?2) j WHERE NOT EXISTS(
			SELECT 1 FROM modules WHERE module_id = j.value ->> 'id' AND course_id = ?1 AND archived_at IS NULL))`, courseID, string(order))
	// What is named must be there; what is there must be named, but for archived materials and assignments and what lies in archived modules.
	b.Require(errOrderPartial, `
		NOT EXISTS(
			SELECT 1 FROM json_each(?2) j, json_each(j.value, '$.items') k
			WHERE NOT EXISTS(SELECT 1 FROM module_items WHERE item_id = k.value AND course_id = ?1)
				AND NOT EXISTS(SELECT 1 FROM materials WHERE material_id = k.value AND course_id = ?1 AND deleted_at IS NULL))
		AND NOT EXISTS(
			SELECT 1 FROM module_items i
			JOIN modules d ON d.module_id = i.module_id AND d.archived_at IS NULL
			WHERE i.course_id = ?1
				AND NOT EXISTS(SELECT 1 FROM materials WHERE material_id = i.item_id AND deleted_at IS NOT NULL)
				AND NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = i.item_id AND archived_at IS NOT NULL)
				AND i.item_id NOT IN (SELECT k.value FROM json_each(?2) j, json_each(j.value, '$.items') k)
				AND i.item_id NOT IN (SELECT value FROM json_each(?3)))`, courseID, string(order), list(loose))
	b.Require(errOrderPartial, `NOT EXISTS(SELECT 1 FROM json_each(?2) j
		WHERE NOT EXISTS(SELECT 1 FROM materials WHERE material_id = j.value AND course_id = ?1 AND deleted_at IS NULL))`, courseID, list(loose))
	b.Exec(`
		UPDATE modules SET position = (SELECT j.key FROM json_each(?2) j WHERE j.value ->> 'id' = module_id)
		WHERE course_id = ?1 AND archived_at IS NULL`, courseID, string(order))
	b.Exec(`DELETE FROM module_items WHERE course_id = ?1 AND item_id IN (SELECT value FROM json_each(?2))`, courseID, list(loose))
	b.Exec(`
		INSERT INTO module_items (item_id, course_id, module_id, kind, title, url, position, published, version)
		SELECT k.value, ?1, j.value ->> 'id', 'material', '', '', k.key, 1, 1
		FROM json_each(?2) j, json_each(j.value, '$.items') k
		WHERE true
		ORDER BY j.key, k.key
		ON CONFLICT (item_id) DO UPDATE SET module_id = excluded.module_id, position = excluded.position`, courseID, string(order))
	b.Exec(`
		UPDATE materials SET position = (SELECT j.key FROM json_each(?2) j WHERE j.value = material_id) - json_array_length(?2)
		WHERE course_id = ?1 AND material_id IN (SELECT value FROM json_each(?2))`, courseID, list(loose))
	return s.applyOutline(ctx, b, courseID)
}

// CreateModule makes a module at the end.
func (s *Store) CreateModule(ctx context.Context, actor lms.Actor, m lms.Module) error {
	b := outlineBatch(actor, m.CourseID)
	b.Require(errModuleExists, `NOT EXISTS(SELECT 1 FROM modules WHERE module_id = ?)`, m.ID)
	b.Exec(`
		INSERT INTO modules (module_id, course_id, title, position, published, created_at, version)
		VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM modules WHERE course_id = ?2), ?4, ?5, 1)`,
		m.ID, m.CourseID, m.Title, m.Published, consensus.Stamp{})
	return s.applyOutline(ctx, b, m.CourseID)
}

// ModulePatch has the fields of a module or an item that change; nil ones stay. A zero release is none.
type ModulePatch struct {
	Title, URL *string
	Published  *bool
	ReleaseAt  *time.Time
}

// UpdateModule changes a module if it still has the version.
func (s *Store) UpdateModule(ctx context.Context, actor lms.Actor, courseID, id string, version int64, p ModulePatch) error {
	b := outlineBatch(actor, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM modules WHERE module_id = ? AND course_id = ? AND archived_at IS NULL)`, id, courseID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM modules WHERE module_id = ? AND version = ?)`, id, version)
	b.Exec(`
		UPDATE modules
		SET title = coalesce(?2, title), published = coalesce(?3, published), release_at = CASE WHEN ?4 THEN ?5 ELSE release_at END, version = version + 1
		WHERE module_id = ?1`,
		id, opt(p.Title), opt(p.Published), p.ReleaseAt != nil, opt(p.ReleaseAt))
	return s.applyOutline(ctx, b, courseID)
}

// DeleteModule archives a module with the materials in it. Assignments stay as they were, shown or hidden: students may have
// handed in.
func (s *Store) DeleteModule(ctx context.Context, actor lms.Actor, courseID, id string) error {
	b := outlineBatch(actor, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM modules WHERE module_id = ? AND course_id = ?)`, id, courseID)
	b.Exec(`
		UPDATE materials SET deleted_at = ?2, updated_at = ?2, version = version + 1
		WHERE deleted_at IS NULL AND material_id IN (SELECT item_id FROM module_items WHERE module_id = ?1)
			AND EXISTS(SELECT 1 FROM modules WHERE module_id = ?1 AND archived_at IS NULL)`, id, consensus.Stamp{})
	b.Exec(`UPDATE modules SET archived_at = ?2, version = version + 1 WHERE module_id = ?1 AND archived_at IS NULL`, id, consensus.Stamp{})
	return s.applyOutline(ctx, b, courseID)
}

// RestoreModule brings an archived module back at the end, with the materials that went with it.
func (s *Store) RestoreModule(ctx context.Context, actor lms.Actor, courseID, id string) error {
	b := outlineBatch(actor, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM modules WHERE module_id = ? AND course_id = ?)`, id, courseID)
	b.Require(errUndoOver, `EXISTS(SELECT 1 FROM modules WHERE module_id = ?1 AND (archived_at IS NULL OR archived_at >= ?2 - ?3))`,
		id, consensus.Stamp{}, undoWindow.Milliseconds())
	b.Exec(`
		UPDATE materials SET deleted_at = NULL, updated_at = ?2, version = version + 1
		WHERE material_id IN (SELECT item_id FROM module_items WHERE module_id = ?1)
			AND deleted_at = (SELECT archived_at FROM modules WHERE module_id = ?1)`, id, consensus.Stamp{})
	b.Exec(`
		UPDATE modules SET archived_at = NULL, version = version + 1, position = (SELECT max(position) + 1 FROM modules WHERE course_id = ?2)
		WHERE module_id = ?1 AND archived_at IS NOT NULL`, id, courseID)
	return s.applyOutline(ctx, b, courseID)
}

// CreateItem adds an item at the end of a module.
func (s *Store) CreateItem(ctx context.Context, actor lms.Actor, courseID, moduleID string, i lms.ModuleItem) error {
	b := outlineBatch(actor, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM modules WHERE module_id = ? AND course_id = ? AND archived_at IS NULL)`, moduleID, courseID)
	switch i.Kind {
	case lms.ItemMaterial:
		b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE material_id = ? AND course_id = ? AND deleted_at IS NULL)`, i.ID, courseID)
	case lms.ItemAssignment:
		b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND course_id = ?)`, i.ID, courseID)
	}
	b.Require(errItemPlaced, `NOT EXISTS(SELECT 1 FROM module_items WHERE item_id = ?)`, i.ID)
	b.Exec(`
		INSERT INTO module_items (item_id, course_id, module_id, kind, title, url, position, published, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(position), 0) + 1 FROM module_items WHERE module_id = ?3), ?7, 1)`,
		i.ID, courseID, moduleID, i.Kind, i.Title, i.URL, i.Published)
	return s.applyOutline(ctx, b, courseID)
}

// UpdateItem changes an item if it still has the version. Whether a material or an assignment is published is its own.
func (s *Store) UpdateItem(ctx context.Context, actor lms.Actor, courseID, id string, version int64, p ModulePatch) error {
	b := outlineBatch(actor, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM module_items WHERE item_id = ? AND course_id = ?)`, id, courseID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM module_items WHERE item_id = ? AND version = ?)`, id, version)
	b.Exec(`
		UPDATE module_items
		SET title = coalesce(?2, title), url = coalesce(?3, url), published = coalesce(?4, published),
			release_at = CASE WHEN ?5 THEN ?6 ELSE release_at END, version = version + 1
		WHERE item_id = ?1`,
		id, opt(p.Title), opt(p.URL), opt(p.Published), p.ReleaseAt != nil, opt(p.ReleaseAt))
	return s.applyOutline(ctx, b, courseID)
}

// DeleteItem takes an item out of its module. On one that is in none it changes nothing.
func (s *Store) DeleteItem(ctx context.Context, actor lms.Actor, courseID, id string) error {
	b := outlineBatch(actor, courseID)
	b.Exec(`DELETE FROM module_items WHERE item_id = ? AND course_id = ?`, id, courseID)
	return s.applyOutline(ctx, b, courseID)
}
