package web

import (
	"context"
	"slices"

	"trivium/app/api"
	"trivium/app/lms"
)

func (s *Server) listQuestions(ctx context.Context, actor lms.Actor, in api.ListQuestionsInput) (api.Page[lms.Question], error) {
	items, next, total, err := s.store.Questions(ctx, actor, in.Course, in.To, in.State, in.Mine, in.After, limitOf(in.Limit))
	return api.Page[lms.Question]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) askQuestion(ctx context.Context, actor lms.Actor, in api.QuestionInput) (lms.Question, error) {
	replyID := ""
	if in.To == lms.ToTutor {
		replyID = in.ReplyID
	}
	q, err := s.store.Ask(ctx, actor, in.QuestionValue(), replyID)
	if err != nil {
		return lms.Question{}, err
	}
	s.answer(q, replyID)
	return withHTML(q, nil, renderQuestion)
}

// answer starts the tutor if the reply waits for it.
func (s *Server) answer(q lms.Question, replyID string) {
	for _, r := range q.Replies {
		if r.ID == replyID && !r.State.Final() {
			s.tutor.Answer(replyID)
		}
	}
}

func (s *Server) getQuestion(ctx context.Context, actor lms.Actor, in api.QuestionPath) (lms.Question, error) {
	q, err := s.store.Question(ctx, actor, in.Course, in.Question)
	return s.opened(ctx, actor, q, err)
}

// opened is a question as it is shown. That staff read a student's conversation with the tutor is recorded first.
func (s *Server) opened(ctx context.Context, actor lms.Actor, q lms.Question, err error) (lms.Question, error) {
	if err == nil {
		err = s.store.ReadTranscript(ctx, actor, q)
	}
	if err != nil {
		return lms.Question{}, err
	}
	renderQuestion(&q)
	return q, nil
}

func (s *Server) addReply(ctx context.Context, actor lms.Actor, in api.ReplyInput) (lms.Question, error) {
	reply := lms.Reply{ID: in.ID, QuestionID: in.Question, Body: in.Body}
	q, err := s.store.AddReply(ctx, actor, in.Course, in.Question, reply, in.TutorReplyID)
	if err != nil {
		return lms.Question{}, err
	}
	s.answer(q, in.TutorReplyID)
	return s.opened(ctx, actor, q, nil)
}

func (s *Server) setQuestion(ctx context.Context, actor lms.Actor, in api.SetQuestionInput) (lms.Question, error) {
	q, err := s.store.SetQuestion(ctx, actor, in.Course, in.Question, in.State, in.To)
	return s.opened(ctx, actor, q, err)
}

// stopReply ends a tutor's answer. Only who asked may stop it.
func (s *Server) stopReply(ctx context.Context, actor lms.Actor, in api.ReplyPath) (api.Empty, error) {
	q, err := s.store.Question(ctx, actor, in.Course, in.Question)
	if err != nil {
		return api.Empty{}, err
	}
	if q.AuthorID != actor.UserID && !actor.Staff() {
		return api.Empty{}, lms.ErrNotYours
	}
	r, err := s.store.Reply(ctx, actor, in.Course, in.Question, in.Reply)
	if err != nil {
		return api.Empty{}, err
	}
	if r.AuthorID != lms.TutorID {
		return api.Empty{}, lms.Errorf(lms.KindRule, "Only an answer of the tutor can be stopped.")
	}
	return api.Empty{}, s.tutor.Stop(ctx, in.Reply)
}

func (s *Server) retryReply(ctx context.Context, actor lms.Actor, in api.RetryInput) (lms.Question, error) {
	q, err := s.store.RetryReply(ctx, actor, in.Course, in.Question, in.Reply, in.Anyway)
	if err != nil {
		return lms.Question{}, err
	}
	s.answer(q, in.Reply)
	return s.opened(ctx, actor, q, nil)
}

// streamReply passes a tutor's answer on while it is written. The answer goes on when the reader leaves.
func (s *Server) streamReply(q *request, in api.ReplyPath) error {
	question, err := s.store.Question(q.ctx, q.actor, in.Course, in.Question)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(question.Replies, func(r lms.Reply) bool { return r.ID == in.Reply }) {
		return lms.ErrNotFound
	}
	if err := s.store.ReadTranscript(q.ctx, q.actor, question); err != nil {
		return err
	}
	return s.streams.run(q, func(e *eventStream) error {
		return s.tutor.Stream(e.ctx, in.Reply, func(event api.ReplyEvent) error {
			if event.Reply != nil {
				reply := *event.Reply
				renderReply(&reply)
				event.Reply = &reply
			}
			return e.send(event)
		})
	})
}
