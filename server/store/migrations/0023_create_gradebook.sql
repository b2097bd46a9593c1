-- readable from 22
CREATE TABLE book_settings (
	course_id     TEXT PRIMARY KEY,
	letters       TEXT NOT NULL CONSTRAINT book_settings_letters_json CHECK (json_valid(letters)),
	pass_mark     INTEGER,
	release_stats INTEGER NOT NULL CONSTRAINT book_settings_release_stats_bool CHECK (release_stats IN (0, 1)),
	updated_by    TEXT NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT book_settings_version_positive CHECK (version > 0)
) STRICT;

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
) STRICT;

CREATE INDEX book_changes_by_cell ON book_changes (course_id, column_id, user_id);

CREATE INDEX book_changes_by_import ON book_changes (import_id) WHERE import_id IS NOT NULL;

CREATE TABLE notes (
	note_id    TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	from_id    TEXT NOT NULL,
	to_id      TEXT NOT NULL,
	body       TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX notes_by_sender ON notes (from_id, course_id, created_at);

CREATE INDEX notes_by_addressee ON notes (to_id, course_id, created_at);
