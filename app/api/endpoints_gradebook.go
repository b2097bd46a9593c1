package api

import "trivium/app/lms"

// The gradebook.
var (
	GetGradebook     = Endpoint[GradebookInput, lms.Gradebook]{"GET", "/api/v1/courses/:course/gradebook", lms.StaffOfCourse, "Show every student's marks and totals, of a section if one is named; cells are encoded, a row a text"}
	GetStudentGrades = Endpoint[StudentGradesPath, lms.StudentGrades]{"GET", "/api/v1/courses/:course/gradebook/students/:user", lms.MemberOfCourse, "Show what a student sees of the own marks and how each number was made"}
	GetBookCell      = Endpoint[CellPath, lms.BookCellDetail]{"GET", "/api/v1/courses/:course/gradebook/columns/:column/cells/:user", lms.StaffOfCourse, "Show a cell with its history; the column total holds the override of the final total"}
	SetMark          = Endpoint[MarkInput, lms.BookCellDetail]{"PUT", "/api/v1/courses/:course/gradebook/columns/:column/cells/:user", lms.StaffOfCourse, "Give a cell a draft mark: points, a percentage, EX or nothing"}
	PostColumn       = Endpoint[PostColumnInput, PostColumnOutput]{"POST", "/api/v1/courses/:course/gradebook/columns/:column/post", lms.StaffOfCourse, "Post the drafts of a column, or hide them again"}

	GetBookSettings = Endpoint[CoursePath, lms.BookSettings]{"GET", "/api/v1/courses/:course/gradebook/settings", lms.StaffOfCourse, "Show the categories, letters and what students see"}
	SetBookSettings = Endpoint[BookSettingsInput, lms.BookSettings]{"PUT", "/api/v1/courses/:course/gradebook/settings", lms.InstructorOfCourse, "Replace the categories, letters and what students see"}
	CreateColumn    = Endpoint[ColumnInput, lms.BookColumn]{"POST", "/api/v1/courses/:course/gradebook/columns", lms.InstructorOfCourse, "Add a column that is kept by hand"}
	UpdateColumn    = Endpoint[UpdateColumnInput, lms.BookColumn]{"PUT", "/api/v1/courses/:course/gradebook/columns/:column", lms.InstructorOfCourse, "Change a column; of an assignment only the category and how it counts"}
	ArchiveColumn   = Endpoint[ColumnPath, lms.BookColumn]{"DELETE", "/api/v1/courses/:course/gradebook/columns/:column", lms.InstructorOfCourse, "Archive a column that is kept by hand, with its marks; it can be restored for 30 days"}
	RestoreColumn   = Endpoint[ColumnPath, lms.BookColumn]{"POST", "/api/v1/courses/:course/gradebook/columns/:column/restore", lms.InstructorOfCourse, "Restore an archived column with its marks"}

	GetStatistics   = Endpoint[CoursePath, lms.ClassStatistics]{"GET", "/api/v1/courses/:course/gradebook/statistics", lms.MemberOfCourse, "Show the statistics of the class; students see released ones of five marks and more"}
	ExportGradebook = Endpoint[ExportBookInput, Raw]{"GET", "/api/v1/courses/:course/gradebook/export", lms.StaffOfCourse, "Download the gradebook as CSV (bom: for Excel; semicolon: semicolons and decimal commas)"}
	PreviewImport   = Endpoint[PreviewImportInput, lms.ImportPlan]{"POST", "/api/v1/courses/:course/gradebook/imports/preview", lms.InstructorOfCourse, "Compare a CSV with the gradebook; nothing is changed"}
	ApplyImport     = Endpoint[ApplyImportInput, lms.BookImport]{"POST", "/api/v1/courses/:course/gradebook/imports", lms.InstructorOfCourse, "Do what a preview showed, all or nothing"}
	ListImports     = Endpoint[CoursePath, Page[lms.BookImport]]{"GET", "/api/v1/courses/:course/gradebook/imports", lms.StaffOfCourse, "List the latest imports"}
	UndoImport      = Endpoint[ImportPath, lms.BookImport]{"POST", "/api/v1/courses/:course/gradebook/imports/:import/undo", lms.InstructorOfCourse, "Give the cells of an import their marks from before; 30 days"}
)

// Feedback between a teacher and a student.
var (
	ListNotes = Endpoint[ListNotesInput, Page[lms.Note]]{"GET", "/api/v1/courses/:course/notes", lms.MemberOfCourse, "List the feedback that one has sent or received, newest first"}
	GetNote   = Endpoint[NotePath, lms.Note]{"GET", "/api/v1/courses/:course/notes/:note", lms.MemberOfCourse, "Show feedback that one has sent or received"}
	SendNote  = Endpoint[NoteInput, lms.Note]{"POST", "/api/v1/courses/:course/notes", lms.MemberOfCourse, "Send feedback from staff to a student or from a student to staff; only the two read it"}
)
