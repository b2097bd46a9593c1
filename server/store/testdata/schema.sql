CREATE TABLE annotations (
	annotation_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	submission_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	file_id       TEXT,
	anchor        TEXT NOT NULL CONSTRAINT annotations_anchor_json CHECK (json_valid(anchor)),
	body          TEXT NOT NULL,
	author_id     TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	changed_at    INTEGER NOT NULL,
	posted_at     INTEGER,
	deleted_at    INTEGER,
	version       INTEGER NOT NULL CONSTRAINT annotations_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX annotations_by_work ON annotations (assignment_id, user_id);

CREATE TABLE api_tokens (
	token_id   TEXT PRIMARY KEY,
	token_hash BLOB NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	revoked_at INTEGER
) STRICT;

CREATE TABLE assignment_attachments (
	assignment_id TEXT NOT NULL,
	file_id       TEXT NOT NULL,
	position      INTEGER NOT NULL,
	PRIMARY KEY (assignment_id, file_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignment_attachments_by_file ON assignment_attachments (file_id);

CREATE TABLE assignments (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	title         TEXT NOT NULL,
	description   TEXT NOT NULL,
	points        INTEGER NOT NULL CONSTRAINT assignments_points_not_negative CHECK (points >= 0),
	opens_at      INTEGER,
	due_at        INTEGER,
	cutoff_at     INTEGER,
	allow_text    INTEGER NOT NULL CONSTRAINT assignments_allow_text_bool CHECK (allow_text IN (0, 1)),
	max_files     INTEGER NOT NULL CONSTRAINT assignments_max_files_not_negative CHECK (max_files >= 0),
	max_file_size INTEGER NOT NULL CONSTRAINT assignments_max_file_size_not_negative CHECK (max_file_size >= 0),
	allowed_types TEXT NOT NULL CONSTRAINT assignments_allowed_types_json CHECK (json_valid(allowed_types)),
	max_attempts  INTEGER NOT NULL CONSTRAINT assignments_max_attempts_not_negative CHECK (max_attempts >= 0),
	published     INTEGER NOT NULL CONSTRAINT assignments_published_bool CHECK (published IN (0, 1)),
	created_by    TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT assignments_version_positive CHECK (version > 0), late_policy TEXT CONSTRAINT assignments_late_policy_json CHECK (late_policy IS NULL OR json_valid(late_policy)), grade_type TEXT
	CONSTRAINT assignments_grade_type_known CHECK (grade_type IS NULL OR grade_type IN ('points', 'percent', 'letter', 'passfail', 'ungraded')), category_id TEXT, extra_credit INTEGER, never_drop INTEGER, grade_by_at INTEGER, always_show INTEGER, allow_url INTEGER, on_paper INTEGER, honour TEXT, hand_in_drafts INTEGER, archived_at INTEGER, archived_published INTEGER, blind INTEGER CONSTRAINT assignments_blind_bool CHECK (blind IN (0, 1)), revealed_at INTEGER, hide_markers INTEGER CONSTRAINT assignments_hide_markers_bool CHECK (hide_markers IN (0, 1)),
	CONSTRAINT assignments_opens_before_due CHECK (opens_at <= due_at),
	CONSTRAINT assignments_due_before_cutoff CHECK (due_at <= cutoff_at),
	CONSTRAINT assignments_opens_before_cutoff CHECK (opens_at <= cutoff_at)
) STRICT;

CREATE INDEX assignments_by_course ON assignments (course_id);

CREATE INDEX assignments_handing_in ON assignments (assignment_id) WHERE hand_in_drafts = 1;

CREATE TRIGGER audit_log_keeps_content BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_log (
	audit_id INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	actor_id TEXT NOT NULL,
	actor    TEXT NOT NULL,
	address  TEXT NOT NULL,
	action   TEXT NOT NULL,
	object   TEXT NOT NULL,
	details  TEXT NOT NULL,
	hash     TEXT NOT NULL CONSTRAINT audit_log_hash_whole CHECK (length(hash) = 64),
	CONSTRAINT audit_log_single_lines CHECK (instr(actor_id || actor || address || action || object || details, char(10)) = 0)
) STRICT;

CREATE INDEX audit_log_by_action ON audit_log (action);

CREATE INDEX audit_log_by_actor ON audit_log (actor);

CREATE TABLE book_cells (
	course_id         TEXT NOT NULL,
	column_id         TEXT NOT NULL,
	user_id           TEXT NOT NULL,
	draft_points      INTEGER CONSTRAINT book_cells_draft_not_negative CHECK (draft_points IS NULL OR draft_points >= 0),
	draft_excused     INTEGER NOT NULL CONSTRAINT book_cells_draft_excused_bool CHECK (draft_excused IN (0, 1)),
	draft_by          TEXT NOT NULL,
	draft_at          INTEGER NOT NULL,
	version           INTEGER NOT NULL CONSTRAINT book_cells_version_positive CHECK (version > 0),
	posted_points     INTEGER,
	posted_excused    INTEGER,
	posted_changed_at INTEGER,
	posted_at         INTEGER,
	posted_version    INTEGER,
	PRIMARY KEY (course_id, column_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX book_cells_by_user ON book_cells (user_id, course_id);

CREATE TABLE book_changes (
	book_change_id INTEGER PRIMARY KEY,
	course_id      TEXT NOT NULL,
	column_id      TEXT NOT NULL,
	user_id        TEXT NOT NULL,
	kind           TEXT NOT NULL CONSTRAINT book_changes_kind_known CHECK (kind IN ('draft', 'posted', 'hidden')),
	changed_by     TEXT NOT NULL,
	changed_at     INTEGER NOT NULL,
	old_points     INTEGER,
	old_excused    INTEGER NOT NULL,
	new_points     INTEGER,
	new_excused    INTEGER NOT NULL,
	import_id      TEXT
, after_grade INTEGER) STRICT;

CREATE INDEX book_changes_by_cell ON book_changes (course_id, column_id, user_id);

CREATE INDEX book_changes_by_import ON book_changes (import_id) WHERE import_id IS NOT NULL;

CREATE TABLE book_columns (
	column_id    TEXT PRIMARY KEY,
	course_id    TEXT NOT NULL,
	title        TEXT NOT NULL,
	points       INTEGER NOT NULL CONSTRAINT book_columns_points_not_negative CHECK (points >= 0),
	category_id  TEXT,
	extra_credit INTEGER NOT NULL CONSTRAINT book_columns_extra_credit_bool CHECK (extra_credit IN (0, 1)),
	never_drop   INTEGER NOT NULL CONSTRAINT book_columns_never_drop_bool CHECK (never_drop IN (0, 1)),
	published    INTEGER NOT NULL CONSTRAINT book_columns_published_bool CHECK (published IN (0, 1)),
	created_by   TEXT NOT NULL,
	created_at   INTEGER NOT NULL,
	archived_at  INTEGER,
	import_id    TEXT,
	version      INTEGER NOT NULL CONSTRAINT book_columns_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX book_columns_by_course ON book_columns (course_id);

CREATE TABLE book_imports (
	import_id  TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	file_name  TEXT NOT NULL,
	changes    INTEGER NOT NULL,
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	undone_by  TEXT,
	undone_at  INTEGER
) STRICT;

CREATE INDEX book_imports_by_course ON book_imports (course_id, created_at);

CREATE TABLE book_settings (
	course_id     TEXT PRIMARY KEY,
	letters       TEXT NOT NULL CONSTRAINT book_settings_letters_json CHECK (json_valid(letters)),
	pass_mark     INTEGER,
	release_stats INTEGER NOT NULL CONSTRAINT book_settings_release_stats_bool CHECK (release_stats IN (0, 1)),
	updated_by    TEXT NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT book_settings_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE categories (
	category_id  TEXT PRIMARY KEY,
	course_id    TEXT NOT NULL,
	name         TEXT NOT NULL,
	weight       INTEGER NOT NULL CONSTRAINT categories_weight_not_negative CHECK (weight >= 0),
	drop_lowest  INTEGER NOT NULL CONSTRAINT categories_drop_lowest_not_negative CHECK (drop_lowest >= 0),
	drop_highest INTEGER NOT NULL CONSTRAINT categories_drop_highest_not_negative CHECK (drop_highest >= 0),
	position     INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	version      INTEGER NOT NULL CONSTRAINT categories_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX categories_by_course ON categories (course_id, position);

CREATE TABLE certificate_items (
	key         TEXT PRIMARY KEY,
	box         BLOB NOT NULL,
	size        INTEGER NOT NULL,
	modified_at INTEGER NOT NULL
) STRICT;

CREATE TABLE certificate_locks (
	name       TEXT PRIMARY KEY,
	owner      TEXT NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE courses (
	course_id  TEXT PRIMARY KEY,
	code       TEXT NOT NULL,
	title      TEXT NOT NULL,
	summary    TEXT NOT NULL,
	zone       TEXT NOT NULL,
	state      TEXT NOT NULL CONSTRAINT courses_state_known CHECK (state IN ('unpublished', 'published', 'ended', 'archived')),
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	version    INTEGER NOT NULL CONSTRAINT courses_version_positive CHECK (version > 0)
, late_policy TEXT CONSTRAINT courses_late_policy_json CHECK (late_policy IS NULL OR json_valid(late_policy)), term TEXT, language TEXT, archived_at INTEGER, archived_from TEXT) STRICT;

CREATE TABLE endorsements (
	reply_id    TEXT PRIMARY KEY,
	question_id TEXT NOT NULL,
	course_id   TEXT NOT NULL,
	asked       TEXT NOT NULL,
	body        TEXT NOT NULL,
	corrected   INTEGER NOT NULL CONSTRAINT endorsements_corrected_bool CHECK (corrected IN (0, 1)),
	endorsed_by TEXT NOT NULL,
	endorsed_at INTEGER NOT NULL,
	withdrawn   INTEGER NOT NULL CONSTRAINT endorsements_withdrawn_bool CHECK (withdrawn IN (0, 1)),
	version     INTEGER NOT NULL CONSTRAINT endorsements_version_positive CHECK (version > 0)
, ordinal INTEGER, verbatim INTEGER) STRICT;

CREATE INDEX endorsements_by_course ON endorsements (course_id) WHERE withdrawn = 0;

CREATE UNIQUE INDEX endorsements_by_ordinal ON endorsements (course_id, ordinal) WHERE ordinal IS NOT NULL;

CREATE TABLE enrolments (
	course_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	role      TEXT NOT NULL CONSTRAINT enrolments_role_known CHECK (role IN ('instructor', 'ta', 'student', 'observer')),
	active    INTEGER NOT NULL CONSTRAINT enrolments_active_bool CHECK (active IN (0, 1)),
	joined_at INTEGER NOT NULL, section_id TEXT, linked_id TEXT,
	PRIMARY KEY (course_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX enrolments_by_section ON enrolments (section_id) WHERE section_id IS NOT NULL;

CREATE INDEX enrolments_by_user ON enrolments (user_id);

CREATE TABLE files (
	file_id     TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	owner_id    TEXT NOT NULL,
	name        TEXT NOT NULL,
	extension   TEXT NOT NULL,
	size        INTEGER NOT NULL CONSTRAINT files_size_not_negative CHECK (size >= 0),
	media_type  TEXT NOT NULL,
	sha256      TEXT NOT NULL CONSTRAINT files_sha256_length CHECK (length(sha256) = 64),
	chunks      TEXT NOT NULL CONSTRAINT files_chunks_json CHECK (json_valid(chunks)),
	created_at  INTEGER NOT NULL,
	complete_at INTEGER
) STRICT;

CREATE INDEX files_incomplete ON files (course_id) WHERE complete_at IS NULL;

CREATE TABLE grade_beginnings (
	submission_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	feedback      TEXT NOT NULL,
	marks         TEXT CONSTRAINT grade_beginnings_marks_json CHECK (marks IS NULL OR json_valid(marks)),
	changed_by    TEXT NOT NULL,
	changed_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT grade_beginnings_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE grade_changes (
	grade_change_id INTEGER PRIMARY KEY,
	submission_id   TEXT NOT NULL,
	kind            TEXT NOT NULL CONSTRAINT grade_changes_kind_known CHECK (kind IN ('draft', 'posted')),
	changed_by      TEXT NOT NULL,
	changed_at      INTEGER NOT NULL,
	old_points      INTEGER,
	old_feedback    TEXT,
	new_points      INTEGER NOT NULL,
	new_feedback    TEXT NOT NULL
, old_grade TEXT, new_grade TEXT, book_change_id INTEGER) STRICT;

CREATE INDEX grade_changes_by_book_change ON grade_changes (book_change_id) WHERE book_change_id IS NOT NULL;

CREATE INDEX grade_changes_by_submission ON grade_changes (submission_id);

CREATE TABLE grades (
	submission_id     TEXT PRIMARY KEY,
	course_id         TEXT NOT NULL,
	assignment_id     TEXT NOT NULL,
	user_id           TEXT NOT NULL,
	draft_points      INTEGER NOT NULL CONSTRAINT grades_draft_points_not_negative CHECK (draft_points >= 0),
	draft_feedback    TEXT NOT NULL,
	draft_by          TEXT NOT NULL,
	draft_at          INTEGER NOT NULL,
	version           INTEGER NOT NULL CONSTRAINT grades_version_positive CHECK (version > 0),
	posted_points     INTEGER,
	posted_feedback   TEXT,
	posted_by         TEXT,
	posted_changed_at INTEGER,
	posted_at         INTEGER,
	posted_version    INTEGER, draft_grade TEXT, draft_marks TEXT CONSTRAINT grades_draft_marks_json CHECK (draft_marks IS NULL OR json_valid(draft_marks)), posted_grade TEXT, posted_marks TEXT CONSTRAINT grades_posted_marks_json CHECK (posted_marks IS NULL OR json_valid(posted_marks)), revised_at INTEGER,
	CONSTRAINT grades_posted_whole CHECK (
		(posted_at IS NULL) = (posted_points IS NULL)
		AND (posted_at IS NULL) = (posted_feedback IS NULL)
		AND (posted_at IS NULL) = (posted_by IS NULL)
		AND (posted_at IS NULL) = (posted_changed_at IS NULL)
		AND (posted_at IS NULL) = (posted_version IS NULL)
	)
) STRICT;

CREATE INDEX grades_by_assignment ON grades (assignment_id);

CREATE INDEX grades_by_user ON grades (user_id, posted_at) WHERE posted_at IS NOT NULL;

CREATE TABLE invite_uses (
	invite_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	used_at   INTEGER NOT NULL,
	PRIMARY KEY (invite_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE invites (
	invite_id   TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	code        TEXT NOT NULL,
	code_normal TEXT NOT NULL CONSTRAINT invites_code_unique UNIQUE,
	role        TEXT NOT NULL CONSTRAINT invites_role_known CHECK (role IN ('instructor', 'ta', 'student', 'observer')),
	max_uses    INTEGER NOT NULL CONSTRAINT invites_max_uses_not_negative CHECK (max_uses >= 0),
	uses        INTEGER NOT NULL CONSTRAINT invites_uses_within CHECK (uses >= 0 AND (max_uses = 0 OR uses <= max_uses)),
	expires_at  INTEGER,
	revoked_at  INTEGER,
	created_by  TEXT NOT NULL,
	created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX invites_by_course ON invites (course_id);

CREATE TABLE join_tokens (
	token_hash BLOB PRIMARY KEY,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_by    TEXT NOT NULL
) STRICT;

CREATE TABLE known_devices (
	device_hash BLOB NOT NULL,
	user_id     TEXT NOT NULL,
	seen_at     INTEGER NOT NULL,
	PRIMARY KEY (device_hash, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_devices_by_user ON known_devices (user_id);

CREATE TABLE kv_entries (
	key     TEXT PRIMARY KEY,
	value   TEXT NOT NULL,
	version INTEGER NOT NULL CONSTRAINT kv_entries_version_positive CHECK (version > 0)
, expires_at INTEGER) STRICT;

CREATE INDEX kv_entries_by_expiry ON kv_entries (expires_at, key) WHERE expires_at IS NOT NULL;

CREATE TABLE kv_removed (
	version INTEGER NOT NULL CONSTRAINT kv_removed_version_not_negative CHECK (version >= 0)
) STRICT;

CREATE TABLE mailers (
	node_id TEXT PRIMARY KEY,
	until   INTEGER NOT NULL
) STRICT;

CREATE TABLE markings (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	posting       TEXT NOT NULL CONSTRAINT markings_posting_known CHECK (posting IN ('manual', 'automatic')),
	opened_at     INTEGER,
	rubric_id     TEXT,
	rubric_shown  INTEGER NOT NULL CONSTRAINT markings_rubric_shown_bool CHECK (rubric_shown IN (0, 1)),
	version       INTEGER NOT NULL CONSTRAINT markings_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX markings_by_rubric ON markings (rubric_id) WHERE rubric_id IS NOT NULL;

CREATE TABLE material_drafts (
	material_id  TEXT PRIMARY KEY,
	title        TEXT NOT NULL,
	body         TEXT NOT NULL,
	base_version INTEGER NOT NULL,
	saved_by     TEXT NOT NULL,
	saved_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE material_versions (
	material_id  TEXT NOT NULL,
	number       INTEGER NOT NULL CONSTRAINT material_versions_number_positive CHECK (number > 0),
	title        TEXT NOT NULL,
	body         TEXT NOT NULL,
	file_id      TEXT,
	published_by TEXT NOT NULL,
	published_at INTEGER NOT NULL,
	PRIMARY KEY (material_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX material_versions_by_file ON material_versions (file_id) WHERE file_id IS NOT NULL;

CREATE TABLE materials (
	material_id TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	kind        TEXT NOT NULL CONSTRAINT materials_kind_known CHECK (kind IN ('page', 'file')),
	body        TEXT NOT NULL,
	file_id     TEXT,
	published   INTEGER NOT NULL CONSTRAINT materials_published_bool CHECK (published IN (0, 1)),
	position    INTEGER NOT NULL,
	index_state TEXT NOT NULL CONSTRAINT materials_index_state_known CHECK (index_state IN ('pending', 'ready', 'failed')),
	index_note  TEXT NOT NULL,
	index_run   TEXT NOT NULL,
	created_by  TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	deleted_at  INTEGER,
	version     INTEGER NOT NULL CONSTRAINT materials_version_positive CHECK (version > 0), captions_id TEXT,
	CONSTRAINT materials_file_has_id CHECK ((kind = 'file') = (file_id IS NOT NULL))
) STRICT;

CREATE INDEX materials_by_course ON materials (course_id, position);

CREATE INDEX materials_by_file ON materials (file_id) WHERE file_id IS NOT NULL;

CREATE INDEX materials_to_index ON materials (material_id) WHERE index_state = 'pending';

CREATE TABLE module_items (
	item_id    TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	module_id  TEXT NOT NULL,
	kind       TEXT NOT NULL CONSTRAINT module_items_kind_known CHECK (kind IN ('material', 'assignment', 'header', 'link')),
	title      TEXT NOT NULL,
	url        TEXT NOT NULL,
	position   INTEGER NOT NULL,
	published  INTEGER NOT NULL CONSTRAINT module_items_published_bool CHECK (published IN (0, 1)),
	release_at INTEGER,
	version    INTEGER NOT NULL CONSTRAINT module_items_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX module_items_by_course ON module_items (course_id);

CREATE INDEX module_items_by_module ON module_items (module_id, position);

CREATE TABLE modules (
	module_id   TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	position    INTEGER NOT NULL,
	published   INTEGER NOT NULL CONSTRAINT modules_published_bool CHECK (published IN (0, 1)),
	release_at  INTEGER,
	created_at  INTEGER NOT NULL,
	archived_at INTEGER,
	version     INTEGER NOT NULL CONSTRAINT modules_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX modules_by_course ON modules (course_id, position);

CREATE TABLE nodes (
	node_id    TEXT PRIMARY KEY,
	address    TEXT NOT NULL,
	origin     TEXT NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE notes (
	note_id    TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	from_id    TEXT NOT NULL,
	to_id      TEXT NOT NULL,
	body       TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX notes_by_addressee ON notes (to_id, course_id, created_at);

CREATE INDEX notes_by_sender ON notes (from_id, course_id, created_at);

CREATE TABLE outbox (
	mail_id    TEXT PRIMARY KEY,
	kind       TEXT NOT NULL,
	object_id  TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	queued_at  INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	tries      INTEGER NOT NULL,
	holder     TEXT,
	held_until INTEGER,
	message_id TEXT,
	error      TEXT,
	sent_at    INTEGER,
	sent_to    TEXT,
	failed_at  INTEGER,
	CONSTRAINT outbox_once UNIQUE (kind, object_id, user_id)
) STRICT;

CREATE INDEX outbox_by_age ON outbox (queued_at);

CREATE INDEX outbox_open ON outbox (next_at) WHERE sent_at IS NULL AND failed_at IS NULL;

CREATE TABLE outlines (
	course_id TEXT PRIMARY KEY,
	version   INTEGER NOT NULL CONSTRAINT outlines_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE overrides (
	override_id   TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	target        TEXT NOT NULL CONSTRAINT overrides_target_known CHECK (target IN ('student', 'section')),
	target_id     TEXT NOT NULL,
	opens_at      INTEGER,
	due_at        INTEGER,
	cutoff_at     INTEGER,
	max_attempts  INTEGER CONSTRAINT overrides_max_attempts_not_negative CHECK (max_attempts IS NULL OR max_attempts >= 0),
	granted_by    TEXT NOT NULL,
	granted_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT overrides_version_positive CHECK (version > 0),
	CONSTRAINT overrides_once UNIQUE (assignment_id, target, target_id)
) STRICT;

CREATE INDEX overrides_by_course ON overrides (course_id);

CREATE TABLE page_files (
	file_id     TEXT NOT NULL,
	material_id TEXT NOT NULL,
	course_id   TEXT NOT NULL,
	PRIMARY KEY (file_id, material_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX page_files_by_course ON page_files (course_id);

CREATE TABLE participants (
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	number        INTEGER NOT NULL CONSTRAINT participants_number_positive CHECK (number > 0),
	PRIMARY KEY (assignment_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX participants_by_number ON participants (assignment_id, number);

CREATE TABLE passage_vectors (
	passage_id INTEGER PRIMARY KEY,
	course_id  TEXT NOT NULL,
	index_run  TEXT NOT NULL,
	model      TEXT NOT NULL,
	vector     BLOB NOT NULL CONSTRAINT passage_vectors_vector_not_empty CHECK (length(vector) > 0)
) STRICT;

CREATE INDEX passage_vectors_by_course ON passage_vectors (course_id, model);

CREATE TABLE passages (
	passage_id  INTEGER PRIMARY KEY,
	material_id TEXT NOT NULL,
	course_id   TEXT NOT NULL,
	ordinal     INTEGER NOT NULL CONSTRAINT passages_ordinal_positive CHECK (ordinal > 0),
	heading     TEXT NOT NULL,
	page        INTEGER NOT NULL CONSTRAINT passages_page_not_negative CHECK (page >= 0),
	text        TEXT NOT NULL,
	CONSTRAINT passages_ordinal_unique UNIQUE (material_id, ordinal)
) STRICT;

CREATE INDEX passages_by_course ON passages (course_id);

CREATE VIRTUAL TABLE passages_search USING fts5 (
	title,
	heading,
	text,
	content = '',
	contentless_delete = 1,
	tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TABLE passkeys (
	passkey_id    TEXT PRIMARY KEY,
	user_id       TEXT NOT NULL,
	credential_id BLOB NOT NULL,
	public_key    BLOB NOT NULL,
	domain        TEXT NOT NULL,
	name          TEXT NOT NULL,
	transports    TEXT NOT NULL,
	synced        INTEGER NOT NULL CONSTRAINT passkeys_synced_bool CHECK (synced IN (0, 1)),
	sign_count    INTEGER NOT NULL,
	created_at    INTEGER NOT NULL,
	used_at       INTEGER
) STRICT;

CREATE UNIQUE INDEX passkeys_by_credential ON passkeys (credential_id);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE pending_accounts (
	user_id    TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	token_hash BLOB CONSTRAINT pending_accounts_token_unique UNIQUE,
	expires_at INTEGER,
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_accounts_by_course ON pending_accounts (course_id);

CREATE TABLE questions (
	question_id TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	author_id   TEXT NOT NULL,
	addressee   TEXT NOT NULL CONSTRAINT questions_addressee_known CHECK (addressee IN ('staff', 'tutor')),
	title       TEXT NOT NULL,
	body        TEXT NOT NULL,
	material_id TEXT,
	visibility  TEXT NOT NULL CONSTRAINT questions_visibility_known CHECK (visibility IN ('staff', 'course')),
	state       TEXT NOT NULL CONSTRAINT questions_state_known CHECK (state IN ('pending', 'open', 'answered', 'resolved')),
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	version     INTEGER NOT NULL CONSTRAINT questions_version_positive CHECK (version > 0)
, mode TEXT, source_id TEXT, anonymous INTEGER, erased_at INTEGER, assignment_id TEXT) STRICT;

CREATE INDEX questions_by_assignment ON questions (assignment_id) WHERE assignment_id IS NOT NULL;

CREATE INDEX questions_by_author ON questions (author_id);

CREATE INDEX questions_by_course ON questions (course_id, created_at);

CREATE UNIQUE INDEX questions_by_source ON questions (source_id) WHERE source_id IS NOT NULL;

CREATE INDEX questions_erased ON questions (erased_at) WHERE erased_at IS NOT NULL;

CREATE TABLE recovery_codes (
	user_id   TEXT NOT NULL,
	code_hash BLOB NOT NULL,
	used_at   INTEGER,
	PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE replies (
	reply_id     TEXT PRIMARY KEY,
	question_id  TEXT NOT NULL,
	position     INTEGER NOT NULL CONSTRAINT replies_position_positive CHECK (position > 0),
	author_id    TEXT NOT NULL,
	author_role  TEXT NOT NULL,
	body         TEXT NOT NULL,
	state        TEXT NOT NULL CONSTRAINT replies_state_known CHECK (state IN ('pending', 'answering', 'done', 'stopped', 'failed')),
	note         TEXT NOT NULL,
	generated    INTEGER NOT NULL CONSTRAINT replies_generated_bool CHECK (generated IN (0, 1)),
	model        TEXT NOT NULL,
	citations    TEXT NOT NULL CONSTRAINT replies_citations_json CHECK (json_valid(citations)),
	created_at   INTEGER NOT NULL,
	requests     INTEGER NOT NULL,
	requested_at INTEGER NOT NULL,
	node_id      TEXT NOT NULL,
	heartbeat_at INTEGER,
	CONSTRAINT replies_position_unique UNIQUE (question_id, position)
) STRICT;

CREATE INDEX replies_unfinished ON replies (requested_at) WHERE state IN ('pending', 'answering');

CREATE TABLE reply_ratings (
	reply_id TEXT PRIMARY KEY,
	user_id  TEXT NOT NULL,
	helpful  INTEGER NOT NULL CONSTRAINT reply_ratings_helpful_bool CHECK (helpful IN (0, 1)),
	reason   TEXT NOT NULL,
	rated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE reply_records (
	reply_id       TEXT PRIMARY KEY,
	question_id    TEXT NOT NULL,
	course_id      TEXT NOT NULL,
	mode           TEXT NOT NULL,
	level          TEXT NOT NULL,
	assignment_id  TEXT NOT NULL,
	hint           INTEGER NOT NULL,
	prompt_version TEXT NOT NULL,
	passages       TEXT NOT NULL CONSTRAINT reply_records_passages_json CHECK (json_valid(passages)),
	relevant       INTEGER NOT NULL CONSTRAINT reply_records_relevant_bool CHECK (relevant IN (0, 1)),
	calls          INTEGER NOT NULL,
	prompt_tokens  INTEGER NOT NULL,
	answer_tokens  INTEGER NOT NULL,
	estimated      INTEGER NOT NULL CONSTRAINT reply_records_estimated_bool CHECK (estimated IN (0, 1)),
	first_ms       INTEGER NOT NULL,
	total_ms       INTEGER NOT NULL,
	checked        TEXT NOT NULL
) STRICT;

CREATE INDEX reply_records_by_course ON reply_records (course_id);

CREATE TABLE resets (
	token_hash BLOB PRIMARY KEY,
	user_id    TEXT NOT NULL,
	by_mail    INTEGER NOT NULL CONSTRAINT resets_by_mail_bool CHECK (by_mail IN (0, 1)),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX resets_by_user ON resets (user_id);

CREATE TABLE roster_imports (
	course_id   TEXT PRIMARY KEY,
	before      TEXT NOT NULL CONSTRAINT roster_imports_before_json CHECK (json_valid(before)),
	after_hash  TEXT NOT NULL,
	imported_by TEXT NOT NULL,
	imported_at INTEGER NOT NULL
) STRICT;

CREATE TABLE rubric_versions (
	rubric_id  TEXT NOT NULL,
	version    INTEGER NOT NULL,
	body       TEXT NOT NULL CONSTRAINT rubric_versions_body_json CHECK (json_valid(body)),
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (rubric_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE rubrics (
	rubric_id   TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	created_by  TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	version     INTEGER NOT NULL CONSTRAINT rubrics_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX rubrics_by_course ON rubrics (course_id, title);

CREATE TABLE schema_migrations (
	version    INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	applied_at INTEGER NOT NULL
, readable_from INTEGER) STRICT;

CREATE TABLE sections (
	section_id  TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	position    INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	archived_at INTEGER,
	version     INTEGER NOT NULL CONSTRAINT sections_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX sections_by_course ON sections (course_id, position);

CREATE TABLE session_tickets (
	ticket_hash BLOB PRIMARY KEY,
	session_id  TEXT NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX session_tickets_by_session ON session_tickets (session_id);

CREATE TABLE session_tokens (
	token_hash BLOB PRIMARY KEY,
	session_id TEXT NOT NULL,
	created_at INTEGER NOT NULL
, access_until INTEGER, next_key BLOB, next_hash BLOB, accepted_until INTEGER, unused INTEGER) STRICT;

CREATE INDEX session_tokens_by_session ON session_tokens (session_id);

CREATE TABLE sessions (
	session_id TEXT PRIMARY KEY,
	user_id    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
, confirmed_at INTEGER, view_course_id TEXT, agent TEXT) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE settings (
	name       TEXT PRIMARY KEY,
	value      TEXT NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE setup_tokens (
	token_hash BLOB PRIMARY KEY,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sign_in_failures (
	subject    TEXT NOT NULL,
	failure_id TEXT NOT NULL,
	failed_at  INTEGER NOT NULL,
	PRIMARY KEY (subject, failure_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_failures_by_time ON sign_in_failures (failed_at);

CREATE TABLE staff_sections (
	course_id  TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	section_id TEXT NOT NULL,
	PRIMARY KEY (course_id, user_id, section_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE submission_comment_files (
	comment_id TEXT NOT NULL,
	file_id    TEXT NOT NULL,
	position   INTEGER NOT NULL,
	PRIMARY KEY (comment_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX submission_comment_files_by_file ON submission_comment_files (file_id);

CREATE TABLE submission_comments (
	comment_id    TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	submission_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	author_id     TEXT NOT NULL,
	staff         INTEGER NOT NULL CONSTRAINT submission_comments_staff_bool CHECK (staff IN (0, 1)),
	body          TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	posted_at     INTEGER,
	deleted_at    INTEGER,
	feedback_id   TEXT
) STRICT;

CREATE INDEX submission_comments_by_feedback ON submission_comments (feedback_id) WHERE feedback_id IS NOT NULL;

CREATE INDEX submission_comments_by_work ON submission_comments (assignment_id, user_id, created_at);

CREATE TABLE submission_files (
	submission_id TEXT NOT NULL,
	file_id       TEXT NOT NULL CONSTRAINT submission_files_used_once UNIQUE,
	position      INTEGER NOT NULL,
	PRIMARY KEY (submission_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE submissions (
	submission_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	attempt       INTEGER NOT NULL CONSTRAINT submissions_attempt_positive CHECK (attempt > 0),
	text          TEXT NOT NULL,
	submitted_at  INTEGER NOT NULL,
	log_index     INTEGER NOT NULL, url TEXT, honour TEXT, from_draft INTEGER, returned_at INTEGER, returned_by TEXT, chosen_at INTEGER,
	CONSTRAINT submissions_attempt_unique UNIQUE (assignment_id, user_id, attempt)
) STRICT;

CREATE INDEX submissions_by_user ON submissions (user_id, course_id);

CREATE INDEX submissions_counted ON submissions (assignment_id, user_id, (chosen_at IS NULL), attempt DESC) WHERE returned_at IS NULL;

CREATE TABLE test_students (
	course_id  TEXT PRIMARY KEY,
	user_id    TEXT NOT NULL CONSTRAINT test_students_user_unique UNIQUE,
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE totp (
	user_id      TEXT PRIMARY KEY,
	box          TEXT NOT NULL,
	last_step    INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	confirmed_at INTEGER
) STRICT;

CREATE TABLE transcript_reads (
	question_id TEXT NOT NULL,
	reader_id   TEXT NOT NULL,
	read_at     INTEGER NOT NULL,
	PRIMARY KEY (question_id, reader_id, read_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_calls (
	reply_id  TEXT NOT NULL,
	request   INTEGER NOT NULL,
	course_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	asked_at  INTEGER NOT NULL,
	anyway    INTEGER NOT NULL CONSTRAINT tutor_calls_anyway_bool CHECK (anyway IN (0, 1)),
	counted   INTEGER NOT NULL CONSTRAINT tutor_calls_counted_bool CHECK (counted IN (0, 1)),
	tokens    INTEGER NOT NULL CONSTRAINT tutor_calls_tokens_not_negative CHECK (tokens >= 0),
	settled   INTEGER NOT NULL CONSTRAINT tutor_calls_settled_bool CHECK (settled IN (0, 1)),
	PRIMARY KEY (reply_id, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX tutor_calls_by_course ON tutor_calls (course_id, asked_at) WHERE counted = 1;

CREATE INDEX tutor_calls_by_month ON tutor_calls (asked_at, course_id, tokens);

CREATE INDEX tutor_calls_by_time ON tutor_calls (asked_at) WHERE counted = 1;

CREATE INDEX tutor_calls_by_user ON tutor_calls (user_id, asked_at) WHERE counted = 1;

CREATE TABLE tutor_choices (
	user_id   TEXT NOT NULL,
	course_id TEXT NOT NULL,
	mode      TEXT NOT NULL,
	level     TEXT NOT NULL,
	PRIMARY KEY (user_id, course_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_flags (
	flag_id     TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	question_id TEXT NOT NULL,
	reply_id    TEXT NOT NULL,
	kind        TEXT NOT NULL,
	severe      INTEGER NOT NULL CONSTRAINT tutor_flags_severe_bool CHECK (severe IN (0, 1)),
	created_at  INTEGER NOT NULL,
	seen_by     TEXT NOT NULL,
	seen_at     INTEGER,
	CONSTRAINT tutor_flags_once UNIQUE (reply_id, kind)
) STRICT;

CREATE INDEX tutor_flags_by_course ON tutor_flags (course_id, created_at);

CREATE INDEX tutor_flags_unseen ON tutor_flags (severe, created_at) WHERE seen_at IS NULL;

CREATE TABLE tutor_hints (
	user_id       TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	step          INTEGER NOT NULL CONSTRAINT tutor_hints_step_known CHECK (step BETWEEN 1 AND 5),
	updated_at    INTEGER NOT NULL,
	PRIMARY KEY (user_id, assignment_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_items (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	mode          TEXT NOT NULL,
	notes         TEXT NOT NULL,
	answer        TEXT NOT NULL,
	canary        TEXT NOT NULL,
	updated_by    TEXT NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT tutor_items_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX tutor_items_by_course ON tutor_items (course_id);

CREATE TABLE tutor_notices (
	user_id     TEXT NOT NULL,
	notice      INTEGER NOT NULL,
	accepted_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, notice)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_places (
	endpoint TEXT NOT NULL,
	place    INTEGER NOT NULL CONSTRAINT tutor_places_place_positive CHECK (place > 0),
	holder   TEXT NOT NULL,
	until    INTEGER NOT NULL,
	PRIMARY KEY (endpoint, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_policies (
	course_id    TEXT PRIMARY KEY,
	enabled      INTEGER NOT NULL CONSTRAINT tutor_policies_enabled_bool CHECK (enabled IN (0, 1)),
	modes        TEXT NOT NULL CONSTRAINT tutor_policies_modes_json CHECK (json_valid(modes)),
	mode         TEXT NOT NULL,
	instructions TEXT NOT NULL,
	avoid        TEXT NOT NULL,
	sources      TEXT NOT NULL CONSTRAINT tutor_policies_sources_json CHECK (json_valid(sources)),
	level        TEXT NOT NULL,
	language     TEXT NOT NULL,
	hourly_quota INTEGER NOT NULL CONSTRAINT tutor_policies_hourly_not_negative CHECK (hourly_quota >= 0),
	daily_quota  INTEGER NOT NULL CONSTRAINT tutor_policies_daily_not_negative CHECK (daily_quota >= 0),
	ask_anyway   INTEGER NOT NULL CONSTRAINT tutor_policies_ask_anyway_not_negative CHECK (ask_anyway >= 0),
	monthly_cap  INTEGER NOT NULL CONSTRAINT tutor_policies_cap_not_negative CHECK (monthly_cap >= 0),
	owner_id     TEXT NOT NULL,
	updated_by   TEXT NOT NULL,
	updated_at   INTEGER NOT NULL,
	version      INTEGER NOT NULL CONSTRAINT tutor_policies_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE tutor_trials (
	trial_id    TEXT PRIMARY KEY,
	model       TEXT NOT NULL,
	prompt      TEXT NOT NULL,
	state       TEXT NOT NULL CONSTRAINT tutor_trials_state_known CHECK (state IN ('running', 'done', 'failed')),
	total       INTEGER NOT NULL,
	done        INTEGER NOT NULL,
	passed      INTEGER NOT NULL,
	failed      TEXT NOT NULL CONSTRAINT tutor_trials_failed_json CHECK (json_valid(failed)),
	error       TEXT NOT NULL,
	started_by  TEXT NOT NULL,
	started_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	accepted_by TEXT,
	accepted_at INTEGER
) STRICT;

CREATE INDEX tutor_trials_by_start ON tutor_trials (started_at);

CREATE TABLE used_challenges (
	challenge_hash BLOB PRIMARY KEY,
	expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
	user_id            TEXT PRIMARY KEY,
	login              TEXT NOT NULL,
	login_normal       TEXT NOT NULL CONSTRAINT users_login_unique UNIQUE,
	name               TEXT NOT NULL,
	password_hash      TEXT NOT NULL,
	admin              INTEGER NOT NULL CONSTRAINT users_admin_bool CHECK (admin IN (0, 1)),
	may_create_courses INTEGER NOT NULL CONSTRAINT users_may_create_bool CHECK (may_create_courses IN (0, 1)),
	disabled           INTEGER NOT NULL CONSTRAINT users_disabled_bool CHECK (disabled IN (0, 1)),
	created_at         INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	version            INTEGER NOT NULL CONSTRAINT users_version_positive CHECK (version > 0)
, external_id TEXT, mail TEXT) STRICT;

CREATE INDEX users_by_admin ON users (admin) WHERE admin = 1;

CREATE UNIQUE INDEX users_by_external_id ON users (external_id) WHERE external_id IS NOT NULL;

CREATE UNIQUE INDEX users_by_mail ON users (mail) WHERE mail IS NOT NULL;

CREATE TABLE work_drafts (
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	course_id     TEXT NOT NULL,
	text          TEXT NOT NULL,
	url           TEXT NOT NULL,
	files         TEXT NOT NULL CONSTRAINT work_drafts_files_json CHECK (json_valid(files)),
	saved_at      INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT work_drafts_version_positive CHECK (version > 0),
	PRIMARY KEY (assignment_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_drafts_by_user ON work_drafts (user_id);
