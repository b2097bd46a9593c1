package web

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"trivium/app/api"
	"trivium/app/lms"
)

func (s *site) operator() *api.Client {
	return api.NewClient(s.base, api.WithBearer(s.server.c.OperatorToken))
}

// must makes a call of a client that must succeed.
func must[In, Out any](s *site, c *api.Client, e api.Endpoint[In, Out], in In) Out {
	s.t.Helper()
	out, err := api.Call(s.t.Context(), c, e, in)
	if err != nil {
		s.t.Fatalf("%s %s: %v", e.Method, e.Path, err)
	}
	return out
}

// not makes a call of a client that must be refused.
func not[In, Out any](s *site, c *api.Client, e api.Endpoint[In, Out], in In, want lms.Kind) *lms.Error {
	s.t.Helper()
	_, err := api.Call(s.t.Context(), c, e, in)
	if lms.KindOf(err) != want {
		s.t.Fatalf("%s %s: %v, want %s", e.Method, e.Path, err, want)
	}
	return refusalOf(err)
}

func TestGuessable(t *testing.T) {
	context := []string{"Ada", "Lovelace", "ada.l@example.edu", "lms.example.edu"}
	for password, want := range map[string]bool{
		"password": true, "PASSWORD": true, "Password1": true, "qwertyuiop": true, "1qaz2wsx": true, "iloveyou": true, "sunshine": true,
		"ada12345": true, "Lovelace!1815": true, "lovelaceada": true, "trivium2026": true, "example-lms": true, "12345ada": true, "newcomer12345": true, "adalove1": false,
		"four unrelated words": false, "velvet kernel 0209": false, "adamant oxide": false, "1815-1852!!xyz": false, "Ada likes engines": false,
	} {
		if got := guessable(password, append(context, "ad", "New", "newcomer")...); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
	if n := len(commonPasswords()); n < 3000 {
		t.Errorf("%d common passwords", n)
	}
	for p := range commonPasswords() {
		if len(p) < lms.MinPassword || p != strings.ToLower(p) {
			t.Fatalf("%q is of no use in the list", p)
		}
	}
}

func TestCommonPasswordsAreRefusedEverywhere(t *testing.T) {
	s := newPeople(t, nil)
	ada := s.signIn("ada", testPassword).sid()
	mine, op := api.NewClient(s.base, api.WithBearer(ada.Value)), s.operator()
	must(s, op, api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{OpenRegistration: true, MinPassword: 12}})
	for _, bad := range []string{"baseball", "longer but eleven"[:11], "newcomer12345"} {
		e := not(s, api.NewClient(s.base), api.Register, api.RegisterInput{Login: "newcomer", Name: "New", Password: bad}, lms.KindRule)
		if e.Field != "password" {
			t.Errorf("%q: %v", bad, e)
		}
		not(s, op, api.CreateUser, api.CreateUserInput{ID: "n", Login: "newcomer", Name: "New", Password: bad}, lms.KindRule)
	}
	if e := not(s, mine, api.ChangePassword, api.PasswordInput{Old: testPassword, New: "ada123456789"}, lms.KindRule); e.Field != "new" {
		t.Errorf("%v", e)
	}
	u := must(s, op, api.CreateUser, api.CreateUserInput{ID: "n", Login: "newcomer", Name: "New", Password: testPassword})
	weak := "newcomer12345"
	not(s, op, api.UpdateUser, api.UpdateUserInput{User: "n", Version: u.Version, Password: &weak}, lms.KindRule)
}

func TestOpenRegistration(t *testing.T) {
	s := newPeople(t, nil)
	nobody := api.NewClient(s.base)
	in := api.RegisterInput{Login: "zoe", Name: "Zoë", Password: testPassword, Bearer: true}
	if e := not(s, nobody, api.Register, in, lms.KindRule); e.Field != "code" {
		t.Errorf("%v", e)
	}
	if must(s, nobody, api.GetDoor, api.NoInput{}).OpenRegistration {
		t.Error("registration is open by default")
	}
	site := must(s, s.operator(), api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{OpenRegistration: true, MinPassword: 8}})
	not(s, s.operator(), api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{MinPassword: 8}}, lms.KindConflict) // stale
	not(s, s.operator(), api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{MinPassword: 7, Version: site.Version}}, lms.KindRule)
	if got := must(s, nobody, api.Register, in); got.User.Admin || got.User.MayCreateCourses || len(got.Courses) != 0 {
		t.Errorf("%+v", got)
	}
	// The same name in other letters, and at once.
	for _, login := range []string{"zoe", " ZOE", "ｚｏｅ", "ＺＯＥ"} {
		again := in
		again.Login = login
		if e := not(s, nobody, api.Register, again, lms.KindConflict); e.Field != "login" {
			t.Errorf("%q: %v", login, e)
		}
	}
	in.Login = "zоe" // a Cyrillic letter
	not(s, nobody, api.Register, in, lms.KindRule)
	won := make(chan error, 4)
	for range 4 {
		go func() {
			_, err := api.Call(t.Context(), api.NewClient(s.base), api.Register, api.RegisterInput{Login: "racer", Name: "R", Password: testPassword, Bearer: true})
			won <- err
		}()
	}
	wins := 0
	for range 4 {
		if err := <-won; err == nil {
			wins++
		} else if lms.KindOf(err) != lms.KindConflict {
			t.Error(err)
		}
	}
	if wins != 1 {
		t.Errorf("%d of 4 got the name", wins)
	}
}

