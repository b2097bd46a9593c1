package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) getCourseLate(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.CourseLate, error) {
	return s.store.CourseLate(ctx, actor, in.Course)
}

func (s *Server) previewCourseLate(ctx context.Context, actor lms.Actor, in api.CourseLateInput) (lms.Preview, error) {
	return s.store.PreviewLate(ctx, actor, in.Course, in.Policy)
}

func (s *Server) setCourseLate(ctx context.Context, actor lms.Actor, in api.CourseLateInput) (lms.CourseLate, error) {
	return s.store.SetLate(ctx, actor, in.Course, in.Policy, in.Version, in.Preview)
}

func (s *Server) listChoices(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.Choices, error) {
	return s.store.Choices(ctx, actor, in.Course)
}

func (s *Server) previewAssignment(ctx context.Context, actor lms.Actor, in api.UpdateAssignmentInput) (lms.Preview, error) {
	a := in.AssignmentValue()
	a.ID = in.Assignment
	return s.store.PreviewAssignment(ctx, actor, a)
}

func (s *Server) duplicateAssignment(ctx context.Context, actor lms.Actor, in api.DuplicateInput) (lms.Assignment, error) {
	a, err := s.store.DuplicateAssignment(ctx, actor, in.Course, in.Assignment, in.ID)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) deleteAssignment(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Assignment, error) {
	a, err := s.store.ArchiveAssignment(ctx, actor, in.Course, in.Assignment, true)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) archiveAssignment(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Assignment, error) {
	a, err := s.store.ArchiveAssignment(ctx, actor, in.Course, in.Assignment, false)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) restoreAssignment(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Assignment, error) {
	a, err := s.store.RestoreAssignment(ctx, actor, in.Course, in.Assignment)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) listOverrides(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (api.Page[lms.Override], error) {
	return whole(s.store.Overrides(ctx, actor, in.Course, in.Assignment))
}

func grantOf(in api.OverridesInput) store.Grant {
	return store.Grant{Override: in.Override(), Targets: in.Targets, IDs: in.IDs, Preview: in.Preview, Request: in.Request, ReplyID: in.ReplyID,
		ReplyBody: in.Message}
}

func (s *Server) previewOverrides(ctx context.Context, actor lms.Actor, in api.OverridesInput) (lms.Preview, error) {
	return s.store.PreviewOverrides(ctx, actor, grantOf(in))
}

func (s *Server) grantOverrides(ctx context.Context, actor lms.Actor, in api.OverridesInput) (api.Page[lms.Override], error) {
	return whole(s.store.GrantOverrides(ctx, actor, grantOf(in)))
}

func (s *Server) previewRemoval(ctx context.Context, actor lms.Actor, in api.OverridePath) (lms.Preview, error) {
	return s.store.PreviewRemoval(ctx, actor, in.Course, in.Override)
}

func (s *Server) removeOverride(ctx context.Context, actor lms.Actor, in api.RemoveOverrideInput) (api.Empty, error) {
	return api.Empty{}, s.store.RemoveOverride(ctx, actor, in.Course, in.Override, in.Preview)
}

func (s *Server) getDraft(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Draft, error) {
	return s.store.Draft(ctx, actor, in.Course, in.Assignment)
}

func (s *Server) saveDraft(ctx context.Context, actor lms.Actor, in api.DraftInput) (lms.Draft, error) {
	d := lms.Draft{AssignmentID: in.Assignment, Text: in.Text, URL: in.URL, Version: in.Version}
	return s.store.SaveDraft(ctx, actor, in.Course, in.Assignment, d, in.Files)
}

func (s *Server) requestExtension(ctx context.Context, actor lms.Actor, in api.ExtensionInput) (lms.Question, error) {
	q, err := s.store.RequestExtension(ctx, actor, in.QuestionValue())
	return withHTML(q, err, renderQuestion)
}

func (s *Server) returnAttempt(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (lms.Submission, error) {
	sub, err := s.store.ReturnAttempt(ctx, actor, in.Course, in.Submission)
	return withHTML(sub, err, renderSubmission)
}

func (s *Server) chooseAttempt(ctx context.Context, actor lms.Actor, in api.ChooseInput) (lms.Submission, error) {
	sub, err := s.store.ChooseAttempt(ctx, actor, in.Course, in.Submission, in.Chosen)
	return withHTML(sub, err, renderSubmission)
}
