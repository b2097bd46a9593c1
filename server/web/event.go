package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// everything is the topic of an event after which a page looks at all it shows again.
const everything = "*"

// events tells a signed-in page what has changed among the things that its user may see. It ends when the session does.
// A reader that was away (Last-Event-ID) and missed something is told to look at everything again.
func (s *Server) events(q *request, _ api.NoInput) error {
	return s.streams.run(q, func(e *eventStream) error {
		w := &watcher{s: s, q: q, courses: map[string]lms.Role{}}
		check := time.NewTicker(heartbeat)
		defer check.Stop()
		changes := s.db.Watch(e.ctx)
		if last, err := strconv.ParseUint(q.r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last < s.db.Applied() {
			if err := w.send(e, s.db.Applied(), []string{everything}); err != nil {
				return err
			}
		}
		for {
			select {
			case <-e.ctx.Done():
				return nil
			case <-check.C:
				if !w.signedIn(e.ctx) {
					return nil
				}
			case change, open := <-changes:
				if !open {
					return nil
				}
				if err := w.pass(e, change); err != nil {
					return err
				}
			}
		}
	})
}

// watcher decides what one user may hear of.
type watcher struct {
	s       *Server
	q       *request
	courses map[string]lms.Role // roles as far as they were asked for; forgotten when the user's rights may have changed
}

// errEnded ends a stream whose session has ended.
var errEnded = context.Canceled

// pass sends of a change what the user may hear of.
func (w *watcher) pass(e *eventStream, change consensus.Event) error {
	topics := change.Topics
	if change.Lost {
		topics = []string{everything}
	} else if topics = w.visible(e.ctx, topics); len(topics) == 0 {
		return nil
	}
	if (change.Lost || w.concerns(topics)) && !w.signedIn(e.ctx) {
		return errEnded
	}
	return w.send(e, change.Index, topics)
}

func (w *watcher) send(e *eventStream, index uint64, topics []string) error {
	return e.sendFrom(index, api.Event{Index: index, Topics: topics})
}

func (w *watcher) concerns(topics []string) bool {
	for _, t := range topics {
		if t == "user/"+w.q.actor.UserID {
			return true
		}
	}
	return false
}

// signedIn looks at the session again, so that sign-out and disabling end the stream.
func (w *watcher) signedIn(ctx context.Context) bool {
	clear(w.courses)
	if w.q.actor.SessionID == "" {
		return true // the operator
	}
	f, err := w.s.store.SessionByID(ctx, w.q.actor.SessionID)
	if err != nil {
		return lms.KindOf(err) != lms.KindSignIn && ctx.Err() == nil
	}
	w.q.actor = f.Actor
	return true
}

// visible keeps the topics of which the user may hear: the cluster, themselves, their courses, and questions that they
// may read.
func (w *watcher) visible(ctx context.Context, topics []string) []string {
	var seen []string
	course := ""
	for _, t := range topics {
		if id, ok := strings.CutPrefix(t, "course/"); ok {
			course = id
		}
	}
	for _, t := range topics {
		kind, id, _ := strings.Cut(t, "/")
		ok := false
		switch kind {
		case "cluster":
			ok = true
		case "user":
			ok = id == w.q.actor.UserID
		case "course":
			ok = w.member(ctx, id)
		case "question":
			if course != "" && w.member(ctx, course) {
				actor := w.q.actor
				actor.Role = w.courses[course]
				_, err := w.s.store.Question(ctx, actor, course, id)
				ok = err == nil
			}
		}
		if ok {
			seen = append(seen, t)
		}
	}
	return seen
}

func (w *watcher) member(ctx context.Context, course string) bool {
	role, known := w.courses[course]
	if !known {
		var err error
		if role, err = w.s.store.Role(ctx, course, w.q.actor.UserID); err != nil {
			return false
		}
		w.courses[course] = role
	}
	return role != "" || w.q.actor.Admin
}