func TestResetLink(t *testing.T) {
	s := newPeople(t, nil)
	op, nobody := s.operator(), api.NewClient(s.base)
	must(s, op, api.CreateUser, api.CreateUserInput{ID: "bob", Login: "bob", Name: "Bob", Password: testPassword})
	bob := s.as("bob")
	old := must(s, op, api.IssueReset, api.UserPath{User: "bob"})
	link := must(s, op, api.IssueReset, api.UserPath{User: "bob"})
	if left := time.Until(link.ExpiresAt); left < 23*time.Hour || left > 25*time.Hour {
		t.Errorf("good for %v", left)
	}
	not(s, bob, api.IssueReset, api.UserPath{User: "bob"}, lms.KindForbidden)
	not(s, op, api.IssueReset, api.UserPath{User: "nobody"}, lms.KindNotFound)
	for _, token := range []string{old.Token, "wrong", strings.ToUpper(link.Token)} {
		not(s, nobody, api.PreviewReset, api.ResetTokenInput{Token: token}, lms.KindForbidden)
		not(s, nobody, api.ResetPassword, api.ResetInput{Token: token, Password: "another few words"}, lms.KindForbidden)
	}
	if p := must(s, nobody, api.PreviewReset, api.ResetTokenInput{Token: link.Token}); p.Login != "bob" {
		t.Errorf("%+v", p)
	}
	not(s, nobody, api.ResetPassword, api.ResetInput{Token: link.Token, Password: "bob12345"}, lms.KindRule)
	for range 10 {
		s.signIn("bob", "wrong password")
	}
	must(s, nobody, api.ResetPassword, api.ResetInput{Token: link.Token, Password: "another few words"})
	not(s, bob, api.CurrentSession, api.NoInput{}, lms.KindSignIn)
	not(s, nobody, api.ResetPassword, api.ResetInput{Token: link.Token, Password: "yet another few words"}, lms.KindForbidden)
	if u, hash, err := s.store.Credentials(t.Context(), "bob"); err != nil || u.ID != "bob" {
		t.Error(err)
	} else if ok, _ := s.server.hasher.check(t.Context(), "another few words", hash); !ok {
		t.Error("the password is not the new one")
	}
	if strings.Contains(s.log.String(), link.Token) {
		t.Error("the log has a link")
	}
}

type sent struct{ to, subject, text string }

type outbox chan sent

func (o outbox) Send(_ context.Context, to, subject, text string) error {
	o <- sent{to, subject, text}
	return nil
}

func TestResetByMail(t *testing.T) {
	box := make(outbox, 10)
	s := newPeople(t, func(c *Config) { c.Mail, c.Origin = box, "https://lms.example.edu" })
	op, nobody := s.operator(), api.NewClient(s.base)
	u := must(s, op, api.CreateUser, api.CreateUserInput{ID: "bob", Login: "bob", Name: "Bob", Password: testPassword})
	mail := "Bob@Example.edu"
	must(s, op, api.UpdateUser, api.UpdateUserInput{User: "bob", Version: u.Version, Mail: &mail})
	bad := "bob at home"
	not(s, op, api.UpdateUser, api.UpdateUserInput{User: "bob", Version: 2, Mail: &bad}, lms.KindRule)
	if !must(s, nobody, api.GetDoor, api.NoInput{}).Mail {
		t.Error("the door does not tell of mail")
	}
	for _, who := range []string{"nobody", "ada", "ada@example.edu", "bob@example.edu"} { // the last one only has an address
		must(s, nobody, api.AskReset, api.AskResetInput{Who: who})
	}
	m := <-box
	_, token, ok := strings.Cut(m.text, "https://lms.example.edu/reset#")
	token, _, _ = strings.Cut(token, "\n")
	if m.to != "bob@example.edu" || !ok || !strings.Contains(m.text, "bob") {
		t.Fatalf("%+v", m)
	}
	for range 5 { // no more than three an hour
		must(s, nobody, api.AskReset, api.AskResetInput{Who: "BOB"})
	}
	<-box
	<-box
	s.server.workersDone()
	if len(box) != 0 {
		t.Errorf("%d more mails", len(box))
	}
	must(s, nobody, api.ResetPassword, api.ResetInput{Token: token, Password: "another few words"})
	not(s, nobody, api.ResetPassword, api.ResetInput{Token: token, Password: "another few words!"}, lms.KindForbidden)
	none := newPeople(t, nil)
	not(none, api.NewClient(none.base), api.AskReset, api.AskResetInput{Who: "ada"}, lms.KindRule)
}

