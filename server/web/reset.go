package web

import (
	"context"
	"fmt"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// Mailer sends mail; *mail.Sender is one.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// mailTimeout bounds the delivery of one mail to the server.
const mailTimeout = time.Minute

func (s *Server) getDoor(q *request, _ api.NoInput) (lms.Door, error) {
	site, err := s.store.AccountSite(q.ctx)
	if err != nil {
		return lms.Door{}, err
	}
	setup, err := s.store.NeedsSetup(q.ctx)
	return lms.Door{OpenRegistration: site.OpenRegistration, Mail: s.c.Mail != nil, MinPassword: site.MinPassword, Setup: setup}, err
}

func (s *Server) getAccountSite(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.AccountSite, error) {
	return s.store.AccountSite(ctx)
}

func (s *Server) updateAccountSite(ctx context.Context, actor lms.Actor, in api.AccountSiteInput) (lms.AccountSite, error) {
	return s.store.SetAccountSite(ctx, actor, in.AccountSite)
}

func (s *Server) issueReset(ctx context.Context, actor lms.Actor, in api.UserPath) (lms.ResetLink, error) {
	token := lms.NewSecret()
	expires, err := s.store.IssueReset(ctx, actor, in.User, digest(token))
	return lms.ResetLink{Token: token, ExpiresAt: expires}, err
}

func (s *Server) previewReset(q *request, in api.ResetTokenInput) (lms.ResetPreview, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.ResetPreview{}, err
	}
	u, err := s.store.ResetUser(q.ctx, digest(in.Token))
	return lms.ResetPreview{Login: u.Login, Name: u.Name}, err
}

func (s *Server) resetPassword(q *request, in api.ResetInput) (api.Empty, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return api.Empty{}, err
	}
	u, err := s.store.ResetUser(q.ctx, digest(in.Token))
	if err != nil {
		return api.Empty{}, err
	}
	if err := s.checkNewPassword(q.ctx, "password", u.Login, u.Name, in.Password); err != nil {
		return api.Empty{}, err
	}
	hash, err := s.hasher.hash(q.ctx, in.Password)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, s.store.ResetPassword(q.ctx, u.ID, digest(in.Token), hash)
}

// askReset sends a link to the address of an account. Everything that depends on whether there is one happens after the answer.
func (s *Server) askReset(q *request, in api.AskResetInput) (api.Empty, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return api.Empty{}, err
	}
	if s.c.Mail == nil {
		return api.Empty{}, lms.Errorf(lms.KindRule, "This site sends no mail. Ask an administrator, or at a school its office, for a link to choose a new password.")
	}
	if !s.begin() {
		return api.Empty{}, lms.ErrUnavailable
	}
	caller := q.caller()
	go func() {
		defer s.workers.Done()
		ctx, cancel := context.WithTimeout(store.WithCaller(s.ctx, caller), mailTimeout)
		defer cancel()
		token := lms.NewSecret()
		u, err := s.store.MailReset(ctx, in.Who, digest(token))
		if err != nil {
			s.log.Debug("no link for a new password", "request", q.id, "error", err)
			return
		}
		text := fmt.Sprintf("Hello %s,\n\nsomebody, probably you, asked for a new password at %s.\nYour user name is %s. Open this link within an hour and choose the password:\n\n%s/reset#%s\n\nIf it was not you, you need not do anything: your password stays as it is.\n",
			u.Name, s.siteName(), u.Login, s.c.Origin, token)
		if err := s.c.Mail.Send(ctx, u.Mail, "A new password for "+s.siteName(), text); err != nil {
			s.log.Warn("the mail with a link for a new password was not sent", "request", q.id, "user", u.ID, "error", err)
		}
	}()
	return api.Empty{}, nil
}
