package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/pquerna/otp/totp"

	"trivium/app/api"
	"trivium/app/lms"
)

// sealedSite is a site with secrets that its database holds sealed.
type sealedSite struct {
	t        *testing.T
	seed     string   // of ada's one-time codes
	recovery []string // her recovery codes
}

const adasPassword = "a few good words"

// clientOf asks the node of a directory as somebody.
func clientOf(t *testing.T, data, token string) *api.Client {
	t.Helper()
	c := clientFlags{data: data, token: token}
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func ask[In, Out any](t *testing.T, c *api.Client, e api.Endpoint[In, Out], in In) Out {
	t.Helper()
	out, err := api.Call(t.Context(), c, e, in)
	if err != nil {
		t.Fatalf("%s: %v", e.Path, err)
	}
	return out
}

// signIn signs ada in with a code; an error if she is not let in.
func (s *sealedSite) signIn(data, code string) (*api.Client, error) {
	s.t.Helper()
	in := api.SignInInput{Login: "ada", Password: adasPassword, Code: code, Bearer: true}
	out, err := api.Call(s.t.Context(), clientOf(s.t, data, "none"), api.SignIn, in)
	return clientOf(s.t, data, out.Token), err
}

// code is what ada's app shows so many periods from now.
func (s *sealedSite) code(periods int) string {
	s.t.Helper()
	code, err := totp.GenerateCode(s.seed, time.Now().Add(time.Duration(periods)*30*time.Second))
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// sealSecrets sets the key of the tutor's service and turns ada's two-step sign-in on.
func sealSecrets(t *testing.T, data string) *sealedSite {
	t.Helper()
	s := &sealedSite{t: t}
	typing(t, adasPassword)
	must(t, "user", "create", "ada", "--admin", "--password-stdin", "--data", data)
	ada, err := s.signIn(data, "")
	if err != nil {
		t.Fatal(err)
	}
	in := api.ModelInput{ModelSettings: lms.DefaultModelSettings()}
	in.First = lms.ModelEndpoint{URL: "https://127.0.0.1:9/v1", Model: "small"}
	key := "sk-sealed-123"
	in.FirstKey = &key
	if state := ask(t, ada, api.UpdateTutorModel, in); !state.Settings.First.KeySet {
		t.Fatal("the key is not set")
	}
	s.seed = ask(t, ada, api.BeginTwoStep, api.NoInput{}).Secret
	ask(t, ada, api.ConfirmTwoStep, api.CodeOfApp{Code: s.code(-1)})
	s.recovery = ask(t, ada, api.MakeRecoveryCodes, api.NoInput{}).Codes
	return s
}

// opens checks that a restored site has its secrets.
func (s *sealedSite) opens(data string) {
	s.t.Helper()
	node := startServer(s.t, data)
	ada, err := s.signIn(data, s.code(1))
	if err != nil {
		s.t.Errorf("two-step sign-in after the restore: %v", err)
	} else if !ask(s.t, ada, api.GetTutorModel, api.NoInput{}).Settings.First.KeySet {
		s.t.Error("the tutor has no key after the restore")
	}
	node.stop(s.t)
}

// TestSealedSecretsAfterARestore: a backup that is encrypted for the operator brings them back, and so does the file with the keys.
// Without either nobody is locked out for ever, nobody loses the second step in silence, and restore says what to do.
func TestSealedSecretsAfterARestore(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	node := startServer(t, at("old"))
	s := sealSecrets(t, at("old"))
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("key"), []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ada, err := s.signIn(at("old"), s.recovery[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Call(t.Context(), ada, api.StartBackup, api.BackupInput{Keys: true}); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("an administrator gets the keys of sealed secrets: %v", err)
	}
	if _, errs, err := trivium(t, "backup", at("sealed"), "--recipient", key.Recipient().String(), "--data", at("old")); err != nil || !strings.Contains(errs, "carries the keys") {
		t.Fatalf("%v %s", err, errs)
	}
	if _, errs, err := trivium(t, "backup", at("plain"), "--data", at("old")); err != nil || !strings.Contains(errs, "whose keys are not in it") {
		t.Fatalf("%v %s", err, errs)
	}
	node.stop(t)

	if out := must(t, "restore", at("sealed"), "--data", at("a"), "--identity", at("key")); strings.Contains(out, "sealed secrets") {
		t.Errorf("of an archive with the keys: %s", out)
	}
	s.opens(at("a"))
	if out := must(t, "restore", at("plain"), "--data", at("b"), "--seal-keys", at("old/cluster/seal.keys")); strings.Contains(out, "sealed secrets") {
		t.Errorf("with the file of the keys: %s", out)
	}
	s.opens(at("b"))
	refused(t, "holds no keys", "restore", at("plain"), "--data", at("c"), "--seal-keys", at("key"))
	if _, err := os.Stat(at("c")); err == nil {
		t.Error("a refused restore has left a directory")
	}
	// The keys of another cluster: as good as none.
	out := must(t, "restore", at("plain"), "--data", at("c"), "--seal-keys", at("a/cluster/seal.keys"))
	if strings.Contains(out, "sealed secrets") { // a has inherited the right one
		t.Errorf("with the keys of a restored site: %s", out)
	}
	out = must(t, "restore", at("plain"), "--data", at("d"))
	for _, want := range []string{"the tutor's service gets no key", "for 1 of the accounts", "trivium user end-two-step"} {
		if !strings.Contains(out, want) {
			t.Errorf("without keys restore does not say %q: %s", want, out)
		}
	}
	out = must(t, "restore", at("plain"), "--data", at("e"), "--seal-keys", at("d/cluster/seal.keys"))
	if !strings.Contains(out, "for 1 of the accounts") {
		t.Errorf("with the keys of another cluster: %s", out)
	}
	s.withoutKeys(at("e"))
}

// withoutKeys is what people meet on a site that was restored without the keys.
func (s *sealedSite) withoutKeys(data string) {
	t := s.t
	t.Helper()
	startServer(t, data)
	if _, err := s.signIn(data, s.code(0)); err == nil || !strings.Contains(err.Error(), "recovery code") {
		t.Errorf("a code that cannot be checked: %v", err)
	}
	if _, err := s.signIn(data, ""); err == nil {
		t.Error("the second step is lost in silence")
	}
	ada, err := s.signIn(data, s.recovery[1])
	if err != nil {
		t.Fatalf("a recovery code: %v", err)
	}
	if ask(t, ada, api.GetTutorModel, api.NoInput{}).Settings.First.KeySet {
		t.Error("a key that nothing opens is shown as set")
	}
	if out := must(t, "user", "end-two-step", "ada", "--data", data); !strings.Contains(out, "password alone") {
		t.Errorf("end-two-step: %s", out)
	}
	if ada, err = s.signIn(data, ""); err != nil {
		t.Fatalf("after the second step was turned off: %v", err)
	}
	s.seed = ask(t, ada, api.BeginTwoStep, api.NoInput{}).Secret
	ask(t, ada, api.ConfirmTwoStep, api.CodeOfApp{Code: s.code(-1)})
	if _, err := s.signIn(data, s.code(0)); err != nil {
		t.Errorf("two-step sign-in set up anew: %v", err)
	}
}
