package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
)

func (s *Server) tutorInfo(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.TutorStatus, error) {
	status := s.tutor.Status()
	t, err := s.store.TutorState(ctx, actor, in.Course)
	if err != nil {
		return status, err
	}
	status.Enabled, status.Modes, status.Mode, status.Notice = t.Policy.Enabled, t.Policy.Modes, t.Policy.Mode, lms.TutorNotice
	status.Passages, status.Chosen, status.Quota, status.Accepted = t.Passages, t.Chosen, t.Quota, t.Accepted
	if t.Chosen.Mode != "" {
		status.Mode = t.Chosen.Mode
	}
	if status.Level = t.Chosen.Level; status.Level == "" {
		status.Level, err = s.store.Level(ctx, in.Course, actor.UserID, t.Policy.Level)
	}
	return status, err
}

func (s *Server) getTutorPolicy(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.TutorPolicy, error) {
	return s.store.TutorPolicy(ctx, actor, in.Course)
}

func (s *Server) updateTutorPolicy(ctx context.Context, actor lms.Actor, in api.TutorPolicyInput) (lms.TutorPolicy, error) {
	return s.store.SetTutorPolicy(ctx, actor, in.Value())
}

func (s *Server) getTutorItem(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.ItemPolicy, error) {
	return s.store.TutorItem(ctx, actor, in.Course, in.Assignment)
}

func (s *Server) updateTutorItem(ctx context.Context, actor lms.Actor, in api.TutorItemInput) (lms.ItemPolicy, error) {
	return s.store.SetTutorItem(ctx, actor, in.Course, in.Value(), tutor.NewCanary())
}

func (s *Server) setTutorChoice(ctx context.Context, actor lms.Actor, in api.TutorChoiceInput) (api.Empty, error) {
	return api.Empty{}, s.store.SetTutorChoice(ctx, actor, in.Course, in.TutorChoice)
}

func (s *Server) acceptTutorNotice(ctx context.Context, actor lms.Actor, in api.TutorNoticeInput) (api.Empty, error) {
	return api.Empty{}, s.store.AcceptTutorNotice(ctx, actor, in.Notice)
}
