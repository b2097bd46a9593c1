package api

import (
	"slices"

	"trivium/app/lms"
)

// Accounts and sessions.
var (
	Setup          = Endpoint[SetupInput, lms.Session]{"POST", "/api/v1/setup", lms.Public, "Claim the first administrator with the one-time setup token"}
	Register       = Endpoint[RegisterInput, lms.Session]{"POST", "/api/v1/register", lms.Public, "Register an account with an invite code, or without one where the site allows it"}
	PreviewInvite  = Endpoint[CodeInput, lms.InvitePreview]{"POST", "/api/v1/invites/preview", lms.Public, "Show what an invite code is for"}
	SignIn         = Endpoint[SignInInput, lms.Session]{"POST", "/api/v1/session", lms.Public, "Sign in"}
	CurrentSession = Endpoint[NoInput, lms.Session]{"GET", "/api/v1/session", lms.AnyUser, "Show who is signed in"}
	SignOut        = Endpoint[NoInput, Empty]{"DELETE", "/api/v1/session", lms.AnyUser, "Sign out"}
	IssueTicket    = Endpoint[NoInput, Ticket]{"POST", "/api/v1/session/ticket", lms.AnyUser, "Issue a hand-over ticket for another node"}
	RedeemTicket   = Endpoint[Ticket, lms.Session]{"POST", "/api/v1/session/redeem", lms.Public, "Exchange a hand-over ticket for a bearer token of the same session"}
	ChangePassword = Endpoint[PasswordInput, Empty]{"PUT", "/api/v1/session/password", lms.AnyUser, "Change the own password; other sessions end"}

	ConfirmSession = Endpoint[ConfirmInput, Empty]{"POST", "/api/v1/session/confirm", lms.AnyUser, "Give the password again, as administrative actions ask for; it counts for ten minutes"}

	ListUsers  = Endpoint[ListInput, Page[lms.User]]{"GET", "/api/v1/users", lms.Admin, "List accounts"}
	CreateUser = Endpoint[CreateUserInput, lms.User]{"POST", "/api/v1/users", lms.AdminConfirmed, "Create an account"}
	UpdateUser = Endpoint[UpdateUserInput, lms.User]{"PATCH", "/api/v1/users/:user", lms.AdminConfirmed, "Change an account, disable it, or set its password"}

	GetHome = Endpoint[NoInput, lms.Home]{"GET", "/api/v1/home", lms.AnyUser, "Show what is due and what is new"}
)

// Courses and their people.
var (
	ListCourses  = Endpoint[NoInput, Page[lms.Course]]{"GET", "/api/v1/courses", lms.AnyUser, "List the own courses; all of them for an administrator"}
	CreateCourse = Endpoint[CourseInput, lms.Course]{"POST", "/api/v1/courses", lms.CourseCreator, "Create a course with oneself as instructor"}
	JoinCourse   = Endpoint[CodeInput, lms.Course]{"POST", "/api/v1/courses/join", lms.AnyUser, "Join a course with an invite code"}
	GetCourse    = Endpoint[CoursePath, lms.Course]{"GET", "/api/v1/courses/:course", lms.MemberOfCourse, "Show a course"}
	UpdateCourse = Endpoint[UpdateCourseInput, lms.Course]{"PATCH", "/api/v1/courses/:course", lms.InstructorOfCourse, "Change a course"}

	ListMembers  = Endpoint[ListMembersInput, Page[lms.Member]]{"GET", "/api/v1/courses/:course/members", lms.MemberOfCourse, "List the members"}
	AddMember    = Endpoint[AddMemberInput, lms.Member]{"POST", "/api/v1/courses/:course/members", lms.InstructorOfCourse, "Enrol a user by login"}
	UpdateMember = Endpoint[UpdateMemberInput, lms.Member]{"PATCH", "/api/v1/courses/:course/members/:user", lms.InstructorOfCourse, "Change a member's role, sections or linked student, deactivate or reactivate"}

	ListInvites  = Endpoint[CoursePath, Page[lms.Invite]]{"GET", "/api/v1/courses/:course/invites", lms.InstructorOfCourse, "List invite codes"}
	CreateInvite = Endpoint[CreateInviteInput, lms.Invite]{"POST", "/api/v1/courses/:course/invites", lms.InstructorOfCourse, "Make an invite code"}
	RevokeInvite = Endpoint[InvitePath, lms.Invite]{"DELETE", "/api/v1/courses/:course/invites/:invite", lms.InstructorOfCourse, "Withdraw an invite code"}
)

