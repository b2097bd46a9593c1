package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// exec changes the database past the store, as somebody with the file would.
func exec(t *testing.T, s *store.Store, statements ...string) error {
	t.Helper()
	var b consensus.Batch
	for _, q := range statements {
		b.Exec(q)
	}
	_, err := s.DB().Apply(t.Context(), &b)
	return err
}

func records(t *testing.T, s *store.Store, f store.AuditFilter) []lms.AuditRecord {
	t.Helper()
	items, _, _, err := s.AuditRecords(t.Context(), f, "", 0)
	want(t, err, nil)
	return items
}

func TestAuditIsPartOfTheWrite(t *testing.T) {
	site := storetest.New(t)
	ctx := store.WithCaller(t.Context(), store.Caller{Actor: site.Admin, Address: "192.0.2.7"})
	before := records(t, site.Store, store.AuditFilter{})
	u := lms.User{ID: "new1", Login: "new", Name: "New"}
	_, err := site.CreateUser(ctx, site.Admin, u, storetest.Password)
	want(t, err, nil)
	got := records(t, site.Store, store.AuditFilter{})
	if len(got) != len(before)+1 {
		t.Fatalf("%d records after one change, %d before", len(got), len(before))
	}
	r := got[0]
	if r.Action != lms.AuditUserCreate || r.Object != "user/new1" || r.Actor != site.Admin.Login || r.ActorID != site.Admin.UserID || r.Address != "192.0.2.7" ||
		r.At.IsZero() || r.Details["login"] != "new" {
		t.Errorf("recorded %+v", r)
	}
	u.ID = "new2"
	_, err = site.CreateUser(ctx, site.Admin, u, storetest.Password) // the login is taken
	wantKind(t, err, lms.KindConflict, "")
	if n := len(records(t, site.Store, store.AuditFilter{})); n != len(got) {
		t.Errorf("a refused change left a record")
	}
	for _, r := range records(t, site.Store, store.AuditFilter{}) {
		line, _ := json.Marshal(r)
		if strings.Contains(string(line), storetest.Password) {
			t.Errorf("a password hash is in the log: %s", line)
		}
	}
}

