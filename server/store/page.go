package store

import (
	"context"
	"encoding/json"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNotVideo    = lms.FieldErrorf(lms.KindRule, "captions", "Captions belong to a video: an MP4 or WebM file.")
	errNotCaptions = lms.FieldErrorf(lms.KindRule, "captions", "Choose a caption file (VTT or SRT) among the materials of this course.")
)

// recordPageFiles notes the files of the actor that a page shows: who may read the page may read them. A file that a page
// shows already may be shown by others; one that was handed in never becomes part of a page. The notes stay, since an
// earlier version of the page may be restored.
func recordPageFiles(b *consensus.Batch, actor lms.Actor, materialID, body string) {
	ids := lms.PageFiles(body)
	if len(ids) == 0 {
		return
	}
	b.Exec(`
		INSERT INTO page_files (file_id, material_id, course_id)
		SELECT f.file_id, m.material_id, m.course_id
		FROM materials m
		JOIN files f ON f.course_id = m.course_id
		WHERE m.material_id = ?1 AND m.kind = 'page' AND f.file_id IN (SELECT value FROM json_each(?2))
			AND (f.owner_id = ?3 OR EXISTS(SELECT 1 FROM page_files WHERE file_id = f.file_id))
			AND NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id = f.file_id)
		ORDER BY f.file_id
		ON CONFLICT (file_id, material_id) DO NOTHING`, materialID, list(ids), actor.UserID)
}

// A page that members see at the time ?2 shows the file ?1.
const pageFileShown = `EXISTS(SELECT 1 FROM page_files p JOIN materials m ON m.material_id = p.material_id
	WHERE p.file_id = ?1 AND m.deleted_at IS NULL AND instr(m.body, ?1) > 0 AND ` + materialFrom + ` <= ?2)`

// The files that the pages of the course ?1 show now.
const selectPageFiles = `
	SELECT p.file_id, p.material_id
	FROM page_files p
	JOIN materials m ON m.material_id = p.material_id AND m.deleted_at IS NULL AND instr(m.body, p.file_id) > 0
	JOIN files f ON f.file_id = p.file_id AND f.complete_at IS NOT NULL
	WHERE p.course_id = ?1`

// requireCaptions demands that one material is a video and the other, if there is one, a caption file of the same course.
func requireCaptions(b *consensus.Batch, courseID, id, captionsID string) {
	b.Require(errNotVideo, `EXISTS(SELECT 1 FROM materials m JOIN files f ON f.file_id = m.file_id WHERE m.material_id = ? AND f.extension IN ('.mp4', '.webm'))`, id)
	if captionsID != "" {
		b.Require(errNotCaptions, `EXISTS(SELECT 1 FROM materials m JOIN files f ON f.file_id = m.file_id
			WHERE m.material_id = ? AND m.course_id = ? AND m.deleted_at IS NULL AND f.extension IN ('.vtt', '.srt'))`, captionsID, courseID)
	}
}

// Captions returns the caption file of a video that the actor may see. The material that it came with may be a draft: it
// is part of the video.
func (s *Store) Captions(ctx context.Context, actor lms.Actor, courseID, id string) (lms.File, error) {
	m, err := s.Material(ctx, actor, courseID, id)
	if err != nil {
		return lms.File{}, err
	}
	const q = `SELECT ` + fileColumns + `
		FROM materials m
		JOIN files f ON f.file_id = m.file_id
		WHERE m.material_id = ?1 AND m.course_id = ?2 AND m.deleted_at IS NULL AND f.complete_at IS NOT NULL`
	rows, err := s.query(ctx, q, m.CaptionsID, courseID)
	return one(rows, err, scanFile)
}

const settingEmbeds = "site.embeds" // JSON of lms.EmbedSite

// Embeds returns the hosts whose content pages may embed.
func (s *Store) Embeds(ctx context.Context) (lms.EmbedSite, error) {
	rows, err := s.query(ctx, selectSetting, settingEmbeds)
	return one(rows, err, settingOr(lms.EmbedSite{Hosts: []string{}}))
}

// SetEmbeds replaces the hosts whose content pages may embed, if the list still has the version.
func (s *Store) SetEmbeds(ctx context.Context, actor lms.Actor, site lms.EmbedSite) (lms.EmbedSite, error) {
	stored := site
	stored.Version++
	text, err := json.Marshal(stored)
	if err != nil {
		return site, err
	}
	var b consensus.Batch
	replaceSetting(&b, actor, settingEmbeds, site.Version, text)
	audit(ctx, &b, actor, lms.AuditEmbeds, "site", "hosts", strings.Join(site.Hosts, " "))
	res, err := s.apply(ctx, &b)
	return returned(res, err, settingOr(lms.EmbedSite{Hosts: []string{}}))
}
