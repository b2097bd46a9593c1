package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"trivium/app/api"
	"trivium/app/lms"
)

// FuzzRequest sends requests of any kind, as a student and as nobody, to a whole server: each is answered, none by a fault
// of the server.
func FuzzRequest(f *testing.F) {
	c := newCourse(f, nil)
	replace := strings.NewReplacer(":course", "c1", ":assignment", "a1", ":file", c.file.ID, ":submission", "s1", ":number", "0")
	for _, r := range api.Routes() {
		f.Add(r.Method, replace.Replace(r.Path), "", "", `{"id":"x1","text":"t","title":"t","name":"n"}`, true)
	}
	f.Add("GET", "/api/v1/courses/c1/files/"+c.file.ID+"/content?inline=true", "Range", "bytes=0-1,-2,5-", "", true)
	f.Add("GET", "/api/v1/courses?after=x&limit=-1", "X-Trivium-Index", "18446744073709551615", "", true)
	f.Add("PUT", "/api/v1/kv/%00%2f..", "Idempotency-Key", strings.Repeat("k", 300), `{"value":"\ud800"}`, true)
	f.Add("POST", "/api/v1/session", "Cookie", `sid="; sid=x; __Host-sid=`, `{"login":"sue","password":"wrong"}`, false)
	f.Add("GET", "/", "Authorization", "Bearer  ", "", false)
	handler := c.server.Handler()
	hash := HashPassword(testPassword)
	for _, id := range []string{"root", "ina", "ira", "tom", "sue", "sam", "obi", "ned", "dis"} {
		c.check(c.store.SetPassword(f.Context(), lms.Actor{UserID: id}, hash))
	}
	token := c.token("sue", time.Hour) // a new password ends the sessions
	f.Fuzz(func(t *testing.T, method, path, name, value, body string, member bool) {
		r := fuzzedRequest(t, method, path, body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(api.HeaderClient, api.ClientName)
		if member {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if name != "" {
			r.Header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
		}
		w := httptest.NewRecorder()
		c.log.reset()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable && w.Code != http.StatusNotImplemented {
			t.Fatalf("%s %s: status %d: %s\n%s", method, path, w.Code, w.Body, c.log)
		}
		if strings.Contains(c.log.String(), "panic") {
			t.Fatal(c.log)
		}
	})
}

// fuzzedRequest is what net/http would let through. It ends soon: a stream would go on.
func fuzzedRequest(t *testing.T, method, path, body string) *http.Request {
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		t.Skip()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	t.Cleanup(cancel)
	if strings.Contains(path, "events") || strings.Contains(path, "stream") {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, 20*time.Millisecond)
		t.Cleanup(end)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://example.com/", strings.NewReader(body))
	if err != nil {
		t.Skip()
	}
	u.Scheme, u.Host = "", ""
	r.URL, r.RequestURI, r.RemoteAddr = u, path, "192.0.2.1:1234"
	return r
}

// FuzzInputs decodes bodies and queries for every endpoint's input.
func FuzzInputs(f *testing.F) {
	f.Add("id=x&limit=3&mine=true", `{"id":"x","text":"y","files":["a"]}`, "f1")
	f.Add("limit=x", `{"id":7}`, "\x00")
	f.Add("%zz", `{"a":{}} {}`, "../..")
	routes := api.Routes()
	f.Fuzz(func(t *testing.T, query, body, param string) {
		for _, route := range routes {
			in := reflect.New(route.In)
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.URL.RawQuery = query
			r.Header.Set("Content-Type", "application/json")
			_, err := decode(in.Interface(), r, func(string) (string, error) { return param, nil }, maxBody)
			if err != nil && lms.KindOf(err) != lms.KindInvalid && lms.KindOf(err) != lms.KindUnsupported && lms.KindOf(err) != lms.KindRule {
				t.Fatalf("%s: %v", route.Path, err)
			}
			if err == nil && !utf8.ValidString(body) {
				t.Fatalf("%s takes what is no UTF-8", route.Path)
			}
		}
	})
}

func FuzzSessionToken(f *testing.F) {
	s := &Server{}
	name := s.cookieName(sessionCookie)
	f.Add("Bearer abc", name+"=x")
	f.Add("", name+`="a b"; `+name+"=y; =;")
	f.Add("Basic abc", name+"=x")
	f.Fuzz(func(t *testing.T, header, cookie string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"], r.Header["Cookie"] = []string{header}, []string{cookie}
		token, bearer := (&request{s: s, r: r}).token()
		if header != "" && !bearer {
			t.Fatalf("%q beside a cookie: the cookie counts", header)
		}
		if strings.TrimSpace(token) != token && bearer || strings.ContainsAny(token, "\r\n;") && !bearer {
			t.Fatalf("token %q", token)
		}
	})
}

// Hashes come from the database, where another version may have written them.
func FuzzPasswordHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=47104,t=1,p=1$c2FsdHNhbHQ$c3Vt")
	f.Add("$argon2id$v=19$m=4294967295,t=0,p=256$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodeHash(s)
		if err == nil && (p.memory > 1<<20 || p.time == 0 || p.threads == 0 || len(p.sum) == 0) {
			t.Fatalf("%q: %+v", s, p)
		}
	})
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}