// Files. The client hashes 1 MiB chunks, declares the file, asks which chunks are missing, sends those, and completes.
// A declared file can be handed in or attached at once: its hashes are what counts for a deadline.
var (
	DeclareFile   = Endpoint[DeclareFileInput, lms.File]{"POST", "/api/v1/courses/:course/files", lms.MemberOfCourse, "Declare a file by its name, size and hashes"}
	GetFile       = Endpoint[FilePath, lms.File]{"GET", "/api/v1/courses/:course/files/:file", lms.MemberOfCourse, "Show a file's description"}
	MissingChunks = Endpoint[FilePath, Missing]{"GET", "/api/v1/courses/:course/files/:file/missing", lms.MemberOfCourse, "List the chunks that have not arrived"}
	PutChunk      = Endpoint[ChunkPath, Empty]{"PUT", "/api/v1/courses/:course/files/:file/chunks/:number", lms.MemberOfCourse, "Send one chunk; acknowledged when a majority of the nodes has it on disk"}
	CompleteFile  = Endpoint[FilePath, FileReceipt]{"POST", "/api/v1/courses/:course/files/:file/complete", lms.MemberOfCourse, "Verify that a majority holds every byte and complete the file"}
	FileContent   = Endpoint[ContentPath, Raw]{"GET", "/api/v1/courses/:course/files/:file/content", lms.MemberOfCourse, "Download a file (ranges)"}
)

// Materials.
var (
	ListMaterials   = Endpoint[CoursePath, Page[lms.Material]]{"GET", "/api/v1/courses/:course/materials", lms.MemberOfCourse, "List the materials"}
	CreateMaterial  = Endpoint[MaterialInput, lms.Material]{"POST", "/api/v1/courses/:course/materials", lms.StaffOfCourse, "Add a page or an uploaded file"}
	GetMaterial     = Endpoint[MaterialPath, lms.Material]{"GET", "/api/v1/courses/:course/materials/:material", lms.MemberOfCourse, "Show a material"}
	UpdateMaterial  = Endpoint[UpdateMaterialInput, lms.Material]{"PATCH", "/api/v1/courses/:course/materials/:material", lms.StaffOfCourse, "Change a material"}
	DeleteMaterial  = Endpoint[MaterialPath, Empty]{"DELETE", "/api/v1/courses/:course/materials/:material", lms.StaffOfCourse, "Archive a material; it can be restored for 30 days"}
	RestoreMaterial = Endpoint[MaterialPath, lms.Material]{"POST", "/api/v1/courses/:course/materials/:material/restore", lms.StaffOfCourse, "Restore an archived material"}
	ListPassages    = Endpoint[MaterialPath, Page[lms.Passage]]{"GET", "/api/v1/courses/:course/materials/:material/passages", lms.MemberOfCourse, "List the readable text of a material by page and heading"}
)

