package web

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// stream opens an event stream and sends the data of its events to the channel, which is closed with the stream.
func (s *site) stream(path, token string, header ...string) <-chan string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", s.base+path, nil)
	s.check(err)
	req.Header.Set("Authorization", "Bearer "+token)
	for _, line := range header {
		name, v, _ := strings.Cut(line, ": ")
		req.Header.Set(name, v)
	}
	res, err := http.DefaultClient.Do(req)
	s.check(err)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("%s: %d %v", path, res.StatusCode, res.Header)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- data
			}
		}
	}()
	return events
}

// next is the next event; ok is false when the stream has ended.
func next[T any](t *testing.T, events <-chan string) (v T, ok bool) {
	t.Helper()
	select {
	case data, open := <-events:
		if open {
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				t.Fatalf("%s: %v", data, err)
			}
		}
		return v, open
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		return v, false
	}
}

func TestEventsShowOnlyTheOwn(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.stream("/api/v1/events", c.token("sue", time.Hour))
	ned := c.stream("/api/v1/events", c.token("ned", time.Hour))
	sam := c.stream("/api/v1/events", c.token("sam", time.Hour))
	// The streams are open; what follows is seen by those whom it concerns.
	call(c.site, "ina", api.AddReply, api.ReplyInput{Course: "c1", Question: "q1", ID: "r9", Body: "On Friday."})
	call(c.site, "ira", api.CreateMaterial, api.MaterialInput{Course: "c2", ID: "m9", Title: "T", Kind: lms.MaterialPage, Published: true})
	topics := func(events <-chan string, until string) []string {
		var all []string
		for !slices.Contains(all, until) {
			e, ok := next[api.Event](t, events)
			if !ok || e.Index == 0 {
				t.Fatalf("%+v, open %v", e, ok)
			}
			all = append(all, e.Topics...)
		}
		return all
	}
	if got := topics(sue, "course/c1"); !slices.Contains(got, "question/q1") {
		t.Errorf("the author does not hear of the question: %v", got)
	}
	if got := topics(sam, "course/c1"); slices.Contains(got, "question/q1") {
		t.Errorf("a classmate hears of a private question: %v", got)
	}
	for _, topic := range topics(ned, "course/c2") {
		if strings.Contains(topic, "c1") || strings.Contains(topic, "q1") {
			t.Errorf("a stranger hears of %s", topic)
		}
	}
}

func TestEventsEndWithTheSession(t *testing.T) {
	c := newCourse(t, nil)
	token := c.token("sue", time.Hour)
	events := c.stream("/api/v1/events", token)
	if r := c.send("DELETE", "/api/v1/session", token, ""); r.status != 200 {
		t.Fatalf("%d", r.status)
	}
	for {
		if _, open := next[api.Event](t, events); !open {
			return
		}
	}
}

func TestEventsAfterAnAbsence(t *testing.T) {
	c := newCourse(t, nil)
	events := c.stream("/api/v1/events", c.token("sue", time.Hour), "Last-Event-ID: 1")
	if e, ok := next[api.Event](t, events); !ok || !slices.Equal(e.Topics, []string{"*"}) {
		t.Errorf("%+v", e)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	s := newStreams()
	for range streamsPerUser {
		if err := s.enter("sue"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.enter("sue"); lms.KindOf(err) != lms.KindLimit {
		t.Errorf("%v", err)
	}
	if err := s.enter("sam"); err != nil {
		t.Error(err)
	}
	s.leave("sue")
	if err := s.enter("sue"); err != nil {
		t.Error(err)
	}
}

func TestStreamReply(t *testing.T) {
	c := newCourse(t, nil)
	events := c.stream("/api/v1/courses/c1/questions/q2/replies/r2/stream", c.token("sue", time.Hour))
	for {
		e, open := next[api.ReplyEvent](t, events)
		if !open {
			t.Fatal("the stream ended without the reply")
		}
		if e.Reply != nil {
			if e.Reply.ID != "r2" || !e.Reply.State.Final() || e.Reply.Body != "" && e.Reply.BodyHTML == "" {
				t.Errorf("%+v", e.Reply)
			}
			break
		}
	}
	if _, open := next[api.ReplyEvent](t, events); open {
		t.Error("the stream goes on after the reply")
	}
}

func TestCloseEndsStreams(t *testing.T) {
	s := newPeople(t, nil)
	u, _, err := s.store.Credentials(t.Context(), "ada")
	s.check(err)
	events := s.stream("/api/v1/events", s.token(u.ID, time.Hour))
	s.server.Close()
	for {
		if _, open := next[api.Event](t, events); !open {
			return
		}
	}
}

// TestLongStreamsAndSlowBodies: the bound on sending a body must not end a stream that is silent for longer.
func TestLongStreamsAndSlowBodies(t *testing.T) {
	s := newPeople(t, nil)
	s.server.bodyTimeout = 100 * time.Millisecond
	u, _, err := s.store.Credentials(t.Context(), "ada")
	s.check(err)
	token := s.token(u.ID, time.Hour)
	events := s.stream("/api/v1/events", token)

	// A body that never ends is cut off, and takes its connection with it.
	body, write := io.Pipe()
	defer write.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.base+"/api/v1/courses", body)
	s.check(err)
	req.Header.Set(api.HeaderClient, api.ClientName)
	req.Header.Set("Authorization", "Bearer "+token)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("a body that never ends: %d", res.StatusCode)
		}
	}
	// By now the bound has passed for the stream as well, had it been set there.
	call(s, u.ID, api.CreateCourse, api.CourseInput{ID: "c1", Code: "X", Title: "Y", Zone: "UTC", State: lms.CoursePublished})
	for {
		e, open := next[api.Event](t, events)
		if !open {
			t.Fatal("the stream was cut off")
		}
		if slices.Contains(e.Topics, "course/c1") {
			return
		}
	}
}
