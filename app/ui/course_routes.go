package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// courseRoutes registers the pages of a course's home, materials, assignments and grading. The first pattern that
// matches wins, so that "new" stands before ids.
func courseRoutes() {
	page("/courses/new", func() app.Composer { return &courseForm{} })
	page("/courses/import", func() app.Composer { return &courseImportPage{} })
	page("/courses/:course", func() app.Composer { return &coursePage{} })
	page("/courses/:course/settings", func() app.Composer { return &courseForm{} })

	page("/courses/:course/materials", func() app.Composer { return &materialsPage{} })
	page("/courses/:course/materials/new", func() app.Composer { return &materialForm{} })
	page("/courses/:course/materials/:material", func() app.Composer { return &materialPage{} })
	page("/courses/:course/materials/:material/edit", func() app.Composer { return &materialForm{} })

	page("/courses/:course/search", func() app.Composer { return &searchPage{} })
	page("/courses/:course/late", func() app.Composer { return &latePage{} })
	page("/courses/:course/assignments", func() app.Composer { return &assignmentsPage{} })
	page("/courses/:course/assignments/new", func() app.Composer { return &assignmentForm{} })
	page("/courses/:course/assignments/:assignment", func() app.Composer { return &assignmentPage{} })
	page("/courses/:course/assignments/:assignment/edit", func() app.Composer { return &assignmentForm{} })
	page("/courses/:course/assignments/:assignment/submissions", func() app.Composer { return &submissionsPage{} })
	page("/courses/:course/assignments/:assignment/dates", func() app.Composer { return &overridePage{} })
	page("/courses/:course/assignments/:assignment/tutor", func() app.Composer { return &tutorItemPage{} })
	page("/courses/:course/faq", func() app.Composer { return &faqPage{} })
	page("/courses/:course/conversations", func() app.Composer { return &conversationsPage{} })
	page("/courses/:course/tutor/gaps", func() app.Composer { return &gapPage{} })
	page("/courses/:course/tutor/flags", func() app.Composer { return &flagsPage{} })
	page("/courses/:course/tutor", func() app.Composer { return &tutorPage{} })
	page("/courses/:course/rubrics", func() app.Composer { return &rubricsPage{} })
	page("/courses/:course/rubrics/:rubric", func() app.Composer { return &rubricForm{} })
	page("/courses/:course/submissions/:submission", func() app.Composer { return &gradingPage{} })

	page("/courses/:course/grades", func() app.Composer { return &gradebookPage{} })
	page("/courses/:course/grades/statistics", func() app.Composer { return &statisticsPage{} })
	page("/courses/:course/grades/files", func() app.Composer { return &bookFilesPage{} })
	page("/courses/:course/grades/setup", func() app.Composer { return &bookSetupPage{} })
	page("/courses/:course/grades/notes", func() app.Composer { return &notesPage{} })
	page("/courses/:course/grades/students/:user", func() app.Composer { return &gradebookPage{} })
}