// Assignments, submissions, grades.
var (
	ListAssignments  = Endpoint[CoursePath, Page[lms.Assignment]]{"GET", "/api/v1/courses/:course/assignments", lms.MemberOfCourse, "List the assignments"}
	CreateAssignment = Endpoint[AssignmentInput, lms.Assignment]{"POST", "/api/v1/courses/:course/assignments", lms.InstructorOfCourse, "Post an assignment"}
	GetAssignment    = Endpoint[AssignmentPath, lms.Assignment]{"GET", "/api/v1/courses/:course/assignments/:assignment", lms.MemberOfCourse, "Show an assignment"}
	UpdateAssignment = Endpoint[UpdateAssignmentInput, lms.Assignment]{"PUT", "/api/v1/courses/:course/assignments/:assignment", lms.InstructorOfCourse, "Change an assignment"}

	Submit          = Endpoint[SubmitInput, lms.Receipt]{"POST", "/api/v1/courses/:course/assignments/:assignment/submissions", lms.StudentOfCourse, "Hand in text and files"}
	ListSubmissions = Endpoint[ListSubmissionsInput, Page[lms.Submission]]{"GET", "/api/v1/courses/:course/assignments/:assignment/submissions", lms.StaffOfCourse, "List the latest attempts, ungraded first"}
	MySubmissions   = Endpoint[AssignmentPath, Page[lms.Submission]]{"GET", "/api/v1/courses/:course/assignments/:assignment/submissions/mine", lms.MemberOfCourse, "List the own attempts, for an observer those of the linked student, latest first"}
	GetSubmission   = Endpoint[SubmissionPath, lms.Submission]{"GET", "/api/v1/courses/:course/submissions/:submission", lms.MemberOfCourse, "Show an attempt"}
	ListAttempts    = Endpoint[SubmissionPath, Page[lms.Submission]]{"GET", "/api/v1/courses/:course/submissions/:submission/attempts", lms.StaffOfCourse, "List all attempts of an attempt's student, latest first"}
	GetReceipt      = Endpoint[SubmissionPath, lms.Receipt]{"GET", "/api/v1/courses/:course/submissions/:submission/receipt", lms.MemberOfCourse, "Show the receipt of an attempt"}

	SaveGrade  = Endpoint[GradeInput, lms.Grade]{"PUT", "/api/v1/courses/:course/submissions/:submission/grade", lms.StaffOfCourse, "Save a draft grade and feedback"}
	PostGrades = Endpoint[PostGradesInput, PostGradesOutput]{"POST", "/api/v1/courses/:course/assignments/:assignment/grades/post", lms.StaffOfCourse, "Post draft grades: students see them from now on"}
)

// Questions to the staff and to the tutor.
var (
	ListQuestions = Endpoint[ListQuestionsInput, Page[lms.Question]]{"GET", "/api/v1/courses/:course/questions", lms.MemberOfCourse, "List the questions that one may read"}
	AskQuestion   = Endpoint[QuestionInput, lms.Question]{"POST", "/api/v1/courses/:course/questions", lms.MemberOfCourse, "Ask the staff or the tutor"}
	GetQuestion   = Endpoint[QuestionPath, lms.Question]{"GET", "/api/v1/courses/:course/questions/:question", lms.MemberOfCourse, "Show a question with its replies"}
	AddReply      = Endpoint[ReplyInput, lms.Question]{"POST", "/api/v1/courses/:course/questions/:question/replies", lms.MemberOfCourse, "Reply; in a tutor thread the author's reply is a further question"}
	SetQuestion   = Endpoint[SetQuestionInput, lms.Question]{"PATCH", "/api/v1/courses/:course/questions/:question", lms.MemberOfCourse, "Mark as answered, resolved or open again, or send a tutor thread to the staff"}
	StopReply     = Endpoint[ReplyPath, Empty]{"POST", "/api/v1/courses/:course/questions/:question/replies/:reply/stop", lms.MemberOfCourse, "Stop the tutor; the text so far is kept"}
	RetryReply    = Endpoint[RetryInput, lms.Question]{"POST", "/api/v1/courses/:course/questions/:question/replies/:reply/retry", lms.MemberOfCourse, "Ask the tutor again after a failed or stopped answer"}
	StreamReply   = Endpoint[ReplyPath, Raw]{"GET", "/api/v1/courses/:course/questions/:question/replies/:reply/stream", lms.MemberOfCourse, "Read a tutor's answer while it is written (text/event-stream of ReplyEvent)"}
	SearchCourse  = Endpoint[SearchInput, lms.SearchResults]{"GET", "/api/v1/courses/:course/search", lms.MemberOfCourse, "Search pages, texts of files, assignments, questions and the FAQ that one may open, best first"}
	TutorInfo     = Endpoint[CoursePath, TutorStatus]{"GET", "/api/v1/courses/:course/tutor", lms.MemberOfCourse, "Show what answers, where text goes, and what one may still ask"}
)

