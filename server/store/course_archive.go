package store

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var errNotEmpty = lms.Errorf(lms.KindConflict, "There is content in this course already. An archive is taken into a new, empty course.")

// archiveQueries read what belongs to the content of a course; ?1 is the course. People and their work stay: they belong to
// this site. A test compares the list with the schema.
var archiveQueries = []struct{ table, query string }{
	{"courses", `SELECT code, title, summary, zone, language, late_policy FROM courses WHERE course_id = ?1`},
	{"categories", `SELECT * FROM categories WHERE course_id = ?1 ORDER BY position, category_id`},
	{"assignments", `SELECT * FROM assignments WHERE course_id = ?1 AND archived_at IS NULL ORDER BY assignment_id`},
	{"assignment_attachments", `
		SELECT t.* FROM assignment_attachments t JOIN assignments a ON a.assignment_id = t.assignment_id
		WHERE a.course_id = ?1 AND a.archived_at IS NULL ORDER BY t.assignment_id, t.position`},
	{"materials", `SELECT * FROM materials WHERE course_id = ?1 AND deleted_at IS NULL ORDER BY position, material_id`},
	{"page_files", selectPageFiles + ` ORDER BY p.file_id, p.material_id`},
	{"modules", `SELECT * FROM modules WHERE course_id = ?1 AND archived_at IS NULL ORDER BY position, module_id`},
	{"module_items", `
		SELECT i.* FROM module_items i JOIN modules d ON d.module_id = i.module_id AND d.archived_at IS NULL
		WHERE i.course_id = ?1 AND NOT EXISTS(SELECT 1 FROM materials WHERE material_id = i.item_id AND deleted_at IS NOT NULL)
			AND NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = i.item_id AND archived_at IS NOT NULL)
		ORDER BY i.module_id, i.position, i.item_id`},
	{"rubrics", `
		SELECT r.rubric_id, r.title, v.body FROM rubrics r JOIN rubric_versions v ON v.rubric_id = r.rubric_id AND v.version = r.version
		WHERE r.course_id = ?1 AND (r.archived_at IS NULL OR EXISTS(SELECT 1 FROM markings m WHERE m.rubric_id = r.rubric_id)) ORDER BY r.rubric_id`},
	{"markings", `SELECT * FROM markings WHERE course_id = ?1 ORDER BY assignment_id`},
	{"book_settings", `SELECT * FROM book_settings WHERE course_id = ?1`},
	{"book_columns", `SELECT * FROM book_columns WHERE course_id = ?1 AND archived_at IS NULL ORDER BY column_id`},
	{"tutor_policies", `SELECT * FROM tutor_policies WHERE course_id = ?1`},
	{"tutor_items", `SELECT * FROM tutor_items WHERE course_id = ?1 ORDER BY assignment_id`},
	{"files", `
		SELECT file_id, name, extension, size, media_type, sha256, chunks FROM files
		WHERE course_id = ?1 AND complete_at IS NOT NULL AND file_id IN (
			SELECT file_id FROM materials WHERE course_id = ?1 AND deleted_at IS NULL
			UNION SELECT file_id FROM (` + selectPageFiles + `)
			UNION SELECT t.file_id FROM assignment_attachments t JOIN assignments a ON a.assignment_id = t.assignment_id WHERE a.course_id = ?1 AND a.archived_at IS NULL)
		ORDER BY file_id`},
}

// local are columns that mean something on the site that they come from only: who, when, and the state of being read.
var local = []string{"course_id", "created_by", "created_at", "updated_at", "updated_by", "owner_id", "version", "deleted_at", "archived_at", "complete_at",
	"index_state", "index_note", "index_run", "canary", "opened_at", "archived_published", "import_id", "revealed_at"}

// ExportCourse reads the content of a course for an archive.
func (s *Store) ExportCourse(ctx context.Context, actor lms.Actor, courseID string) (lms.CourseArchive, error) {
	course, err := s.Course(ctx, actor, courseID)
	if err != nil {
		return lms.CourseArchive{}, err
	}
	a := lms.CourseArchive{Format: lms.ArchiveFormat, ExportedAt: s.Now(), Tables: map[string][]map[string]any{}, Files: []lms.ArchiveFile{},
		Course: lms.Course{Code: course.Code, Title: course.Title, Summary: course.Summary, Zone: course.Zone}}
	for _, q := range archiveQueries {
		if a.Tables[q.table], err = s.archiveRows(ctx, q.query, courseID); err != nil {
			return a, err
		}
	}
	known := map[string]bool{}
	for _, row := range a.Tables["files"] {
		f := lms.ArchiveFile{SHA256: fmt.Sprint(row["sha256"]), Size: row["size"].(int64)}
		if err := json.Unmarshal([]byte(fmt.Sprint(row["chunks"])), &f.Chunks); err != nil {
			return a, err
		}
		delete(row, "chunks") // they stand once, beside the bytes
		if !known[f.SHA256] {
			known[f.SHA256] = true
			a.Files = append(a.Files, f)
		}
	}
	return a, nil
}

