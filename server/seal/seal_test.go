package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestBoxOpensOnlyAtItsPlace(t *testing.T) {
	r := New()
	box := r.Seal("setting tutor.key", []byte("sk-123"))
	if got, err := r.Open("setting tutor.key", box); err != nil || string(got) != "sk-123" {
		t.Fatalf("open = %q, %v", got, err)
	}
	if bytes.Contains(box, []byte("sk-123")) || bytes.Equal(box, r.Seal("setting tutor.key", []byte("sk-123"))) {
		t.Error("the box shows its content, or that two contents are equal")
	}
	for name, bad := range map[string]func() ([]byte, error){
		"another place":   func() ([]byte, error) { return r.Open("setting mail.key", box) },
		"another cluster": func() ([]byte, error) { return New().Open("setting tutor.key", box) },
		"cut":             func() ([]byte, error) { return r.Open("setting tutor.key", box[:len(box)-1]) },
		"empty":           func() ([]byte, error) { return r.Open("setting tutor.key", nil) },
	} {
		if got, err := bad(); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for i := range box {
		b := slices.Clone(box)
		b[i] ^= 1
		if got, err := r.Open("setting tutor.key", b); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("bit flipped in byte %d: %q, %v", i, got, err)
		}
	}
}

// A new key first opens only, then seals, then is alone: at no time a secret cannot be read.
func TestRotation(t *testing.T) {
	old, fresh := New(), New()
	box := old.Seal("p", []byte("secret"))
	parse := func(rings ...*Ring) *Ring {
		var data []byte
		for _, r := range rings {
			data = append(data, r.Encode()...)
		}
		r, err := Parse(append([]byte("# keys\n\n"), data...))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	appended, moved := parse(old, fresh), parse(fresh, old)
	if !appended.Current(box) || moved.Current(box) {
		t.Error("which key seals is not told")
	}
	again := moved.Seal("p", []byte("secret"))
	for _, r := range []*Ring{appended, moved, fresh} {
		if got, err := r.Open("p", again); err != nil || string(got) != "secret" {
			t.Errorf("sealed with the new key: %q, %v", got, err)
		}
	}
	if got, err := moved.Open("p", box); err != nil || string(got) != "secret" {
		t.Errorf("sealed with the old key: %q, %v", got, err)
	}
}

// A restored cluster seals with its own keys and opens what those of the old one have sealed.
func TestInherited(t *testing.T) {
	old, own, other := New(), New(), New()
	both := own.With(old).With(old)
	if n := bytes.Count(both.Encode(), []byte("\n")); n != 2 {
		t.Errorf("%d keys", n)
	}
	if got, err := both.Open("p", old.Seal("p", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if !own.Current(both.Seal("p", nil)) {
		t.Error("the inherited key seals")
	}
	for _, c := range []struct {
		box  string
		want bool
	}{{old.SealText("p", "x"), true}, {own.SealText("p", "x"), true}, {"", true}, {other.SealText("p", "x"), false}, {"####", false}, {"AAAA", false}} {
		if both.KnowsText(c.box) != c.want {
			t.Errorf("%q is known: %v", c.box, !c.want)
		}
	}
}

func TestDerive(t *testing.T) {
	a, err := Derive([]byte("authority"))
	b, _ := Derive([]byte("authority"))
	c, _ := Derive([]byte("another"))
	if err != nil || !bytes.Equal(a.Encode(), b.Encode()) || bytes.Equal(a.Encode(), c.Encode()) {
		t.Errorf("derived keys do not follow from the secret: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "# nothing\n", "hello", "c2hvcnQ=\n"} {
		if r, err := Parse([]byte(s)); err == nil || strings.Contains(err.Error(), "hello") {
			t.Errorf("%q: %v, %v", s, r, err)
		}
	}
}

func TestText(t *testing.T) {
	r := New()
	if r.SealText("p", "") != "" {
		t.Error("nothing is sealed as something")
	}
	got, err := r.OpenText("p", r.SealText("p", "sk-123"))
	if err != nil || string(got) != "sk-123" {
		t.Errorf("%v", err)
	}
	if got, err := r.OpenText("p", ""); err != nil || got != "" {
		t.Errorf("%q, %v", string(got), err)
	}
	for _, bad := range []string{"sk-123", "####", r.SealText("q", "x")} {
		if _, err := r.OpenText("p", bad); !errors.Is(err, ErrSealed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// SEC-1: a secret is shown as "set", wherever it ends up.
func TestSecretIsShownAsSet(t *testing.T) {
	var log bytes.Buffer
	s := Secret("sk-123")
	v := struct{ Key Secret }{s}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s, "in", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", s, "in", v)
	data, err := json.Marshal(v)
	if err != nil || string(data) != `{"Key":"set"}` {
		t.Errorf("JSON %s, %v", data, err)
	}
	r := New()
	k := strings.TrimSpace(string(r.Encode()))
	all := log.String() + fmt.Sprintf("%v %+v %#v %s %q %x %v %#v", s, v, v, s, s, s, r, r) + fmt.Sprint(s, v, &v, []Secret{s})
	for _, leak := range []string{"sk-123", fmt.Sprintf("%x", "sk-123"), k} {
		if strings.Contains(all, leak) {
			t.Errorf("%q is shown in %s", leak, all)
		}
	}
	if Secret("").String() != "" {
		t.Error("nothing is shown as set")
	}
}
