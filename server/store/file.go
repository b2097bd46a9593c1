package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var errFileExists = lms.FieldErrorf(lms.KindConflict, "id", "Another file was declared under this id. Choose the file again.")

const fileColumns = `f.file_id, f.course_id, f.owner_id, f.name, f.size, f.media_type, f.sha256, f.chunks, f.created_at, f.complete_at`

// ?1 course, ?2 file
const selectFile = `SELECT ` + fileColumns + ` FROM files f WHERE f.course_id = ?1 AND f.file_id = ?2`

// Files inside of other objects, as JSON. The second form leaves the hashes of the chunks out, for lists.
const (
	fileJSON = `json_object('id', f.file_id, 'courseId', f.course_id, 'ownerId', f.owner_id, 'name', f.name, 'size', f.size,
		'type', f.media_type, 'sha256', f.sha256, 'chunks', json(f.chunks), 'createdAt', f.created_at, 'completeAt', f.complete_at)`
	shortFileJSON = `json_object('id', f.file_id, 'courseId', f.course_id, 'ownerId', f.owner_id, 'name', f.name, 'size', f.size,
		'type', f.media_type, 'sha256', f.sha256, 'createdAt', f.created_at, 'completeAt', f.complete_at)`
)

func scanFile(row consensus.Row) (f lms.File, err error) {
	var chunks string
	if err := row.Scan(&f.ID, &f.CourseID, &f.OwnerID, &f.Name, &f.Size, &f.Type, &f.SHA256, &chunks, &f.CreatedAt, &f.CompleteAt); err != nil {
		return f, err
	}
	return f, json.Unmarshal([]byte(chunks), &f.Chunks)
}

// storedFile is a file in JSON, where times are Unix milliseconds.
type storedFile struct {
	ID         string   `json:"id"`
	CourseID   string   `json:"courseId"`
	OwnerID    string   `json:"ownerId"`
	Name       string   `json:"name"`
	Size       int64    `json:"size"`
	Type       string   `json:"type"`
	SHA256     string   `json:"sha256"`
	Chunks     []string `json:"chunks"`
	CreatedAt  *int64   `json:"createdAt"`
	CompleteAt *int64   `json:"completeAt"`
}

func parseFiles(text string) ([]lms.File, error) {
	if text == "" {
		return nil, nil
	}
	var stored []storedFile
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("files in a row: %w", err)
	}
	files := make([]lms.File, len(stored))
	for i, f := range stored {
		files[i] = lms.File{ID: f.ID, CourseID: f.CourseID, OwnerID: f.OwnerID, Name: f.Name, Size: f.Size, Type: f.Type, SHA256: f.SHA256,
			Chunks: f.Chunks, CreatedAt: millis(f.CreatedAt), CompleteAt: millis(f.CompleteAt)}
	}
	return files, nil
}

// millis converts a time as it is stored.
func millis(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}

// DeclareFile records a file before its bytes are sent. The same declaration by the same user returns the first one, so
// that an upload continues after a reload.
func (s *Store) DeclareFile(ctx context.Context, actor lms.Actor, f lms.File) (lms.File, error) {
	chunks := list(f.Chunks)
	var b consensus.Batch
	requireWrite(&b, actor, f.CourseID, lms.MemberOfCourse)
	b.Require(lms.ErrForbidden, notObserver, actor.UserID, f.CourseID)
	b.Require(errFileExists, `
		NOT EXISTS(SELECT 1 FROM files WHERE file_id = ?1
			AND NOT (course_id = ?2 AND owner_id = ?3 AND name = ?4 AND size = ?5 AND sha256 = ?6 AND chunks = ?7))`,
		f.ID, f.CourseID, actor.UserID, f.Name, f.Size, f.SHA256, chunks)
	b.Exec(`
		INSERT INTO files (file_id, course_id, owner_id, name, extension, size, media_type, sha256, chunks, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (file_id) DO NOTHING`,
		f.ID, f.CourseID, actor.UserID, f.Name, f.Extension(), f.Size, f.Type, f.SHA256, chunks, consensus.Stamp{})
	b.Return(selectFile, f.CourseID, f.ID)
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanFile)
}

