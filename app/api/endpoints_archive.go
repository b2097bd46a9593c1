package api

import "trivium/app/lms"

// The archive of a course.
var (
	ExportCourse = Endpoint[CoursePath, Raw]{"GET", "/api/v1/courses/:course/archive", lms.InstructorOfCourse, "Download the content of a course as an archive that any site takes in"}
	ImportCourse = Endpoint[ImportInput, ImportStep]{"POST", "/api/v1/courses/:course/import", lms.InstructorOfCourse, "Take an uploaded archive into an empty course; call it again until it is done"}
)

// ImportInput names an archive that the caller has uploaded into the course.
type ImportInput struct {
	Course string `param:"course" json:"-"`
	FileID string `json:"fileId"`
}

// Validate checks the input.
func (in ImportInput) Validate() error { return checkIDs(in.Course, in.FileID) }

// ImportStep says how far an import is. Each call goes on for some seconds.
type ImportStep struct {
	Done   int64             `json:"done"`             // bytes of files that a majority of the nodes holds
	Total  int64             `json:"total"`            // bytes of files
	Report *lms.ImportReport `json:"report,omitempty"` // when the import is finished
}
