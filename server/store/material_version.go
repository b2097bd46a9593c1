package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var errNotFileMaterial = lms.FieldErrorf(lms.KindRule, "fileId", "A page has no file that could be replaced.")

// recordVersion keeps what members see of a material from now on, if it differs from what was kept last (CONTENT-3). It
// runs after the change, in the same batch.
func recordVersion(b *consensus.Batch, actor lms.Actor, materialID string) {
	b.Exec(`
		INSERT INTO material_versions (material_id, number, title, body, file_id, published_by, published_at)
		SELECT m.material_id, (SELECT coalesce(max(number), 0) + 1 FROM material_versions WHERE material_id = ?1), m.title, m.body, m.file_id, ?2, ?3
		FROM materials m
		WHERE m.material_id = ?1 AND m.published = 1 AND NOT EXISTS(
			SELECT 1 FROM material_versions v
			WHERE v.material_id = ?1 AND v.number = (SELECT max(number) FROM material_versions WHERE material_id = ?1)
				AND v.title = m.title AND v.body = m.body AND v.file_id IS m.file_id)`,
		materialID, actor.UserID, consensus.Stamp{})
	b.Exec(`DELETE FROM material_drafts WHERE material_id = ?`, materialID)
}

const selectVersion = `
	SELECT v.number, v.title, v.body, coalesce((SELECT json_array(` + fileJSON + `) FROM files f WHERE f.file_id = v.file_id), ''),
		coalesce((SELECT name FROM users WHERE user_id = v.published_by), ''), v.published_at
	FROM material_versions v
	WHERE v.material_id = ?1 AND (?2 = 0 OR v.number = ?2)
	ORDER BY v.number DESC
	LIMIT 200`

func scanVersion(row consensus.Row) (v lms.MaterialVersion, err error) {
	var files string
	if err = row.Scan(&v.Number, &v.Title, &v.Body, &files, &v.By, &v.At); err != nil {
		return v, err
	}
	list, err := parseFiles(files)
	if len(list) == 1 {
		v.File = &list[0]
	}
	return v, err
}

// MaterialVersions lists what was published of a material, newest first, without the texts.
func (s *Store) MaterialVersions(ctx context.Context, actor lms.Actor, courseID, id string) ([]lms.MaterialVersion, error) {
	if err := s.staffMaterial(ctx, actor, courseID, id); err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, selectVersion, id, 0)
	versions, err := collect(rows, err, scanVersion)
	for i := range versions {
		versions[i].Body = ""
	}
	return versions, err
}

// MaterialVersion is one published version with its text.
func (s *Store) MaterialVersion(ctx context.Context, actor lms.Actor, courseID, id string, number int) (lms.MaterialVersion, error) {
	if err := s.staffMaterial(ctx, actor, courseID, id); err != nil {
		return lms.MaterialVersion{}, err
	}
	if number < 1 {
		return lms.MaterialVersion{}, lms.ErrNotFound
	}
	rows, err := s.query(ctx, selectVersion, id, number)
	return one(rows, err, scanVersion)
}

// staffMaterial demands that the actor is staff of the course and that it has the material.
func (s *Store) staffMaterial(ctx context.Context, actor lms.Actor, courseID, id string) error {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return err
	}
	_, err := s.Material(ctx, actor, courseID, id)
	return err
}

// requireMaterial begins a batch that changes a material if it still has the version.
func requireMaterial(actor lms.Actor, courseID, id string, version int64) *consensus.Batch {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE course_id = ? AND material_id = ? AND deleted_at IS NULL)`, courseID, id)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM materials WHERE material_id = ? AND version = ?)`, id, version)
	return &b
}

// applyMaterial carries a change of what a material says out: its text leaves search and tutor at once and comes back when
// it has been read again.
func (s *Store) applyMaterial(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID, id string) (lms.Material, error) {
	deletePassages(b, id)
	recordVersion(b, actor, id)
	b.Return(selectMaterial, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanMaterial)
}

