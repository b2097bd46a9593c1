package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

func TestSafeHTML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"text", "Hello *you*", "<p>Hello <em>you</em></p>\n"},
		{"raw html is dropped", "a <script>alert(1)</script> b", "<p>a alert(1) b</p>\n"},
		{"html block is dropped", "<iframe src=x></iframe>\n", "\n"},
		{"script link", "[x](javascript:alert(1))", "<p>x</p>\n"},
		{"data link", "[x](data:text/html,y)", "<p>x</p>\n"},
		{"link", "[x](https://example.org/a?b=c&d=e)", `<p><a href="https://example.org/a?b=c&amp;d=e" rel="nofollow noreferrer noopener" target="_blank">x</a></p>` + "\n"},
		{"remote image is a link", "![pic](https://example.org/a.png)", `<p><a href="https://example.org/a.png" rel="nofollow noreferrer noopener" target="_blank">pic</a></p>` + "\n"},
		{"own image", "![p](/api/v1/courses/c1/files/f1/content?inline=true)", `<p><img src="/api/v1/courses/c1/files/f1/content?inline=true" alt="p"></p>` + "\n"},
		{"other image of this site is a link", "![p](/api/v1/session)", `<p><a href="/api/v1/session" rel="nofollow noreferrer">p</a></p>` + "\n"},
		{"image with quotes", `![a" onerror="x](x)`, `<p><a href="x" rel="nofollow noreferrer">a&#34; onerror=&#34;x</a></p>` + "\n"},
		{"code", "```go\na < b\n```", "<pre tabindex=\"0\"><code class=\"language-go\">a &lt; b\n</code></pre>\n"},
		{"table", "|a|b|\n|-|-:|\n|1|2|\n", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"no ids, and below the title of the page", "# A {#b}", "<h2>A {#b}</h2>\n"},
		{"the lowest headings", "##### A\n\n###### B", "<h6>A</h6>\n<h6>B</h6>\n"},
		{"right to left and emoji", "שלום 🙂", "<p>שלום 🙂</p>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := safeHTML(tt.in); got != tt.want {
				t.Errorf("(-want +got)\n-%q\n+%q", tt.want, got)
			}
		})
	}
}

func FuzzSafeHTML(f *testing.F) {
	for _, s := range []string{"[a](javascript:x)", "![x](//h/y)", "<img src=x onerror=y>", "<a href='x' style=y>", "`` ` ``", "$x$ $$\\text{<script>}$$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := strings.ToLower(safeHTML(s))
		for _, bad := range []string{"<script", "<iframe", "<style", "<form", "<input", `href="javascript`, `src="http`, `src="//`} {
			if strings.Contains(out, bad) {
				t.Errorf("%q has %s: %q", s, bad, out)
			}
		}
	})
}

func TestPasswords(t *testing.T) {
	h, ctx := newHasher(), t.Context()
	hash, err := h.hash(ctx, "four unrelated words")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Errorf("hash %q", hash)
	}
	tests := []struct {
		name, password, hash string
		want, fails          bool
	}{
		{"right", "four unrelated words", hash, true, false},
		{"wrong", "four unrelated word", hash, false, false},
		{"unknown user", "four unrelated words", "", false, false},
		{"older parameters", "x", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false, false},
		{"foreign form", "x", "$2b$12$abc", false, true},
		{"huge memory", "x", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$AAAA", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, err := h.check(ctx, tt.password, tt.hash)
			if ok != tt.want || (err != nil) != tt.fails {
				t.Errorf("%v, %v", ok, err)
			}
		})
	}
}

func TestHashQueueIsBounded(t *testing.T) {
	h := newHasher()
	ctx, cancel := context.WithCancel(t.Context())
	var releases []func()
	for range hashesAtOnce {
		r, err := h.acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, r)
	}
	var wg sync.WaitGroup
	for range hashQueue {
		wg.Go(func() {
			if _, err := h.acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("waiting: %v", err)
			}
		})
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(h.queue) < hashQueue && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.acquire(ctx); lms.KindOf(err) != lms.KindLimit {
		t.Errorf("a full queue: %v", err)
	}
	cancel()
	wg.Wait()
	for _, r := range releases {
		r()
	}
	if r, err := h.acquire(t.Context()); err != nil {
		t.Error(err)
	} else {
		r()
	}
}

