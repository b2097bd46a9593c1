package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/seal"
)

const siteOrigin = "https://lms.example.edu"

func atOrigin(origin string) func(*Config) { return func(c *Config) { c.Origin = origin } }

// page is a client as the page of an origin calls it.
func (d *device) page(s *site, token string) *api.Client {
	return api.NewClient(s.base, api.WithBearer(token), api.WithHTTPClient(&http.Client{Transport: fromPage(d.origin)}))
}

type fromPage string

func (o fromPage) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Origin", string(o))
	return http.DefaultTransport.RoundTrip(r)
}

// register adds a passkey to the account of the session.
func (d *device) register(s *site, token, name string) lms.TwoStep {
	s.t.Helper()
	c := d.page(s, token)
	return must(s, c, api.AddPasskey, api.PasskeyInput{Name: name, PasskeyAnswer: d.create(must(s, c, api.BeginPasskey, api.NoInput{}))})
}

// show asks for a challenge and answers it with the device's passkey.
func (d *device) show(s *site, k *deviceKey) *api.PasskeyAnswer {
	s.t.Helper()
	a := d.get(must(s, d.page(s, ""), api.AskPasskey, api.NoInput{}), k)
	return &a
}

// mine is ada's session after a sign-in with her password.
func (s *site) mine() string { return s.signIn("ada", testPassword).sid().Value }

func TestPasskeySignIn(t *testing.T) {
	s := newPeople(t, atOrigin(siteOrigin))
	d := &device{t: t, origin: siteOrigin}
	mine := s.mine()
	page := d.page(s, mine)
	v := d.register(s, mine, " Work laptop ")
	if len(v.Passkeys) != 1 || v.Passkeys[0].Name != "Work laptop" || v.Passkeys[0].Domain != "lms.example.edu" || v.Passkeys[0].Synced || !v.Passkeys[0].UsedAt.IsZero() || v.On {
		t.Fatalf("%+v", v)
	}
	codes := must(s, page, api.MakeRecoveryCodes, api.NoInput{}).Codes
	if o := d.read(must(s, page, api.BeginPasskey, api.NoInput{})); len(o.Exclude) != 1 || o.Exclude[0].ID != b64.EncodeToString(d.keys[0].id) || o.User.Name != "ada" {
		t.Errorf("%+v", o)
	}

	// Alone, for any account or a certain one.
	in := api.SignInInput{Passkey: d.show(s, d.keys[0]), Bearer: true}
	got := must(s, d.page(s, ""), api.SignIn, in)
	if got.User.Login != "ada" || got.Token == "" {
		t.Fatalf("%+v", got)
	}
	must(s, d.page(s, got.Token), api.RemovePasskey, api.PasskeyPath{Passkey: d.register(s, got.Token, "").Passkeys[1].ID}) // it counts as a given password
	in = api.SignInInput{Login: "ADA", Passkey: d.show(s, d.keys[0]), Bearer: true}
	for range 2 { // the first answer was lost
		if _, err := api.Call(api.WithKey(t.Context(), "one-sign-in"), d.page(s, ""), api.SignIn, in); err != nil {
			t.Fatal(err)
		}
	}
	if v := must(s, page, api.GetTwoStep, api.NoInput{}); v.Passkeys[0].UsedAt.IsZero() || v.Codes != recoveryCodes {
		t.Errorf("%+v", v)
	}

	// After the password it is asked for; a recovery code works as well, six digits do not.
	with := func(change func(*api.SignInInput)) api.SignInInput {
		in := api.SignInInput{Login: "ada", Password: testPassword, Bearer: true}
		change(&in)
		return in
	}
	if e := not(s, d.page(s, ""), api.SignIn, with(func(*api.SignInInput) {}), lms.KindSignIn); e.Field != "passkey" {
		t.Errorf("%v", e)
	}
	must(s, d.page(s, ""), api.SignIn, with(func(in *api.SignInInput) { in.Passkey = d.show(s, d.keys[0]) }))
	must(s, d.page(s, ""), api.SignIn, with(func(in *api.SignInInput) { in.Code = codes[0] }))
	for _, code := range []string{codes[0], "123456"} {
		not(s, d.page(s, ""), api.SignIn, with(func(in *api.SignInInput) { in.Code = code }), lms.KindSignIn)
	}
	// A program, or a page of a name where the passkey does not work, is asked for a recovery code.
	if e := not(s, api.NewClient(s.base), api.SignIn, with(func(*api.SignInInput) {}), lms.KindSignIn); e.Field != "code" || !strings.Contains(e.Message, "lms.example.edu") {
		t.Errorf("%v", e)
	}
	if _, err := s.server.Administrator(t.Context(), "ada", testPassword, "192.0.2.1"); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("a program with the password alone: %v", err)
	}
	must(s, page, api.RemovePasskey, api.PasskeyPath{Passkey: v.Passkeys[0].ID})
	must(s, d.page(s, ""), api.SignIn, with(func(*api.SignInInput) {}))
	not(s, page, api.MakeRecoveryCodes, api.NoInput{}, lms.KindConflict)
}

