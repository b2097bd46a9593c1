package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// newPeople is a site with an administrator "ada" whose password is testPassword.
func newPeople(t *testing.T, change func(*Config)) *site {
	t.Helper()
	s := newSite(t, change)
	s.check(s.store.SetSetupToken(t.Context(), digest("setup"), time.Now().Add(time.Hour)))
	call(s, "", api.Setup, api.SetupInput{Token: "setup", Login: "ada", Name: "Ada", Password: testPassword})
	return s
}

func (s *site) signIn(login, password string, header ...string) reply {
	return s.send("POST", "/api/v1/session", "", `{"login":"`+login+`","password":"`+password+`"}`, header...)
}

// cookie is the session's cookie of an answer.
func (r reply) cookie() *http.Cookie {
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		return c
	}
	return nil
}

func TestSetup(t *testing.T) {
	s := newSite(t, nil)
	in := api.SetupInput{Token: "setup", Login: "ada", Name: "Ada", Password: testPassword}
	refused(s, "", api.Setup, in, lms.KindForbidden) // no token exists yet
	if !call(s, "", api.GetDoor, api.NoInput{}).Setup {
		t.Error("the door does not tell that there is no administrator")
	}
	s.check(s.store.SetSetupToken(t.Context(), digest("setup"), time.Now().Add(time.Hour)))
	wrong := in
	wrong.Token = "guess"
	refused(s, "", api.Setup, wrong, lms.KindForbidden)
	results := make(chan error, 4)
	for i := range 4 {
		go func() {
			claim := in
			claim.Login += string(rune('a' + i))
			_, err := api.Call(t.Context(), s.as(""), api.Setup, claim)
			results <- err
		}()
	}
	won := 0
	for range 4 {
		if err := <-results; err == nil {
			won++
		} else if lms.KindOf(err) != lms.KindForbidden {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 4 racing claims won", won)
	}
	refused(s, "", api.Setup, in, lms.KindForbidden)
	if call(s, "", api.GetDoor, api.NoInput{}).Setup {
		t.Error("the door tells of a setup that is done")
	}
}

func TestSignInWithCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := newPeople(t, func(c *Config) { c.Secure = secure })
		r := s.signIn("ADA ", testPassword)
		if r.status != 200 || strings.Contains(r.body, `"token"`) {
			t.Fatalf("%d %s", r.status, r.body)
		}
		c, name := r.cookie(), "sid"
		if secure {
			name = "__Host-sid"
		}
		if c == nil || c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Fatalf("cookie %+v", c)
		}
		if left := time.Until(c.Expires); left < 29*24*time.Hour || left > 31*24*time.Hour {
			t.Errorf("the cookie lives %v", left)
		}
		if got := r.header.Get("Strict-Transport-Security") != ""; got != secure {
			t.Errorf("secure %v: HSTS %v", secure, got)
		}
		cookie := "Cookie: " + name + "=" + c.Value
		if r := s.send("GET", "/api/v1/session", "", "", cookie); r.status != 200 || !strings.Contains(r.body, `"login":"ada"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		out := s.send("DELETE", "/api/v1/session", "", "", cookie)
		if out.status != 200 || out.cookie() == nil || out.cookie().MaxAge >= 0 {
			t.Errorf("sign-out: %d, cookie %+v", out.status, out.cookie())
		}
		if got := out.header.Get("Clear-Site-Data"); got != `"cache"` { // "storage" would take unsaved texts of others along
			t.Errorf("sign-out clears %s", got)
		}
		if r := s.send("GET", "/api/v1/session", "", "", cookie); r.status != 401 {
			t.Errorf("after sign-out: %d", r.status)
		}
		if strings.Contains(s.log.String(), testPassword) || strings.Contains(s.log.String(), c.Value) {
			t.Error("the log has a password or a token")
		}
	}
}

func TestSignInIsLimited(t *testing.T) {
	s := newPeople(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	open := s.signIn("ada", testPassword, "X-Forwarded-For: 192.0.2.9").cookie()
	first := ""
	for i := range 10 {
		from := "X-Forwarded-For: 198.51.100." + string(rune('0'+i))
		unknown, wrong := s.signIn("nobody", "wrong password", from), s.signIn("ada", "wrong password", from)
		if unknown.status != 401 || wrong.status != 401 || unknown.error.Message != wrong.error.Message {
			t.Fatalf("attempt %d: %d %s, %d %s", i, unknown.status, unknown.body, wrong.status, wrong.body)
		}
		first = wrong.error.Message
	}
	r := s.signIn("ada", testPassword, "X-Forwarded-For: 203.0.113.1")
	if r.status != 429 || r.error.RetryIn <= 0 || r.error.RetryIn > 900 || r.header.Get("Retry-After") == "" || r.error.Message == first {
		t.Errorf("the account's limit: %d %s", r.status, r.body)
	}
	if r := s.send("GET", "/api/v1/session", "", "", "Cookie: sid="+open.Value); r.status != 200 {
		t.Errorf("an open session is locked out: %d", r.status)
	}
}

func TestAddressLimitAndForgedAddress(t *testing.T) {
	s := newPeople(t, nil) // no proxy is trusted
	for i := range 10 {
		if r := s.signIn("nobody"+string(rune('0'+i)), "wrong password", "X-Forwarded-For: 198.51.100."+string(rune('0'+i))); r.status != 401 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := s.signIn("ada", testPassword, "X-Forwarded-For: 203.0.113.1"); r.status != 429 {
		t.Errorf("a forged address escapes the limit: %d", r.status)
	}
}

// A school sits behind one address: what some mistype there must not lock the others out.
func TestSharedAddress(t *testing.T) {
	s := newPeople(t, func(c *Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Shared = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
	})
	for _, from := range []string{"192.0.2.7", "2001:db8:1:2::9"} {
		for i := range 12 {
			if r := s.signIn("nobody"+string(rune('a'+i)), "wrong password", "X-Forwarded-For: "+from); r.status != 401 {
				t.Fatalf("%s, attempt %d: %d %s", from, i, r.status, r.body)
			}
		}
		if r := s.signIn("ada", testPassword, "X-Forwarded-For: "+from); r.status != 200 {
			t.Errorf("%s: others lock ada out: %d %s", from, r.status, r.body)
		}
	}
	for range 10 {
		s.signIn("ada", "wrong password", "X-Forwarded-For: 192.0.2.8")
	}
	if r := s.signIn("ada", testPassword, "X-Forwarded-For: 192.0.2.9"); r.status != 429 {
		t.Errorf("the account's limit: %d", r.status)
	}
}

func TestRegister(t *testing.T) {
	c := newCourse(t, nil)
	in := api.RegisterInput{Code: c.invite.Code, Login: "new", Name: "New", Password: testPassword, Bearer: true}
	session := call(c.site, "", api.Register, in)
	if session.Token == "" || len(session.Courses) != 1 || session.Courses[0].MyRole != lms.RoleStudent || session.User.Admin {
		t.Errorf("%+v", session)
	}
	refused(c.site, "", api.Register, in, lms.KindConflict)
	in.Login, in.Code = "newer", "zzzz-zzzz"
	if e := refused(c.site, "", api.Register, in, lms.KindRule); e.Field != "code" {
		t.Errorf("%v", e)
	}
	// The answer was lost: the repeat gives the same account and a session that works.
	body := `{"code":"` + c.invite.Code + `","login":"lost","name":"Lost","password":"` + testPassword + `","bearer":true}`
	for range 2 {
		r := c.send("POST", "/api/v1/register", "", body, api.HeaderKey+": k")
		if r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		_, token, _ := strings.Cut(r.body, `"token":"`)
		token, _, _ = strings.Cut(token, `"`)
		if r := c.send("GET", "/api/v1/session", token, ""); r.status != 200 || !strings.Contains(r.body, `"login":"lost"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}

func TestHandOver(t *testing.T) {
	s := newPeople(t, nil)
	cookie := s.signIn("ada", testPassword).cookie()
	r := s.send("POST", "/api/v1/session/ticket", "", "", "Cookie: sid="+cookie.Value)
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	redeemed := s.send("POST", "/api/v1/session/redeem", "", r.body)
	_, token, ok := strings.Cut(redeemed.body, `"token":"`)
	token, _, _ = strings.Cut(token, `"`)
	if redeemed.status != 200 || !ok || redeemed.cookie() != nil {
		t.Fatalf("%d %s", redeemed.status, redeemed.body)
	}
	if again := s.send("POST", "/api/v1/session/redeem", "", r.body); again.status != 401 {
		t.Errorf("a used ticket: %d", again.status)
	}
	if r := s.send("GET", "/api/v1/session", token, ""); r.status != 200 {
		t.Errorf("the new token: %d", r.status)
	}
	// It is one session: signing out with the cookie ends the token.
	s.send("DELETE", "/api/v1/session", "", "", "Cookie: sid="+cookie.Value)
	if r := s.send("GET", "/api/v1/session", token, ""); r.status != 401 {
		t.Errorf("the token outlives the session: %d", r.status)
	}
}

func TestChangePassword(t *testing.T) {
	s := newPeople(t, nil)
	one, two := s.signIn("ada", testPassword).cookie(), s.signIn("ada", testPassword).cookie()
	change := func(old, new string) reply {
		return s.send("PUT", "/api/v1/session/password", "", `{"old":"`+old+`","new":"`+new+`"}`, "Cookie: sid="+one.Value)
	}
	if r := change("wrong", "another few words"); r.status != 422 || r.error.Field != "old" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := change(testPassword, "password"); r.status != 422 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := change(testPassword, "another few words"); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := s.send("GET", "/api/v1/session", "", "", "Cookie: sid="+one.Value); r.status != 200 {
		t.Errorf("the own session: %d", r.status)
	}
	if r := s.send("GET", "/api/v1/session", "", "", "Cookie: sid="+two.Value); r.status != 401 {
		t.Errorf("another session: %d", r.status)
	}
	if r := s.signIn("ada", testPassword); r.status != 401 {
		t.Errorf("the old password: %d", r.status)
	}
	if r := s.signIn("ada", "another few words"); r.status != 200 {
		t.Errorf("the new password: %d", r.status)
	}
}

func TestSignInForm(t *testing.T) {
	s := newPeople(t, nil)
	post := func(login, password, next string, header ...string) reply {
		form := url.Values{"login": {login}, "password": {password}, "next": {next}}.Encode()
		return s.send("POST", "/signin", "", form, append([]string{"Content-Type: application/x-www-form-urlencoded", api.HeaderClient + ":"}, header...)...)
	}
	r := post("ada", testPassword, "/courses/c1")
	if r.status != 303 || r.header.Get("Location") != "/courses/c1" || r.cookie() == nil {
		t.Errorf("%d to %q, cookie %v", r.status, r.header.Get("Location"), r.cookie())
	}
	if r := post("ada", testPassword, "https://evil.example"); r.header.Get("Location") != "/" {
		t.Errorf("to %q", r.header.Get("Location"))
	}
	r = post("ada", "wrong", "/courses/c1")
	if r.status != 303 || r.header.Get("Location") != "/signin?error=sign_in&next=%2Fcourses%2Fc1" || r.cookie() != nil {
		t.Errorf("%d to %q", r.status, r.header.Get("Location"))
	}
	if r := post("", "", ""); r.header.Get("Location") != "/signin?error=rule" {
		t.Errorf("to %q", r.header.Get("Location"))
	}
	if r := post("ada", testPassword, "", "Origin: https://evil.example"); r.status != 403 || r.cookie() != nil {
		t.Errorf("from another site: %d", r.status)
	}
	if r := post("ada", strings.Repeat("x", 20<<10), ""); r.status != 413 {
		t.Errorf("a huge form: %d", r.status)
	}
}

func TestOperatorToken(t *testing.T) {
	s := newPeople(t, nil)
	token := s.server.c.OperatorToken
	for _, path := range []string{"/api/v1/session", "/api/v1/users", "/api/v1/cluster", "/api/v1/kv/x"} {
		if r := s.send("GET", path, token, ""); r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		if r := s.send("GET", path, token+"x", ""); r.status != 401 {
			t.Errorf("%s with another token: %d", path, r.status)
		}
		if r := s.send("GET", path, "", "", "Cookie: sid="+token); r.status != 401 {
			t.Errorf("%s with the token as a cookie: %d", path, r.status)
		}
	}
	none := newSite(t, func(c *Config) { c.OperatorToken = "" })
	if r := none.send("GET", "/api/v1/users", "", "", "Authorization: Bearer "); r.status != 401 {
		t.Errorf("an empty token where none is configured: %d", r.status)
	}
}
