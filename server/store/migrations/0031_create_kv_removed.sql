-- readable from 25
CREATE TABLE kv_removed (
	version INTEGER NOT NULL CONSTRAINT kv_removed_version_not_negative CHECK (version >= 0)
) STRICT;
INSERT INTO kv_removed (version) VALUES (0);