// altered makes the token of another challenge out of one that the site has made.
func (s *site) altered(token, from, to string, change func(*challenge)) string {
	s.t.Helper()
	text, err := s.server.c.Keys.OpenText(from, token)
	s.check(err)
	var c challenge
	s.check(json.Unmarshal([]byte(text), &c))
	change(&c)
	held, err := json.Marshal(c)
	s.check(err)
	return s.server.c.Keys.SealText(to, string(held))
}

// TestPasskeysAreRefused lists what must not sign anybody in.
func TestPasskeysAreRefused(t *testing.T) {
	s := newPeople(t, atOrigin(siteOrigin))
	must(s, s.operator(), api.CreateUser, api.CreateUserInput{ID: "bob", Login: "bob", Name: "Bob", Password: testPassword})
	d := &device{t: t, origin: siteOrigin}
	d.register(s, s.mine(), "mine")
	key := d.keys[0]
	bobs := &device{t: t, origin: siteOrigin}
	bobs.register(s, s.token("bob", time.Hour), "bob's")
	synced := &device{t: t, origin: siteOrigin, synced: true}
	synced.register(s, s.mineWith(d), "synced")
	removed := d.register(s, s.mineWith(d), "removed").Passkeys[2]
	must(s, d.page(s, s.mineWith(d)), api.RemovePasskey, api.PasskeyPath{Passkey: removed.ID})
	again := d.show(s, key)
	must(s, d.page(s, ""), api.SignIn, api.SignInInput{Passkey: again, Bearer: true})
	alone := func(a *api.PasskeyAnswer) api.SignInInput { return api.SignInInput{Passkey: a, Bearer: true} }
	ask := func() api.PasskeyChallenge { return must(s, d.page(s, ""), api.AskPasskey, api.NoInput{}) }
	forged := func(change func(*deviceKey)) *deviceKey {
		k := *key
		change(&k)
		return &k
	}
	tests := []struct {
		name string
		in   func() api.SignInInput
		want lms.Kind
	}{
		{"replayed", func() api.SignInInput { return alone(again) }, lms.KindSignIn},
		{"of another origin", func() api.SignInInput {
			evil := &device{t: t, origin: "https://lms.example.edu.evil.example"}
			a := evil.get(ask(), key)
			return alone(&a)
		}, lms.KindSignIn},
		{"of the same host at another port", func() api.SignInInput {
			other := &device{t: t, origin: siteOrigin + ":8443"}
			a := other.get(ask(), key)
			return alone(&a)
		}, lms.KindSignIn},
		{"for another name", func() api.SignInInput {
			a := d.get(ask(), forged(func(k *deviceKey) { k.domain = "evil.example" }))
			return alone(&a)
		}, lms.KindSignIn},
		{"of another challenge", func() api.SignInInput {
			a := d.get(ask(), key)
			a.Token = ask().Token
			return alone(&a)
		}, lms.KindSignIn},
		{"with an expired challenge", func() api.SignInInput {
			a := d.get(ask(), key)
			a.Token = s.altered(a.Token, signInPlace, signInPlace, func(c *challenge) { c.ExpiresAt = s.store.Now().Add(-time.Millisecond) })
			return alone(&a)
		}, lms.KindSignIn},
		{"with a challenge that this site has not made", func() api.SignInInput {
			a := d.get(ask(), key)
			a.Token = seal.New().SealText(signInPlace, "{}")
			return alone(&a)
		}, lms.KindInvalid},
		{"with a challenge for a new passkey", func() api.SignInInput {
			c := must(s, d.page(s, s.mineWith(d)), api.BeginPasskey, api.NoInput{})
			a := d.get(c, key)
			return alone(&a)
		}, lms.KindInvalid},
		{"of a removed passkey", func() api.SignInInput { return alone(d.show(s, d.keys[1])) }, lms.KindSignIn},
		{"of no passkey at all", func() api.SignInInput {
			return alone(d.show(s, forged(func(k *deviceKey) { k.id = make([]byte, 32) })))
		}, lms.KindSignIn},
		{"signed by another key", func() api.SignInInput {
			return alone(d.show(s, forged(func(k *deviceKey) { k.key = bobs.keys[0].key })))
		}, lms.KindSignIn},
		{"with the handle of another account", func() api.SignInInput {
			return alone(d.show(s, forged(func(k *deviceKey) { k.handle = handleOf("bob") })))
		}, lms.KindSignIn},
		{"without proof of who holds the device", func() api.SignInInput {
			pinless := &device{t: t, origin: siteOrigin, pinless: true}
			a := pinless.get(ask(), key)
			return alone(&a)
		}, lms.KindSignIn},
		{"whose counter went back", func() api.SignInInput {
			return alone(d.show(s, forged(func(k *deviceKey) { k.count = 0 })))
		}, lms.KindSignIn},
		{"of another account for a certain one", func() api.SignInInput {
			return api.SignInInput{Login: "ada", Passkey: bobs.show(s, bobs.keys[0]), Bearer: true}
		}, lms.KindSignIn},
		{"of another account after the password", func() api.SignInInput {
			return api.SignInInput{Login: "ada", Password: testPassword, Passkey: bobs.show(s, bobs.keys[0]), Bearer: true}
		}, lms.KindSignIn},
		{"after a wrong password", func() api.SignInInput {
			return api.SignInInput{Login: "ada", Password: "wrong password", Passkey: d.show(s, key), Bearer: true}
		}, lms.KindSignIn},
		{"that is no answer", func() api.SignInInput { return alone(&api.PasskeyAnswer{Token: ask().Token, Credential: `{"id":1}`}) }, lms.KindInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.unlock()
			if _, err := api.Call(t.Context(), d.page(s, ""), api.SignIn, tt.in()); lms.KindOf(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	s.unlock()
	// What was refused has changed nothing: the passkeys go on, those that do not count too.
	for range 2 {
		must(s, d.page(s, ""), api.SignIn, alone(synced.show(s, synced.keys[0])))
		must(s, d.page(s, ""), api.SignIn, alone(d.show(s, key)))
	}
	if r := s.send("GET", "/api/v1/audit?limit=100", s.server.c.OperatorToken, ""); strings.Count(r.body, "passkey.copied") != 1 || !strings.Contains(r.body, "passkey.add") || !strings.Contains(r.body, "passkey.remove") {
		t.Errorf("%s", r.body)
	}
}

// mineWith is ada's session after a sign-in with her first passkey.
func (s *site) mineWith(d *device) string {
	s.t.Helper()
	return must(s, d.page(s, ""), api.SignIn, api.SignInInput{Passkey: d.show(s, d.keys[0]), Bearer: true}).Token
}

// unlock forgets failures, which the tests make more of than a person may.
func (s *site) unlock() {
	s.check(s.store.ClearSignInFailures(s.t.Context(), "login/ada", "login/bob", "address/127.0.0.1"))
	s.server.limits.mu.Lock()
	clear(s.server.limits.by)
	s.server.limits.mu.Unlock()
}

func TestNewPasskeysAreRefused(t *testing.T) {
	s := newPeople(t, atOrigin(siteOrigin))
	must(s, s.operator(), api.CreateUser, api.CreateUserInput{ID: "bob", Login: "bob", Name: "Bob", Password: testPassword})
	d := &device{t: t, origin: siteOrigin}
	mine := s.mine()
	page := d.page(s, mine)
	begin := func() api.PasskeyChallenge { return must(s, page, api.BeginPasskey, api.NoInput{}) }
	first := d.create(begin())
	must(s, page, api.AddPasskey, api.PasskeyInput{PasskeyAnswer: first})
	tests := []struct {
		name string
		in   func() api.PasskeyAnswer
		want lms.Kind
	}{
		{"replayed", func() api.PasskeyAnswer { return first }, lms.KindConflict},
		{"of another origin", func() api.PasskeyAnswer {
			return (&device{t: t, origin: "https://evil.example"}).create(begin())
		}, lms.KindRule},
		{"without proof of who holds the device", func() api.PasskeyAnswer {
			return (&device{t: t, origin: siteOrigin, pinless: true}).create(begin())
		}, lms.KindRule},
		{"with an expired challenge", func() api.PasskeyAnswer {
			a, place := d.create(begin()), newPasskeyPlace(must(s, page, api.CurrentSession, api.NoInput{}).User.ID)
			a.Token = s.altered(a.Token, place, place, func(c *challenge) { c.ExpiresAt = s.store.Now().Add(-time.Millisecond) })
			return a
		}, lms.KindRule},
		{"with the challenge of another account", func() api.PasskeyAnswer {
			return d.create(must(s, d.page(s, s.token("bob", time.Hour)), api.BeginPasskey, api.NoInput{}))
		}, lms.KindInvalid},
		{"with a challenge to sign in", func() api.PasskeyAnswer {
			a := d.create(begin())
			a.Token = must(s, page, api.AskPasskey, api.NoInput{}).Token
			return a
		}, lms.KindInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := api.Call(t.Context(), page, api.AddPasskey, api.PasskeyInput{PasskeyAnswer: tt.in()}); lms.KindOf(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	if v := must(s, page, api.GetTwoStep, api.NoInput{}); len(v.Passkeys) != 1 || v.Passkeys[0].Name != "Program" {
		t.Errorf("%+v", v)
	}
	not(s, d.page(s, s.token("bob", time.Hour)), api.RemovePasskey, api.PasskeyPath{Passkey: must(s, page, api.GetTwoStep, api.NoInput{}).Passkeys[0].ID}, lms.KindNotFound)
	not(s, d.page(s, s.unconfirmed("bob")), api.BeginPasskey, api.NoInput{}, lms.KindConfirm)
}

// TestWherePasskeysWork: at the nodes' own names, on a developer's machine as localhost, under a common domain if there is one.
func TestWherePasskeysWork(t *testing.T) {
	tests := []struct {
		node, domain, page string
		want               string // name for which passkeys are; empty: refused
	}{
		{siteOrigin, "", siteOrigin, "lms.example.edu"},
		{"https://lms1.example.edu:8443", "", "https://lms1.example.edu:8443", "lms1.example.edu"},
		{"https://lms1.example.edu", "example.edu", "https://lms1.example.edu", "example.edu"},
		{"https://lms1.example.edu", "", "https://lms2.example.edu", "lms2.example.edu"}, // another node
		{"https://lms1.example.edu", "example.edu", "https://lms2.example.edu", "example.edu"},
		{"http://127.0.0.1:4000", "", "http://localhost:4000", "localhost"},
		{"http://[::1]:4000", "", "http://localhost:4000", "localhost"},
		{"http://127.0.0.1:4000", "", "http://127.0.0.1:4000", ""},
		{"http://192.0.2.1:4000", "", "http://localhost:4000", ""},
		{siteOrigin, "", "https://evil.example", ""},
		{siteOrigin, "", "https://lms.example.edu.evil.example", ""},
		{siteOrigin, "", "null", ""},
		{siteOrigin, "", "", ""},
	}
	s := newSite(t, nil)
	s.check(s.store.SetNode(t.Context(), "n2", "lms2:7000", "https://lms2.example.edu"))
	for _, tt := range tests {
		t.Run(tt.page+" of "+tt.node+" "+tt.domain, func(t *testing.T) {
			s.server.c.Origin, s.server.c.PasskeyDomain, s.server.origins = tt.node, tt.domain, &origins{server: s.server}
			q := &request{s: s.server, ctx: t.Context(), r: &http.Request{Header: http.Header{"Origin": {tt.page}}}}
			party, origin, err := s.server.relyingParty(q)
			if tt.want == "" {
				if lms.KindOf(err) != lms.KindRule {
					t.Errorf("%v", err)
				}
			} else if err != nil || party.Config.RPID != tt.want || origin != tt.page {
				t.Errorf("%v, %v, %v", party, origin, err)
			}
		})
	}
}

func TestPasskeyFailuresAreLimited(t *testing.T) {
	s := newPeople(t, atOrigin(siteOrigin))
	d := &device{t: t, origin: siteOrigin}
	d.register(s, s.mine(), "mine")
	evil := &device{t: t, origin: "https://evil.example"}
	for range 10 {
		a := evil.get(must(s, d.page(s, ""), api.AskPasskey, api.NoInput{}), d.keys[0])
		not(s, d.page(s, ""), api.SignIn, api.SignInInput{Passkey: &a, Bearer: true}, lms.KindSignIn)
	}
	not(s, d.page(s, ""), api.SignIn, api.SignInInput{Passkey: d.show(s, d.keys[0]), Bearer: true}, lms.KindLimit)
	not(s, d.page(s, ""), api.SignIn, api.SignInInput{Login: "ada", Password: testPassword, Bearer: true}, lms.KindLimit)
}

func TestPasskeySufficesForStaff(t *testing.T) {
	c := newCourse(t, atOrigin(siteOrigin))
	must(c.site, c.operator(), api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{RequireTOTP: true, MinPassword: 8}})
	d := &device{t: t, origin: siteOrigin}
	tom := c.token("tom", time.Hour)
	not(c.site, d.page(c.site, tom), api.GetCourse, api.CoursePath{Course: "c1"}, lms.KindEnrol)
	v := d.register(c.site, tom, "phone")
	must(c.site, d.page(c.site, tom), api.GetCourse, api.CoursePath{Course: "c1"})
	codes := must(c.site, d.page(c.site, tom), api.MakeRecoveryCodes, api.NoInput{}).Codes
	// The app beside it leaves the codes; and so does ending the one while there is the other.
	app := must(c.site, d.page(c.site, tom), api.BeginTwoStep, api.NoInput{})
	must(c.site, d.page(c.site, tom), api.ConfirmTwoStep, api.CodeOfApp{Code: c.code(app.Secret, 0)})
	v = must(c.site, d.page(c.site, tom), api.RemovePasskey, api.PasskeyPath{Passkey: v.Passkeys[0].ID})
	if v.Codes != len(codes) || !v.On || len(v.Passkeys) != 0 {
		t.Errorf("%+v", v)
	}
	d.register(c.site, tom, "phone")
	if v = must(c.site, d.page(c.site, tom), api.EndTwoStep, api.NoInput{}); v.Codes != len(codes) || v.On {
		t.Errorf("%+v", v)
	}
	// An administrator helps who has lost the phone.
	root := c.token("root", time.Hour)
	d.register(c.site, root, "root's phone")
	must(c.site, d.page(c.site, root), api.RemoveTwoStep, api.UserPath{User: "tom"})
	if v = must(c.site, d.page(c.site, tom), api.GetTwoStep, api.NoInput{}); v.Second() || v.Codes != 0 {
		t.Errorf("%+v", v)
	}
	not(c.site, d.page(c.site, tom), api.GetCourse, api.CoursePath{Course: "c1"}, lms.KindEnrol)
	not(c.site, d.page(c.site, ""), api.SignIn, api.SignInInput{Passkey: d.show(c.site, d.keys[1]), Bearer: true}, lms.KindSignIn)
}

// TestPasskeyOnAnotherNode: one node asks, another one takes the answer, the leader dies in between, and no node takes it again.
func TestPasskeyOnAnotherNode(t *testing.T) {
	keys := seal.New()
	n := newThreeNodes(t, func(c *Config) { c.Keys, c.Origin = keys, siteOrigin })
	d := &device{t: t, origin: siteOrigin}
	sue := n.sites[0].token("sue", time.Hour)
	a := d.create(must(n.sites[0], d.page(n.sites[0], sue), api.BeginPasskey, api.NoInput{}))
	must(n.sites[1], d.page(n.sites[1], sue), api.AddPasskey, api.PasskeyInput{Name: "phone", PasskeyAnswer: a})
	leader := n.set.Index(n.set.Leader())
	asked := must(n.sites[leader], d.page(n.sites[leader], ""), api.AskPasskey, api.NoInput{})
	running := n.stop(leader)
	answer := d.get(asked, d.keys[0])
	in := api.SignInInput{Passkey: &answer, Bearer: true}
	got := must(running[0], d.page(running[0], ""), api.SignIn, in)
	if got.User.Login != "sue" {
		t.Errorf("%+v", got)
	}
	s := running[1]
	s.check(s.store.DB().WaitIndex(t.Context(), running[0].store.DB().Applied()))
	not(s, d.page(s, ""), api.SignIn, in, lms.KindSignIn)
	must(s, d.page(s, ""), api.SignIn, api.SignInInput{Passkey: d.show(s, d.keys[0]), Bearer: true})
}