func TestDecode(t *testing.T) {
	const courseJSON = `{"id":"c1","code":"X","title":"Y","zone":"UTC","state":"published","version":3}`
	tests := []struct {
		name, kind, body string
		want             lms.Kind
		field            string
	}{
		{"good", "application/json", courseJSON, "", ""},
		{"with a charset", "application/json; charset=utf-8", courseJSON, "", ""},
		{"empty", "application/json", "", lms.KindInvalid, ""},
		{"blank", "application/json", " \n", lms.KindInvalid, ""},
		{"form", "application/x-www-form-urlencoded", "a=b", lms.KindUnsupported, ""},
		{"no type", "", courseJSON, lms.KindUnsupported, ""},
		{"malformed", "application/json", `{"id":`, lms.KindInvalid, ""},
		{"array", "application/json", `[]`, lms.KindInvalid, ""},
		{"null", "application/json", `null`, lms.KindInvalid, ""},
		{"unknown field", "application/json", `{"admin":true}`, lms.KindInvalid, "admin"},
		{"path parameter in the body", "application/json", `{"course":"other"}`, lms.KindInvalid, "course"},
		{"its Go name", "application/json", `{"Course":"other"}`, lms.KindInvalid, "Course"},
		{"wrong type", "application/json", `{"title":7}`, lms.KindInvalid, "title"},
		{"trailing garbage", "application/json", courseJSON + "x", lms.KindInvalid, ""},
		{"two objects", "application/json", courseJSON + courseJSON, lms.KindInvalid, ""},
		{"invalid UTF-8", "application/json", "{\"title\":\"\xff\"}", lms.KindInvalid, ""},
		{"too large", "application/json", `{"title":"` + strings.Repeat("x", maxBody) + `"}`, lms.KindTooLarge, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("PATCH", "/x", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			var in api.UpdateCourseInput
			_, err := decode(&in, r, func(string) (string, error) { return "c1", nil }, maxBody)
			if err == nil {
				if tt.want != "" || in.Course != "c1" || in.Version != 3 || in.Title != "Y" {
					t.Errorf("%+v", in)
				}
				return
			}
			refusal := refusalOf(err)
			if refusal.Kind != tt.want || refusal.Field != tt.field || refusal.Message == "" {
				t.Errorf("%v, want %s (%s)", refusal, tt.want, tt.field)
			}
		})
	}
}

