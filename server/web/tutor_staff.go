package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
)

func (s *Server) rateReply(ctx context.Context, actor lms.Actor, in api.RateInput) (lms.Question, error) {
	q, err := s.store.RateReply(ctx, actor, in.Course, in.Question, in.Reply, in.Value())
	return withHTML(q, err, renderQuestion)
}

func (s *Server) askHuman(ctx context.Context, actor lms.Actor, in api.AskHumanInput) (lms.Question, error) {
	q, err := s.store.AskHuman(ctx, actor, in.Course, in.Question, in.Reply, in.ID, in.Visibility, in.Comment)
	return withHTML(q, err, renderQuestion)
}

func (s *Server) endorseReply(ctx context.Context, actor lms.Actor, in api.EndorseInput) (lms.Question, error) {
	q, err := s.store.Endorse(ctx, actor, in.Value())
	return s.opened(ctx, actor, q, err)
}

func (s *Server) withdrawReply(ctx context.Context, actor lms.Actor, in api.ReplyPath) (lms.Question, error) {
	q, err := s.store.Withdraw(ctx, actor, in.Course, in.Question, in.Reply)
	return s.opened(ctx, actor, q, err)
}

func (s *Server) listEndorsed(ctx context.Context, actor lms.Actor, in api.ListEndorsedInput) (api.Page[lms.Endorsement], error) {
	items, next, total, err := s.store.Endorsed(ctx, actor, in.Course, in.Query, in.After, limitOf(in.Limit))
	for i := range items {
		renderEndorsement(&items[i])
	}
	return api.Page[lms.Endorsement]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) listTutorFlags(ctx context.Context, actor lms.Actor, in api.ListFlagsInput) (api.Page[lms.TutorFlag], error) {
	items, next, total, err := s.store.TutorFlags(ctx, actor, in.Course, in.Unseen, in.After, limitOf(in.Limit))
	return api.Page[lms.TutorFlag]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) listSevereFlags(ctx context.Context, actor lms.Actor, in api.ListSevereInput) (api.Page[lms.TutorFlag], error) {
	items, next, total, err := s.store.SevereFlags(ctx, actor, in.Unseen, in.After, limitOf(in.Limit))
	return api.Page[lms.TutorFlag]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) seeTutorFlag(ctx context.Context, actor lms.Actor, in api.FlagPath) (lms.TutorFlag, error) {
	return s.store.SeeTutorFlag(ctx, actor, in.Course, in.Flag)
}

func (s *Server) getTutorSite(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.TutorSite, error) {
	return s.store.TutorSite(ctx)
}

func (s *Server) updateTutorSite(ctx context.Context, actor lms.Actor, in api.TutorSiteInput) (lms.TutorSite, error) {
	return s.store.SetTutorSite(ctx, actor, in.TutorSite)
}

var errNoText = lms.Errorf(lms.KindRule, "There is no readable text of this material to make an outline of. If it was added just now, wait until it has been read.")

// outlineMaterial makes a draft page: staff read and change it before students see it. With a language model a summary is added as soon
// as it is written.
func (s *Server) outlineMaterial(ctx context.Context, actor lms.Actor, in api.OutlineInput) (lms.Material, error) {
	m, err := s.store.Material(ctx, actor, in.Course, in.Material)
	if err != nil {
		return lms.Material{}, err
	}
	passages, err := s.store.Passages(ctx, actor, in.Course, in.Material)
	if err != nil {
		return lms.Material{}, err
	}
	if len(passages) == 0 {
		return lms.Material{}, errNoText
	}
	title := []rune("Outline: " + m.Title)
	page := lms.Material{ID: in.ID, CourseID: in.Course, Title: string(title[:min(len(title), lms.MaxTitle)]), Kind: lms.MaterialPage,
		Body: tutor.Outline(in.Course, m, passages)}
	page, err = s.store.CreateMaterial(ctx, actor, page)
	if err == nil && s.c.Models != nil && s.c.Models.Writes() && s.begin() {
		go func() {
			defer s.workers.Done()
			s.addSummary(actor, in.Course, m, passages, page)
		}()
	}
	return s.renderMaterial(ctx, actor, page, err)
}
