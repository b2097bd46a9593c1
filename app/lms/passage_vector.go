package lms

// PassageVector is the meaning of a passage as a model of embeddings sees it: a direction, each component in one signed byte.
type PassageVector struct {
	PassageID int64
	IndexRun  string // the reading of the material that the passage belongs to
	Vector    []byte
}

// UnembeddedPassage is a passage that has no vector yet.
type UnembeddedPassage struct {
	PassageID            int64
	IndexRun             string
	Title, Heading, Text string
}
