package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
)

func (s *Server) tutorInfo(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.TutorStatus, error) {
	status := s.tutor.Status()
	policy, err := s.store.TutorPolicy(ctx, actor, in.Course)
	if err != nil {
		return status, err
	}
	status.Enabled, status.Modes, status.Mode, status.Notice = policy.Enabled, policy.Modes, policy.Mode, lms.TutorNotice
	if status.Passages, err = s.store.PassageCount(ctx, in.Course, actor.Staff()); err != nil {
		return status, err
	}
	if status.Chosen, err = s.store.TutorChoice(ctx, actor, in.Course); err != nil {
		return status, err
	}
	if status.Chosen.Mode != "" {
		status.Mode = status.Chosen.Mode
	}
	if status.Level = status.Chosen.Level; status.Level == "" {
		if status.Level, err = s.store.Level(ctx, in.Course, actor.UserID, policy.Level); err != nil {
			return status, err
		}
	}
	if status.Quota, err = s.store.TutorQuota(ctx, actor, in.Course); err != nil {
		return status, err
	}
	status.Accepted, err = s.store.TutorNoticeAccepted(ctx, actor, lms.TutorNotice)
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