// The tutor's rules.
var (
	GetTutorPolicy    = Endpoint[CoursePath, lms.TutorPolicy]{"GET", "/api/v1/courses/:course/tutor/policy", lms.StaffOfCourse, "Show what the instructors have decided about the tutor"}
	UpdateTutorPolicy = Endpoint[TutorPolicyInput, lms.TutorPolicy]{"PUT", "/api/v1/courses/:course/tutor/policy", lms.InstructorOfCourse, "Change what the instructors have decided about the tutor"}
	GetTutorItem      = Endpoint[AssignmentPath, lms.ItemPolicy]{"GET", "/api/v1/courses/:course/assignments/:assignment/tutor", lms.StaffOfCourse, "Show the tutor's rules and hidden notes for an assignment"}
	UpdateTutorItem   = Endpoint[TutorItemInput, lms.ItemPolicy]{"PUT", "/api/v1/courses/:course/assignments/:assignment/tutor", lms.InstructorOfCourse, "Change the tutor's rules and hidden notes for an assignment"}
	SetTutorChoice    = Endpoint[TutorChoiceInput, Empty]{"PUT", "/api/v1/courses/:course/tutor/choice", lms.MemberOfCourse, "Choose how the tutor helps, within what the course allows"}
	AcceptTutorNotice = Endpoint[TutorNoticeInput, Empty]{"POST", "/api/v1/tutor/notice", lms.AnyUser, "Accept the notice about what the tutor does with questions"}
)

// What students and staff make of the tutor's answers.
var (
	RateReply       = Endpoint[RateInput, lms.Question]{"PUT", "/api/v1/courses/:course/questions/:question/replies/:reply/rating", lms.MemberOfCourse, "Say whether an answer of the tutor to oneself helped; the last word counts"}
	AskHuman        = Endpoint[AskHumanInput, lms.Question]{"POST", "/api/v1/courses/:course/questions/:question/replies/:reply/ask", lms.MemberOfCourse, "Ask the staff about an answer of the tutor, with the answer and its sources; a second time answers the same question"}
	EndorseReply    = Endpoint[EndorseInput, lms.Question]{"PUT", "/api/v1/courses/:course/questions/:question/replies/:reply/endorsement", lms.StaffOfCourse, "Endorse or correct an answer: it enters the FAQ of the course and is found first"}
	WithdrawReply   = Endpoint[ReplyPath, lms.Question]{"DELETE", "/api/v1/courses/:course/questions/:question/replies/:reply/endorsement", lms.StaffOfCourse, "Take an answer out of the FAQ"}
	ListEndorsed    = Endpoint[ListEndorsedInput, Page[lms.Endorsement]]{"GET", "/api/v1/courses/:course/faq", lms.MemberOfCourse, "List the FAQ of the course: what staff have endorsed, newest first"}
	ListTutorFlags  = Endpoint[ListFlagsInput, Page[lms.TutorFlag]]{"GET", "/api/v1/courses/:course/tutor/flags", lms.StaffOfCourse, "List messages to the tutor that somebody must look at, newest first"}
	SeeTutorFlag    = Endpoint[FlagPath, lms.TutorFlag]{"POST", "/api/v1/courses/:course/tutor/flags/:flag/seen", lms.StaffOfCourse, "Mark a flag as looked at"}
	ListSevereFlags = Endpoint[ListSevereInput, Page[lms.TutorFlag]]{"GET", "/api/v1/tutor/flags", lms.Admin, "List severe flags of all courses, for the administrators who are named for them"}
	GetTutorSite    = Endpoint[NoInput, lms.TutorSite]{"GET", "/api/v1/tutor/site", lms.Admin, "Show the site's rules of the tutor"}
	UpdateTutorSite = Endpoint[TutorSiteInput, lms.TutorSite]{"PUT", "/api/v1/tutor/site", lms.AdminConfirmed, "Change the text for a crisis, who gets severe flags, and how long conversations are kept"}

	GetTutorGaps    = Endpoint[GapInput, lms.GapReport]{"GET", "/api/v1/courses/:course/tutor/gaps", lms.StaffOfCourse, "Show what students ask the tutor, and where the material leaves them alone"}
	ExportTutorGaps = Endpoint[GapInput, Raw]{"GET", "/api/v1/courses/:course/tutor/gaps/export", lms.StaffOfCourse, "Download the report on what students ask as CSV"}

	OutlineMaterial = Endpoint[OutlineInput, lms.Material]{"POST", "/api/v1/courses/:course/materials/:material/outline", lms.StaffOfCourse, "Make a page with the topics and key terms of a material; it is a draft until staff publish it"}

	ListConversations   = Endpoint[ListConversationsInput, Page[lms.Question]]{"GET", "/api/v1/courses/:course/conversations", lms.MemberOfCourse, "List and search the own conversations with the tutor, newest first"}
	ExportConversations = Endpoint[ExportConversationsInput, Raw]{"GET", "/api/v1/courses/:course/conversations/export", lms.MemberOfCourse, "Download the own conversations with the tutor (format: json or md)"}
	EraseConversation   = Endpoint[QuestionPath, Empty]{"DELETE", "/api/v1/courses/:course/conversations/:question", lms.MemberOfCourse, "Erase the text of an own conversation with the tutor, everywhere; it cannot be undone"}
)

