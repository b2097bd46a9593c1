package lms

import "time"

// ArchiveFormat is the format of the archives that this program writes. It reads this one and older ones.
const ArchiveFormat = 1

// CourseArchive is everything that belongs to the content of a course, without people and their work (EXPORT-1). Tables
// hold rows as the database has them; ids are those of the site that it comes from, and are replaced when it is taken in.
type CourseArchive struct {
	Format     int                         `json:"format"`
	Program    string                      `json:"program"` // that wrote it
	ExportedAt time.Time                   `json:"exportedAt"`
	Course     Course                      `json:"course"`
	Tables     map[string][]map[string]any `json:"tables"`
	Files      []ArchiveFile               `json:"files"` // each once, however many rows name it
}

// ArchiveFile is a file whose bytes are in the archive, under their hash.
type ArchiveFile struct {
	SHA256 string   `json:"sha256"`
	Size   int64    `json:"size"`
	Chunks []string `json:"chunks"`
}

// ImportReport says what an archive has brought.
type ImportReport struct {
	Course   Course   `json:"course"`
	Imported []Count  `json:"imported"`
	Skipped  []string `json:"skipped,omitempty"` // what was left out, and why
}

// Count is a number of things.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}