// File returns a file that the actor may read: the own one; as staff every one; as a member those of published
// materials and pages, of open assignments and of posted comments about one's own work.
//
// What is told about a file of work is as little as the reader may know.
func (s *Store) File(ctx context.Context, actor lms.Actor, courseID, id string) (lms.File, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.File{}, err
	}
	f, err := s.readableFile(ctx, sc, actor, courseID, id)
	if err != nil || f.OwnerID == actor.UserID {
		return f, err
	}
	return s.fileFace(ctx, sc, f)
}

func (s *Store) readableFile(ctx context.Context, sc scope, actor lms.Actor, courseID, id string) (lms.File, error) {
	rows, err := s.query(ctx, selectFile, courseID, id)
	f, err := one(rows, err, scanFile)
	if err != nil || f.OwnerID == actor.UserID {
		return f, err
	}
	// A TA with sections reads, beside what is part of the course, the files of the students of these sections.
	refused := s.mayRead(ctx, sc, actor, courseID, f.OwnerID)
	if refused == nil || lms.KindOf(refused) != lms.KindForbidden {
		return f, refused
	}
	const q = `
		SELECT
			EXISTS(SELECT 1 FROM materials m WHERE m.file_id = ?1 AND m.deleted_at IS NULL AND ` + materialFrom + ` <= ?2)
			OR EXISTS(SELECT 1 FROM assignment_attachments t JOIN assignments a ON a.assignment_id = t.assignment_id
				JOIN (` + studentDates + ` WHERE e.user_id = ?3 AND e.course_id = ?4) d ON d.assignment_id = a.assignment_id
				JOIN (SELECT ?5 AS user_id) v
				WHERE t.file_id = ?1 AND ` + assignmentFrom + ` <= ?2 AND (d.opens_at IS NULL OR d.opens_at <= ?2))
			OR ` + pageFileShown + `
			OR ` + commentFileShown + `,
			EXISTS(SELECT 1 FROM materials WHERE file_id = ?1)
			OR EXISTS(SELECT 1 FROM page_files WHERE file_id = ?1)
			OR EXISTS(SELECT 1 FROM material_versions WHERE file_id = ?1)
			OR EXISTS(SELECT 1 FROM assignment_attachments WHERE file_id = ?1)`
	rows, err = s.query(ctx, q, id, s.Now(), actor.UserID, courseID, sc.subject(actor))
	_, err = one(rows, err, func(row consensus.Row) (struct{}, error) {
		var visible, hidden bool
		if err := row.Scan(&visible, &hidden); err != nil {
			return struct{}{}, err
		}
		switch {
		case visible:
			return struct{}{}, nil
		case hidden && sc.staff():
			return struct{}{}, nil
		case hidden:
			return struct{}{}, lms.ErrNotFound
		}
		return struct{}{}, refused
	})
	if err != nil {
		return lms.File{}, err
	}
	return f, nil
}

// CompleteFile records, once, that a majority of the nodes holds every byte. The caller has verified it.
func (s *Store) CompleteFile(ctx context.Context, actor lms.Actor, courseID, id string) (lms.File, error) {
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.MemberOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM files WHERE course_id = ? AND file_id = ?)`, courseID, id)
	b.Require(lms.ErrNotYours, `EXISTS(SELECT 1 FROM files WHERE file_id = ? AND owner_id = ?)`, id, actor.UserID)
	b.Exec(`UPDATE files SET complete_at = ?2 WHERE file_id = ?1 AND complete_at IS NULL`, id, consensus.Stamp{})
	b.Return(selectFile, courseID, id)
	b.Notify(topicCourse(courseID), TopicFiles)
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanFile)
}

// FilesAfter lists all files by id, for the replication of their bytes. It checks no permission.
func (s *Store) FilesAfter(ctx context.Context, afterID string, limit int) ([]lms.File, error) {
	rows, err := s.query(ctx, `SELECT `+fileColumns+` FROM files f WHERE f.file_id > ?1 ORDER BY f.file_id LIMIT ?2`, afterID, limit)
	return collect(rows, err, scanFile)
}
