//go:build !js

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
)

const testCourse = "course1"

// node starts a server of one handler.
func node(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// dead is the origin of a server that does not run any more.
func dead(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

func testInput() CourseInput {
	return CourseInput{ID: lms.NewID(), Code: "CS", Title: "Computing", Zone: "UTC", State: lms.CoursePublished}
}

func TestCallSendsPathQueryBodyAndHeaders(t *testing.T) {
	var got *http.Request
	var body map[string]any
	s := node(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		json.NewDecoder(r.Body).Decode(&body)
		w.Header().Set(HeaderIndex, "41")
		answer(w, 200, lms.Course{ID: "x"})
	})
	c := NewClient(s.URL, WithBearer("secret"))
	in := UpdateCourseInput{Course: testCourse, CourseInput: testInput(), Version: 3}
	if _, err := Call(WithKey(t.Context(), "key1"), c, UpdateCourse, in); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{HeaderClient: "trivium", HeaderKey: "key1", "Authorization": "Bearer secret", HeaderIndex: "", "Content-Type": "application/json"} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
	if got.URL.Path != "/api/v1/courses/course1" || got.Method != "PATCH" || body["version"] != 3.0 || body["Course"] != nil {
		t.Errorf("got %s %s %v", got.Method, got.URL, body)
	}
	if _, err := Call(t.Context(), c, KVGet, KVGetInput{Key: "a b/ü?", Consistency: "stale"}); err != nil {
		t.Fatal(err)
	}
	if got.URL.EscapedPath() != "/api/v1/kv/a%20b%2F%C3%BC%3F" || got.URL.RawQuery != "consistency=stale" || got.Header.Get(HeaderIndex) != "41" || got.Header.Get(HeaderKey) != "" {
		t.Errorf("got %s, index %q", got.URL, got.Header.Get(HeaderIndex))
	}
}

func TestCallRefusesAMissingParameter(t *testing.T) {
	for _, in := range []CoursePath{{}, {Course: ".."}} {
		if _, err := Call(t.Context(), NewClient("http://127.0.0.1:1"), GetCourse, in); lms.KindOf(err) != lms.KindInvalid {
			t.Errorf("%q: got %v", in.Course, err)
		}
	}
}

func TestEveryInputFillsItsPath(t *testing.T) {
	for _, r := range Routes() {
		for _, p := range r.Params() {
			if !hasParam(r, p) {
				t.Errorf("%s: no field is tagged param:%q", r.Name, p)
			}
		}
	}
}

func hasParam(r Route, name string) bool {
	for _, f := range reflect.VisibleFields(r.In) {
		if f.Tag.Get("param") == name {
			return true
		}
	}
	return false
}

func TestCallFailsOverWithTheSameKey(t *testing.T) {
	for _, first := range []struct {
		name string
		h    http.HandlerFunc
	}{
		{"dead", nil},
		{"no majority", func(w http.ResponseWriter, r *http.Request) { answer(w, 503, lms.ErrUnavailable) }},
		{"proxy page", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "<html>bad gateway", http.StatusBadGateway)
		}},
		{"cut off", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(first.name, func(t *testing.T) {
			var mu sync.Mutex
			var keys []string
			note := func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				keys = append(keys, r.Header.Get(HeaderKey))
			}
			home := dead(t)
			if first.h != nil {
				home = node(t, func(w http.ResponseWriter, r *http.Request) { note(r); first.h(w, r) }).URL
			}
			second := node(t, func(w http.ResponseWriter, r *http.Request) { note(r); answer(w, 200, lms.Course{ID: "done"}) })
			var moved string
			c := NewClient(home, WithHooks(Hooks{OnNode: func(o string) { moved = o }}))
			c.SetNodes([]string{second.URL})
			got, err := Call(t.Context(), c, CreateCourse, testInput())
			if err != nil || got.ID != "done" {
				t.Fatal(got, err)
			}
			if len(slices.Compact(keys)) != 1 || keys[0] == "" {
				t.Errorf("keys: %q", keys)
			}
			if c.Node() != second.URL || moved != second.URL {
				t.Errorf("current node %s, told %s", c.Node(), moved)
			}
		})
	}
}

func TestRetriesStop(t *testing.T) {
	refuse := node(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 503, lms.ErrUnavailable) })
	for _, tc := range []struct {
		name, origin string
		want         error
	}{{"no majority", refuse.URL, lms.ErrUnavailable}, {"no answer", dead(t), lms.ErrUnknown}} {
		t.Run(tc.name, func(t *testing.T) {
			c := NewClient(tc.origin, WithTimeouts(time.Second, 300*time.Millisecond))
			if _, err := Call(t.Context(), c, CreateCourse, testInput()); !errors.Is(err, tc.want) {
				t.Errorf("write: got %v", err)
			}
			if _, err := Call(t.Context(), c, GetHome, NoInput{}); !errors.Is(err, lms.ErrUnavailable) {
				t.Errorf("read: got %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := Call(ctx, c, GetHome, NoInput{}); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: got %v", err)
			}
		})
	}
}

