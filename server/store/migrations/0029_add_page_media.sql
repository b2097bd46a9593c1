-- readable from 25
ALTER TABLE materials ADD COLUMN captions_id TEXT;

CREATE TABLE page_files (
	file_id     TEXT NOT NULL,
	material_id TEXT NOT NULL,
	course_id   TEXT NOT NULL,
	PRIMARY KEY (file_id, material_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX page_files_by_course ON page_files (course_id);
