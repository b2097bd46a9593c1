package api

import (
	"slices"
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// Validate methods check what can be decided from the request alone. The browser calls them before it sends, the node
// before it acts.

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (NoInput) Validate() error           { return nil }
func (in ListInput) Validate() error      { return checkLimit(in.Limit) }
func (in CoursePath) Validate() error     { return checkIDs(in.Course) }
func (in InvitePath) Validate() error     { return checkIDs(in.Course, in.Invite) }
func (in FilePath) Validate() error       { return checkIDs(in.Course, in.File) }
func (in ContentPath) Validate() error    { return checkIDs(in.Course, in.File) }
func (in MaterialPath) Validate() error   { return checkIDs(in.Course, in.Material) }
func (in AssignmentPath) Validate() error { return checkIDs(in.Course, in.Assignment) }
func (in SubmissionPath) Validate() error { return checkIDs(in.Course, in.Submission) }
func (in QuestionPath) Validate() error   { return checkIDs(in.Course, in.Question) }
func (in ReplyPath) Validate() error      { return checkIDs(in.Course, in.Question, in.Reply) }

func (in ChunkPath) Validate() error {
	if in.Number < 0 || in.Number >= lms.ChunkCount(lms.MaxFileSize) {
		return lms.FieldErrorf(lms.KindInvalid, "number", "There is no chunk with this number.")
	}
	return checkIDs(in.Course, in.File)
}

func checkAccount(login, name, password string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > lms.MaxTitle || !utf8.ValidString(name) {
		return lms.FieldErrorf(lms.KindRule, "name", "Please write your name as others should see it, with at most %d characters.", lms.MaxTitle)
	}
	return firstErr(lms.CheckLogin(login), lms.CheckPassword(login, password))
}

func (in SetupInput) Validate() error {
	if in.Token == "" {
		return lms.FieldErrorf(lms.KindRule, "token", "Open the setup link that the first node printed.")
	}
	return checkAccount(in.Login, in.Name, in.Password)
}

func (in RegisterInput) Validate() error {
	if in.Code != "" {
		if err := (CodeInput{in.Code}).Validate(); err != nil {
			return err
		}
	}
	return checkAccount(in.Login, in.Name, in.Password)
}

func (in CodeInput) Validate() error {
	if strings.TrimSpace(in.Code) == "" || len(in.Code) > 64 {
		return lms.FieldErrorf(lms.KindRule, "code", "Please type the invite code that your instructor gave you.")
	}
	return nil
}

func (in SignInInput) Validate() error {
	alone := in.Passkey != nil && in.Password == ""
	switch {
	case strings.TrimSpace(in.Login) == "" && !alone:
		return lms.FieldErrorf(lms.KindRule, "login", "Please type your user name.")
	case in.Password == "" && !alone:
		return lms.FieldErrorf(lms.KindRule, "password", "Please type your password.")
	case len(in.Password) > lms.MaxPassword || len(in.Login) > 4*lms.MaxLogin || len(in.Code) > 64:
		return lms.FieldErrorf(lms.KindTooLarge, "password", "This is too long.")
	case in.Passkey != nil:
		return in.Passkey.Validate()
	}
	return nil
}

func (in Ticket) Validate() error {
	if in.Ticket == "" {
		return lms.FieldErrorf(lms.KindInvalid, "ticket", "The ticket is missing.")
	}
	return nil
}

func (in PasswordInput) Validate() error { return lms.CheckPassword("", in.New) }

func (in CreateUserInput) Validate() error {
	if lms.ReservedID(in.ID) {
		return lms.FieldErrorf(lms.KindInvalid, "id", "The id %q belongs to the system.", in.ID)
	}
	return firstErr(checkIDs(in.ID), checkAccount(in.Login, in.Name, in.Password))
}

func (in UpdateUserInput) Validate() error {
	if in.Name != nil && strings.TrimSpace(*in.Name) == "" {
		return lms.FieldErrorf(lms.KindRule, "name", "Please fill in this field.")
	}
	if in.Mail != nil && *in.Mail != "" && !lms.ValidMail(lms.NormalMail(*in.Mail)) {
		return lms.FieldErrorf(lms.KindRule, "mail", "%q is not a mail address.", *in.Mail)
	}
	if in.Password != nil {
		if err := lms.CheckPassword("", *in.Password); err != nil {
			return err
		}
	}
	return checkIDs(in.User)
}

// CourseValue is the domain value of the input.
func (in CourseInput) CourseValue() lms.Course {
	return lms.Course{ID: in.ID, Code: in.Code, Title: in.Title, Summary: in.Summary, Zone: in.Zone, State: in.State,
		Term: in.Term, Language: in.Language}
}

func (in CourseInput) Validate() error {
	return firstErr(checkIDs(in.ID), in.CourseValue().Validate())
}

func (in UpdateCourseInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.CourseValue().Validate())
}