// The cluster and live updates.
var (
	GetCluster      = Endpoint[NoInput, lms.Cluster]{"GET", "/api/v1/cluster", lms.AnyUser, "Show the nodes and how they stand"}
	GetNodeHash     = Endpoint[NoInput, lms.NodeHash]{"GET", "/api/v1/cluster/hash", lms.Admin, "Hash every row of the node that answers: equal index, equal hash, on every node"}
	GetNode         = Endpoint[NodePath, lms.NodeReport]{"GET", "/api/v1/cluster/nodes/:node", lms.Admin, "Show how one node stands, with its figures of the last minutes"}
	NodeText        = Endpoint[NodeTextInput, Raw]{"GET", "/api/v1/cluster/nodes/:node/texts/:name", lms.Admin, "Read a node's logs.txt, metadata.txt or dump.txt"}
	NodeLines       = Endpoint[NodeTextInput, Page[string]]{"GET", "/api/v1/cluster/nodes/:node/texts/:name/lines", lms.Admin, "Read the last lines of a node's logs.txt, metadata.txt or dump.txt"}
	CreateJoinToken = Endpoint[NoInput, JoinToken]{"POST", "/api/v1/cluster/join-tokens", lms.AdminConfirmed, "Make a single-use token for one new node (1 h)"}
	RemoveNode      = Endpoint[RemoveNodeInput, lms.Cluster]{"DELETE", "/api/v1/cluster/nodes/:node", lms.AdminConfirmed, "Remove a node from the cluster"}
	TransferLeader  = Endpoint[TransferInput, lms.Cluster]{"POST", "/api/v1/cluster/transfer", lms.AdminConfirmed, "Hand leadership to a node, or to the best one"}
	SuspendNode     = Endpoint[SuspendNodeInput, Empty]{"POST", "/api/v1/cluster/nodes/:node/suspend", lms.AdminConfirmed, "Drill: a node neither answers nor votes for 1 to 600 seconds (nodes allow it with --drills)"}
	Events          = Endpoint[NoInput, Raw]{"GET", "/api/v1/events", lms.AnyUser, "Live updates (text/event-stream of Event)"}
)

// The audit log.
var (
	ListAudit   = Endpoint[AuditInput, Page[lms.AuditRecord]]{"GET", "/api/v1/audit", lms.Admin, "Search the audit log, newest first"}
	VerifyAudit = Endpoint[NoInput, lms.AuditCheck]{"GET", "/api/v1/audit/verify", lms.Admin, "Compute the chain of the audit log anew and tell where it breaks"}
	ExportAudit = Endpoint[ExportAuditInput, Raw]{"GET", "/api/v1/audit/export", lms.Admin, "Download the audit log, oldest first (format: jsonl or csv)"}
)

// Backups of the site.
var (
	StartBackup   = Endpoint[BackupInput, lms.BackupStatus]{"POST", "/api/v1/cluster/backups", lms.AdminConfirmed, "Begin a backup on this node, to be downloaded when it is ready"}
	GetBackups    = Endpoint[NoInput, lms.BackupStatus]{"GET", "/api/v1/cluster/backups", lms.Admin, "Show this node's backup and what the schedule has done"}
	BackupContent = Endpoint[BackupPath, Raw]{"GET", "/api/v1/cluster/backups/:backup/content", lms.AdminConfirmed, "Download the archive, once"}
)

