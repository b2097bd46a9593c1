package web

import (
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestBadInput sends what no client of ours sends. Each is refused with the right status, code and a message, and
// nothing is changed.
func TestBadInput(t *testing.T) {
	c := newCourse(t, nil)
	sue, ina, root := c.token("sue", time.Hour), c.token("ina", time.Hour), c.token("root", time.Hour)
	big := `{"title":"` + strings.Repeat("x", maxBody) + `"}`
	file := func(name string) string {
		return `{"id":"f9","name":"` + name + `","size":0,"sha256":"` + hash("") + `","chunks":[]}`
	}
	const submissions, questions, filesPath = "/api/v1/courses/c1/assignments/a1/submissions", "/api/v1/courses/c1/questions", "/api/v1/courses/c1/files"
	tests := []struct {
		name, method, path, token, body string
		header                          []string
		status                          int
		code                            lms.Kind
		field                           string
	}{
		{"oversized body", "POST", questions, sue, big, nil, 413, lms.KindTooLarge, ""},
		{"wrong content type", "POST", questions, sue, `{"id":"x"}`, []string{"Content-Type: text/plain"}, 415, lms.KindUnsupported, ""},
		{"form instead of JSON", "POST", questions, sue, `id=x`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, lms.KindUnsupported, ""},
		{"malformed JSON", "POST", questions, sue, `{"id":"x"`, nil, 400, lms.KindInvalid, ""},
		{"no body", "POST", questions, sue, ``, nil, 400, lms.KindInvalid, ""},
		{"trailing garbage", "POST", submissions, sue, `{"id":"x","text":"y"} z`, nil, 400, lms.KindInvalid, ""},
		{"unknown field", "POST", submissions, sue, `{"id":"x","text":"y","late":false}`, nil, 400, lms.KindInvalid, "late"},
		{"body overwrites the path", "POST", submissions, sue, `{"id":"x","text":"y","course":"c2"}`, nil, 400, lms.KindInvalid, "course"},
		{"body overwrites the path by its Go name", "POST", submissions, sue, `{"id":"x","text":"y","Assignment":"a2"}`, nil, 400, lms.KindInvalid, "Assignment"},
		{"wrong type of a field", "POST", submissions, sue, `{"id":7,"text":"y"}`, nil, 400, lms.KindInvalid, "id"},
		{"invalid UTF-8", "POST", submissions, sue, "{\"id\":\"x\",\"text\":\"\xff\"}", nil, 400, lms.KindInvalid, ""},
		{"no id", "POST", submissions, sue, `{"id":"../x","text":"y"}`, nil, 400, lms.KindInvalid, "id"},
		{"empty work", "POST", submissions, sue, `{"id":"x","text":" "}`, nil, 422, lms.KindRule, "text"},
		{"path in a file's name", "POST", filesPath, sue, file("../../etc/passwd"), nil, 400, lms.KindInvalid, "name"},
		{"backslashes in a file's name", "POST", filesPath, sue, file(`..\\x`), nil, 400, lms.KindInvalid, "name"},
		{"control character in a file's name", "POST", filesPath, sue, file(`a\u0000b`), nil, 400, lms.KindInvalid, "name"},
		{"file of another member", "POST", submissions, c.token("sam", time.Hour), `{"id":"x","files":["` + c.file.ID + `"]}`, nil, 422, lms.KindRule, "files"},
		{"unknown file", "POST", submissions, sue, `{"id":"x","files":["nothing"]}`, nil, 422, lms.KindRule, "files"},
		{"id of another's submission", "POST", submissions, c.token("sam", time.Hour), `{"id":"s1","text":"y"}`, nil, 409, lms.KindConflict, "id"},
		{"too large a chunk", "PUT", filesPath + "/" + c.file.ID + "/chunks/0", sue, strings.Repeat("x", lms.ChunkSize+1), nil, 413, lms.KindTooLarge, ""},
		{"chunk with other content", "PUT", filesPath + "/" + c.file.ID + "/chunks/0", sue, "Not mine.", nil, 400, lms.KindInvalid, ""},
		{"chunk that is not there", "PUT", filesPath + "/" + c.file.ID + "/chunks/1", sue, "x", nil, 400, lms.KindInvalid, "number"},
		{"chunk without a number", "PUT", filesPath + "/" + c.file.ID + "/chunks/x", sue, "x", nil, 400, lms.KindInvalid, "number"},
		{"no session", "POST", questions, "", `{}`, nil, 401, lms.KindSignIn, ""},
		{"wrong token", "POST", questions, "wrong", `{}`, nil, 401, lms.KindSignIn, ""},
		{"expired session", "POST", questions, c.token("sue", -time.Minute), `{}`, nil, 401, lms.KindSignIn, ""},
		{"other scheme", "GET", "/api/v1/session", "", "", []string{"Authorization: Basic " + sue}, 401, lms.KindSignIn, ""},
		{"missing X-Requested-With", "POST", questions, sue, `{}`, []string{api.HeaderClient + ":"}, 403, lms.KindForbidden, ""},
		{"cross-origin by Origin", "POST", questions, sue, `{}`, []string{"Origin: https://evil.example"}, 403, lms.KindForbidden, ""},
		{"cross-origin by Sec-Fetch-Site", "POST", questions, sue, `{}`, []string{"Sec-Fetch-Site: cross-site"}, 403, lms.KindForbidden, ""},
		{"foreign course", "POST", "/api/v1/courses/c2/questions", sue, `{}`, nil, 403, lms.KindForbidden, ""},
		{"role", "POST", "/api/v1/courses/c1/assignments", sue, `{}`, nil, 403, lms.KindForbidden, ""},
		{"unknown address", "POST", "/api/v1/nothing", sue, `{}`, nil, 404, lms.KindNotFound, ""},
		{"unknown address, reading", "GET", "/api/nothing", sue, "", nil, 404, lms.KindNotFound, ""},
		{"wrong method", "DELETE", "/api/v1/courses", sue, "", nil, 405, lms.KindInvalid, ""},
		{"reading what is only written", "GET", "/api/v1/register", sue, "", nil, 405, lms.KindInvalid, ""},
		{"index that is none", "GET", "/api/v1/session", sue, "", []string{api.HeaderIndex + ": x"}, 400, lms.KindInvalid, ""},
		{"negative index", "GET", "/api/v1/session", sue, "", []string{api.HeaderIndex + ": -1"}, 400, lms.KindInvalid, ""},
		{"index of another cluster", "GET", "/api/v1/session", sue, "", []string{api.HeaderIndex + ": 18446744073709551615"}, 400, lms.KindInvalid, ""},
		{"too long a key", "POST", questions, sue, `{"id":"q9","to":"staff","title":"T","visibility":"staff"}`, []string{api.HeaderKey + ": " + strings.Repeat("k", 101)}, 400, lms.KindInvalid, ""},
		{"query of the wrong type", "GET", questions + "?limit=many", sue, "", nil, 400, lms.KindInvalid, "limit"},
		{"too large a page", "GET", questions + "?limit=1000", sue, "", nil, 400, lms.KindInvalid, "limit"},
		{"malformed query", "GET", questions + "?a=%zz", sue, "", nil, 400, lms.KindInvalid, ""},
		{"unknown time zone", "POST", "/api/v1/courses", ina, `{"id":"c9","code":"X","title":"Y","zone":"Mars/Olympus","state":"published"}`, nil, 422, lms.KindRule, "zone"},
		{"negative points", "PUT", "/api/v1/courses/c1/submissions/s1/grade", ina, `{"points":-1,"feedback":"","version":0}`, nil, 422, lms.KindRule, ""},
		{"more points than possible", "PUT", "/api/v1/courses/c1/submissions/s1/grade", ina, `{"points":11,"feedback":"","version":0}`, nil, 422, lms.KindRule, "points"},
		{"stale version", "PATCH", "/api/v1/courses/c1/materials/m1", ina, `{"title":"T","version":7}`, nil, 409, lms.KindConflict, ""},
		{"duplicate login", "POST", "/api/v1/users", root, `{"id":"u9","login":"SUE","name":"N","password":"` + testPassword + `"}`, nil, 409, lms.KindConflict, "login"},
		{"common password", "POST", "/api/v1/users", root, `{"id":"u9","login":"u9","name":"N","password":"password"}`, nil, 422, lms.KindRule, "password"},
		{"id of the system", "POST", "/api/v1/users", root, `{"id":"operator","login":"u9","name":"N","password":"` + testPassword + `"}`, nil, 400, lms.KindInvalid, "id"},
		{"unknown consistency", "GET", "/api/v1/kv/k?consistency=some", root, "", nil, 400, lms.KindInvalid, "consistency"},
	}
	before := c.contents()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := c.send(tt.method, tt.path, tt.token, tt.body, tt.header...)
			if r.status != tt.status || r.error.Kind != tt.code || r.error.Field != tt.field {
				t.Errorf("%d %s, want %d %s (%s)", r.status, r.body, tt.status, tt.code, tt.field)
			}
			if r.error.Message == "" || r.error.RequestID == "" || r.error.RequestID != r.header.Get(api.HeaderRequestID) {
				t.Errorf("a refusal without words or request id: %s", r.body)
			}
			if strings.Contains(r.body, "SELECT") || strings.Contains(r.body, ".go") {
				t.Errorf("the answer tells of the inside: %s", r.body)
			}
		})
	}
	if after := c.contents(); after != before {
		t.Errorf("something was changed (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
}

// contents is all that people have made, as text.
func (c *course) contents() string {
	c.t.Helper()
	var b strings.Builder
	root := c.token("root", time.Hour)
	for _, path := range []string{"/api/v1/users", "/api/v1/courses", "/api/v1/courses/c1/members", "/api/v1/courses/c1/materials",
		"/api/v1/courses/c1/assignments", "/api/v1/courses/c1/assignments/a1/submissions", "/api/v1/courses/c1/questions",
		"/api/v1/courses/c1/submissions/s1", "/api/v1/courses/c2/questions"} {
		r := c.send("GET", path, root, "")
		if r.status != 200 {
			c.t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		b.WriteString(r.body + "\n")
	}
	return b.String()
}

// TestRepeats sends writes twice: a lost answer must not double them.
func TestRepeats(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.token("sue", time.Hour)
	const path = "/api/v1/courses/c1/assignments/a1/submissions"
	body := `{"id":"s2","text":"Once."}`
	first := c.send("POST", path, sue, body, api.HeaderKey+": k1")
	second := c.send("POST", path, sue, body, api.HeaderKey+": k1")
	if first.status != 200 || second.status != 200 || first.body != second.body {
		t.Errorf("a repeat: %d %s\n%d %s", first.status, first.body, second.status, second.body)
	}
	if n := call(c.site, "sue", api.MySubmissions, api.AssignmentPath{Course: "c1", Assignment: "a1"}).Total; n != 2 {
		t.Errorf("%d attempts", n)
	}
	if r := c.send("POST", path, sue, `{"id":"s3","text":"Other."}`, api.HeaderKey+": k1"); r.status != 409 || r.error.Message != lms.ErrKeyReused.Message {
		t.Errorf("the key with another body: %d %s", r.status, r.body)
	}
	sam := c.token("sam", time.Hour)
	if r := c.send("POST", path, sam, `{"id":"s4","text":"Mine."}`, api.HeaderKey+": k1"); r.status != 200 || !strings.Contains(r.body, "Mine.") {
		t.Errorf("the same key of another user: %d %s", r.status, r.body)
	}
	for range 2 { // a double click without a key: the id protects
		if r := c.send("POST", path, sue, `{"id":"s5","text":"Twice."}`); r.status != 200 {
			t.Errorf("double submit: %d %s", r.status, r.body)
		}
	}
	if n := call(c.site, "sue", api.MySubmissions, api.AssignmentPath{Course: "c1", Assignment: "a1"}).Total; n != 3 {
		t.Errorf("%d attempts", n)
	}
}

// TestOddText stores what could be taken for SQL, HTML or a path, and returns it unchanged.
func TestOddText(t *testing.T) {
	c := newCourse(t, nil)
	text := `Robert'); DROP TABLE users;-- "<script>alert(1)</script>" %00 ../../ 🙂 שלום \ ` + "`"
	q := call(c.site, "sue", api.AskQuestion, api.QuestionInput{Course: "c1", ID: "q9", To: lms.ToStaff, Title: text, Body: text, Visibility: lms.VisibleCourse})
	q = call(c.site, "sam", api.GetQuestion, api.QuestionPath{Course: "c1", Question: q.ID})
	if q.Title != text || q.Body != text {
		t.Errorf("%q %q", q.Title, q.Body)
	}
	if strings.Contains(q.BodyHTML, "<script") {
		t.Errorf("html: %s", q.BodyHTML)
	}
	name := `a b "ä" 'x' (1) 🙂.txt`
	f := c.upload("sue", "c1", name, "x")
	r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", c.token("sue", time.Hour), "")
	if r.status != 200 || r.body != "x" || !strings.Contains(r.header.Get("Content-Disposition"), "%F0%9F%99%82.txt") {
		t.Errorf("%d %q %q", r.status, r.body, r.header.Get("Content-Disposition"))
	}
	for _, key := range []string{"a/b", "a b", "a%2Fb", "ä", "..", "."} {
		escaped := strings.NewReplacer("%", "%25", "/", "%2F", " ", "%20", "ä", "%C3%A4").Replace(key)
		if key == "." || key == ".." {
			escaped = strings.ReplaceAll(key, ".", "%2E")
		}
		root := c.token("root", time.Hour)
		put := c.send("PUT", "/api/v1/kv/"+escaped, root, `{"value":"v"}`)
		if put.status != 200 || !strings.Contains(put.body, `"key":"`+key+`"`) {
			t.Errorf("key %q: %d %s", key, put.status, put.body)
		}
	}
}
