package api

import "trivium/app/lms"

// Sections, rosters, and the student view.
var (
	ArchiveCourse = Endpoint[CoursePath, lms.Course]{"DELETE", "/api/v1/courses/:course", lms.InstructorOfCourse, "Archive a course; it can be restored for 30 days"}
	RestoreCourse = Endpoint[CoursePath, lms.Course]{"POST", "/api/v1/courses/:course/restore", lms.InstructorOfCourse, "Restore an archived course to the state it had"}

	RegenerateInvite = Endpoint[RegenerateInviteInput, lms.Invite]{"POST", "/api/v1/courses/:course/invites/:invite/regenerate", lms.InstructorOfCourse, "Withdraw an invite code and make a new one like it"}

	ListSections  = Endpoint[CoursePath, Page[lms.Section]]{"GET", "/api/v1/courses/:course/sections", lms.MemberOfCourse, "List the sections in their order"}
	CreateSection = Endpoint[SectionInput, lms.Section]{"POST", "/api/v1/courses/:course/sections", lms.InstructorOfCourse, "Add a section"}
	OrderSections = Endpoint[OrderSectionsInput, Empty]{"PUT", "/api/v1/courses/:course/sections", lms.InstructorOfCourse, "Put the sections into an order"}
	UpdateSection = Endpoint[UpdateSectionInput, lms.Section]{"PATCH", "/api/v1/courses/:course/sections/:section", lms.InstructorOfCourse, "Rename, archive or restore a section"}
	DeleteSection = Endpoint[SectionPath, Empty]{"DELETE", "/api/v1/courses/:course/sections/:section", lms.InstructorOfCourse, "Delete a section that holds nothing"}
	AssignSection = Endpoint[AssignSectionInput, AssignSectionOutput]{"PUT", "/api/v1/courses/:course/roster/section", lms.InstructorOfCourse, "Put members into a section"}

	PreviewRoster = Endpoint[RosterInput, lms.RosterPlan]{"POST", "/api/v1/courses/:course/roster/preview", lms.InstructorOfCourse, "Show what a roster file would do"}
	ApplyRoster   = Endpoint[ApplyRosterInput, lms.RosterResult]{"POST", "/api/v1/courses/:course/roster", lms.InstructorOfCourse, "Do what a preview of a roster file has shown, all or nothing"}
	UndoRoster    = Endpoint[CoursePath, lms.RosterResult]{"POST", "/api/v1/courses/:course/roster/undo", lms.InstructorOfCourse, "Take the last import back, while the roster is as it left it"}
	IssueClaims   = Endpoint[IssueClaimsInput, Page[lms.ClaimLink]]{"POST", "/api/v1/courses/:course/roster/claims", lms.InstructorOfCourse, "Make links with which imported people choose a password; older links end"}
	PreviewClaim  = Endpoint[ClaimTokenInput, lms.ClaimPreview]{"POST", "/api/v1/claims/preview", lms.Public, "Show whose account a link is for"}
	Claim         = Endpoint[ClaimInput, lms.Session]{"POST", "/api/v1/claims", lms.Public, "Choose the password of an imported account with a link"}

	StartView = Endpoint[CoursePath, lms.Session]{"POST", "/api/v1/courses/:course/view", lms.StaffOfCourse, "View a course as its test student"}
	EndView   = Endpoint[NoInput, lms.Session]{"DELETE", "/api/v1/session/view", lms.AnyUser, "End the student view"}
)
