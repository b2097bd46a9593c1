package web

import (
	"context"
	"strings"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

var errSetupToken = lms.FieldErrorf(lms.KindForbidden, "token", "This setup link is wrong, used or expired. Ask whoever runs the first node for a new one.")

func (s *Server) setup(q *request, in api.SetupInput) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	needed, err := s.store.NeedsSetup(q.ctx)
	if err != nil {
		return lms.Session{}, err
	}
	if !needed { // refused before any hash is made
		return lms.Session{}, errSetupToken
	}
	if err := s.checkNewPassword(q.ctx, "password", in.Login, in.Name, in.Password); err != nil {
		return lms.Session{}, err
	}
	hash, err := s.hasher.hash(q.ctx, in.Password)
	if err != nil {
		return lms.Session{}, err
	}
	u := lms.User{ID: lms.NewID(), Login: in.Login, Name: in.Name, Admin: true, MayCreateCourses: true}
	if u, err = s.store.Setup(q.ctx, digest(in.Token), u, hash); err != nil {
		return lms.Session{}, err
	}
	return q.startSession(u, in.Bearer)
}

func (s *Server) register(q *request, in api.RegisterInput) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	open := strings.TrimSpace(in.Code) == ""
	if open {
		if site, err := s.store.AccountSite(q.ctx); err != nil {
			return lms.Session{}, err
		} else if !site.OpenRegistration {
			return lms.Session{}, store.ErrNotOpen
		}
	} else if _, _, err := s.store.InviteByCode(q.ctx, in.Code); err != nil {
		return lms.Session{}, err
	}
	if err := s.checkNewPassword(q.ctx, "password", in.Login, in.Name, in.Password); err != nil {
		return lms.Session{}, err
	}
	hash, err := s.hasher.hash(q.ctx, in.Password)
	if err != nil {
		return lms.Session{}, err
	}
	u := lms.User{ID: lms.NewID(), Login: in.Login, Name: in.Name}
	if open {
		u, err = s.store.RegisterOpenly(q.ctx, u, hash)
	} else {
		u, err = s.store.Register(q.ctx, in.Code, u, hash)
	}
	if err != nil {
		return lms.Session{}, err
	}
	return q.startSession(u, in.Bearer)
}

func (s *Server) previewInvite(q *request, in api.CodeInput) (lms.InvitePreview, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.InvitePreview{}, err
	}
	invite, course, err := s.store.InviteByCode(q.ctx, in.Code)
	if err != nil {
		return lms.InvitePreview{}, err
	}
	return lms.InvitePreview{CourseTitle: course.Title, CourseCode: course.Code, Role: invite.Role}, nil
}

func (s *Server) listUsers(ctx context.Context, _ lms.Actor, in api.ListInput) (api.Page[lms.User], error) {
	items, next, total, err := s.store.Users(ctx, in.Query, in.After, limitOf(in.Limit))
	return api.Page[lms.User]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) createUser(ctx context.Context, actor lms.Actor, in api.CreateUserInput) (lms.User, error) {
	if lms.ReservedID(in.ID) {
		return lms.User{}, lms.FieldErrorf(lms.KindInvalid, "id", "This id belongs to the system.")
	}
	if err := s.checkNewPassword(ctx, "password", in.Login, in.Name, in.Password); err != nil {
		return lms.User{}, err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return lms.User{}, err
	}
	u := lms.User{ID: in.ID, Login: in.Login, Name: in.Name, Admin: in.Admin, MayCreateCourses: in.MayCreateCourses}
	return s.store.CreateUser(ctx, actor, u, hash)
}

func (s *Server) updateUser(ctx context.Context, actor lms.Actor, in api.UpdateUserInput) (lms.User, error) {
	patch := store.UserPatch{Name: in.Name, Admin: in.Admin, MayCreateCourses: in.MayCreateCourses, Disabled: in.Disabled, Mail: in.Mail}
	if in.Password != nil {
		u, err := s.store.User(ctx, in.User)
		if err != nil {
			return lms.User{}, err
		}
		if err := s.checkNewPassword(ctx, "password", u.Login, u.Name, *in.Password); err != nil {
			return lms.User{}, err
		}
		hash, err := s.hasher.hash(ctx, *in.Password)
		if err != nil {
			return lms.User{}, err
		}
		patch.PasswordHash = &hash
	}
	return s.store.UpdateUser(ctx, actor, in.User, in.Version, patch)
}

func (s *Server) getHome(ctx context.Context, actor lms.Actor, _ api.NoInput) (lms.Home, error) {
	return s.store.Home(ctx, actor)
}

// limitOf is the number of items of a page.
func limitOf(n int) int {
	if n == 0 {
		return api.MaxPage
	}
	return n
}

// list makes a JSON array of a nil slice too.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// whole is a list that is answered in one page.
func whole[T any](items []T, err error) (api.Page[T], error) {
	return api.Page[T]{Items: list(items), Total: len(items)}, err
}
