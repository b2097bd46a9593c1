package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

func (s *Server) listConversations(ctx context.Context, actor lms.Actor, in api.ListConversationsInput) (api.Page[lms.Question], error) {
	items, next, total, err := s.store.Conversations(ctx, actor, in.Course, in.Query, in.After, limitOf(in.Limit))
	return api.Page[lms.Question]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) eraseConversation(ctx context.Context, actor lms.Actor, in api.QuestionPath) (api.Empty, error) {
	return api.Empty{}, s.store.EraseConversation(ctx, actor, in.Course, in.Question)
}

// exportConversations writes the actor's conversations with the tutor, oldest first, with those that failed or were stopped.
func (s *Server) exportConversations(q *request, in api.ExportConversationsInput) error {
	course, err := s.store.Course(q.ctx, q.actor, in.Course)
	if err != nil {
		return err
	}
	format := in.Format
	if format == "" {
		format = "json"
	}
	h := q.w.Header()
	s.describe(h)
	now := s.now().UTC()
	h.Set("Content-Disposition", disposition("tutor-"+now.Format(time.DateOnly)+"."+format, false))
	h.Set("Cache-Control", "no-store")
	if format == "md" {
		h.Set("Content-Type", "text/markdown; charset=utf-8")
		fmt.Fprintf(q.w, "# %s: conversations with the tutor\n", lms.PlainMarkdown(course.Title))
		return s.store.EachConversation(q.ctx, q.actor, in.Course, func(c lms.Question) error { return conversationMarkdown(q.w, c) })
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	head, err := json.Marshal(course.Title)
	if err != nil {
		return err
	}
	fmt.Fprintf(q.w, "{\"course\":%s,\"exportedAt\":%q,\"conversations\":[", head, now.Format(time.RFC3339))
	comma := "\n"
	err = s.store.EachConversation(q.ctx, q.actor, in.Course, func(c lms.Question) error {
		text, err := json.Marshal(exportOf(c))
		if err != nil {
			return err
		}
		_, err = io.WriteString(q.w, comma+string(text))
		comma = ",\n"
		return err
	})
	if err == nil {
		_, err = io.WriteString(q.w, "\n]}\n")
	}
	return err
}

// exportedReply carries the mark of generated text in words, for readers who do not know the field.
type exportedReply struct {
	lms.Reply
	Mark string `json:"mark,omitempty"`
}

type exportedConversation struct {
	lms.Question
	Replies []exportedReply `json:"replies"`
}

func exportOf(q lms.Question) exportedConversation {
	out := exportedConversation{Question: q, Replies: []exportedReply{}}
	for _, r := range q.Replies {
		e := exportedReply{Reply: r}
		if r.Generated {
			e.Mark = lms.GeneratedMark
		}
		out.Replies = append(out.Replies, e)
	}
	return out
}

// conversationMarkdown writes one conversation. What people and the tutor wrote is Markdown already.
func conversationMarkdown(w io.Writer, q lms.Question) error {
	fmt.Fprintf(w, "\n## %s\n\n*%s, %s*\n", lms.PlainMarkdown(q.Title), lms.PlainMarkdown(q.AuthorName), q.CreatedAt.Format("2006-01-02 15:04 UTC"))
	if q.Body != "" {
		fmt.Fprintf(w, "\n%s\n", q.Body)
	}
	for _, r := range q.Replies {
		fmt.Fprintf(w, "\n### %s\n\n*%s", lms.PlainMarkdown(r.AuthorName), r.CreatedAt.Format("2006-01-02 15:04 UTC"))
		if r.Generated {
			fmt.Fprintf(w, " · %s", lms.GeneratedMark)
		}
		if r.State != lms.ReplyDone {
			fmt.Fprintf(w, " · %s", r.State)
		}
		fmt.Fprint(w, "*\n")
		for _, text := range []string{r.Body, r.Note} {
			if text != "" {
				fmt.Fprintf(w, "\n%s\n", text)
			}
		}
		for i, c := range r.Citations {
			if i == 0 {
				fmt.Fprint(w, "\nSources:\n\n")
			}
			fmt.Fprintf(w, "- [%d] %s\n", c.N, lms.PlainMarkdown(c.Place()))
		}
		if e := r.Endorsement; e != nil {
			word := "Endorsed"
			if e.Corrected {
				word = "Corrected"
			}
			fmt.Fprintf(w, "\n**%s by %s:**\n\n%s\n", word, lms.PlainMarkdown(e.By), e.Body)
		}
	}
	_, err := io.WriteString(w, "\n")
	return err
}