func TestDecodeQuery(t *testing.T) {
	var in api.ListQuestionsInput
	r := httptest.NewRequest("GET", "/x?mine=true&limit=5&to=staff&other=1", nil)
	if _, err := decode(&in, r, func(string) (string, error) { return "c1", nil }, maxBody); err != nil {
		t.Fatal(err)
	}
	if !in.Mine || in.Limit != 5 || in.To != lms.ToStaff || in.Course != "c1" {
		t.Errorf("%+v", in)
	}
	for _, bad := range []string{"limit=x", "limit=99999999999999999999", "mine=perhaps", "to=%ff", "to=%00", "%zz=1"} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.URL.RawQuery = bad
		if _, err := decode(&in, r, func(string) (string, error) { return "c1", nil }, maxBody); lms.KindOf(err) != lms.KindInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWithoutSecrets(t *testing.T) {
	password := "four unrelated words"
	inputs := []any{api.SetupInput{Login: "a", Password: password, Token: password}, api.RegisterInput{Login: "a", Password: password},
		api.CreateUserInput{ID: "a", Password: password}, api.UpdateUserInput{Password: &password}, api.PasswordInput{Old: password, New: password},
		api.SignInInput{Password: password}}
	for _, in := range inputs {
		if got := string(withoutSecrets(in, []byte(password))); strings.Contains(got, password) {
			t.Errorf("%T: %s", in, got)
		}
	}
	if got := string(withoutSecrets(api.CourseInput{}, []byte("body"))); got != "body" {
		t.Errorf("a body without secrets: %s", got)
	}
}

func TestMediaType(t *testing.T) {
	png, pdf := "\x89PNG\r\n\x1a\n....", "%PDF-1.7\n"
	tests := []struct {
		name, head, want string
		inline           bool
	}{
		{"a.pdf", pdf, "application/pdf", true},
		{"a.PDF", pdf, "application/pdf", true},
		{"a.pdf", "<html><script>", typeUnknown, false},
		{"a.png", png, "image/png", true},
		{"a.png", "<svg onload=x>", typeUnknown, false},
		{"a.svg", "<svg onload=x>", typeUnknown, false},
		{"a.html", "<html>", typeUnknown, false},
		{"a.txt", "<html><script>", "text/plain; charset=utf-8", true},
		{"a.txt", "a\x00b", typeUnknown, false},
		{"a.txt", "", "text/plain; charset=utf-8", true},
		{"a.docx", "PK", types[".docx"], false},
		{"a", "MZ", typeUnknown, false},
	}
	for _, tt := range tests {
		if got, inline := mediaType(tt.name, []byte(tt.head)); got != tt.want || inline != tt.inline {
			t.Errorf("%s %q: %s %v", tt.name, tt.head, got, inline)
		}
	}
}

func TestDisposition(t *testing.T) {
	tests := []struct {
		name   string
		inline bool
		want   string
	}{
		{"a b.pdf", false, `attachment; filename="a b.pdf"; filename*=UTF-8''a%20b.pdf`},
		{`q"uo;te.txt`, true, `inline; filename="q_uo_te.txt"; filename*=UTF-8''q%22uo%3Bte.txt`},
		{"Übung 1.pdf", false, `attachment; filename="_bung 1.pdf"; filename*=UTF-8''%C3%9Cbung%201.pdf`},
		{"a\r\nSet-Cookie: x", false, `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x`},
	}
	for _, tt := range tests {
		if got := disposition(tt.name, tt.inline); got != tt.want {
			t.Errorf("(-want +got)\n-%s\n+%s", tt.want, got)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{"": "/", "/courses/x?y=z": "/courses/x?y=z", "https://evil.example": "/", "//evil.example": "/",
		`/\evil.example`: "/", "/a\r\nb": "/", "javascript:x": "/", "a": "/", "/\t/evil.example": "/"} {
		if got := localPath(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestValidOrigin(t *testing.T) {
	for in, want := range map[string]bool{"https://lms1.example.edu": true, "http://127.0.0.1:8080": true, "https://a/": false, "https://a/b": false,
		"": false, "*": false, "https://*": false, "ftp://a": false, "https://a;script-src": false, "https://a b": false, "https://u@a": false} {
		if got := validOrigin(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestRefusalOf(t *testing.T) {
	tests := []struct {
		err  error
		want lms.Kind
	}{
		{fmt.Errorf("read: %w", lms.ErrStale), lms.KindConflict},
		{fmt.Errorf("x: %w", consensus.ErrUnavailable), lms.KindUnavailable},
		{consensus.ErrBusy, lms.KindUnavailable},
		{consensus.ErrUnknown, lms.KindUnknown},
		{consensus.ErrKeyConflict, lms.KindConflict},
		{context.DeadlineExceeded, lms.KindUnknown},
		{&http.MaxBytesError{Limit: 1}, lms.KindTooLarge},
		{io.ErrUnexpectedEOF, lms.KindInternal},
	}
	for _, tt := range tests {
		if got := refusalOf(tt.err); got.Kind != tt.want || got.Message == "" {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}

func TestLimiter(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLimiter(func() time.Time { return now }, func(address string) bool { return address == "school" })
	for range publicBurst {
		if err := l.allow("a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.allow("a"); lms.KindOf(err) != lms.KindLimit {
		t.Errorf("over the limit: %v", err)
	}
	if err := l.allow("b"); err != nil {
		t.Errorf("another address: %v", err)
	}
	for range sharedFactor * publicBurst {
		if err := l.allow("school"); err != nil {
			t.Fatal("a shared address: ", err)
		}
	}
	if err := l.allow("school"); lms.KindOf(err) != lms.KindLimit {
		t.Errorf("a shared address over its limit: %v", err)
	}
	now = now.Add(time.Minute)
	if err := l.allow("a"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	for i := range limiterSize + 10 {
		_ = l.allow(fmt.Sprint(i))
	}
	if len(l.by) > limiterSize {
		t.Errorf("%d addresses are kept", len(l.by))
	}
}

func TestDenseMarkdownIsShownAsPlainText(t *testing.T) {
	for _, mark := range []string{">", "[](", "_a*", "`a", "- ", "![", "<a", "$a "} {
		got := safeHTML(strings.Repeat(mark, lms.MaxBody/len(mark)))
		if !strings.HasPrefix(got, "<pre ") {
			t.Errorf("%q repeated is rendered as Markdown: %.60s", mark, got)
		}
	}
}
