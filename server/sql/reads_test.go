package sql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trivium/app/lms"
)

// TestReadsAreRecordedOnceAMinute runs on the bubble's clock.
func TestReadsAreRecordedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		majority := true
		l := newReadLog(Config{Logger: slog.New(slog.DiscardHandler), Audit: func(_ context.Context, a lms.Actor, address string, action lms.AuditAction, object string, details ...string) error {
			mu.Lock()
			defer mu.Unlock()
			if !majority {
				return errors.New("no majority")
			}
			got = append(got, fmt.Sprint(a.Login, " ", address, " ", action, " ", object, " ", details))
			return nil
		}})
		root, ada := lms.Actor{UserID: "u1", Login: "root"}, lms.Actor{UserID: "u2", Login: "ada"}
		expect := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
			got = nil
		}
		l.add(root, "::1", 1)
		expect("the first statement", "root ::1 sql.read database [statements 1]")
		for range 1000 {
			l.add(root, "::1", 2)
		}
		time.Sleep(readsEvery - time.Second)
		expect("within a minute")
		l.add(ada, "::1", 1)
		expect("another administrator", "ada ::1 sql.read database [statements 1]")
		time.Sleep(time.Second)
		expect("after a minute", "root ::1 sql.read database [statements 2000]")
		time.Sleep(5 * readsEvery)
		expect("when nobody reads")

		have := func(m bool) {
			mu.Lock()
			defer mu.Unlock()
			majority = m
		}
		have(false)
		l.add(root, "::1", 3)
		expect("without a majority")
		have(true)
		time.Sleep(readsEvery)
		expect("with a majority again", "root ::1 sql.read database [statements 3]")
		l.add(root, "::1", 4)
		l.close()
		expect("at the end", "root ::1 sql.read database [statements 4]")
	})
}

// TestCount: what a request is counted as is what rqlite's package http carries out.
func TestCount(t *testing.T) {
	for _, x := range []struct {
		method, path, mediaType, body string
		n, writes                     int
	}{
		{"GET", "/db/query?q=SELECT+1", "", "", 1, 1},
		{"POST", "/db/query", "application/json", `["SELECT 1", ["SELECT ?", 2]]`, 2, 0},
		{"POST", "/db/query", "text/plain", `SELECT 1`, 1, 1},
		{"POST", "/db/request", "text/plain", `["SELECT 1"]`, 1, 0}, // the type makes no difference there
		{"POST", "/db/request", "application/json", `["SELECT 1", "DELETE FROM t"]`, 2, 1},
		{"POST", "/db/execute", "text/plain", `DELETE FROM t`, 1, 1},
		{"POST", "/db/query", "application/json", `SELECT 1`, 0, 0}, // refused
	} {
		r := httptest.NewRequest(x.method, x.path, strings.NewReader(x.body))
		r.Header.Set("Content-Type", x.mediaType)
		if n, writes := count(r); n != x.n || writes != x.writes {
			t.Errorf("%s %s %s: %d statements, %d writing; want %d and %d", x.method, x.path, x.body, n, writes, x.n, x.writes)
		}
	}
}