func checkRole(r lms.Role) error {
	if !r.Valid() {
		return lms.FieldErrorf(lms.KindRule, "role", "%q is not a role. Choose instructor, ta, student or observer.", string(r))
	}
	return nil
}

func (in AddMemberInput) Validate() error {
	return firstErr(checkIDs(in.Course), lms.CheckLogin(in.Login), checkRole(in.Role))
}

func (in UpdateMemberInput) Validate() error {
	if in.Role != nil {
		if err := checkRole(*in.Role); err != nil {
			return err
		}
	}
	return firstErr(checkIDs(in.Course, in.User), in.checkSections())
}

func (in CreateInviteInput) Validate() error {
	if in.MaxUses < 0 {
		return lms.FieldErrorf(lms.KindRule, "maxUses", "The number of uses cannot be negative; 0 means no limit.")
	}
	return firstErr(checkIDs(in.Course, in.ID), checkRole(in.Role))
}

// FileValue is the domain value of the input.
func (in DeclareFileInput) FileValue() lms.File {
	return lms.File{ID: in.ID, CourseID: in.Course, Name: in.Name, Size: in.Size, SHA256: in.SHA256, Chunks: in.Chunks}
}

func (in DeclareFileInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.FileValue().Validate())
}

func (in MaterialInput) Validate() error {
	m := lms.Material{ID: in.ID, Title: in.Title, Kind: in.Kind, Body: in.Body}
	if err := firstErr(checkIDs(in.Course), m.Validate()); err != nil {
		return err
	}
	if in.Kind == lms.MaterialFile {
		return checkIDs(in.FileID)
	}
	return nil
}

func (in UpdateMaterialInput) Validate() error {
	m := lms.Material{ID: in.Material, Title: "-", Kind: lms.MaterialPage}
	if in.Title != nil {
		m.Title = *in.Title
	}
	if in.Body != nil {
		m.Body = *in.Body
	}
	return firstErr(checkIDs(in.Course, in.Material), m.Validate())
}

// AssignmentValue is the domain value of the input.
func (in AssignmentInput) AssignmentValue() lms.Assignment {
	return lms.Assignment{ID: in.ID, CourseID: in.Course, Title: in.Title, Description: in.Description, Points: in.Points,
		OpensAt: in.OpensAt, DueAt: in.DueAt, CutoffAt: in.CutoffAt, AllowText: in.AllowText, MaxFiles: in.MaxFiles,
		MaxFileSize: in.MaxFileSize, AllowedTypes: in.AllowedTypes, MaxAttempts: in.MaxAttempts, Published: in.Published,
		AssignmentRules: in.AssignmentRules}
}

func (in AssignmentInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.ID), checkIDs(in.Attachments...), in.AssignmentValue().Validate())
}

func (in UpdateAssignmentInput) Validate() error {
	in.ID = in.Assignment
	return firstErr(in.AssignmentInput.Validate(), checkPreview(in.Preview))
}

func (in SubmitInput) Validate() error {
	if strings.TrimSpace(in.Text) == "" && in.URL == "" && len(in.Files) == 0 {
		return lms.ErrEmptyWork
	}
	return firstErr(checkWork(in.Text), lms.CheckWebAddress(in.URL), checkIDs(in.Course, in.Assignment, in.ID), checkIDs(in.Files...))
}

func (in ListSubmissionsInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Assignment), checkLimit(in.Limit), checkFilter(in.Filter))
}

func (in GradeInput) Validate() error {
	if in.Points < 0 || in.Points > lms.MaxPoints {
		return lms.FieldErrorf(lms.KindRule, "points", "A grade lies between 0 and %s.", lms.MaxPoints)
	}
	if len(in.Feedback) > lms.MaxBody || !utf8.ValidString(in.Feedback) {
		return lms.FieldErrorf(lms.KindRule, "feedback", "At most %s of feedback.", lms.FormatBytes(lms.MaxBody))
	}
	if in.Grade != nil && (len(*in.Grade) > 32 || !utf8.ValidString(*in.Grade)) {
		return lms.FieldErrorf(lms.KindRule, "points", "This is too long for a grade.")
	}
	if in.Marks != nil {
		if err := in.Marks.Validate(); err != nil {
			return err
		}
	}
	return checkIDs(in.Course, in.Submission)
}

