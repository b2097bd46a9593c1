package store

import "trivium/consensus"

// write adds the rows of all tables to the batch. What is local begins anew: the actor made everything, now.
func (c *courseImport) write(b *consensus.Batch) error {
	texts := map[string]string{}
	for _, q := range archiveQueries {
		text, err := c.rows(q.table)
		if err != nil {
			return err
		}
		texts[q.table] = text
	}
	by, now := c.actor.UserID, consensus.Stamp{}
	b.Exec(`
		UPDATE courses
		SET code = coalesce(?2 ->> '$[0].code', code), title = coalesce(?2 ->> '$[0].title', title), summary = coalesce(?2 ->> '$[0].summary', summary),
			zone = coalesce(?2 ->> '$[0].zone', zone), late_policy = ?2 ->> '$[0].late_policy', language = ?2 ->> '$[0].language', updated_at = ?3, version = version + 1
		WHERE course_id = ?1`, c.course, texts["courses"], now)
	b.Exec(`
		INSERT INTO files (file_id, course_id, owner_id, name, extension, size, media_type, sha256, chunks, created_at, complete_at)
		SELECT j.value ->> 'file_id', ?1, ?3, j.value ->> 'name', j.value ->> 'extension', j.value ->> 'size', j.value ->> 'media_type', j.value ->> 'sha256',
			j.value ->> 'chunks', ?4, ?4
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["files"], by, now)
	b.Exec(`
		INSERT INTO categories (category_id, course_id, name, weight, drop_lowest, drop_highest, position, created_at, version)
		SELECT j.value ->> 'category_id', ?1, j.value ->> 'name', j.value ->> 'weight', j.value ->> 'drop_lowest', j.value ->> 'drop_highest',
			j.value ->> 'position', ?3, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["categories"], now)
	b.Exec(`
		INSERT INTO assignments (assignment_id, course_id, title, description, points, opens_at, due_at, cutoff_at, allow_text, max_files, max_file_size,
			allowed_types, max_attempts, published, late_policy, grade_type, category_id, extra_credit, never_drop, grade_by_at, always_show, allow_url, on_paper, honour,
			hand_in_drafts, blind, hide_markers, created_by, created_at, updated_at, version)
		SELECT j.value ->> 'assignment_id', ?1, j.value ->> 'title', j.value ->> 'description', j.value ->> 'points', j.value ->> 'opens_at',
			j.value ->> 'due_at', j.value ->> 'cutoff_at', j.value ->> 'allow_text', j.value ->> 'max_files', j.value ->> 'max_file_size',
			j.value ->> 'allowed_types', j.value ->> 'max_attempts', j.value ->> 'published', j.value ->> 'late_policy', j.value ->> 'grade_type',
			j.value ->> 'category_id', j.value ->> 'extra_credit', j.value ->> 'never_drop', j.value ->> 'grade_by_at', j.value ->> 'always_show',
			j.value ->> 'allow_url', j.value ->> 'on_paper', j.value ->> 'honour', j.value ->> 'hand_in_drafts', j.value ->> 'blind', j.value ->> 'hide_markers', ?3, ?4, ?4, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["assignments"], by, now)
	b.Exec(`
		INSERT INTO assignment_attachments (assignment_id, file_id, position)
		SELECT j.value ->> 'assignment_id', j.value ->> 'file_id', j.value ->> 'position' FROM json_each(?1) j ORDER BY j.key`, texts["assignment_attachments"])
	b.Exec(`
		INSERT INTO materials (material_id, course_id, title, kind, body, file_id, published, position, index_state, index_note, index_run, captions_id,
			created_by, created_at, updated_at, version)
		SELECT j.value ->> 'material_id', ?1, j.value ->> 'title', j.value ->> 'kind', j.value ->> 'body', j.value ->> 'file_id', j.value ->> 'published',
			j.value ->> 'position', 'pending', '', '', j.value ->> 'captions_id', ?3, ?4, ?4, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["materials"], by, now)
	b.Exec(`
		INSERT INTO page_files (file_id, material_id, course_id)
		SELECT j.value ->> 'file_id', j.value ->> 'material_id', ?1 FROM json_each(?2) j ORDER BY j.key`, c.course, texts["page_files"])
	b.Exec(`
		INSERT INTO modules (module_id, course_id, title, position, published, release_at, created_at, version)
		SELECT j.value ->> 'module_id', ?1, j.value ->> 'title', j.value ->> 'position', j.value ->> 'published', j.value ->> 'release_at', ?3, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["modules"], now)
	b.Exec(`
		INSERT INTO module_items (item_id, course_id, module_id, kind, title, url, position, published, release_at, version)
		SELECT j.value ->> 'item_id', ?1, j.value ->> 'module_id', j.value ->> 'kind', j.value ->> 'title', j.value ->> 'url', j.value ->> 'position',
			j.value ->> 'published', j.value ->> 'release_at', 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["module_items"])
	c.writeMarking(b, texts)
	c.writeBook(b, texts)
	c.writeTutor(b, texts)
	return nil
}