// archiveRows are rows by name, without what is local and without what is NULL.
func (s *Store) archiveRows(ctx context.Context, q, courseID string) ([]map[string]any, error) {
	rows, err := s.db.Query(ctx, consensus.Local, q, courseID)
	if err != nil {
		return nil, mapError(err)
	}
	list := []map[string]any{}
	for _, values := range rows.Values {
		row := map[string]any{}
		for i, c := range rows.Columns {
			if !slices.Contains(local, c) && values[i] != nil {
				row[c] = values[i]
			}
		}
		list = append(list, row)
	}
	return list, nil
}

// courseImport is an archive on its way into a course.
type courseImport struct {
	course string
	actor  lms.Actor
	canary string // of hidden notes
	tables map[string][]map[string]any
}

// rename gives every row a new id that follows from the old one and the course, so that a repeat makes the same rows and
// two courses from one archive share nothing.
func (c *courseImport) rename() {
	for _, rows := range c.tables {
		for _, row := range rows {
			for column, v := range row {
				if old, ok := v.(string); ok && strings.HasSuffix(column, "_id") {
					row[column] = c.id(old)
				}
			}
		}
	}
	for _, row := range c.tables["materials"] {
		if body, ok := row["body"].(string); ok {
			row["body"] = c.renameIn(body)
		}
	}
	for _, row := range c.tables["tutor_policies"] {
		var sources []string
		if text, ok := row["sources"].(string); ok && json.Unmarshal([]byte(text), &sources) == nil {
			for i := range sources {
				sources[i] = c.id(sources[i])
			}
			row["sources"] = list(sources)
		}
	}
}

// ownAddress finds what a page says of files and videos of its course.
var ownAddress = regexp.MustCompile(`/api/v1/courses/[a-z0-9_-]{1,64}/files/([a-z0-9_-]{1,64})/content|\]\(video:([a-z0-9_-]{1,64})`)

// renameIn gives the addresses in a page the new ids.
func (c *courseImport) renameIn(body string) string {
	return ownAddress.ReplaceAllStringFunc(body, func(address string) string {
		switch m := ownAddress.FindStringSubmatch(address); {
		case m[1] != "" && c.brings("files", "file_id", m[1]):
			return "/api/v1/courses/" + c.course + "/files/" + c.id(m[1]) + "/content"
		case m[2] != "" && c.brings("materials", "material_id", m[2]):
			return "](video:" + c.id(m[2])
		}
		return address
	})
}

// brings reports whether the archive has a row that had the id.
func (c *courseImport) brings(table, column, old string) bool {
	id := c.id(old)
	return slices.ContainsFunc(c.tables[table], func(row map[string]any) bool { return row[column] == id })
}

func (c *courseImport) id(old string) string {
	sum := sha256.Sum256([]byte(c.course + "\x00" + old))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// rows are those of a table as JSON, for json_each.
func (c *courseImport) rows(table string) (string, error) {
	rows := c.tables[table]
	if rows == nil {
		rows = []map[string]any{}
	}
	b, err := json.Marshal(rows)
	return string(b), err
}

// ImportCourse puts the content of an archive, whose files are there already, into an empty course. It is one write: either
// everything is there afterwards, or nothing. canary marks the hidden notes of its assignments.
func (s *Store) ImportCourse(ctx context.Context, actor lms.Actor, courseID string, a lms.CourseArchive, canary string) (lms.Course, error) {
	c := &courseImport{course: courseID, actor: actor, canary: canary, tables: a.Tables}
	chunks := map[string][]string{}
	for _, f := range a.Files {
		chunks[f.SHA256] = f.Chunks
	}
	for _, row := range c.tables["files"] {
		sum, _ := row["sha256"].(string)
		if chunks[sum] == nil {
			return lms.Course{}, lms.FieldErrorf(lms.KindRule, "file", "This archive is damaged: the bytes of %v are not in it. Nothing was taken in.", row["name"])
		}
		row["chunks"] = list(chunks[sum])
	}
	c.rename()
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errNotEmpty, `NOT EXISTS(SELECT 1 FROM materials WHERE course_id = ?1) AND NOT EXISTS(SELECT 1 FROM assignments WHERE course_id = ?1)
		AND NOT EXISTS(SELECT 1 FROM modules WHERE course_id = ?1)`, courseID)
	if err := c.write(&b); err != nil {
		return lms.Course{}, err
	}
	audit(ctx, &b, actor, lms.AuditCourseImport, "course/"+courseID, "title", a.Course.Title, "program", a.Program)
	b.Return(selectCourse, actor.UserID, courseID)
	b.Notify(topicCourse(courseID), TopicFiles)
	res, err := s.apply(ctx, &b)
	if lms.KindOf(err) == lms.KindInternal {
		err = lms.FieldErrorf(lms.KindRule, "file", "This archive is damaged: what it says of the course does not fit together. Nothing was taken in.")
	}
	return returned(res, err, scanCourse(actor))
}