func TestUnknownOutcomeKeepsItsKey(t *testing.T) {
	var mu sync.Mutex
	var keys []string
	answers := false
	s := node(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get(HeaderKey))
		if !answers {
			panic(http.ErrAbortHandler)
		}
		answer(w, 200, lms.Course{})
	})
	c := NewClient(s.URL, WithTimeouts(time.Second, 100*time.Millisecond))
	in := testInput()
	if _, err := Call(t.Context(), c, CreateCourse, in); !errors.Is(err, lms.ErrUnknown) {
		t.Fatal(err)
	}
	mu.Lock()
	answers = true
	mu.Unlock()
	for range 2 {
		if _, err := Call(t.Context(), c, CreateCourse, in); err != nil {
			t.Fatal(err)
		}
	}
	n := len(keys)
	if keys[0] != keys[n-2] {
		t.Error("the repeated call must carry the key of the one with the unknown outcome")
	}
	if keys[n-1] == keys[n-2] {
		t.Error("a call after a known outcome is a new one")
	}
}

func TestErrorsAreDecoded(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		want   lms.Kind
		field  string
	}{
		{422, `{"code":"rule","message":"Too late.","field":"text","requestId":"r1"}`, lms.KindRule, "text"},
		{404, `nothing`, lms.KindNotFound, ""},
		{401, ``, lms.KindSignIn, ""},
		{500, `<html>`, lms.KindInternal, ""},
		{413, ``, lms.KindTooLarge, ""},
		{200, `{`, lms.KindInternal, ""},
	} {
		s := node(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(tc.status); w.Write([]byte(tc.body)) })
		_, err := Call(t.Context(), NewClient(s.URL), GetHome, NoInput{})
		var e *lms.Error
		if !errors.As(err, &e) || e.Kind != tc.want || e.Field != tc.field {
			t.Errorf("%d %s: got %v", tc.status, tc.body, err)
		}
	}
}

func TestHeadersReachTheHooks(t *testing.T) {
	stale := "1700000000000"
	s := node(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(HeaderAppVersion, "v7")
		if stale != "" {
			w.Header().Set(HeaderStale, stale)
		}
		answer(w, 200, lms.Home{})
	})
	var told []string
	c := NewClient(s.URL, WithHooks(Hooks{
		OnAppVersion: func(v string) { told = append(told, v) },
		OnStale:      func(at time.Time) { told = append(told, fmt.Sprint(at.IsZero())) },
	}))
	for range 2 {
		Call(t.Context(), c, GetHome, NoInput{})
		stale = ""
	}
	Call(t.Context(), c, GetHome, NoInput{})
	if got := strings.Join(told, " "); got != "v7 false true" {
		t.Errorf("got %q", got)
	}
}

func TestHandOverToAnotherNode(t *testing.T) {
	redeemed := 0
	second := node(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == RedeemTicket.Path {
			redeemed++
			answer(w, 200, lms.Session{Token: "bearer2"})
			return
		}
		if r.Header.Get("Authorization") != "Bearer bearer2" {
			answer(w, 401, lms.ErrSignIn)
			return
		}
		answer(w, 200, lms.Home{})
	})
	first := node(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case GetCluster.Path:
			answer(w, 200, lms.Cluster{Nodes: []lms.ClusterNode{{Origin: second.URL}}})
		case IssueTicket.Path:
			answer(w, 200, Ticket{Ticket: "t1"})
		default:
			answer(w, 200, lms.Home{})
		}
	})
	c := NewClient(first.URL, WithHandOver())
	if _, err := Call(t.Context(), c, GetHome, NoInput{}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; {
		c.mu.Lock()
		ready := c.ticket != ""
		c.mu.Unlock()
		if ready {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no ticket")
		}
		time.Sleep(time.Millisecond)
	}
	first.Close()
	for range 2 {
		if _, err := Call(t.Context(), c, GetHome, NoInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if redeemed != 1 {
		t.Errorf("redeemed %d times", redeemed)
	}
}

// TestBytesBesideTheAPI reads an address that needs no session: nothing may follow that needs one.
func TestBytesBesideTheAPI(t *testing.T) {
	n := node(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("the client asks for %s", r.URL.Path)
		}
		answer(w, 200, Empty{})
	})
	c := NewClient(n.URL, WithHandOver())
	if _, err := c.Bytes(t.Context(), "/readyz", 100); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keeping {
		t.Error("the client takes the answer for a session")
	}
}

func TestReadyStartsNoSession(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	ready := false
	s := node(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
		if !ready {
			w.WriteHeader(503)
		}
	})
	trouble := make(chan error, 9)
	c := NewClient(s.URL, WithHandOver(), WithHooks(Hooks{OnTrouble: func(err error) { trouble <- err }}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if c.Ready(ctx) == nil || <-trouble == nil {
		t.Error("a node that is not ready is trouble")
	}
	mu.Lock()
	ready = true
	mu.Unlock()
	if err := c.Ready(t.Context()); err != nil || <-trouble != nil {
		t.Errorf("a node that is ready ends the trouble: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if i := slices.IndexFunc(asked, func(p string) bool { return p != "/readyz" }); i >= 0 {
		t.Errorf("asked for %s without a session", asked[i])
	}
}