// The key-value store: one namespace for each API token, and one for the administrators.
var (
	KVGet           = Endpoint[KVGetInput, KVValue]{"GET", "/api/v1/kv/:key", lms.KeyValue, "Read a key (consistency: lease, linearizable, session or stale)"}
	KVPut           = Endpoint[KVPutInput, KVValue]{"PUT", "/api/v1/kv/:key", lms.KeyValue, "Write a key"}
	KVDelete        = Endpoint[KVKey, KVValue]{"DELETE", "/api/v1/kv/:key", lms.KeyValue, "Delete a key"}
	KVCompareAndSet = Endpoint[KVCompareInput, KVValue]{"POST", "/api/v1/kv/:key/cas", lms.KeyValue, "Write a key if it has the value or the version; else 409 with the present value"}
	KVList          = Endpoint[KVListInput, KVItems]{"GET", "/api/v1/kv", lms.KeyValue, "List keys by prefix, in the order of their bytes"}
	KVMultiGet      = Endpoint[KVMultiGetInput, KVItems]{"POST", "/api/v1/kv-batch/get", lms.KeyValue, "Read up to 1,000 keys as they are at one moment"}
	KVMultiPut      = Endpoint[KVMultiPutInput, KVItems]{"POST", "/api/v1/kv-batch/put", lms.KeyValue, "Write up to 1,000 keys, all or none"}
	ListAPITokens   = Endpoint[NoInput, Page[lms.APIToken]]{"GET", "/api/v1/tokens", lms.Admin, "List the API tokens of programs"}
	CreateAPIToken  = Endpoint[APITokenInput, lms.APIToken]{"POST", "/api/v1/tokens", lms.AdminConfirmed, "Make an API token; its secret is shown once"}
	RevokeAPIToken  = Endpoint[APITokenPath, lms.APIToken]{"DELETE", "/api/v1/tokens/:token", lms.AdminConfirmed, "Revoke an API token; its keys stay"}
)