// writeMarking adds the rubrics, in their newest version, and how assignments are marked by them.
func (c *courseImport) writeMarking(b *consensus.Batch, texts map[string]string) {
	by, now := c.actor.UserID, consensus.Stamp{}
	b.Exec(`
		INSERT INTO rubrics (rubric_id, course_id, title, created_by, created_at, updated_at, version)
		SELECT j.value ->> 'rubric_id', ?1, j.value ->> 'title', ?3, ?4, ?4, 1 FROM json_each(?2) j ORDER BY j.key`, c.course, texts["rubrics"], by, now)
	b.Exec(`
		INSERT INTO rubric_versions (rubric_id, version, body, created_by, created_at)
		SELECT j.value ->> 'rubric_id', 1, j.value ->> 'body', ?2, ?3 FROM json_each(?1) j ORDER BY j.key`, texts["rubrics"], by, now)
	b.Exec(`
		INSERT INTO markings (assignment_id, course_id, posting, rubric_id, rubric_shown, version)
		SELECT j.value ->> 'assignment_id', ?1, j.value ->> 'posting', j.value ->> 'rubric_id', j.value ->> 'rubric_shown', 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["markings"])
}

// writeBook adds the rules of the gradebook and the columns that are kept by hand. Marks are people's and stay.
func (c *courseImport) writeBook(b *consensus.Batch, texts map[string]string) {
	by, now := c.actor.UserID, consensus.Stamp{}
	b.Exec(`
		INSERT INTO book_settings (course_id, letters, pass_mark, release_stats, updated_by, updated_at, version)
		SELECT ?1, j.value ->> 'letters', j.value ->> 'pass_mark', j.value ->> 'release_stats', ?3, ?4, 1
		FROM json_each(?2) j
		WHERE j.key = 0 AND NOT EXISTS(SELECT 1 FROM book_settings WHERE course_id = ?1)`, c.course, texts["book_settings"], by, now)
	b.Exec(`
		INSERT INTO book_columns (column_id, course_id, title, points, category_id, extra_credit, never_drop, published, created_by, created_at, version)
		SELECT j.value ->> 'column_id', ?1, j.value ->> 'title', j.value ->> 'points', j.value ->> 'category_id', j.value ->> 'extra_credit',
			j.value ->> 'never_drop', j.value ->> 'published', ?3, ?4, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["book_columns"], by, now)
}

// writeTutor adds what instructors have decided about the tutor. Hidden notes get a canary of this site.
func (c *courseImport) writeTutor(b *consensus.Batch, texts map[string]string) {
	by, now := c.actor.UserID, consensus.Stamp{}
	b.Exec(`
		INSERT INTO tutor_policies (course_id, enabled, modes, mode, instructions, avoid, sources, level, language, hourly_quota, daily_quota, ask_anyway,
			monthly_cap, owner_id, updated_by, updated_at, version)
		SELECT ?1, j.value ->> 'enabled', j.value ->> 'modes', j.value ->> 'mode', j.value ->> 'instructions', j.value ->> 'avoid', j.value ->> 'sources',
			j.value ->> 'level', j.value ->> 'language', j.value ->> 'hourly_quota', j.value ->> 'daily_quota', j.value ->> 'ask_anyway',
			j.value ->> 'monthly_cap', ?3, ?3, ?4, 1
		FROM json_each(?2) j
		WHERE j.key = 0 AND NOT EXISTS(SELECT 1 FROM tutor_policies WHERE course_id = ?1)`, c.course, texts["tutor_policies"], by, now)
	b.Exec(`
		INSERT INTO tutor_items (assignment_id, course_id, mode, notes, answer, canary, updated_by, updated_at, version)
		SELECT j.value ->> 'assignment_id', ?1, j.value ->> 'mode', j.value ->> 'notes', j.value ->> 'answer', ?5 || '-' || j.key, ?3, ?4, 1
		FROM json_each(?2) j
		ORDER BY j.key`, c.course, texts["tutor_items"], by, now, c.canary)
}