func (in PostGradesInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Assignment), checkScope(in.Scope()))
}

func (in ListQuestionsInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkLimit(in.Limit))
}

// QuestionValue is the domain value of the input.
func (in QuestionInput) QuestionValue() lms.Question {
	return lms.Question{ID: in.ID, CourseID: in.Course, To: in.To, Title: in.Title, Body: in.Body, MaterialID: in.MaterialID, Visibility: in.Visibility,
		Mode: in.Mode}
}

// Value is the policy of the course of the path.
func (in TutorPolicyInput) Value() lms.TutorPolicy {
	p := in.TutorPolicy
	p.CourseID = in.Course
	return p
}

func (in TutorPolicyInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkIDs(in.Sources...), in.Value().Validate())
}

// Value is the policy for the assignment of the path.
func (in TutorItemInput) Value() lms.ItemPolicy {
	p := in.ItemPolicy
	p.AssignmentID = in.Assignment
	return p
}

func (in TutorItemInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Assignment), in.Value().Validate())
}

func (in TutorChoiceInput) Validate() error {
	switch in.Level {
	case "", lms.LevelBeginner, lms.LevelIntermediate, lms.LevelAdvanced:
	default:
		return lms.FieldErrorf(lms.KindRule, "level", "%q is not a level.", in.Level)
	}
	return checkIDs(in.Course)
}

func (in TutorNoticeInput) Validate() error {
	if in.Notice != lms.TutorNotice {
		return lms.FieldErrorf(lms.KindRule, "notice", "The notice has changed meanwhile. Load the page again and read it.")
	}
	return nil
}

func (in RetryInput) Validate() error { return checkIDs(in.Course, in.Question, in.Reply) }

func (in QuestionInput) Validate() error {
	if err := firstErr(checkIDs(in.Course), in.QuestionValue().Validate()); err != nil {
		return err
	}
	if in.MaterialID != "" {
		if err := checkIDs(in.MaterialID); err != nil {
			return err
		}
	}
	if in.To == lms.ToTutor {
		return checkIDs(in.ReplyID)
	}
	return nil
}

func (in ReplyInput) Validate() error {
	r := lms.Reply{ID: in.ID, Body: in.Body}
	if in.TutorReplyID != "" {
		if err := checkIDs(in.TutorReplyID); err != nil {
			return err
		}
	}
	return firstErr(checkIDs(in.Course, in.Question), r.Validate())
}

func (in SetQuestionInput) Validate() error {
	if in.State != nil {
		switch *in.State {
		case lms.QuestionOpen, lms.QuestionAnswered, lms.QuestionResolved:
		default:
			return lms.FieldErrorf(lms.KindRule, "state", "A question can be marked as open, answered or resolved.")
		}
	}
	if in.To != nil && *in.To != lms.ToStaff {
		return lms.FieldErrorf(lms.KindRule, "to", "A question can only be sent on to the staff.")
	}
	return checkIDs(in.Course, in.Question)
}

func (in SearchInput) Validate() error {
	if strings.TrimSpace(in.Query) == "" || len(in.Query) > 1000 {
		return lms.FieldErrorf(lms.KindRule, "q", "Type between 1 and 1000 characters to search for.")
	}
	if in.Kind != "" && !slices.Contains(lms.SearchKinds, in.Kind) {
		return lms.FieldErrorf(lms.KindRule, "kind", "The kinds are page, file, assignment, question and faq.")
	}
	if len(in.After) > 6 || strings.Trim(in.After, "0123456789") != "" {
		return lms.FieldErrorf(lms.KindInvalid, "after", "This place in the results is not known. Search again from the start.")
	}
	return firstErr(checkIDs(in.Course), checkLimit(in.Limit))
}

func (in RemoveNodeInput) Validate() error { return checkNode(in.Node) }

// Validate checks the node and the time.
func (in SuspendNodeInput) Validate() error {
	if in.Seconds < 1 || in.Seconds > 600 {
		return lms.FieldErrorf(lms.KindInvalid, "seconds", "A node can be suspended for 1 to 600 seconds.")
	}
	return checkNode(in.Node)
}

func (in TransferInput) Validate() error {
	if in.Node == "" {
		return nil
	}
	return checkNode(in.Node)
}

func checkNode(id string) error {
	if id == "" || len(id) > 64 {
		return lms.FieldErrorf(lms.KindInvalid, "node", "This is not the id of a node.")
	}
	return nil
}