// Routes lists every endpoint in the order of the table. A test fails when a variable of this file is missing.
func Routes() []Route {
	return slices.Concat([]Route{
		named("Setup", Setup),
		named("Register", Register),
		named("PreviewInvite", PreviewInvite),
		named("SignIn", SignIn),
		named("CurrentSession", CurrentSession),
		named("SignOut", SignOut),
		named("IssueTicket", IssueTicket),
		named("RedeemTicket", RedeemTicket),
		named("ChangePassword", ChangePassword),
		named("ConfirmSession", ConfirmSession),
		named("ListUsers", ListUsers),
		named("CreateUser", CreateUser),
		named("UpdateUser", UpdateUser),
		named("GetHome", GetHome),
		named("RenewSession", RenewSession),
		named("ListSessions", ListSessions),
		named("EndSession", EndSession),
		named("EndOtherSessions", EndOtherSessions),
		named("GetDoor", GetDoor),
		named("GetAccountSite", GetAccountSite),
		named("UpdateAccountSite", UpdateAccountSite),
		named("IssueReset", IssueReset),
		named("PreviewReset", PreviewReset),
		named("ResetPassword", ResetPassword),
		named("AskReset", AskReset),
		named("GetTwoStep", GetTwoStep),
		named("BeginTwoStep", BeginTwoStep),
		named("ConfirmTwoStep", ConfirmTwoStep),
		named("EndTwoStep", EndTwoStep),
		named("MakeRecoveryCodes", MakeRecoveryCodes),
		named("RemoveTwoStep", RemoveTwoStep),
		named("AskPasskey", AskPasskey),
		named("BeginPasskey", BeginPasskey),
		named("AddPasskey", AddPasskey),
		named("RemovePasskey", RemovePasskey),
		named("ListCourses", ListCourses),
		named("CreateCourse", CreateCourse),
		named("JoinCourse", JoinCourse),
		named("GetCourse", GetCourse),
		named("UpdateCourse", UpdateCourse),
		named("ListMembers", ListMembers),
		named("AddMember", AddMember),
		named("UpdateMember", UpdateMember),
		named("ListInvites", ListInvites),
		named("CreateInvite", CreateInvite),
		named("RevokeInvite", RevokeInvite),
		named("RegenerateInvite", RegenerateInvite),
		named("ArchiveCourse", ArchiveCourse),
		named("RestoreCourse", RestoreCourse),
		named("ListSections", ListSections),
		named("CreateSection", CreateSection),
		named("UpdateSection", UpdateSection),
		named("OrderSections", OrderSections),
		named("DeleteSection", DeleteSection),
		named("AssignSection", AssignSection),
		named("PreviewRoster", PreviewRoster),
		named("ApplyRoster", ApplyRoster),
		named("UndoRoster", UndoRoster),
		named("IssueClaims", IssueClaims),
		named("PreviewClaim", PreviewClaim),
		named("Claim", Claim),
		named("StartView", StartView),
		named("EndView", EndView),
		named("DeclareFile", DeclareFile),
		named("GetFile", GetFile),
		named("MissingChunks", MissingChunks),
		named("PutChunk", PutChunk),
		named("CompleteFile", CompleteFile),
		named("FileContent", FileContent),
		named("ListMaterials", ListMaterials),
		named("CreateMaterial", CreateMaterial),
		named("GetMaterial", GetMaterial),
		named("UpdateMaterial", UpdateMaterial),
		named("DeleteMaterial", DeleteMaterial),
		named("RestoreMaterial", RestoreMaterial),
		named("ListPassages", ListPassages),
		named("GetOutline", GetOutline),
		named("OrderOutline", OrderOutline),
		named("CreateModule", CreateModule),
		named("UpdateModule", UpdateModule),
		named("DeleteModule", DeleteModule),
		named("RestoreModule", RestoreModule),
		named("CreateItem", CreateItem),
		named("UpdateItem", UpdateItem),
		named("DeleteItem", DeleteItem),
		named("MaterialCaptions", MaterialCaptions),
		named("GetEmbeds", GetEmbeds),
		named("UpdateEmbeds", UpdateEmbeds),
		named("SaveMaterialDraft", SaveMaterialDraft),
		named("GetMaterialDraft", GetMaterialDraft),
		named("DiscardMaterialDraft", DiscardMaterialDraft),
		named("ReplaceMaterialFile", ReplaceMaterialFile),
		named("ListMaterialVersions", ListMaterialVersions),
		named("GetMaterialVersion", GetMaterialVersion),
		named("RestoreVersion", RestoreVersion),
		named("ExportCourse", ExportCourse),
		named("ImportCourse", ImportCourse),
		named("ListAssignments", ListAssignments),
		named("CreateAssignment", CreateAssignment),
		named("GetAssignment", GetAssignment),
		named("UpdateAssignment", UpdateAssignment),
		named("Submit", Submit),
		named("ListSubmissions", ListSubmissions),
		named("MySubmissions", MySubmissions),
		named("GetSubmission", GetSubmission),
		named("ListAttempts", ListAttempts),
		named("GetReceipt", GetReceipt),

		named("GetCourseLate", GetCourseLate),
		named("PreviewCourseLate", PreviewCourseLate),
		named("SetCourseLate", SetCourseLate),
		named("ListChoices", ListChoices),
		named("PreviewAssignment", PreviewAssignment),
		named("DuplicateAssignment", DuplicateAssignment),
		named("DeleteAssignment", DeleteAssignment),
		named("ArchiveAssignment", ArchiveAssignment),
		named("RestoreAssignment", RestoreAssignment),
		named("ListOverrides", ListOverrides),
		named("PreviewOverrides", PreviewOverrides),
		named("GrantOverrides", GrantOverrides),
		named("PreviewRemoval", PreviewRemoval),
		named("RemoveOverride", RemoveOverride),
		named("GetDraft", GetDraft),
		named("SaveDraft", SaveDraft),
		named("RequestExtension", RequestExtension),
		named("ReturnAttempt", ReturnAttempt),
		named("ChooseAttempt", ChooseAttempt),

		named("SaveGrade", SaveGrade),
		named("PostGrades", PostGrades),
		named("GetGradebook", GetGradebook),
		named("GetStudentGrades", GetStudentGrades),
		named("GetBookCell", GetBookCell),
		named("SetMark", SetMark),
		named("PostColumn", PostColumn),
		named("GetBookSettings", GetBookSettings),
		named("SetBookSettings", SetBookSettings),
		named("CreateColumn", CreateColumn),
		named("UpdateColumn", UpdateColumn),
		named("ArchiveColumn", ArchiveColumn),
		named("RestoreColumn", RestoreColumn),
		named("GetStatistics", GetStatistics),
		named("ExportGradebook", ExportGradebook),
		named("PreviewImport", PreviewImport),
		named("ApplyImport", ApplyImport),
		named("ListImports", ListImports),
		named("UndoImport", UndoImport),
		named("ListNotes", ListNotes),
		named("GetNote", GetNote),
		named("SendNote", SendNote),
		named("ListQuestions", ListQuestions),
		named("AskQuestion", AskQuestion),
		named("GetQuestion", GetQuestion),
		named("AddReply", AddReply),
		named("SetQuestion", SetQuestion),
		named("StopReply", StopReply),
		named("RetryReply", RetryReply),
		named("StreamReply", StreamReply),
		named("SearchCourse", SearchCourse),
		named("TutorInfo", TutorInfo),
		named("GetTutorPolicy", GetTutorPolicy),
		named("UpdateTutorPolicy", UpdateTutorPolicy),
		named("GetTutorItem", GetTutorItem),
		named("UpdateTutorItem", UpdateTutorItem),
		named("SetTutorChoice", SetTutorChoice),
		named("AcceptTutorNotice", AcceptTutorNotice),
		named("RateReply", RateReply),
		named("AskHuman", AskHuman),
		named("EndorseReply", EndorseReply),
		named("WithdrawReply", WithdrawReply),
		named("ListEndorsed", ListEndorsed),
		named("ListTutorFlags", ListTutorFlags),
		named("SeeTutorFlag", SeeTutorFlag),
		named("ListSevereFlags", ListSevereFlags),
		named("GetTutorSite", GetTutorSite),
		named("UpdateTutorSite", UpdateTutorSite),
		named("GetTutorModel", GetTutorModel),
		named("UpdateTutorModel", UpdateTutorModel),
		named("TestTutorModel", TestTutorModel),
		named("StartTutorTrial", StartTutorTrial),
		named("AcceptTutorTrial", AcceptTutorTrial),
		named("GetTutorGaps", GetTutorGaps),
		named("ExportTutorGaps", ExportTutorGaps),
		named("OutlineMaterial", OutlineMaterial),
		named("ListConversations", ListConversations),
		named("ExportConversations", ExportConversations),
		named("EraseConversation", EraseConversation),
		named("GetCluster", GetCluster),
		named("GetNodeHash", GetNodeHash),
		named("GetNode", GetNode),
		named("NodeText", NodeText),
		named("NodeLines", NodeLines),
		named("CreateJoinToken", CreateJoinToken),
		named("RemoveNode", RemoveNode),
		named("TransferLeader", TransferLeader), named("SuspendNode", SuspendNode),
		named("Events", Events),
		named("StartBackup", StartBackup),
		named("GetBackups", GetBackups),
		named("BackupContent", BackupContent),
		named("ListAudit", ListAudit),
		named("VerifyAudit", VerifyAudit),
		named("ExportAudit", ExportAudit),
		named("KVGet", KVGet),
		named("KVPut", KVPut),
		named("KVDelete", KVDelete),
		named("KVCompareAndSet", KVCompareAndSet),
		named("KVList", KVList),
		named("KVMultiGet", KVMultiGet),
		named("KVMultiPut", KVMultiPut),
		named("ListAPITokens", ListAPITokens),
		named("CreateAPIToken", CreateAPIToken),
		named("RevokeAPIToken", RevokeAPIToken),
	}, markingRoutes())
}

func named[In, Out any](name string, e Endpoint[In, Out]) Route {
	r := e.Route()
	r.Name = name
	return r
}
