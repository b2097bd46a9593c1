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
