package api

import "trivium/app/lms"

// Late work, other dates for some, and drafts. What changes results that are there has a preview; the change carries its
// token, and is refused when anything has changed since.
var (
	GetCourseLate     = Endpoint[CoursePath, lms.CourseLate]{"GET", "/api/v1/courses/:course/late", lms.MemberOfCourse, "Show the late policy of the course"}
	PreviewCourseLate = Endpoint[CourseLateInput, lms.Preview]{"POST", "/api/v1/courses/:course/late/preview", lms.InstructorOfCourse, "Show what another late policy does to the work that is there"}
	SetCourseLate     = Endpoint[CourseLateInput, lms.CourseLate]{"PUT", "/api/v1/courses/:course/late", lms.InstructorOfCourse, "Change the late policy of the course"}
	ListChoices       = Endpoint[CoursePath, lms.Choices]{"GET", "/api/v1/courses/:course/choices", lms.StaffOfCourse, "List the categories, sections and students that an assignment can be for"}

	PreviewAssignment   = Endpoint[UpdateAssignmentInput, lms.Preview]{"POST", "/api/v1/courses/:course/assignments/:assignment/preview", lms.InstructorOfCourse, "Show what a changed assignment does to the work that is there"}
	DuplicateAssignment = Endpoint[DuplicateInput, lms.Assignment]{"POST", "/api/v1/courses/:course/assignments/:assignment/duplicate", lms.InstructorOfCourse, "Make a draft with the same text, dates and rules"}
	DeleteAssignment    = Endpoint[AssignmentPath, lms.Assignment]{"DELETE", "/api/v1/courses/:course/assignments/:assignment", lms.InstructorOfCourse, "Archive an assignment that holds no work; it can be restored for 30 days"}
	ArchiveAssignment   = Endpoint[AssignmentPath, lms.Assignment]{"POST", "/api/v1/courses/:course/assignments/:assignment/archive", lms.InstructorOfCourse, "Hide an assignment from students; its work and grades are kept"}
	RestoreAssignment   = Endpoint[AssignmentPath, lms.Assignment]{"POST", "/api/v1/courses/:course/assignments/:assignment/restore", lms.InstructorOfCourse, "Take an assignment out of the archive, as it was"}

	ListOverrides    = Endpoint[AssignmentPath, Page[lms.Override]]{"GET", "/api/v1/courses/:course/assignments/:assignment/overrides", lms.StaffOfCourse, "List who has other dates or attempts"}
	PreviewOverrides = Endpoint[OverridesInput, lms.Preview]{"POST", "/api/v1/courses/:course/assignments/:assignment/overrides/preview", lms.InstructorOfCourse, "Show what other dates do to the work that is there"}
	GrantOverrides   = Endpoint[OverridesInput, Page[lms.Override]]{"POST", "/api/v1/courses/:course/assignments/:assignment/overrides", lms.InstructorOfCourse, "Give students or sections other dates or attempts, all in one step"}
	PreviewRemoval   = Endpoint[OverridePath, lms.Preview]{"POST", "/api/v1/courses/:course/overrides/:override/preview", lms.InstructorOfCourse, "Show what taking other dates back does to the work that is there"}
	RemoveOverride   = Endpoint[RemoveOverrideInput, Empty]{"DELETE", "/api/v1/courses/:course/overrides/:override", lms.InstructorOfCourse, "Take other dates back"}

	GetDraft         = Endpoint[AssignmentPath, lms.Draft]{"GET", "/api/v1/courses/:course/assignments/:assignment/draft", lms.StudentOfCourse, "Show the own unsent work"}
	SaveDraft        = Endpoint[DraftInput, lms.Draft]{"PUT", "/api/v1/courses/:course/assignments/:assignment/draft", lms.StudentOfCourse, "Keep the own unsent work; it is not handed in"}
	RequestExtension = Endpoint[ExtensionInput, lms.Question]{"POST", "/api/v1/courses/:course/assignments/:assignment/extension", lms.StudentOfCourse, "Ask the staff for an extension"}

	ReturnAttempt = Endpoint[SubmissionPath, lms.Submission]{"POST", "/api/v1/courses/:course/submissions/:submission/return", lms.StaffOfCourse, "Return the latest attempt to its student as a draft; it stays in the history"}
	ChooseAttempt = Endpoint[ChooseInput, lms.Submission]{"PUT", "/api/v1/courses/:course/submissions/:submission/choice", lms.StaffOfCourse, "Choose the attempt that is graded, or let the latest one be it"}
)
