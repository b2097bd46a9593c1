-- readable from 17
CREATE TABLE passage_vectors (
	passage_id INTEGER PRIMARY KEY,
	course_id  TEXT NOT NULL,
	index_run  TEXT NOT NULL,
	model      TEXT NOT NULL,
	vector     BLOB NOT NULL CONSTRAINT passage_vectors_vector_not_empty CHECK (length(vector) > 0)
) STRICT;

CREATE INDEX passage_vectors_by_course ON passage_vectors (course_id, model);
