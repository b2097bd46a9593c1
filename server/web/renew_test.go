package web

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// pass waits until the cluster's time is beyond what short leaves.
func pass(s *site) {
	for from := s.store.Now(); s.store.Now().Sub(from) < 3*time.Millisecond; {
		runtime.Gosched()
	}
}

// short makes access end at once and old tokens overlap for a moment only.
func short(c *Config) { c.Lives = store.Lives{Access: time.Millisecond, Overlap: time.Millisecond} }

func (s *site) withCookie(method, path string, c *http.Cookie, body string, header ...string) reply {
	return s.send(method, path, "", body, append(header, "Cookie: "+c.Name+"="+c.Value)...)
}

// sid is the session's cookie of an answer; nil when it sets none.
func (r reply) sid() *http.Cookie {
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if strings.HasSuffix(c.Name, sessionCookie) {
			return c
		}
	}
	return nil
}

func TestBrowserIsRenewedOnTheWay(t *testing.T) {
	s := newPeople(t, short)
	first := s.signIn("ada", testPassword).sid()
	pass(s)
	r := s.withCookie("GET", "/api/v1/session", first, "")
	second := r.sid()
	if r.status != 200 || second == nil || second.Value == first.Value {
		t.Fatalf("%d, cookie %v", r.status, second)
	}
	// The answer was lost, or another tab asks with the old cookie: both get the same successor, however late.
	pass(s)
	if again := s.withCookie("GET", "/api/v1/session", first, ""); again.status != 200 || again.sid() == nil || again.sid().Value != second.Value {
		t.Fatalf("%d, cookie %v", again.status, again.sid())
	}
	third := s.withCookie("GET", "/api/v1/session", second, "").sid()
	if third == nil || third.Value == second.Value {
		t.Fatalf("cookie %v", third)
	}
	if r := s.withCookie("GET", "/api/v1/session", third, ""); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	// The first token is used after its successor was: one of the two was stolen.
	pass(s)
	if r := s.withCookie("GET", "/api/v1/session", first, ""); r.status != 401 {
		t.Fatalf("a reused token: %d", r.status)
	}
	if r := s.withCookie("GET", "/api/v1/session", third, ""); r.status != 401 {
		t.Fatalf("its session goes on: %d", r.status)
	}
	if r := s.send("GET", "/api/v1/audit", s.server.c.OperatorToken, ""); !strings.Contains(r.body, string(lms.AuditSessionReuse)) {
		t.Errorf("the audit log has no %s: %s", lms.AuditSessionReuse, r.body)
	}
}

