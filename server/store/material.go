package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errMaterialExists = lms.FieldErrorf(lms.KindConflict, "id", "This material exists already. Load the list of materials again.")
	errMaterialFile   = lms.FieldErrorf(lms.KindRule, "fileId", "This file was not uploaded by you for this course. Upload it again.")
	errUndoOver       = lms.Errorf(lms.KindNotFound, "This was archived more than 30 days ago and cannot be restored any more.")
)

// undoWindow is how long something archived can be restored (GEN-7).
const undoWindow = 30 * 24 * time.Hour

const materialColumns = `m.material_id, m.course_id, m.title, m.kind, m.published, m.position, m.index_state, m.index_note,
	(SELECT count(*) FROM passages p WHERE p.material_id = m.material_id), m.created_at, m.updated_at, m.version, coalesce(m.captions_id, '')`

const materialDetail = materialColumns + `, m.body,
	coalesce((SELECT json_array(` + fileJSON + `) FROM files f WHERE f.file_id = m.file_id), '')`

// ?1 course, ?2 material
const selectMaterial = `SELECT ` + materialDetail + ` FROM materials m WHERE m.course_id = ?1 AND m.material_id = ?2 AND m.deleted_at IS NULL`

func scanMaterial(row consensus.Row) (m lms.Material, err error) {
	var files string
	err = row.Scan(&m.ID, &m.CourseID, &m.Title, &m.Kind, &m.Published, &m.Position, &m.Index, &m.IndexNote, &m.Passages,
		&m.CreatedAt, &m.UpdatedAt, &m.Version, &m.CaptionsID, &m.Body, &files)
	if err != nil {
		return m, err
	}
	list, err := parseFiles(files)
	if len(list) == 1 {
		m.File = &list[0]
	}
	return m, err
}

// Materials lists the materials that the actor may see, in their order, without the text of pages.
func (s *Store) Materials(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Material, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + materialColumns + `, '',
			coalesce((SELECT json_array(` + shortFileJSON + `) FROM files f WHERE f.file_id = m.file_id), '')
		FROM materials m
		WHERE m.course_id = ?1 AND m.deleted_at IS NULL AND (?2 OR ` + materialFrom + ` <= ?3)
		ORDER BY m.position, m.material_id`
	rows, err := s.query(ctx, q, courseID, sc.staff(), s.Now())
	return collect(rows, err, scanMaterial)
}

// Material returns a material. What members do not see yet is hidden from all but staff.
func (s *Store) Material(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Material, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Material{}, err
	}
	const q = `
		SELECT ` + materialDetail + `
		FROM materials m
		WHERE m.course_id = ?1 AND m.material_id = ?2 AND m.deleted_at IS NULL AND (?3 OR ` + materialFrom + ` <= ?4)`
	rows, err := s.query(ctx, q, courseID, id, sc.staff(), s.Now())
	return one(rows, err, scanMaterial)
}

// A file of the actor in the course that is no part of handed-in work: what may be shown to the course.
// ?1 file, ?2 course, ?3 owner
const ownSharableFile = `
	EXISTS(SELECT 1 FROM files WHERE file_id = ?1 AND course_id = ?2 AND owner_id = ?3)
	AND NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id = ?1)`