// workersDone waits for what goes on after answers.
func (s *Server) workersDone() { s.workers.Wait() }

// enrol turns two-step sign-in on for a client and returns the seed and the recovery codes.
func (s *site) enrol(c *api.Client) (string, []string) {
	s.t.Helper()
	setup := must(s, c, api.BeginTwoStep, api.NoInput{})
	if !strings.HasPrefix(setup.QR, "data:image/png;base64,") || !strings.HasPrefix(setup.URI, "otpauth://totp/") || len(setup.Secret) < 26 {
		s.t.Fatalf("%+v", setup)
	}
	if e := not(s, c, api.ConfirmTwoStep, api.CodeOfApp{Code: "abcdef"}, lms.KindRule); e.Field != "code" {
		s.t.Errorf("%v", e)
	}
	must(s, c, api.ConfirmTwoStep, api.CodeOfApp{Code: s.code(setup.Secret, -1)})
	return setup.Secret, must(s, c, api.MakeRecoveryCodes, api.NoInput{}).Codes
}

// code is what the app shows so many periods from now.
func (s *site) code(secret string, periods int) string {
	s.t.Helper()
	code, err := totp.GenerateCode(secret, s.store.Now().Add(time.Duration(periods)*totpPeriod*time.Second))
	s.check(err)
	return code
}

func TestTwoStepSignIn(t *testing.T) {
	s := newPeople(t, nil)
	mine := api.NewClient(s.base, api.WithBearer(s.signIn("ada", testPassword).sid().Value))
	not(s, mine, api.ConfirmTwoStep, api.CodeOfApp{Code: "123456"}, lms.KindRule)
	not(s, mine, api.MakeRecoveryCodes, api.NoInput{}, lms.KindConflict)
	secret, codes := s.enrol(mine)
	not(s, mine, api.BeginTwoStep, api.NoInput{}, lms.KindConflict)
	if v := must(s, mine, api.GetTwoStep, api.NoInput{}); !v.On || v.Codes != recoveryCodes || v.Required {
		t.Errorf("%+v", v)
	}
	nobody := api.NewClient(s.base)
	in := api.SignInInput{Login: "ada", Password: testPassword, Bearer: true}
	with := func(code string) api.SignInInput {
		in.Code = code
		return in
	}
	if e := not(s, nobody, api.SignIn, with(""), lms.KindSignIn); e.Field != "code" {
		t.Errorf("without a code: %v", e)
	}
	not(s, nobody, api.SignIn, with("000000"), lms.KindSignIn)
	not(s, nobody, api.SignIn, with("zzzz-zzzz-zzzz-zzzz"), lms.KindSignIn)
	wrong := with(s.code(secret, 0))
	wrong.Password = "wrong password"
	if e := not(s, nobody, api.SignIn, wrong, lms.KindSignIn); e.Field != "password" {
		t.Errorf("a right code for a wrong password: %v", e)
	}
	code := s.code(secret, 0)
	must(s, nobody, api.SignIn, with(code[:3]+" "+code[3:]))
	not(s, nobody, api.SignIn, with(code), lms.KindSignIn) // replayed
	must(s, nobody, api.SignIn, with(strings.ToUpper(codes[0])))
	not(s, nobody, api.SignIn, with(codes[0]), lms.KindSignIn) // used up
	must(s, nobody, api.SignIn, with(strings.ReplaceAll(codes[1], "-", "")))
	fresh := must(s, mine, api.MakeRecoveryCodes, api.NoInput{}).Codes
	not(s, nobody, api.SignIn, with(codes[2]), lms.KindSignIn)
	must(s, nobody, api.SignIn, with(fresh[0]))
	if _, err := s.server.Administrator(t.Context(), "ada", testPassword, "192.0.2.1"); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("a program with the password alone: %v", err)
	}
	t1, err := s.store.TOTP(t.Context(), must(s, mine, api.CurrentSession, api.NoInput{}).User.ID)
	s.check(err)
	if strings.Contains(t1.Box, secret) || strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), fresh[0]) {
		t.Error("the seed or a code is readable")
	}
	must(s, mine, api.EndTwoStep, api.NoInput{})
	must(s, nobody, api.SignIn, with(""))
}