// Without a majority nothing is renewed, and nobody reads longer than their access lasts (CLUSTER-10).
func TestAccessEndsWithoutAMajority(t *testing.T) {
	var ahead atomic.Int64
	s := newPeople(t, func(c *Config) {
		short(c)
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	cookie := s.signIn("ada", testPassword).sid()
	program := call(s, "", api.SignIn, api.SignInInput{Login: "ada", Password: testPassword, Bearer: true}).Token
	pass(s)
	ahead.Store(int64(staleAfter + time.Second))
	for name, r := range map[string]reply{"browser": s.withCookie("GET", "/api/v1/session", cookie, ""), "program": s.send("GET", "/api/v1/session", program, "")} {
		if r.status != 401 || r.error.Message != store.ErrRenew.Message || r.sid() != nil {
			t.Errorf("%s: %d %s, cookie %v", name, r.status, r.body, r.sid())
		}
	}
	ahead.Store(0)
	if r := s.withCookie("GET", "/api/v1/session", cookie, ""); r.status != 200 || r.sid() == nil {
		t.Errorf("with the majority again: %d %s", r.status, r.body)
	}
}

func TestProgramRenews(t *testing.T) {
	s := newPeople(t, func(c *Config) { c.Lives = store.Lives{Access: time.Millisecond} })
	in := call(s, "", api.SignIn, api.SignInInput{Login: "ada", Password: testPassword, Bearer: true})
	pass(s)
	if r := s.send("GET", "/api/v1/session", in.Token, ""); r.status != 401 {
		t.Fatalf("after the access is over: %d", r.status)
	}
	var kept []string
	c := api.NewClient(s.base, api.WithBearer(in.Token), api.WithHooks(api.Hooks{OnToken: func(token string) { kept = append(kept, token) }}))
	s.server.store.UseLives(store.Lives{Access: time.Minute}) // of what is made from now on
	for range 3 {
		if _, err := api.Call(t.Context(), c, api.CurrentSession, api.NoInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 1 || kept[0] == in.Token {
		t.Errorf("renewed %d times", len(kept))
	}
	for _, token := range []string{"", "none", s.server.c.OperatorToken} {
		if r := s.send("POST", "/api/v1/session/renew", token, ""); r.status != 401 {
			t.Errorf("renewing %q: %d", token, r.status)
		}
	}
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	s := newPeople(t, nil)
	agent := "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	one, two, three := s.signIn("ada", testPassword, agent).sid(), s.signIn("ada", testPassword).sid(), s.signIn("ada", testPassword).sid()
	operator := api.NewClient(s.base, api.WithBearer(s.server.c.OperatorToken))
	_, err := api.Call(t.Context(), operator, api.CreateUser, api.CreateUserInput{ID: "bob", Login: "bob", Name: "Bob", Password: testPassword})
	s.check(err)
	other := s.as("bob")
	mine := api.NewClient(s.base, api.WithBearer(one.Value))
	list, err := api.Call(t.Context(), mine, api.ListSessions, api.NoInput{})
	s.check(err)
	if len(list.Items) != 4 || !list.Items[0].Current || list.Items[0].Device != "Firefox on Linux" || list.Items[1].Current || list.Items[0].SeenAt.IsZero() {
		t.Fatalf("%+v", list.Items)
	}
	status := func(c *http.Cookie) int { return s.withCookie("GET", "/api/v1/session", c, "").status }
	listTwo, err := api.Call(t.Context(), api.NewClient(s.base, api.WithBearer(two.Value)), api.ListSessions, api.NoInput{})
	s.check(err)
	id := listTwo.Items[0].ID
	if _, err := api.Call(t.Context(), other, api.EndSession, api.SessionPath{Session: id}); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("another's session: %v", err)
	}
	if _, err := api.Call(t.Context(), mine, api.EndSession, api.SessionPath{Session: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Call(t.Context(), mine, api.EndSession, api.SessionPath{Session: id}); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("one that has ended: %v", err)
	}
	if status(two) != 401 || status(three) != 200 {
		t.Errorf("revoked %d, another %d", status(two), status(three))
	}
	if _, err := api.Call(t.Context(), mine, api.EndOtherSessions, api.NoInput{}); err != nil {
		t.Fatal(err)
	}
	if status(three) != 401 || status(one) != 200 {
		t.Errorf("others %d, this one %d", status(three), status(one))
	}
	if _, err := api.Call(t.Context(), other, api.CurrentSession, api.NoInput{}); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
}

// A device with which the owner has signed in before is not locked out by others (AUTH-3).
func TestKnownDevice(t *testing.T) {
	s := newPeople(t, nil)
	var device *http.Cookie
	for _, c := range (&http.Response{Header: s.signIn("ada", testPassword).header}).Cookies() {
		if c.Name == deviceCookie {
			device = c
		}
	}
	if device == nil || !device.HttpOnly || device.SameSite != http.SameSiteLaxMode {
		t.Fatalf("%+v", device)
	}
	for range 10 {
		s.signIn("ada", "wrong password")
	}
	known := "Cookie: " + deviceCookie + "=" + device.Value
	if r := s.signIn("ada", testPassword); r.status != 429 {
		t.Errorf("an unknown device: %d", r.status)
	}
	if r := s.signIn("ada", testPassword, "Cookie: "+deviceCookie+"="+lms.NewSecret()); r.status != 429 {
		t.Errorf("an invented device: %d", r.status)
	}
	for i := range 10 {
		if r := s.signIn("ada", "wrong password", known); r.status != 401 {
			t.Fatalf("failure %d on the known device: %d", i, r.status)
		}
	}
	if r := s.signIn("ada", testPassword, known); r.status != 429 {
		t.Errorf("the known device after ten failures of its own: %d", r.status)
	}
}

func TestKnownDeviceSignsInWhileOthersAreLocked(t *testing.T) {
	s := newPeople(t, nil)
	cookies := (&http.Response{Header: s.signIn("ada", testPassword).header}).Cookies()
	for range 10 {
		s.signIn("ada", "wrong password")
	}
	if r := s.signIn("ada", testPassword, "Cookie: "+deviceCookie+"="+cookies[1].Value); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestDeviceWords(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36":                                      "Chrome on Android",
		"Go-http-client/1.1": "Program", "": "Program", "<script>Firefox": "Firefox",
	} {
		if got := deviceWords(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestErrorsOfTokensAreSignIn(t *testing.T) {
	for _, err := range []error{store.ErrRenew, store.ErrReuse} {
		if lms.KindOf(err) != lms.KindSignIn || errors.Is(err, lms.ErrSignIn) {
			t.Errorf("%v", err)
		}
	}
}
