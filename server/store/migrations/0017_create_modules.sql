-- readable from 16
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

CREATE INDEX module_items_by_module ON module_items (module_id, position);

CREATE INDEX module_items_by_course ON module_items (course_id);

CREATE TABLE outlines (
	course_id TEXT PRIMARY KEY,
	version   INTEGER NOT NULL CONSTRAINT outlines_version_positive CHECK (version > 0)
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

CREATE TABLE material_drafts (
	material_id  TEXT PRIMARY KEY,
	title        TEXT NOT NULL,
	body         TEXT NOT NULL,
	base_version INTEGER NOT NULL,
	saved_by     TEXT NOT NULL,
	saved_at     INTEGER NOT NULL
) STRICT;