func TestCodesAreLimited(t *testing.T) {
	s := newPeople(t, nil)
	secret, codes := s.enrol(api.NewClient(s.base, api.WithBearer(s.signIn("ada", testPassword).sid().Value)))
	in := api.SignInInput{Login: "ada", Password: testPassword, Code: "000001", Bearer: true}
	for range 10 {
		not(s, api.NewClient(s.base), api.SignIn, in, lms.KindSignIn)
	}
	for _, code := range []string{s.code(secret, 0), codes[0]} {
		in.Code = code
		not(s, api.NewClient(s.base), api.SignIn, in, lms.KindLimit)
	}
}

func TestTwoStepIsRequiredOfStaff(t *testing.T) {
	c := newCourse(t, nil)
	must(c.site, c.operator(), api.UpdateAccountSite, api.AccountSiteInput{AccountSite: lms.AccountSite{RequireTOTP: true, MinPassword: 8}})
	for _, staff := range []string{"root", "ina", "tom"} {
		mine := c.as(staff)
		if !must(c.site, mine, api.CurrentSession, api.NoInput{}).MustEnrol {
			t.Errorf("%s need not set it up", staff)
		}
		not(c.site, mine, api.ListCourses, api.NoInput{}, lms.KindEnrol)
		not(c.site, mine, api.GetCourse, api.CoursePath{Course: "c1"}, lms.KindEnrol)
		c.enrol(mine)
		must(c.site, mine, api.GetCourse, api.CoursePath{Course: "c1"})
		if must(c.site, mine, api.CurrentSession, api.NoInput{}).MustEnrol {
			t.Errorf("%s must still set it up", staff)
		}
	}
	sue := c.as("sue")
	must(c.site, sue, api.GetCourse, api.CoursePath{Course: "c1"})
	// Whoever becomes staff must, at once.
	role := lms.RoleTA
	must(c.site, c.as("root"), api.UpdateMember, api.UpdateMemberInput{Course: "c1", User: "sue", Role: &role})
	not(c.site, sue, api.GetCourse, api.CoursePath{Course: "c1"}, lms.KindEnrol)
	// An administrator helps who has lost the app.
	must(c.site, c.as("root"), api.RemoveTwoStep, api.UserPath{User: "tom"})
	not(c.site, c.as("root"), api.RemoveTwoStep, api.UserPath{User: "tom"}, lms.KindConflict)
	not(c.site, c.as("ina"), api.RemoveTwoStep, api.UserPath{User: "root"}, lms.KindForbidden)
	not(c.site, c.as("tom"), api.ListCourses, api.NoInput{}, lms.KindEnrol)
	if r := c.send("GET", "/api/v1/audit?action=twostep.off", c.server.c.OperatorToken, ""); !strings.Contains(r.body, "user/tom") {
		t.Errorf("%s", r.body)
	}
	unconfirmed := api.NewClient(c.base, api.WithBearer(c.unconfirmed("sue")))
	not(c.site, unconfirmed, api.BeginTwoStep, api.NoInput{}, lms.KindConfirm)
}

// The form that works without the browser's program asks for the code as well.
func TestTwoStepInThePlainForm(t *testing.T) {
	s := newPeople(t, nil)
	secret, _ := s.enrol(api.NewClient(s.base, api.WithBearer(s.signIn("ada", testPassword).sid().Value)))
	post := func(code string) reply {
		form := url.Values{"login": {"ada"}, "password": {testPassword}, "code": {code}, "next": {"/courses/c1"}}.Encode()
		return s.send("POST", "/signin", "", form, "Content-Type: application/x-www-form-urlencoded", api.HeaderClient+":")
	}
	for _, code := range []string{"", "000000", strings.Repeat("9", 65)} {
		want := "/signin?error=code&next=%2Fcourses%2Fc1"
		if len(code) > 64 {
			want = "/signin?error=too_large&next=%2Fcourses%2Fc1"
		}
		if r := post(code); r.status != 303 || r.header.Get("Location") != want || r.sid() != nil {
			t.Errorf("%q: %d to %q", code, r.status, r.header.Get("Location"))
		}
	}
	if r := post(s.code(secret, 0)); r.status != 303 || r.header.Get("Location") != "/courses/c1" || r.sid() == nil {
		t.Errorf("%d to %q", r.status, r.header.Get("Location"))
	}
}
