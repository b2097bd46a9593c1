package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// rootSite is a site whose administrator has a password.
func rootSite(t *testing.T) *site {
	s := newSite(t, func(c *Config) { c.Metrics = prometheus.NewRegistry() })
	s.user("root", true, true)
	hash, err := s.server.hasher.hash(t.Context(), testPassword)
	s.check(err)
	s.check(s.store.SetPassword(t.Context(), lms.Actor{UserID: "root"}, hash))
	return s
}

// unconfirmed makes a session whose password was given more than ten minutes ago.
func (s *site) unconfirmed(user string) string {
	s.t.Helper()
	token := s.token(user, time.Hour)
	var b consensus.Batch
	b.Exec(`UPDATE sessions SET confirmed_at = confirmed_at - ? WHERE session_id = (SELECT session_id FROM session_tokens WHERE token_hash = ?)`,
		lms.ConfirmLife.Milliseconds()+1, digest(token))
	_, err := s.store.DB().Apply(s.t.Context(), &b)
	s.check(err)
	return token
}

// found polls until records match: what changes nothing is recorded within a second or so.
func (s *site) found(f api.AuditFilter, n int) []lms.AuditRecord {
	s.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		p := call(s, "root", api.ListAudit, api.AuditInput{AuditFilter: f})
		if len(p.Items) >= n || time.Now().After(deadline) {
			if len(p.Items) != n {
				s.t.Fatalf("%+v: %d records, want %d: %+v", f, len(p.Items), n, p.Items)
			}
			return p.Items
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAdministrationAsksForThePasswordAgain(t *testing.T) {
	s := rootSite(t)
	token := s.unconfirmed("root")
	in := api.CreateUserInput{ID: lms.NewID(), Login: "newcomer", Name: "N", Password: testPassword}
	body, _ := json.Marshal(in)
	create := func(id string) reply {
		return s.send("POST", "/api/v1/users", token, strings.Replace(string(body), in.ID, id, 1))
	}

	if r := create(in.ID); r.status != http.StatusForbidden || r.error.Kind != lms.KindConfirm || r.error.Message == "" {
		t.Fatalf("without confirmation: %d %s", r.status, r.body)
	}
	if r := s.send("GET", "/api/v1/users", token, ""); r.status != http.StatusOK {
		t.Errorf("reading asks for the password: %d %s", r.status, r.body)
	}
	confirm := func(password string) reply {
		body, _ := json.Marshal(api.ConfirmInput{Password: password})
		return s.send("POST", "/api/v1/session/confirm", token, string(body))
	}
	if r := confirm("not the password"); r.status != http.StatusUnprocessableEntity || r.error.Field != "password" {
		t.Errorf("wrong password: %d %s", r.status, r.body)
	}
	if r := create(in.ID); r.status != http.StatusForbidden {
		t.Errorf("a wrong password confirms: %d", r.status)
	}
	if r := confirm(testPassword); r.status != http.StatusOK {
		t.Fatalf("confirm: %d %s", r.status, r.body)
	}
	if r := create(in.ID); r.status != http.StatusOK {
		t.Errorf("after confirmation: %d %s", r.status, r.body)
	}
	other := s.unconfirmed("root")
	if r := s.send("POST", "/api/v1/cluster/join-tokens", other, "{}"); r.error.Kind != lms.KindConfirm {
		t.Errorf("the confirmation counts for another session: %d %s", r.status, r.body)
	}
	if r := s.send("POST", "/api/v1/cluster/join-tokens", s.server.c.OperatorToken, "{}"); r.status != http.StatusOK {
		t.Errorf("the operator token needs a confirmation: %d %s", r.status, r.body)
	}
	s.found(api.AuditFilter{Action: string(lms.AuditConfirmed)}, 1)
}

// TestConfirmationCountsFailures: guessing there is no way around the limit of sign-ins.
func TestConfirmationCountsFailures(t *testing.T) {
	s := rootSite(t)
	token := s.unconfirmed("root")
	for i := range 11 {
		r := s.send("POST", "/api/v1/session/confirm", token, `{"password":"wrong password"}`)
		if want := map[bool]int{true: 422, false: 429}[i < 10]; r.status != want {
			t.Fatalf("attempt %d: %d %s", i, r.status, r.body)
		}
	}
}

func TestStaffReadingIsRecorded(t *testing.T) {
	c := newCourse(t, nil)
	path := "/api/v1/courses/c1/submissions/" + c.submission
	for range 3 { // the same reading is one record
		if r := c.send("GET", path, c.token("tom", time.Hour), ""); r.status != 200 {
			t.Fatal(r.status)
		}
	}
	c.send("GET", path, c.token("sue", time.Hour), "") // the author
	got := c.found(api.AuditFilter{Action: string(lms.AuditSubmissionRead)}, 1)
	if got[0].ActorID != "tom" || got[0].Object != "submission/"+c.submission || got[0].Address != "127.0.0.1" {
		t.Errorf("recorded %+v", got[0])
	}
}

// TestZipIsOneRecord: an export is recorded for each download, however many attempts are in it.
func TestZipIsOneRecord(t *testing.T) {
	c := newCourse(t, nil)
	call(c.site, "sam", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s2", Text: "Sam's."})
	for range 2 {
		if r := c.send("GET", "/api/v1/courses/c1/assignments/a1/archive", c.token("tom", time.Hour), ""); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := c.send("GET", "/api/v1/courses/c1/submissions/s2/archive", c.token("tom", time.Hour), ""); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, e := range c.found(api.AuditFilter{Action: string(lms.AuditExport)}, 2) {
		if e.ActorID != "tom" || e.Object != "assignment/a1" || e.Details["course"] != "c1" || e.Details["attempts"] != "2" {
			t.Errorf("recorded %+v", e)
		}
	}
	if e := c.found(api.AuditFilter{Action: string(lms.AuditSubmissionRead)}, 1); e[0].Object != "submission/s2" { // that of one attempt
		t.Errorf("recorded %+v", e)
	}
}

func TestRefusedAccessIsRecorded(t *testing.T) {
	c := newCourse(t, nil)
	c.send("GET", "/api/v1/audit", c.token("sue", time.Hour), "")
	c.send("GET", "/api/v1/courses/c1/members", c.token("ned", time.Hour), "")
	got := c.found(api.AuditFilter{Action: string(lms.AuditRefused)}, 2)
	text := fmt.Sprintf("%+v", got)
	for _, want := range []string{"GET /api/v1/audit", "course/c1", "sue", "ned"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}

// TestFloodOfRefusalsIsBounded: what is left out is counted.
func TestFloodOfRefusalsIsBounded(t *testing.T) {
	s := rootSite(t)
	s.user("sue", false, false)
	token := s.token("sue", time.Hour)
	for i := range 300 {
		if r := s.send("GET", fmt.Sprintf("/api/v1/courses/x%d/members", i), token, ""); r.status != 403 {
			t.Fatal(r.status)
		}
	}
	deadline := time.Now().Add(15 * time.Second)
	for {
		left := call(s, "root", api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Query: "notRecorded"}})
		all := call(s, "root", api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Action: string(lms.AuditRefused)}})
		if left.Total > 0 && all.Total < 250 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records, %d tell of what was left out", all.Total, left.Total)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestExportAudit(t *testing.T) {
	s := rootSite(t)
	root := s.token("root", time.Hour)
	in := api.CreateUserInput{ID: lms.NewID(), Login: "newcomer", Name: "N", Password: testPassword}
	call(s, "root", api.CreateUser, in)
	r := s.send("GET", "/api/v1/audit/export?action=account.", root, "")
	lines := strings.Split(strings.TrimSpace(r.body), "\n")
	var record struct {
		Action  string
		Details map[string]string
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &record); err != nil || record.Action != "account.create" || record.Details["login"] != "newcomer" {
		t.Errorf("jsonl: %v %+v %s", err, record, r.body)
	}
	r = s.send("GET", "/api/v1/audit/export?format=csv", root, "")
	rows, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
	if err != nil || len(rows) < 3 || rows[0][0] != "id" || rows[1][0] != "1" {
		t.Errorf("csv: %v %v", err, rows)
	}
	s.found(api.AuditFilter{Action: string(lms.AuditExport)}, 2)
	if r := s.send("GET", "/api/v1/audit/export?format=pdf", root, ""); r.status != 400 {
		t.Errorf("pdf: %d", r.status)
	}
	if check := call(s, "root", api.VerifyAudit, api.NoInput{}); check.Broken != 0 || check.Records == 0 {
		t.Errorf("verify: %+v", check)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+x": "'+x", "-x": "'-x", "@x": "'@x", "x": "x", "": ""} {
		if got := cell(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestProfilesAndStatus(t *testing.T) {
	s := rootSite(t)
	s.user("sue", false, false)
	sue, root := s.token("sue", time.Hour), s.token("root", time.Hour)
	proxy := "X-Forwarded-For: 192.0.2.1"
	for _, tt := range []struct {
		path, token string
		status      int
	}{
		{"/debug/pprof/", "", 401}, {"/debug/pprof/", sue, 403}, {"/debug/pprof/", root, 200}, {"/debug/pprof/heap", root, 200},
		{"/debug/pprof/goroutine", s.server.c.OperatorToken, 200}, {"/debug/pprof/cmdline", root, 404}, {"/debug/pprof/heap", sue, 403},
		{"/metrics", "", 403}, {"/metrics", sue, 403}, {"/metrics", root, 200},
		{"/api/status", "", 401}, {"/api/status", sue, 200}, {"/api/status", root, 200},
	} {
		if r := s.send("GET", tt.path, tt.token, "", proxy); r.status != tt.status {
			t.Errorf("%s: %d, want %d: %.200s", tt.path, r.status, tt.status, r.body)
		}
	}
	if r := s.send("GET", "/api/status", "", ""); r.status != 200 || !strings.Contains(r.body, `"health"`) {
		t.Errorf("a program on this machine asks for the status: %d %s", r.status, r.body)
	}
	s.found(api.AuditFilter{Action: string(lms.AuditNodeRead)}, 3)
}
