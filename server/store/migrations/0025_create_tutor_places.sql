-- readable from 24
CREATE TABLE tutor_places (
	endpoint TEXT NOT NULL,
	place    INTEGER NOT NULL CONSTRAINT tutor_places_place_positive CHECK (place > 0),
	holder   TEXT NOT NULL,
	until    INTEGER NOT NULL,
	PRIMARY KEY (endpoint, place)
) STRICT, WITHOUT ROWID;
