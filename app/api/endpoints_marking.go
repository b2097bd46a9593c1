package api

import "trivium/app/lms"

// Marking: how an assignment is marked, rubrics, remarks about work, and work as archives.
var (
	GetMarking       = Endpoint[AssignmentPath, lms.Marking]{"GET", "/api/v1/courses/:course/assignments/:assignment/marking", lms.MemberOfCourse, "Show how an assignment is marked; students see its rubric when it is shown"}
	UpdateMarking    = Endpoint[MarkingInput, lms.Marking]{"PUT", "/api/v1/courses/:course/assignments/:assignment/marking", lms.InstructorOfCourse, "Change the kind of grades, when they are posted, and the rubric"}
	RevealIdentities = Endpoint[AssignmentPath, lms.Assignment]{"POST", "/api/v1/courses/:course/assignments/:assignment/reveal", lms.InstructorOfCourse, "Reveal whose work was marked blind, for good; the grades come to the gradebook"}
	HideGrades       = Endpoint[HideGradesInput, HideGradesOutput]{"POST", "/api/v1/courses/:course/assignments/:assignment/grades/hide", lms.StaffOfCourse, "Hide posted grades and remarks from the students again; the drafts stay"}
	CountWork        = Endpoint[AssignmentPath, lms.SubmissionCounts]{"GET", "/api/v1/courses/:course/assignments/:assignment/submissions/counts", lms.StaffOfCourse, "Count what each filter of the list of submissions shows"}
	ListGradeChange  = Endpoint[SubmissionPath, Page[lms.GradeChange]]{"GET", "/api/v1/courses/:course/submissions/:submission/grade/history", lms.StaffOfCourse, "List who changed and posted a grade, when, and from what to what"}

	ListRubrics   = Endpoint[CoursePath, Page[lms.Rubric]]{"GET", "/api/v1/courses/:course/rubrics", lms.StaffOfCourse, "List the rubrics"}
	CreateRubric  = Endpoint[RubricInput, lms.Rubric]{"POST", "/api/v1/courses/:course/rubrics", lms.StaffOfCourse, "Make a rubric"}
	GetRubric     = Endpoint[RubricPath, lms.Rubric]{"GET", "/api/v1/courses/:course/rubrics/:rubric", lms.StaffOfCourse, "Show the newest version of a rubric"}
	UpdateRubric  = Endpoint[UpdateRubricInput, lms.Rubric]{"PUT", "/api/v1/courses/:course/rubrics/:rubric", lms.StaffOfCourse, "Make a new version of a rubric; graded work keeps the old one"}
	DeleteRubric  = Endpoint[RubricPath, Empty]{"DELETE", "/api/v1/courses/:course/rubrics/:rubric", lms.StaffOfCourse, "Archive a rubric; it can be restored for 30 days"}
	RestoreRubric = Endpoint[RubricPath, lms.Rubric]{"POST", "/api/v1/courses/:course/rubrics/:rubric/restore", lms.StaffOfCourse, "Restore an archived rubric"}

	ListComments   = Endpoint[SubmissionPath, Page[lms.Comment]]{"GET", "/api/v1/courses/:course/submissions/:submission/comments", lms.MemberOfCourse, "List the thread between a student and the staff about the student's work"}
	AddComment     = Endpoint[CommentInput, lms.Comment]{"POST", "/api/v1/courses/:course/submissions/:submission/comments", lms.MemberOfCourse, "Write to the thread; what staff write shows when it is posted"}
	DeleteComment  = Endpoint[CommentPath, Empty]{"DELETE", "/api/v1/courses/:course/submissions/:submission/comments/:comment", lms.MemberOfCourse, "Remove an own comment; it can be restored for 30 days"}
	RestoreComment = Endpoint[CommentPath, Empty]{"POST", "/api/v1/courses/:course/submissions/:submission/comments/:comment/restore", lms.MemberOfCourse, "Restore an own comment"}

	ListAnnotations   = Endpoint[SubmissionPath, Page[lms.Annotation]]{"GET", "/api/v1/courses/:course/submissions/:submission/annotations", lms.MemberOfCourse, "List the remarks at places of a submission"}
	Annotate          = Endpoint[AnnotationInput, lms.Annotation]{"POST", "/api/v1/courses/:course/submissions/:submission/annotations", lms.StaffOfCourse, "Remark on a place of a submission"}
	UpdateAnnotation  = Endpoint[UpdateAnnotationInput, lms.Annotation]{"PATCH", "/api/v1/courses/:course/submissions/:submission/annotations/:annotation", lms.StaffOfCourse, "Change what a remark says"}
	DeleteAnnotation  = Endpoint[AnnotationPath, Empty]{"DELETE", "/api/v1/courses/:course/submissions/:submission/annotations/:annotation", lms.StaffOfCourse, "Remove a remark; it can be restored for 30 days"}
	RestoreAnnotation = Endpoint[AnnotationPath, Empty]{"POST", "/api/v1/courses/:course/submissions/:submission/annotations/:annotation/restore", lms.StaffOfCourse, "Restore a remark"}

	ArchiveWork     = Endpoint[ArchiveInput, Raw]{"GET", "/api/v1/courses/:course/assignments/:assignment/archive", lms.StaffOfCourse, "Download the latest attempts as a zip of login_attempt_file"}
	ArchiveOne      = Endpoint[SubmissionPath, Raw]{"GET", "/api/v1/courses/:course/submissions/:submission/archive", lms.StaffOfCourse, "Download one attempt as a zip"}
	PreviewFeedback = Endpoint[FeedbackPath, lms.FeedbackReport]{"POST", "/api/v1/courses/:course/assignments/:assignment/feedback/preview", lms.StaffOfCourse, "Show what an uploaded zip of marked files would do"}
	ApplyFeedback   = Endpoint[FeedbackInput, lms.FeedbackReport]{"POST", "/api/v1/courses/:course/assignments/:assignment/feedback", lms.StaffOfCourse, "Attach the marked files of a zip to the students' work, as the preview showed"}
	UndoFeedback    = Endpoint[FeedbackUndo, UndoFeedbackOutput]{"DELETE", "/api/v1/courses/:course/assignments/:assignment/feedback/:feedback", lms.StaffOfCourse, "Take the marked files of a zip away again"}
)

func markingRoutes() []Route {
	return []Route{
		named("GetMarking", GetMarking), named("UpdateMarking", UpdateMarking), named("HideGrades", HideGrades),
		named("RevealIdentities", RevealIdentities),
		named("CountWork", CountWork), named("ListGradeChange", ListGradeChange),
		named("ListRubrics", ListRubrics), named("CreateRubric", CreateRubric), named("GetRubric", GetRubric),
		named("UpdateRubric", UpdateRubric), named("DeleteRubric", DeleteRubric), named("RestoreRubric", RestoreRubric),
		named("ListComments", ListComments), named("AddComment", AddComment), named("DeleteComment", DeleteComment), named("RestoreComment", RestoreComment),
		named("ListAnnotations", ListAnnotations), named("Annotate", Annotate), named("UpdateAnnotation", UpdateAnnotation),
		named("DeleteAnnotation", DeleteAnnotation), named("RestoreAnnotation", RestoreAnnotation),
		named("ArchiveWork", ArchiveWork), named("ArchiveOne", ArchiveOne), named("PreviewFeedback", PreviewFeedback),
		named("ApplyFeedback", ApplyFeedback), named("UndoFeedback", UndoFeedback),
	}
}
