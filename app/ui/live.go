package ui

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
)

// live is the one stream of updates of this tab. It is open only while the tab is visible: browsers allow few connections
// to one host, and hidden tabs would use them up. Saving never depends on it, and pages that show something live poll as
// well (OnLive), so that a stream that a proxy holds back only makes them slower.
var live struct {
	cancel  context.CancelFunc // ends the stream; nil: there is none
	watched bool               // the tab's visibility is watched
	pages   map[*listener]bool
}

type listener struct {
	ctx    app.Context
	topics []string
	f      func(app.Context)
}

// startLive opens the stream once somebody is signed in, and reads the health for the pill in the bar.
func startLive(ctx app.Context) {
	if app.IsServer || Me().ID == "" || known.MustEnrol {
		return
	}
	refreshHealth(ctx)
	openLive()
	if live.watched {
		return
	}
	live.watched = true
	go watchHealth()
	listen(app.Window().Get("document"), "visibilitychange", func(app.Value) {
		if app.Window().Get("document").Get("hidden").Bool() {
			closeLive()
			return
		}
		openLive()
		publish([]string{"*"}) // what was missed
		if onScreen != nil {   // the session may have become that of a student view, or have ended, in another tab
			onScreen.Dispatch(func(ctx app.Context) { RefreshSession(ctx, nil) })
		}
	})
	listen(app.Window(), "pagehide", func(app.Value) { closeLive() })
	listen(app.Window(), "pageshow", func(app.Value) { openLive() })
}

func closeLive() {
	if live.cancel != nil {
		live.cancel()
		live.cancel = nil
	}
}

func openLive() {
	if live.cancel != nil || Me().ID == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	live.cancel = cancel
	last := "" // what changes while the stream is on its way must not be missed by what the page reads meanwhile
	if i := API.Index(); i > 0 {
		last = strconv.FormatUint(i, 10)
	}
	go func() {
		guarded(ctx, func(ctx context.Context) error {
			return api.Stream(ctx, API, api.Events.Path, last, func(data []byte) error {
				var e api.Event
				if json.Unmarshal(data, &e) == nil {
					publish(e.Topics)
				}
				return nil
			})
		})
		if ctx.Err() == nil {
			live.cancel = nil // refused; the next page tries again
		}
	}()
}

// publish tells the listening pages what has changed.
func publish(topics []string) {
	if (slices.Contains(topics, "cluster") || slices.Contains(topics, "*")) && onScreen != nil {
		onScreen.Dispatch(refreshHealth)
	}
	for l := range live.pages {
		if !l.ctx.Src().Mounted() {
			delete(live.pages, l)
			continue
		}
		if slices.ContainsFunc(topics, l.wants) {
			l.ctx.Dispatch(l.f)
		}
	}
}

// wants matches a topic with one of the listener's: equal, or below one that ends in a slash.
func (l *listener) wants(topic string) bool {
	return slices.ContainsFunc(l.topics, func(t string) bool {
		return t == topic || topic == "*" || strings.HasSuffix(t, "/") && strings.HasPrefix(topic, t)
	})
}

// OnLive calls f when one of the topics (api.Event) has changed, and every so often in any case while the page is
// mounted and visible. Call it in OnMount; an f that concerns a path parameter must read it from the page's fields.
// The returned function changes the topics.
func OnLive(ctx app.Context, every time.Duration, f func(app.Context), topics ...string) (setTopics func(...string)) {
	l := &listener{ctx: ctx, topics: topics, f: f}
	if app.IsServer {
		return func(...string) {}
	}
	if live.pages == nil {
		live.pages = map[*listener]bool{}
	}
	live.pages[l] = true
	var tick func(app.Context)
	tick = func(ctx app.Context) {
		if !app.Window().Get("document").Get("hidden").Bool() {
			f(ctx)
		}
		ctx.After(every, tick)
	}
	ctx.After(every, tick)
	return func(topics ...string) { l.topics = topics }
}
