package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/interop"
	"trivium/server/store"
)

func (s *Server) archiveCourse(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.Course, error) {
	return s.store.ArchiveCourse(ctx, actor, in.Course)
}

func (s *Server) restoreCourse(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.Course, error) {
	return s.store.RestoreCourse(ctx, actor, in.Course)
}

func (s *Server) regenerateInvite(ctx context.Context, actor lms.Actor, in api.RegenerateInviteInput) (lms.Invite, error) {
	return s.store.RegenerateInvite(ctx, actor, in.Course, in.Invite, in.ID, lms.NewCode())
}

func (s *Server) listSections(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.Page[lms.Section], error) {
	return whole(s.store.Sections(ctx, actor, in.Course))
}

func (s *Server) createSection(ctx context.Context, actor lms.Actor, in api.SectionInput) (lms.Section, error) {
	return s.store.CreateSection(ctx, actor, in.Value())
}

func (s *Server) updateSection(ctx context.Context, actor lms.Actor, in api.UpdateSectionInput) (lms.Section, error) {
	return s.store.UpdateSection(ctx, actor, in.Course, in.Section, in.Title, in.Archived, in.Version)
}

func (s *Server) orderSections(ctx context.Context, actor lms.Actor, in api.OrderSectionsInput) (api.Empty, error) {
	return api.Empty{}, s.store.OrderSections(ctx, actor, in.Course, in.Sections)
}

func (s *Server) deleteSection(ctx context.Context, actor lms.Actor, in api.SectionPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteSection(ctx, actor, in.Course, in.Section)
}

func (s *Server) assignSection(ctx context.Context, actor lms.Actor, in api.AssignSectionInput) (api.AssignSectionOutput, error) {
	n, err := s.store.AssignSection(ctx, actor, in.Course, in.Section, in.Users)
	return api.AssignSectionOutput{Moved: n}, err
}

// readRoster parses the file of a request.
func readRoster(in api.RosterInput) (interop.Roster, error) {
	data, err := in.Bytes()
	if err != nil {
		return interop.Roster{}, err
	}
	return interop.ParseRoster(data, in.Fields)
}

func (s *Server) previewRoster(ctx context.Context, actor lms.Actor, in api.RosterInput) (lms.RosterPlan, error) {
	roster, err := readRoster(in)
	if err != nil {
		return lms.RosterPlan{}, err
	}
	plan, err := s.store.PreviewRoster(ctx, actor, in.Course, roster.Rows, in.Drop)
	plan.Columns = roster.Columns
	return plan, err
}

func (s *Server) applyRoster(ctx context.Context, actor lms.Actor, in api.ApplyRosterInput) (lms.RosterResult, error) {
	roster, err := readRoster(in.RosterInput)
	if err != nil {
		return lms.RosterResult{}, err
	}
	return s.store.ApplyRoster(ctx, actor, in.Course, roster.Rows, in.Drop, in.Token)
}

func (s *Server) undoRoster(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.RosterResult, error) {
	return s.store.UndoRoster(ctx, actor, in.Course)
}

// issueClaims answers the secrets, which the cluster does not keep: they are shown this once.
func (s *Server) issueClaims(ctx context.Context, actor lms.Actor, in api.IssueClaimsInput) (api.Page[lms.ClaimLink], error) {
	members, err := s.store.PendingMembers(ctx, actor, in.Course, in.Users)
	if err != nil {
		return api.Page[lms.ClaimLink]{}, err
	}
	links := make([]lms.ClaimLink, len(members))
	claims := make([]store.Claim, len(members))
	for i, m := range members {
		links[i] = lms.ClaimLink{UserID: m.UserID, Name: m.Name, Login: m.Login, Token: lms.NewSecret()}
		claims[i] = store.Claim{UserID: m.UserID, Hash: digest(links[i].Token)}
	}
	return whole(links, s.store.IssueClaims(ctx, actor, in.Course, claims))
}

func (s *Server) previewClaim(q *request, in api.ClaimTokenInput) (lms.ClaimPreview, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.ClaimPreview{}, err
	}
	return s.store.ClaimPreview(q.ctx, digest(in.Token))
}

func (s *Server) claim(q *request, in api.ClaimInput) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	if p, err := s.store.ClaimPreview(q.ctx, digest(in.Token)); err == nil {
		if err := s.checkNewPassword(q.ctx, "password", p.Login, p.Name, in.Password); err != nil {
			return lms.Session{}, err
		}
	}
	hash, err := s.hasher.hash(q.ctx, in.Password)
	if err != nil {
		return lms.Session{}, err
	}
	u, err := s.store.Claim(q.ctx, digest(in.Token), hash)
	if err != nil {
		return lms.Session{}, err
	}
	return q.startSession(u, in.Bearer)
}

func (s *Server) startView(q *request, in api.CoursePath) (lms.Session, error) {
	if err := s.store.StartView(q.ctx, q.actor, in.Course); err != nil {
		return lms.Session{}, err
	}
	return q.sessionAgain()
}

func (s *Server) endView(q *request, _ api.NoInput) (lms.Session, error) {
	if err := s.store.EndView(q.ctx, q.actor); err != nil {
		return lms.Session{}, err
	}
	return q.sessionAgain()
}

// sessionAgain describes the request's session as it is after a change of whom it acts as.
func (q *request) sessionAgain() (lms.Session, error) {
	if q.actor.SessionID == "" { // the operator token has none
		return q.s.session(q.ctx, q.found())
	}
	f, err := q.s.store.SessionByID(q.ctx, q.actor.SessionID)
	if err != nil {
		return lms.Session{}, err
	}
	return q.s.session(q.ctx, f)
}