// TestAuditChain computes the chain from an export, as an auditor would, after many writers at once.
func TestAuditChain(t *testing.T) {
	site := storetest.New(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			caller := store.Caller{Actor: site.Admin, Address: "::1"}
			if err := site.Audit(t.Context(), store.AuditEvent{Caller: caller, Action: lms.AuditExport, Object: fmt.Sprint("course/", i), Details: []string{"line", "a\nb <\"é\">"}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	last, err := site.LastAudit(t.Context())
	want(t, err, nil)
	hash, next := "", int64(1)
	err = site.EachAudit(t.Context(), store.AuditFilter{}, last, func(r store.AuditRow) error {
		var line struct {
			ID, UnixMs                                    int64
			ActorID, Actor, Address, Action, Object, Hash string
			Details                                       json.RawMessage
		}
		want(t, json.Unmarshal(r.JSON(), &line), nil)
		sum := sha256.Sum256([]byte(strings.Join([]string{hash, fmt.Sprint(next), fmt.Sprint(line.UnixMs), line.ActorID, line.Actor, line.Address, line.Action,
			line.Object, string(line.Details)}, "\n")))
		hash = hex.EncodeToString(sum[:])
		if line.ID != next || line.Hash != hash {
			t.Errorf("record %d: hash %s, computed %s for %d", line.ID, line.Hash, hash, next)
		}
		next++
		return nil
	})
	want(t, err, nil)
	check, err := site.VerifyAudit(t.Context())
	want(t, err, nil)
	if check.Broken != 0 || check.Records != last || check.Head != hash || last < 20 {
		t.Errorf("check %+v, last %d, head %s", check, last, hash)
	}
}

func TestAuditIsAppendOnly(t *testing.T) {
	site := storetest.New(t)
	for _, q := range []string{`DELETE FROM audit_log`, `UPDATE audit_log SET actor = 'nobody'`,
		`INSERT OR REPLACE INTO audit_log SELECT audit_id, at, actor_id, 'nobody', address, action, object, details, hash FROM audit_log WHERE audit_id = 1`} {
		_ = exec(t, site.Store, q)
		if check, err := site.VerifyAudit(t.Context()); err != nil || check.Broken != 0 && !strings.Contains(q, "REPLACE") {
			t.Errorf("%s: %+v %v", q, check, err)
		}
	}
	if n := len(records(t, site.Store, store.AuditFilter{})); n == 0 {
		t.Error("the records are gone")
	}
}

func TestAuditBreakIsNamed(t *testing.T) {
	const unlock = `DROP TRIGGER audit_log_keeps_content`
	tests := []struct {
		name   string
		tamper []string
		broken int64
		reason string
	}{
		{"another actor", []string{unlock, `UPDATE audit_log SET actor = 'mallory' WHERE audit_id = 3`}, 3, "changed"},
		{"another time", []string{unlock, `UPDATE audit_log SET at = at + 1 WHERE audit_id = 2`}, 2, "changed"},
		{"a word moved to the next field", []string{unlock, `UPDATE audit_log SET actor = actor || 'x', address = '' WHERE audit_id = 2`}, 2, "changed"},
		{"record removed", []string{`DROP TRIGGER audit_log_keeps_rows`, `DELETE FROM audit_log WHERE audit_id = 2`}, 2, "missing"},
		{"first removed", []string{`DROP TRIGGER audit_log_keeps_rows`, `DELETE FROM audit_log WHERE audit_id = 1`}, 1, "missing"},
		{"record put in", []string{`INSERT INTO audit_log SELECT max(audit_id) + 1, at, actor_id, actor, address, action, object, details, hash FROM audit_log`}, 0, "changed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := storetest.New(t)
			last, err := site.LastAudit(t.Context())
			want(t, err, nil)
			if last < 4 {
				t.Fatalf("only %d records", last)
			}
			want(t, exec(t, site.Store, tt.tamper...), nil)
			check, err := site.VerifyAudit(t.Context())
			want(t, err, nil)
			broken := tt.broken
			if broken == 0 {
				broken = last + 1
			}
			if check.Broken != broken || !strings.Contains(check.Reason, tt.reason) {
				t.Errorf("%+v, want a break at %d because it is %s", check, broken, tt.reason)
			}
		})
	}
}

func TestAuditSearch(t *testing.T) {
	site := storetest.New(t)
	ctx := t.Context()
	ann, bo := lms.Actor{UserID: "u-ann", Login: "ann"}, lms.Actor{UserID: "u-bo", Login: "bo"}
	for i := range 5 {
		want(t, site.Audit(ctx, store.AuditEvent{Caller: store.Caller{Actor: ann, Address: "192.0.2.1"}, Action: lms.AuditJoinToken, Object: fmt.Sprint("node/n", i)}), nil)
		want(t, site.Audit(ctx, store.AuditEvent{Caller: store.Caller{Actor: bo, Address: "192.0.2.2"}, Action: lms.AuditNodeRemove, Object: fmt.Sprint("node/n", i)}), nil)
	}
	for _, tt := range []struct {
		name string
		f    store.AuditFilter
		n    int
	}{
		{"actor", store.AuditFilter{Actor: "ann"}, 5},
		{"action", store.AuditFilter{Action: "cluster.remove"}, 5},
		{"group of actions", store.AuditFilter{Action: "cluster."}, 10},
		{"text", store.AuditFilter{Query: "NODE/n3"}, 2},
		{"address", store.AuditFilter{Query: "192.0.2.2", Action: "cluster."}, 5},
		{"later", store.AuditFilter{From: time.Now().Add(time.Hour)}, 0},
		{"earlier", store.AuditFilter{To: time.Now().Add(-time.Hour)}, 0},
		{"wildcards are text", store.AuditFilter{Query: "%"}, 0},
	} {
		items, _, total, err := site.AuditRecords(ctx, tt.f, "", 0)
		want(t, err, nil)
		if len(items) != tt.n || total != tt.n {
			t.Errorf("%s: %d of %d, want %d", tt.name, len(items), total, tt.n)
		}
	}
	var ids []int64
	for after := ""; ; {
		items, next, _, err := site.AuditRecords(ctx, store.AuditFilter{Action: "cluster."}, after, 3)
		want(t, err, nil)
		for _, r := range items {
			ids = append(ids, r.ID)
		}
		if after = next; after == "" {
			break
		}
	}
	if len(ids) != 10 {
		t.Errorf("the pages have %v", ids)
	}
}

func TestLockedSignInIsRecordedOnce(t *testing.T) {
	site := storetest.New(t)
	for range 13 {
		want(t, site.RecordSignInFailure(t.Context(), "login/"+lms.NormalLogin(site.Alice.Login), "login/hunter2secret", "address/192.0.2.9"), nil)
	}
	got := records(t, site.Store, store.AuditFilter{Action: string(lms.AuditSignInLocked)})
	if len(got) != 2 {
		t.Fatalf("recorded %+v, want one for the account and one for the address", got)
	}
	for _, r := range got {
		if strings.Contains(r.Object, "hunter2") {
			t.Errorf("what may be a password is recorded: %+v", r)
		}
	}
}

// What several nodes see at every start is recorded once.
func TestAuditOnce(t *testing.T) {
	s := storetest.New(t)
	first, err := s.LastAudit(t.Context())
	want(t, err, nil)
	events := []store.AuditEvent{{Action: lms.AuditQuarantine, Object: "entry/7"}, {Action: lms.AuditQuarantine, Object: "entry/8"}}
	want(t, s.AuditOnce(t.Context(), events[:1]...), nil)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { want(t, s.AuditOnce(t.Context(), events...), nil) })
	}
	wg.Wait()
	last, err := s.LastAudit(t.Context())
	want(t, err, nil)
	if last-first != 2 {
		t.Errorf("%d records", last-first)
	}
}
