package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) listCourses(ctx context.Context, actor lms.Actor, _ api.NoInput) (api.Page[lms.Course], error) {
	return whole(s.store.Courses(ctx, actor))
}

func (s *Server) createCourse(ctx context.Context, actor lms.Actor, in api.CourseInput) (lms.Course, error) {
	return s.store.CreateCourse(ctx, actor, in.CourseValue())
}

func (s *Server) joinCourse(ctx context.Context, actor lms.Actor, in api.CodeInput) (lms.Course, error) {
	return s.store.JoinCourse(ctx, actor, in.Code)
}

func (s *Server) getCourse(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.Course, error) {
	return s.store.Course(ctx, actor, in.Course)
}

func (s *Server) updateCourse(ctx context.Context, actor lms.Actor, in api.UpdateCourseInput) (lms.Course, error) {
	c := in.CourseValue()
	c.ID, c.Version = in.Course, in.Version
	return s.store.UpdateCourse(ctx, actor, c)
}

func (s *Server) listMembers(ctx context.Context, actor lms.Actor, in api.ListMembersInput) (api.Page[lms.Member], error) {
	f := store.MemberFilter{Role: in.Role, Section: in.Section, State: in.State, Query: in.Query}
	items, next, total, err := s.store.Members(ctx, actor, in.Course, f, in.After, limitOf(in.Limit))
	return api.Page[lms.Member]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) addMember(ctx context.Context, actor lms.Actor, in api.AddMemberInput) (lms.Member, error) {
	return s.store.AddMember(ctx, actor, in.Course, in.Login, in.Role)
}

func (s *Server) updateMember(ctx context.Context, actor lms.Actor, in api.UpdateMemberInput) (lms.Member, error) {
	return s.store.UpdateMember(ctx, actor, in.Course, in.User, store.MemberPatch{Role: in.Role, Active: in.Active, Section: in.Section,
		Sections: in.Sections, Linked: in.Linked})
}

func (s *Server) listInvites(ctx context.Context, _ lms.Actor, in api.CoursePath) (api.Page[lms.Invite], error) {
	return whole(s.store.Invites(ctx, in.Course))
}

func (s *Server) createInvite(ctx context.Context, actor lms.Actor, in api.CreateInviteInput) (lms.Invite, error) {
	return s.store.CreateInvite(ctx, actor, lms.Invite{ID: in.ID, CourseID: in.Course, Code: lms.NewCode(), Role: in.Role,
		MaxUses: in.MaxUses, ExpiresAt: in.ExpiresAt})
}

func (s *Server) revokeInvite(ctx context.Context, actor lms.Actor, in api.InvitePath) (lms.Invite, error) {
	return s.store.RevokeInvite(ctx, actor, in.Course, in.Invite)
}