// CreateMaterial adds a page, or a file that the actor has declared (m.File.ID), at the end of the list. The file's bytes
// may still be on the way.
func (s *Store) CreateMaterial(ctx context.Context, actor lms.Actor, m lms.Material) (lms.Material, error) {
	var fileID any
	if m.Kind == lms.MaterialFile {
		if m.File == nil {
			return lms.Material{}, errMaterialFile
		}
		fileID = m.File.ID
		rows, err := s.query(ctx, selectFile, m.CourseID, m.File.ID) // a file keeps its name
		f, err := one(rows, err, scanFile)
		if lms.KindOf(err) == lms.KindNotFound {
			err = nil // the guard says so after what comes first
		}
		if err == nil {
			err = f.CheckMaterialType()
		}
		if err != nil {
			return lms.Material{}, err
		}
	}
	var b consensus.Batch
	requireWrite(&b, actor, m.CourseID, lms.StaffOfCourse)
	b.Require(errMaterialExists, `NOT EXISTS(SELECT 1 FROM materials WHERE material_id = ?)`, m.ID)
	if fileID != nil {
		b.Require(errMaterialFile, ownSharableFile, fileID, m.CourseID, actor.UserID)
	}
	b.Exec(`
		INSERT INTO materials (material_id, course_id, title, kind, body, file_id, published, position, index_state, index_note, index_run,
			created_by, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(position), 0) + 1 FROM materials WHERE course_id = ?2), 'pending', '', '',
			?8, ?9, ?9, 1)`,
		m.ID, m.CourseID, m.Title, m.Kind, m.Body, fileID, m.Published, actor.UserID, consensus.Stamp{})
	recordVersion(&b, actor, m.ID)
	recordPageFiles(&b, actor, m.ID, m.Body)
	b.Return(selectMaterial, m.CourseID, m.ID)
	b.Notify(topicCourse(m.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMaterial)
}

// MaterialPatch has the fields of a material that change; nil ones stay.
type MaterialPatch struct {
	Title, Body *string
	Published   *bool
	Captions    *string // the material with a video's captions; "" for none
}

// ?1 material
const materialPassages = `SELECT passage_id FROM passages WHERE material_id = ?1`

// deletePassages takes the text of a material out of the index.
func deletePassages(b *consensus.Batch, materialID string) {
	b.Exec(`DELETE FROM passages_search WHERE rowid IN (`+materialPassages+`)`, materialID)
	b.Exec(`DELETE FROM passage_vectors WHERE passage_id IN (`+materialPassages+`)`, materialID)
	b.Exec(`DELETE FROM passages WHERE material_id = ?`, materialID)
}

// UpdateMaterial changes a material if it still has the version. A new text leaves search and tutor at once and comes
// back when it has been indexed.
func (s *Store) UpdateMaterial(ctx context.Context, actor lms.Actor, courseID, id string, version int64, p MaterialPatch) (lms.Material, error) {
	b := requireMaterial(actor, courseID, id, version)
	if p.Captions != nil {
		requireCaptions(b, courseID, id, *p.Captions)
	}
	b.Exec(`
		UPDATE materials
		SET title = coalesce(?2, title), body = coalesce(?3, body), published = coalesce(?4, published), updated_at = ?5, version = version + 1,
			index_state = CASE WHEN ?3 IS NULL THEN index_state ELSE 'pending' END,
			captions_id = CASE WHEN ?6 IS NULL THEN captions_id ELSE nullif(?6, '') END
		WHERE material_id = ?1`,
		id, opt(p.Title), opt(p.Body), opt(p.Published), consensus.Stamp{}, opt(p.Captions))
	switch {
	case p.Body != nil:
		deletePassages(b, id)
		recordPageFiles(b, actor, id, *p.Body)
	case p.Title != nil:
		b.Exec(`DELETE FROM passages_search WHERE rowid IN (`+materialPassages+`)`, id)
		b.Exec(`
			INSERT INTO passages_search (rowid, title, heading, text)
			SELECT passage_id, ?2, heading, text FROM passages WHERE material_id = ?1 ORDER BY passage_id`, id, *p.Title)
	}
	recordVersion(b, actor, id)
	b.Return(selectMaterial, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanMaterial)
}

// DeleteMaterial archives a material: it is gone from every list, from search and tutor, and can be restored for 30 days.
func (s *Store) DeleteMaterial(ctx context.Context, actor lms.Actor, courseID, id string) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE course_id = ? AND material_id = ?)`, courseID, id)
	b.Exec(`UPDATE materials SET deleted_at = ?2, updated_at = ?2, version = version + 1 WHERE material_id = ?1 AND deleted_at IS NULL`, id, consensus.Stamp{})
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, &b)
	return err
}

// RestoreMaterial brings an archived material back. On one that is not archived it changes nothing.
func (s *Store) RestoreMaterial(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Material, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE course_id = ? AND material_id = ?)`, courseID, id)
	b.Require(errUndoOver, `EXISTS(SELECT 1 FROM materials WHERE material_id = ?1 AND (deleted_at IS NULL OR deleted_at >= ?2 - ?3))`,
		id, consensus.Stamp{}, undoWindow.Milliseconds())
	b.Exec(`UPDATE materials SET deleted_at = NULL, updated_at = ?2, version = version + 1 WHERE material_id = ?1 AND deleted_at IS NOT NULL`, id, consensus.Stamp{})
	b.Return(selectMaterial, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMaterial)
}
