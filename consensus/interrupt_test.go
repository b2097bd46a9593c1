package consensus

import (
	"context"
	"errors"
	"path/filepath"
	runtimemetrics "runtime/metrics"
	"testing"
	"time"
)

func goroutinesCreated() uint64 {
	s := []runtimemetrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	runtimemetrics.Read(s)
	return s[0].Value.Uint64()
}

// A scan that hands the processor from goroutine to goroutine at each row keeps everything else from it.
func TestARowCostsNoGoroutine(t *testing.T) {
	c, err := openConn(filepath.Join(t.TempDir(), "db"), "mode=rwc")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := goroutinesCreated()
	rows, err := c.run(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n`)
	if err != nil || len(rows) != 20000 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if n := goroutinesCreated() - before; n > 2000 {
		t.Errorf("reading 20,000 rows began %d goroutines", n)
	}
}

func TestAStatementEndsWithItsContext(t *testing.T) {
	c, err := openConn(filepath.Join(t.TempDir(), "db"), "mode=rwc")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	const endless = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) `
	for name, q := range map[string]string{
		"within its first step":                    endless + `SELECT count(*) FROM n`,
		"within a later step":                      endless + `SELECT i FROM n WHERE i < 3 OR i < 0`,
		"between its rows":                         endless + `SELECT i FROM n`,
		"within a function that goes on by itself": `SELECT count(*) FROM (` + endless + `SELECT i FROM n WHERE i % 7 = 8)`,
	} {
		for range 20 { // the end may come at any point, also before the first step
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			p, err := c.prepare(q)
			if err != nil {
				t.Fatal(err)
			}
			err = c.each(ctx, p, nil, func(Row) error { return nil })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			p.s.Close()
			cancel()
			if rows, err := c.run(t.Context(), `SELECT 1`); err != nil || len(rows) != 1 { // is not the one that was to end
				t.Errorf("%s: the next statement: %v, %v", name, rows, err)
			}
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.run(gone, endless+`SELECT count(*) FROM n`); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that had ended before: %v", err)
	}
}
