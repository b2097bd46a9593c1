package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) submit(ctx context.Context, actor lms.Actor, in api.SubmitInput) (lms.Receipt, error) {
	work := store.HandIn{ID: in.ID, Text: in.Text, URL: in.URL, Files: in.Files, Honour: in.Honour}
	sub, index, err := s.store.SubmitWork(ctx, actor, in.Course, in.Assignment, work)
	if err != nil {
		return lms.Receipt{}, err
	}
	return s.receipt(ctx, actor, sub, index)
}

// receipt tells on how many nodes the attempt is: its row is on a majority at least, its files are counted. With
// several files the least replicated one counts.
func (s *Server) receipt(ctx context.Context, actor lms.Actor, sub lms.Submission, index uint64) (lms.Receipt, error) {
	r := lms.Receipt{Submission: sub, Index: index}
	var err error
	if sub.UserID == actor.UserID {
		r.Mail, err = s.store.ReceiptMailed(ctx, actor, sub.ID)
	}
	if len(sub.Files) == 0 {
		r.Replicas, r.Nodes = s.rowReplicas(ctx, index)
		return r, err
	}
	for i, f := range sub.Files {
		replicas, nodes := s.files.Replicas(ctx, f)
		if i == 0 || replicas < r.Replicas {
			r.Replicas = replicas
		}
		r.Nodes = nodes
	}
	return r, err
}

// rowReplicas counts the nodes that have applied the entry at index.
func (s *Server) rowReplicas(ctx context.Context, index uint64) (replicas, nodes int) {
	members, err := s.c.Cluster.Nodes(ctx)
	if err != nil {
		return 0, 0
	}
	for _, n := range members {
		if n.Up && n.Applied >= index {
			replicas++
		}
	}
	return replicas, len(members)
}

func (s *Server) listSubmissions(ctx context.Context, actor lms.Actor, in api.ListSubmissionsInput) (api.Page[lms.Submission], error) {
	items, next, total, err := s.store.Submissions(ctx, actor, in.Course, in.Assignment, in.Filter, in.After, limitOf(in.Limit))
	return api.Page[lms.Submission]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) mySubmissions(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (api.Page[lms.Submission], error) {
	items, err := s.store.MySubmissions(ctx, actor, in.Course, in.Assignment)
	for i := range items {
		renderSubmission(&items[i])
	}
	return whole(items, err)
}

func (s *Server) getSubmission(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (lms.Submission, error) {
	sub, _, err := s.store.Submission(ctx, actor, in.Course, in.Submission)
	if err == nil {
		s.recordRead(ctx, actor, sub)
	}
	return withHTML(sub, err, renderSubmission)
}

func (s *Server) listAttempts(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (api.Page[lms.Submission], error) {
	items, err := s.store.Attempts(ctx, actor, in.Course, in.Submission)
	for i := range items {
		s.recordRead(ctx, actor, items[i])
		renderSubmission(&items[i])
	}
	return whole(items, err)
}

func (s *Server) getReceipt(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (lms.Receipt, error) {
	sub, index, err := s.store.Submission(ctx, actor, in.Course, in.Submission)
	if err != nil {
		return lms.Receipt{}, err
	}
	s.recordRead(ctx, actor, sub)
	renderSubmission(&sub)
	return s.receipt(ctx, actor, sub, index)
}

func (s *Server) saveGrade(ctx context.Context, actor lms.Actor, in api.GradeInput) (lms.Grade, error) {
	g, err := s.store.Mark(ctx, actor, in.Course, in.Submission, in.Entry())
	return withHTML(g, err, func(g *lms.Grade) { renderGrade(g) })
}

func (s *Server) postGrades(ctx context.Context, actor lms.Actor, in api.PostGradesInput) (api.PostGradesOutput, error) {
	n, err := s.store.PostScope(ctx, actor, in.Course, in.Assignment, in.Scope())
	return api.PostGradesOutput{Posted: n}, err
}
