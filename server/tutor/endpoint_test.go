package tutor

import (
	"net/netip"
	"testing"
	"time"
)

func TestEndpointForms(t *testing.T) {
	for _, tt := range []struct {
		url     string
		private bool
		base    string // empty: refused
		where   string
	}{
		{"https://api.example.com", false, "https://api.example.com/v1", "api.example.com"},
		{"https://api.example.com/v1/", false, "https://api.example.com/v1", "api.example.com"},
		{"https://api.example.com/llm/v2", false, "https://api.example.com/llm/v2", "api.example.com"},
		{"http://127.0.0.1:11434", false, "http://127.0.0.1:11434/v1", onSite},
		{"http://localhost:11434/v1", false, "http://localhost:11434/v1", onSite},
		{"http://[::1]:8080/v1", false, "http://[::1]:8080/v1", onSite},
		{"http://10.1.2.3:8000", true, "http://10.1.2.3:8000/v1", onSite},
		{"http://ollama:11434", true, "http://ollama:11434/v1", onSite},
		{"http://10.1.2.3:8000", false, "", ""},
		{"https://10.1.2.3", false, "", ""},
		{"http://api.example.com", false, "", ""},
		{"http://169.254.169.254/latest", true, "", ""},
		{"https://[::ffff:169.254.169.254]", true, "", ""},
		{"https://[fe80::1]", true, "", ""},
		{"https://2130706433", false, "", ""},
		{"https://0x7f000001", false, "", ""},
		{"https://0.0.0.0", true, "", ""},
		{"https://224.0.0.1", true, "", ""},
		{"http://8.8.8.8", true, "", ""},
		{"https://user:pass@api.example.com", false, "", ""},
		{"https://api.example.com/v1#x", false, "", ""},
		{"https://api.example.com/v1?k=v", false, "", ""},
		{"ftp://api.example.com", false, "", ""},
		{"file:///etc/passwd", false, "", ""},
		{"api.example.com", false, "", ""},
		{"https://", false, "", ""},
	} {
		e, err := parseEndpoint(tt.url, tt.private)
		if (err == nil) != (tt.base != "") || err == nil && (e.base != tt.base || e.where != tt.where) {
			t.Errorf("%s (private %t): %+v, %v", tt.url, tt.private, e, err)
		}
	}
}

func TestResolvedAddresses(t *testing.T) {
	public := endpoint{host: "api.example.com"}
	here := endpoint{host: "localhost", loopback: true, plain: true}
	inside := endpoint{host: "ollama", plain: true, allowPrivate: true}
	for _, tt := range []struct {
		name string
		e    endpoint
		addr string
		ok   bool
	}{
		{"public", public, "93.184.216.34", true},
		{"public name to private", public, "192.168.1.1", false},
		{"public name to shared space", public, "100.64.0.1", false},
		{"public name to this computer", public, "127.0.0.1", false},
		{"public name to mapped loopback", public, "::ffff:127.0.0.1", false},
		{"public name to metadata", public, "169.254.169.254", false},
		{"public name to unique local", public, "fd00::1", false},
		{"localhost", here, "127.0.0.1", true},
		{"localhost elsewhere", here, "93.184.216.34", false},
		{"allowed private", inside, "192.168.1.1", true},
		{"http to a public address", inside, "93.184.216.34", false},
	} {
		if err := tt.e.permit(netip.MustParseAddr(tt.addr)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	zero, hot := 0.0, 3.0
	for _, tt := range []struct {
		name string
		c    Config
		ok   bool
	}{
		{"nothing set", Config{}, true},
		{"endpoint without model", Config{Endpoint: "https://api.example.com"}, false},
		{"temperature 0", Config{Temperature: &zero}, true},
		{"temperature 3", Config{Temperature: &hot}, false},
		{"long answers", Config{MaxTokens: 5000, ContextTokens: 100_000}, false},
		{"context too small", Config{MaxTokens: 4000}, false},
	} {
		if err := tt.c.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	m := newModelClient(Config{Endpoint: "https://api.example.com", Model: "m", Temperature: &zero, MaxTokens: 50})
	if m.cfg.Limits.FirstToken != 10*time.Second || m.request(nil).Temperature == 0 {
		t.Errorf("client = %+v", m.cfg)
	}
	tu := New(Config{Endpoint: "http://public.example.com", Model: "m"})
	defer tu.Close()
	if tu.model != nil || tu.Status().Model != "" {
		t.Error("refused settings are used")
	}
}