// RestoreVersion makes an earlier version what the material says.
func (s *Store) RestoreVersion(ctx context.Context, actor lms.Actor, courseID, id string, number int, version int64) (lms.Material, error) {
	b := requireMaterial(actor, courseID, id, version)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM material_versions WHERE material_id = ? AND number = ?)`, id, number)
	b.Exec(`
		UPDATE materials
		SET (title, body, file_id) = (SELECT title, body, file_id FROM material_versions WHERE material_id = ?1 AND number = ?2),
			published = 1, index_state = 'pending', updated_at = ?3, version = version + 1
		WHERE material_id = ?1`, id, number, consensus.Stamp{})
	return s.applyMaterial(ctx, b, actor, courseID, id)
}

// ReplaceMaterialFile puts another file of the actor in the place of a material's. The address of the material stays, the
// old file stays among the versions (CONTENT-5).
func (s *Store) ReplaceMaterialFile(ctx context.Context, actor lms.Actor, courseID, id, fileID string, version int64) (lms.Material, error) {
	rows, err := s.query(ctx, selectFile, courseID, fileID)
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
	b := requireMaterial(actor, courseID, id, version)
	b.Require(errNotFileMaterial, `EXISTS(SELECT 1 FROM materials WHERE material_id = ? AND kind = 'file')`, id)
	b.Require(errMaterialFile, ownSharableFile, fileID, courseID, actor.UserID)
	// A draft has no versions yet: without this one the old file would be gone.
	b.Exec(`
		INSERT INTO material_versions (material_id, number, title, body, file_id, published_by, published_at)
		SELECT m.material_id, (SELECT coalesce(max(number), 0) + 1 FROM material_versions WHERE material_id = ?1), m.title, m.body, m.file_id, ?2, ?3
		FROM materials m
		WHERE m.material_id = ?1 AND NOT EXISTS(SELECT 1 FROM material_versions v WHERE v.material_id = ?1 AND v.file_id IS m.file_id)`,
		id, actor.UserID, consensus.Stamp{})
	b.Exec(`UPDATE materials SET file_id = ?2, index_state = 'pending', updated_at = ?3, version = version + 1 WHERE material_id = ?1`, id, fileID, consensus.Stamp{})
	return s.applyMaterial(ctx, b, actor, courseID, id)
}

// SaveMaterialDraft keeps the text of a page as it is being written. The last one who saves it wins: it is what one person
// at a time writes, and what was published is kept.
func (s *Store) SaveMaterialDraft(ctx context.Context, actor lms.Actor, courseID, id string, d lms.MaterialDraft) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE course_id = ? AND material_id = ? AND deleted_at IS NULL)`, courseID, id)
	b.Exec(`
		INSERT INTO material_drafts (material_id, title, body, base_version, saved_by, saved_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (material_id) DO UPDATE SET title = ?2, body = ?3, base_version = ?4, saved_by = ?5, saved_at = ?6`,
		id, d.Title, d.Body, d.Base, actor.UserID, consensus.Stamp{})
	recordPageFiles(&b, actor, id, d.Body) // somebody else may publish the text
	_, err := s.apply(ctx, &b)
	return err
}

// MaterialDraft is the text of a page as it is being written; without one it is empty and has no time.
func (s *Store) MaterialDraft(ctx context.Context, actor lms.Actor, courseID, id string) (lms.MaterialDraft, error) {
	if err := s.staffMaterial(ctx, actor, courseID, id); err != nil {
		return lms.MaterialDraft{}, err
	}
	const q = `
		SELECT d.title, d.body, d.base_version, coalesce((SELECT name FROM users WHERE user_id = d.saved_by), ''), d.saved_at
		FROM material_drafts d
		WHERE d.material_id = ?1`
	rows, err := s.query(ctx, q, id)
	drafts, err := collect(rows, err, func(row consensus.Row) (d lms.MaterialDraft, err error) {
		return d, row.Scan(&d.Title, &d.Body, &d.Base, &d.By, &d.SavedAt)
	})
	if err != nil || len(drafts) == 0 {
		return lms.MaterialDraft{}, err
	}
	return drafts[0], nil
}

// DiscardMaterialDraft forgets the text of a page as it was being written.
func (s *Store) DiscardMaterialDraft(ctx context.Context, actor lms.Actor, courseID, id string) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM materials WHERE course_id = ? AND material_id = ?)`, courseID, id)
	b.Exec(`DELETE FROM material_drafts WHERE material_id = ?`, id)
	_, err := s.apply(ctx, &b)
	return err
}
