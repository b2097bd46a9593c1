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
	version     INTEGER NOT NULL CONSTRAINT materials_version_positive CHECK (version > 0),
	CONSTRAINT materials_file_has_id CHECK ((kind = 'file') = (file_id IS NOT NULL))
) STRICT;

CREATE INDEX materials_by_course ON materials (course_id, position);

CREATE INDEX materials_by_file ON materials (file_id) WHERE file_id IS NOT NULL;

CREATE INDEX materials_to_index ON materials (material_id) WHERE index_state = 'pending';

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
