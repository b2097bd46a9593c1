package tutor

import (
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

func settingsOf(url string) lms.ModelSettings {
	s := lms.DefaultModelSettings()
	s.First = lms.ModelEndpoint{URL: url, Model: "m"}
	return s
}

func TestUseKeepsWhatStaysTheSame(t *testing.T) {
	server := tutortest.New(t, tutortest.Says("x"))
	tu := New(Config{Store: newStore()})
	defer tu.Close()
	if tu.Writes() {
		t.Error("a model writes before one is set")
	}
	s := settingsOf(server.URL)
	tu.Use(s, Keys{First: "k"})
	model, slots := tu.now().model, tu.now().slots
	s.MonthlyCap = 1000
	tu.Use(s, Keys{First: "k"})
	if tu.now().model != model || tu.now().slots != slots || tu.now().cfg.MonthlyCap != 1000 {
		t.Error("a new cap forgets what was learned of the endpoint, or is not in force")
	}
	s.Calls = 2
	tu.Use(s, Keys{First: "other"})
	if tu.now().model == model || tu.now().slots == slots || tu.now().model.cfg.Key != "other" {
		t.Error("another key or number of calls is not in force")
	}
	s.First.URL = "http://169.254.169.254"
	tu.Use(s, Keys{})
	if tu.Writes() || !strings.Contains(tu.Warning(), "refused") {
		t.Errorf("an address that must not be called: %q", tu.Warning())
	}
	tu.Use(lms.DefaultModelSettings(), Keys{})
	if tu.Writes() || tu.Warning() != "" || tu.Status().Where != onSite {
		t.Errorf("after its removal: %q", tu.Warning())
	}
}

// The rule between flags and the page: an endpoint of flags wins on its node with what belongs to it; caps and times are the page's.
func TestFlagsWinOverThePage(t *testing.T) {
	flags, page := tutortest.New(t, tutortest.Says("x")), tutortest.New(t, tutortest.Says("y"))
	tu := New(Config{Store: newStore(), Endpoint: flags.URL, Model: "by-flag", MaxTokens: 700, ContextTokens: 9000})
	defer tu.Close()
	s := settingsOf(page.URL)
	s.MonthlyCap, s.Idle = 5000, 7
	tu.Use(s, Keys{First: "k"})
	now := tu.now()
	if e, set := tu.Operator(); !set || e.Model != "by-flag" || now.cfg.Endpoint != flags.URL || now.cfg.Key != "" || now.cfg.MaxTokens != 700 ||
		now.cfg.MonthlyCap != 5000 || now.cfg.Limits.Idle.Seconds() != 7 {
		t.Errorf("%+v", now.cfg)
	}
}

// A key is sealed for where it is sent: the same host, port and scheme, whatever the path.
func TestKeyPlace(t *testing.T) {
	place := func(u string) string {
		p, err := KeyPlace(u)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	same := place("https://API.example.com/v1/")
	if place("https://api.example.com") != same {
		t.Error("the path is part of the place")
	}
	for _, other := range []string{"https://api.example.org", "https://api.example.com:8443", "http://api.example.com"} {
		if place(other) == same {
			t.Errorf("%s has the same place", other)
		}
	}
}

func TestWhereNamesEveryHost(t *testing.T) {
	tu := New(Config{Store: newStore()})
	defer tu.Close()
	s := settingsOf("http://127.0.0.1:1")
	s.Second = lms.ModelEndpoint{URL: "https://api.example.com", Model: "big"}
	tu.Use(s, Keys{})
	if got := tu.Status().Where; !strings.HasPrefix(got, "api.example.com") {
		t.Errorf("%q hides that text may leave the site", got)
	}
	s.First, s.Second = s.Second, lms.ModelEndpoint{URL: "https://other.example.org", Model: "x"}
	tu.Use(s, Keys{})
	if got := tu.Status().Where; got != "api.example.com or other.example.org" {
		t.Error(got)
	}
}

// Each case of the set can be judged, and a perfect and a careless answer are told apart.
func TestTrialSet(t *testing.T) {
	names := map[string]bool{}
	for _, k := range trialCases() {
		if names[k.Name] || k.Question == "" || len(k.Passages) == 0 {
			t.Errorf("%q is twice there or incomplete", k.Name)
		}
		names[k.Name] = true
		if len(k.Any) > 0 {
			good := strings.Join(k.Any, " ") + "."
			if why := k.judge(good, good, k.Cite, rules{}); why != "" && len(k.Never) == 0 {
				t.Errorf("%s: the right answer does not pass: %s", k.Name, why)
			}
			if why := k.judge("Hm.", "Hm.", k.Cite, rules{}); why == "" {
				t.Errorf("%s: an empty answer passes", k.Name)
			}
		}
		for _, s := range k.Never {
			if why := k.judge(s, s, k.Cite, rules{}); why == "" {
				t.Errorf("%s: %q passes", k.Name, s)
			}
		}
		if len(k.Cite) > 0 {
			if why := k.judge(strings.Join(k.Any, " "), strings.Join(k.Any, " "), nil, rules{}); why == "" {
				t.Errorf("%s: an answer without its source passes", k.Name)
			}
		}
	}
	if len(names) < 15 {
		t.Errorf("only %d cases", len(names))
	}
}
