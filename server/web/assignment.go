package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
)

func (s *Server) listAssignments(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.Page[lms.Assignment], error) {
	return whole(s.store.Assignments(ctx, actor, in.Course))
}

func (s *Server) createAssignment(ctx context.Context, actor lms.Actor, in api.AssignmentInput) (lms.Assignment, error) {
	a, err := s.store.CreateAssignment(ctx, actor, in.AssignmentValue(), in.Attachments)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) getAssignment(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Assignment, error) {
	a, err := s.store.Assignment(ctx, actor, in.Course, in.Assignment)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) updateAssignment(ctx context.Context, actor lms.Actor, in api.UpdateAssignmentInput) (lms.Assignment, error) {
	a := in.AssignmentValue()
	a.ID, a.Version = in.Assignment, in.Version
	a, err := s.store.UpdateAssignment(ctx, actor, a, in.Attachments, in.Preview)
	return withHTML(a, err, renderAssignment)
}
