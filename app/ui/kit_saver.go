package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
)

// draftPause is how long typing must rest before a draft is sent. With the answer it stays within the two seconds that a
// person may lose.
const draftPause = 1200 * time.Millisecond

// draftSaver sends what is typed when the typing pauses, one request at a time, and says how that stands.
type draftSaver struct {
	round   int
	next    work[api.Empty] // what is to be sent after the present request
	sending bool
	state   string // "", "saving", "saved", "unsaved"
}

// later sends the work when nothing else follows for a moment.
func (s *draftSaver) later(ctx app.Context, w work[api.Empty]) {
	s.round++
	round := s.round
	s.state = "saving"
	ctx.After(draftPause, func(ctx app.Context) {
		if round == s.round {
			s.send(ctx, w)
		}
	})
}

// stop forgets what was to be sent.
func (s *draftSaver) stop() {
	s.round++
	s.next, s.state = nil, ""
}

func (s *draftSaver) send(ctx app.Context, w work[api.Empty]) {
	if s.sending {
		s.next = w
		return
	}
	s.sending = true
	round := s.round
	Async(ctx, w, func(ctx app.Context, _ api.Empty, err error) {
		s.sending = false
		if next := s.next; next != nil {
			s.next = nil
			s.send(ctx, next)
			return
		}
		if round != s.round {
			return
		}
		s.state = "saved"
		if err != nil { // it stays on this device, and goes with the next change or a moment later
			s.state = "unsaved"
			ctx.After(5*time.Second, func(ctx app.Context) {
				if round == s.round {
					s.send(ctx, w)
				}
			})
		}
	})
}

var draftWords = map[string]string{"saving": "Saving the draft", "saved": "Draft saved", "unsaved": "Not saved yet; kept on this device. Trying again"}

func (s *draftSaver) view() app.UI {
	return app.Span().Class("save-state").Role("status").Text(draftWords[s.state])
}
