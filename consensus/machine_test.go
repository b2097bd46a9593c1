package consensus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// bench is a state machine without Raft: entries are handed to it as Raft would.
type bench struct {
	*machine
	t     *testing.T
	store *raft.InmemStore
	next  uint64
	fatal error
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: raft.NewInmemStore(), next: 1}
	b.machine = openMachine(t, t.TempDir(), b.store, func(what string, err error) { b.fatal = fmt.Errorf("%s: %w", what, err) },
		func() bool { return b.fatal != nil })
	t.Cleanup(b.machine.close)
	t.Cleanup(func() {
		if b.fatal != nil {
			t.Errorf("the node would have stopped: %v", b.fatal)
		}
	})
	return b
}

func openMachine(t *testing.T, dir string, store raft.LogStore, fatal func(string, error), failed func() bool) *machine {
	m := &machine{dir: dir, readers: 2, logs: store, fatal: fatal, failed: failed, metrics: newMetrics("t"), watch: newWatchers(), checks: newChecks(1000),
		release: func(string) bool { return false }}
	if err := m.open(); err != nil {
		t.Fatal(err)
	}
	return m
}

const dayMS = int64(24 * time.Hour / time.Millisecond)

// entry applies the batches as one entry with the stamp.
func (b *bench) entry(stamp int64, batches ...*Batch) []outcome {
	b.t.Helper()
	var commands []*command
	for _, one := range batches {
		c, _, err := one.command(b.next)
		if err != nil {
			b.t.Fatal(err)
		}
		commands = append(commands, c)
	}
	var e encoder
	l := &raft.Log{Index: b.next, Term: 1, Type: raft.LogCommand, Data: e.encodeEntry(stamp, 200*dayMS, commands)}
	b.next++
	out, ok := b.Apply(l).([]outcome)
	if !ok && len(batches) > 0 {
		b.t.Fatalf("entry %d was not applied: %v", l.Index, b.fatal)
	}
	return out
}

func (b *bench) must(sql string, args ...any) {
	b.t.Helper()
	if o := b.entry(0, execBatch(sql, args...))[0]; o.code != outcomeDone {
		b.t.Fatalf("%s: %s", sql, o.message)
	}
}

func (b *bench) rows(sql string, args ...any) (out []string) {
	b.t.Helper()
	rows, err := b.db.reads.query(context.Background(), time.Second, b.machine.schema.Load(), sql, args)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range rows.Values {
		out = append(out, fmt.Sprint([]any(r)...))
	}
	return out
}

func execBatch(sql string, args ...any) *Batch {
	var b Batch
	b.Exec(sql, args...)
	return &b
}

func codes(out []outcome) (c []outcomeCode) {
	for _, o := range out {
		c = append(c, o.code)
	}
	return c
}

func TestConstraintErrorRollsBackOnlyItsBatch(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT`)
	bad := execBatch(`INSERT INTO t VALUES (2)`)
	bad.Exec(`INSERT INTO t VALUES (1)`)
	broken := execBatch(`INSERT INTO t VALUES (4)`)
	broken.Exec(`INSERT INTO nowhere VALUES (1)`)
	out := b.entry(0, execBatch(`INSERT INTO t VALUES (1)`), bad, broken, execBatch(`INSERT INTO t VALUES (3)`))
	if want := []outcomeCode{outcomeDone, outcomeConstraint, outcomeSQL, outcomeDone}; !slices.Equal(codes(out), want) {
		t.Fatalf("codes %v, want %v", codes(out), want)
	}
	if got := b.rows(`SELECT a FROM t ORDER BY a`); !slices.Equal(got, []string{"1", "3"}) {
		t.Fatalf("rows %v", got)
	}
	if _, err := out[1].result(bad); !errors.Is(err, ErrConstraint) {
		t.Fatalf("got %v", err)
	}
}

func TestRollbackOfTheTransactionUndoesOnlyItsBatch(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT`)
	b.must(`CREATE TRIGGER no BEFORE INSERT ON t WHEN new.a = 13 BEGIN SELECT RAISE(ROLLBACK, 'no thirteen'); END`)
	b.must(`INSERT INTO t VALUES (1)`)
	keyed := execBatch(`INSERT INTO t VALUES (2)`)
	keyed.Key = "two"
	out := b.entry(0, keyed, execBatch(`INSERT INTO t VALUES (13)`), execBatch(`INSERT OR ROLLBACK INTO t VALUES (1)`), execBatch(`INSERT INTO t VALUES (3)`))
	if want := []outcomeCode{outcomeDone, outcomeSQL, outcomeSQL, outcomeDone}; !slices.Equal(codes(out), want) {
		t.Fatalf("codes %v, want %v", codes(out), want)
	}
	if out[0].res.Replayed {
		t.Error("the batch saw its own first run as a repeat")
	}
	if got := b.rows(`SELECT a FROM t ORDER BY a`); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Fatalf("rows %v", got)
	}
	if b.applied() != b.next-1 {
		t.Fatalf("applied %d of %d", b.applied(), b.next-1)
	}
}

func TestDeferredConstraintStopsNoNode(t *testing.T) {
	b := newBench(t)
	if _, _, err := execBatch(`CREATE TABLE c (p REFERENCES p(a) DEFERRABLE INITIALLY DEFERRED)`).command(0); err == nil {
		t.Error("Apply would accept a deferred constraint")
	}
	// Behind Apply's back, as a table from elsewhere:
	for _, q := range []string{`CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT`, `CREATE TABLE c (p INTEGER REFERENCES p(a) DEFERRABLE INITIALLY DEFERRED) STRICT`} {
		if _, err := b.db.writer.ours(q); err != nil {
			t.Fatal(err)
		}
	}
	out := b.entry(0, execBatch(`INSERT INTO c VALUES (7)`))
	if out[0].code != outcomeConstraint || b.fatal != nil {
		t.Fatalf("code %d, fatal %v", out[0].code, b.fatal)
	}
	b.must(`INSERT INTO p VALUES (1)`)
	if b.applied() != b.next-1 {
		t.Fatal("the entry is not recorded as applied")
	}
}

func TestNondeterministicSQLIsRefused(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a ANY) STRICT`)
	// The schema itself may be accepted; using the DEFAULT must not be.
	for i, d := range []string{`CURRENT_TIMESTAMP`, `(random())`, `(datetime('now'))`, `(hex(randomblob(4)))`, `CURRENT_TIME`, `(last_insert_rowid())`, `(changes())`} {
		table := fmt.Sprintf("d%d", i)
		if b.entry(0, execBatch(`CREATE TABLE `+table+` (a INTEGER, b ANY DEFAULT `+d+`)`))[0].code != outcomeDone {
			continue
		}
		if o := b.entry(0, execBatch(`INSERT INTO `+table+` (a) VALUES (1)`))[0]; o.code != outcomeSQL {
			t.Errorf("DEFAULT %s went through: %v", d, b.rows(`SELECT b FROM `+table))
		}
	}
	for _, q := range []string{
		`INSERT INTO t VALUES (random())`, `INSERT INTO t VALUES (RandomBlob(3))`, `INSERT INTO t VALUES (datetime('now'))`,
		`INSERT INTO t VALUES (CURRENT_TIMESTAMP)`, `INSERT INTO t VALUES (unixepoch())`, `INSERT INTO t VALUES (strftime('%s','now'))`,
		`INSERT INTO t VALUES (julianday('now'))`, `INSERT INTO t VALUES (sqlite_version())`, `INSERT INTO t VALUES (total_changes())`,
		`INSERT INTO t SELECT count(*) FROM dbstat`,
	} {
		if o := b.entry(0, execBatch(q))[0]; o.code != outcomeSQL {
			t.Errorf("%s went through", q)
		}
	}
	b.must(`CREATE VIEW v AS SELECT 1`)
	if got := b.rows(`SELECT count(*) FROM t`); got[0] != "0" {
		t.Errorf("%s rows", got)
	}
}

func TestBatchCannotTouchTheTransactionOrOurTables(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	for _, q := range []string{
		`COMMIT`, `ROLLBACK`, `BEGIN`, `SAVEPOINT batch`, `RELEASE batch`, `ROLLBACK TO batch`, `ATTACH ':memory:' AS x`, `VACUUM`,
		`PRAGMA user_version = 3`, `PRAGMA journal_mode = DELETE`, `CREATE TEMP TABLE x (a)`, `CREATE TEMP VIEW x AS SELECT 1`,
		`DELETE FROM raft_keys`, `UPDATE raft_state SET applied_index = 0`, `DROP TABLE raft_retries`, `CREATE TABLE RAFT_x (a)`,
		`ALTER TABLE raft_keys ADD COLUMN x`, `CREATE INDEX i ON raft_keys (stamp)`,
		`CREATE TRIGGER x AFTER INSERT ON raft_keys BEGIN DELETE FROM t; END`,
		`CREATE TRIGGER y AFTER INSERT ON t BEGIN DELETE FROM raft_keys; END; INSERT INTO t VALUES (1)`,
	} {
		o := b.entry(0, execBatch(`INSERT INTO t VALUES (1)`), execBatch(q))
		if o[0].code != outcomeDone || o[1].code == outcomeDone {
			t.Errorf("%s: codes %v", q, codes(o))
		}
	}
	if _, _, err := execBatch(`ALTER TABLE t RENAME TO Raft_t`).command(0); err == nil {
		t.Error("a table may be renamed into ours")
	}
	if got := b.rows(`SELECT name FROM sqlite_schema WHERE name LIKE 'raft_%' AND type = 'table' ORDER BY name`); !slices.Equal(got, []string{"raft_keys", "raft_lost", "raft_quarantine", "raft_retries", "raft_state"}) {
		t.Errorf("tables %v", got)
	}
}

// Our own COMMIT is in the statement cache: the text of a batch must not find it there.
func TestStatementsOfTheMachineAreNotFoundByBatches(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	o := b.entry(0, execBatch(`COMMIT`), execBatch(`UPDATE raft_state SET applied_index = ?, applied_term = ?, stamp = ?`, 1, 1, 1))
	if o[0].code != outcomeSQL || o[1].code != outcomeSQL {
		t.Fatalf("codes %v", codes(o))
	}
}

func TestStampsNeverGoBack(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (at INTEGER) STRICT`)
	for _, stamp := range []int64{5000, 3000, 6000, 1} {
		b.entry(stamp, execBatch(`INSERT INTO t VALUES (?)`, Stamp{}))
	}
	if got := b.rows(`SELECT at FROM t ORDER BY rowid`); !slices.Equal(got, []string{"5000", "5000", "6000", "6000"}) {
		t.Fatalf("stamps %v", got)
	}
}

func TestKeyReturnsTheFirstResult(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	make := func(digest string) *Batch {
		one := execBatch(`INSERT INTO t VALUES (?)`, 1)
		one.Key, one.Digest = "k", []byte(digest)
		one.Return(`SELECT count(*) AS n, 'x' AS s, NULL AS z, 1.5 AS f, x'00ff' AS b FROM t`)
		return one
	}
	first, again, other := b.entry(9, make("d"))[0], b.entry(99, make("d"))[0], b.entry(99, make("e"))[0]
	if !again.res.Replayed || again.res.Index != first.res.Index || !again.res.Stamp.Equal(first.res.Stamp) ||
		fmt.Sprint(again.res.Rows) != fmt.Sprint(first.res.Rows) || !slices.Equal(again.res.Changed, first.res.Changed) {
		t.Fatalf("first %+v, again %+v", first.res, again.res)
	}
	if other.code != outcomeConflict {
		t.Fatalf("other content: code %d", other.code)
	}
	if got := b.rows(`SELECT count(*) FROM t`); got[0] != "1" {
		t.Fatalf("%s rows", got[0])
	}
	// The same within one entry.
	twice := make("d")
	twice.Key = "k2"
	if o := b.entry(0, twice, twice); o[0].res.Replayed || !o[1].res.Replayed {
		t.Fatalf("within one entry: %+v", o)
	}
}

func TestDigestOfTheBatchIsTheDefault(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	keyed := func(v int) *Batch {
		one := execBatch(`INSERT INTO t VALUES (?)`, v)
		one.Key = "k"
		return one
	}
	if o := b.entry(0, keyed(1), keyed(1), keyed(2)); !o[1].res.Replayed || o[2].code != outcomeConflict {
		t.Fatalf("%+v", o)
	}
}

func TestGuards(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	first, second := errors.New("first"), errors.New("second")
	make := func() *Batch {
		one := execBatch(`INSERT INTO t VALUES (?)`, 1)
		one.Key = "k"
		one.Require(first, `1 = ?`, 1)
		one.Require(second, `EXISTS (SELECT 1 FROM t WHERE a = ?)`, 5)
		return one
	}
	one := make()
	if _, err := b.entry(0, one)[0].result(one); err != second {
		t.Fatalf("got %v", err)
	}
	b.must(`INSERT INTO t VALUES (5)`)
	// A refusal is not kept: the repeat checks again.
	if o := b.entry(0, make())[0]; o.code != outcomeDone || o.res.Replayed {
		t.Fatalf("%+v", o)
	}
	null := execBatch(`DELETE FROM t`)
	null.Require(first, `(SELECT NULL)`)
	if _, err := b.entry(0, null)[0].result(null); err != first {
		t.Fatalf("NULL holds: %v", err)
	}
}

func TestEntryIsAppliedOnce(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	b.must(`INSERT INTO t VALUES (1)`)
	b.next-- // the same index again, as after a restart
	c, _, _ := execBatch(`INSERT INTO t VALUES (1)`).command(0)
	var e encoder
	if out := b.Apply(&raft.Log{Index: b.next, Term: 1, Data: e.encodeEntry(0, 0, []*command{c})}); out != nil {
		t.Fatalf("applied again: %v", out)
	}
	if got := b.rows(`SELECT count(*) FROM t`); got[0] != "1" {
		t.Fatalf("%s rows", got[0])
	}
}

func TestDamagedEntryStopsTheNode(t *testing.T) {
	b := newBench(t)
	b.Apply(&raft.Log{Index: 1, Term: 1, Data: []byte{1, 2, 3}})
	if !errors.Is(b.fatal, errEntry) {
		t.Fatalf("fatal: %v", b.fatal)
	}
	if b.applied() != 0 {
		t.Fatal("it goes on")
	}
	b.fatal = nil
}

func TestKeysArePrunedByStampAlike(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	keyed := func(key string) *Batch {
		one := execBatch(`INSERT INTO t VALUES (1)`)
		one.Key = key
		return one
	}
	b.entry(1, keyed("old"))
	b.entry(100*dayMS, keyed("mid"))
	b.entry(199*dayMS, keyed("new"))
	if got := b.rows(`SELECT count(*) FROM raft_keys`); got[0] != "3" {
		t.Fatalf("%s keys", got)
	}
	b.entry(202*dayMS, keyed("last"))
	if got := b.rows(`SELECT key FROM raft_keys ORDER BY id`); !slices.Equal(got, []string{"mid", "new", "last"}) {
		t.Fatalf("keys %v", got)
	}
	if o := b.entry(202*dayMS, keyed("mid"))[0]; !o.res.Replayed {
		t.Error("a key within its time is forgotten")
	}
	// Keys of retries live by the log as well: a leader with a clock ahead must not make them vanish.
	if got := b.rows(`SELECT count(*) FROM raft_retries`); got[0] != "1" { // the CREATE TABLE
		t.Fatalf("%s retries", got)
	}
	b.next += retryEntries
	b.entry(203 * dayMS)
	if got := b.rows(`SELECT count(*) FROM raft_retries`); got[0] != "0" {
		t.Fatalf("%s retries", got)
	}
}

func TestSchemaChangeDoesNotMeetCompiledStatements(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	b.must(`INSERT INTO t VALUES (1)`)
	all := &Batch{}
	all.Return(`SELECT * FROM t`)
	b.entry(0, all)
	b.rows(`SELECT * FROM t`)
	o := b.entry(0, execBatch(`ALTER TABLE t ADD COLUMN b TEXT`), all)
	if got := o[1].res.Rows; len(got.Columns) != 2 || len(got.Values[0]) != 2 {
		t.Fatalf("in the same entry: %+v %+v", got, o[0])
	}
	if got := b.rows(`SELECT * FROM t`); got[0] != "1 <nil>" {
		t.Fatalf("reader: %v", got)
	}
}

func TestMigrationsMayChangeTheSchema(t *testing.T) {
	b := newBench(t)
	for _, q := range []string{
		`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK (a <> ''), len INTEGER AS (length(a)) STORED) STRICT`,
		`INSERT INTO t (a) VALUES ('one'), ('two')`,
		`ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7 CHECK (b > 0)`,
		`ALTER TABLE t ADD COLUMN c TEXT REFERENCES t (id)`,
		`ALTER TABLE t RENAME COLUMN b TO d`,
		`ALTER TABLE t DROP COLUMN d`,
		`CREATE UNIQUE INDEX i ON t (a) WHERE a <> 'x'`, `REINDEX`, `ANALYZE`,
		`CREATE TABLE copy AS SELECT * FROM t`, `ALTER TABLE copy RENAME TO copied`, `DROP TABLE copied`,
		`CREATE VIRTUAL TABLE f USING fts5(a, content='t', content_rowid='id', tokenize='porter unicode61')`,
		`INSERT INTO f (f) VALUES ('rebuild')`,
		`CREATE TRIGGER ti AFTER INSERT ON t BEGIN INSERT INTO f (rowid, a) VALUES (new.id, new.a); END`,
		`CREATE TRIGGER td AFTER DELETE ON t BEGIN INSERT INTO f (f, rowid, a) VALUES ('delete', old.id, old.a); END`,
		`INSERT INTO t (a) VALUES ('three')`, `DELETE FROM t WHERE a = 'one'`,
		`INSERT INTO f (f) VALUES ('optimize')`, `INSERT INTO f (f, rank) VALUES ('rank', 'bm25(5.0)')`, `INSERT INTO f (f, rank) VALUES ('automerge', 8)`,
		`CREATE VIEW v AS SELECT a FROM t`, `DROP VIEW v`, `DROP TRIGGER td`, `DROP INDEX i`,
	} {
		if o := b.entry(0, execBatch(q))[0]; o.code != outcomeDone {
			t.Errorf("%s: %s", q, o.message)
		}
	}
	if got := b.rows(`SELECT a FROM f WHERE f MATCH 'three OR one OR two' ORDER BY bm25(f), a`); len(got) != 2 {
		t.Errorf("found %v", got)
	}
	b.must(`DROP TABLE f`)
}

func TestStatementsAreRunToTheirEnd(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	o := b.entry(0, execBatch(`INSERT INTO t VALUES (1), (2), (3) RETURNING a`), execBatch(`SELECT a FROM t`))
	if o[0].code != outcomeDone || o[0].res.Changed[0] != 3 {
		t.Fatalf("%+v", o[0])
	}
	b.must(`DELETE FROM t`)
}

func TestParametersMustFit(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER, b INTEGER) STRICT`)
	b.must(`INSERT INTO t VALUES (?, ?)`, 1, 2)
	// The statement is cached now: with a parameter short it would run with the old one.
	for _, args := range [][]any{{3}, {}, {1, 2, 3}} {
		if o := b.entry(0, execBatch(`INSERT INTO t VALUES (?, ?)`, args...))[0]; o.code != outcomeSQL {
			t.Errorf("%d parameters: code %d", len(args), o.code)
		}
	}
}

func TestSeveralStatementsInOneText(t *testing.T) {
	b := newBench(t)
	b.must("-- a migration\nCREATE TABLE t (a TEXT DEFAULT ';') STRICT;\n/* ; */ CREATE INDEX i ON t (a);\n" +
		"CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO t VALUES (';'); END;\nINSERT INTO t VALUES ('x');\n")
	if got := b.rows(`SELECT a FROM t`); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("rows %v", got)
	}
	o := b.entry(0, execBatch(`INSERT INTO t VALUES ('y'); INSERT INTO nowhere VALUES (1)`))
	if got := b.rows(`SELECT a FROM t`); o[0].code != outcomeSQL || !slices.Equal(got, []string{"x"}) {
		t.Fatalf("half of it stayed: %v", got)
	}
	for q, want := range map[string]bool{`SELECT 1`: false, `SELECT 1;`: false, `SELECT 1; -- done`: false, `SELECT ';', 1`: false,
		`SELECT "a;b"`: false, `SELECT 'it''s; ' `: false, `SELECT [a;b] FROM t`: false, `SELECT 1; SELECT 2`: true, `SELECT 1;;`: false, `SELECT 1 /* ; */ ; x`: true} {
		if got := severalStatements(q); got != want {
			t.Errorf("%s: several %v", q, got)
		}
	}
	var guard Batch
	guard.Require(errGuard, `1; DELETE FROM t`)
	if _, _, err := guard.command(0); err == nil {
		t.Error("a condition of two statements is accepted")
	}
}

// Raft gives StoreConfiguration no term, and the previous entry's is wrong after an election.
func TestConfigurationHasTheTermOfItsEntry(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	config := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "b"}}}
	b.store.StoreLog(&raft.Log{Index: b.next, Term: 7, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(config)})
	b.StoreConfiguration(b.next, config)
	list, err := b.List()
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	if m := list[0]; m.Index != b.next || m.Term != 7 || m.ConfigurationIndex != b.next || len(m.Configuration.Servers) != 1 {
		t.Fatalf("%+v", m)
	}
}

func TestSnapshotIsOnlyWhatTheDatabaseSays(t *testing.T) {
	dir, store := t.TempDir(), raft.NewInmemStore()
	open := func() *machine {
		return openMachine(t, dir, store, func(what string, err error) { t.Errorf("%s: %v", what, err) }, func() bool { return false })
	}
	b := &bench{t: t, store: store, next: 1, machine: open()}
	if list, _ := b.List(); len(list) != 0 {
		t.Fatalf("an empty database claims %+v", list[0])
	}
	config := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "b"}}}
	store.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(config)})
	b.StoreConfiguration(1, config)
	b.next = 2
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	// The file that would be sent says the same as its announcement, and does not change while writes go on.
	meta, rc, err := b.Open(liveSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	b.must(`INSERT INTO t VALUES (1)`)
	if _, err := b.Snapshot(); !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		t.Errorf("the log may be cut while a snapshot travels: %v", err)
	}
	other := &bench{t: t, store: raft.NewInmemStore(), next: meta.Index + 1}
	other.machine = openMachine(t, t.TempDir(), other.store, func(what string, err error) { t.Errorf("%s: %v", what, err) }, func() bool { return false })
	defer other.machine.close()
	for _, wrong := range []uint64{1, 0} {
		sink, err := other.Create(1, meta.Index+wrong, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := copyAll(sink, rc); err != nil || wrong == 1 && n != meta.Size {
			t.Fatalf("%d of %d bytes, %v", n, meta.Size, err)
		}
		rc.(*stream).Seek(0, 0)
		err = sink.Close()
		if wrong == 1 {
			if err == nil {
				t.Fatal("a database that was announced with another index is accepted")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		_, in, err := other.Open(sink.ID())
		if err != nil {
			t.Fatal(err)
		}
		// A reader of the old database holds up nobody, and finishes in peace.
		err = other.use(func(d *database) error {
			if err := other.Restore(in); err != nil {
				t.Fatal(err)
			}
			_, err := d.reads.query(context.Background(), time.Second, 0, `SELECT count(*) FROM raft_state`, nil)
			return err
		})
		if err != nil {
			t.Fatalf("reader of the old database: %v", err)
		}
	}
	rc.Close()
	if got := other.rows(`SELECT count(*) FROM t`); got[0] != "0" || other.applied() != meta.Index {
		t.Fatalf("%s rows at %d", got, other.applied())
	}
	other.must(`INSERT INTO t VALUES (1)`)
	b.machine.close()
	b.machine = open()
	defer b.machine.close()
	if list, _ := b.List(); list[0].Index != 3 {
		t.Fatalf("after a restart: %+v", list[0])
	}
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	b := newBench(t)
	sink, _ := b.Create(1, 5, 1, raft.Configuration{}, 1, nil)
	sink.Write([]byte(strings.Repeat("not a database ", 1000)))
	if err := sink.Close(); err == nil {
		t.Fatal("accepted")
	}
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
}

// A query that is too long is interrupted: it would keep checkpoints from completing, and with them snapshots.
func TestLongReadIsInterrupted(t *testing.T) {
	b := newBench(t)
	start := time.Now()
	_, err := b.db.reads.query(context.Background(), 50*time.Millisecond, 0,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`, nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Fatalf("%v after %s", err, time.Since(start))
	}
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	b.rows(`SELECT * FROM t`)
}

func TestReaderCannotWrite(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	if _, err := b.db.reads.query(context.Background(), time.Second, 0, `INSERT INTO t VALUES (1)`, nil); err == nil {
		t.Fatal("a query has written")
	}
}

func TestCheckpointKeepsTheWALShort(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a TEXT) STRICT`)
	stop := make(chan struct{})
	defer close(stop)
	go b.machine.checkpointer(stop, 1<<20)
	text := strings.Repeat("x", 64<<10)
	var high int64
	for range 600 { // 38 MB
		b.must(`INSERT INTO t VALUES (?)`, text)
		high = max(high, b.db.walSize())
	}
	deadline := time.Now().Add(10 * time.Second)
	for b.db.walSize() > 5<<20 && time.Now().Before(deadline) {
		b.must(`INSERT INTO t VALUES ('x')`)
	}
	if size := b.db.walSize(); size > 5<<20 {
		t.Fatalf("the WAL has %d bytes, had %d", size, high)
	}
}

func copyAll(w interface{ Write([]byte) (int, error) }, r interface{ Read([]byte) (int, error) }) (n int64, err error) {
	buf := make([]byte, 4096)
	for {
		k, err := r.Read(buf)
		if k > 0 {
			if _, err := w.Write(buf[:k]); err != nil {
				return n, err
			}
			n += int64(k)
		}
		if err != nil {
			return n, nil
		}
	}
}

func TestEntryThatAnotherNodeHasAppliedIsNotLeftOut(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	b.quarantine, b.past = b.next, func(uint64) (string, bool) { return "n2", false }
	at := b.applied()
	b.Apply(&raft.Log{Index: b.next, Term: 1, Type: raft.LogCommand, Data: []byte{1, 255}})
	if b.fatal == nil || !strings.Contains(b.fatal.Error(), "node n2 has applied entry") || b.applied() != at {
		t.Errorf("%v, applied %d", b.fatal, b.applied())
	}
	b.fatal = nil
}

func TestPanicStopsTheNodeWithAReason(t *testing.T) {
	b := newBench(t)
	b.watch = nil // a bug
	c, _, _ := execBatch(`CREATE TABLE t (a INTEGER) STRICT`).command(0)
	c.topics = []string{"t"}
	var e encoder
	b.Apply(&raft.Log{Index: b.next, Term: 1, Type: raft.LogCommand, Data: e.encodeEntry(0, 0, []*command{c})})
	if b.fatal == nil || !strings.Contains(b.fatal.Error(), "--quarantine 1") {
		t.Errorf("%v", b.fatal)
	}
	b.fatal = nil
}

func TestEntryThatWasNotThereIsNotLeftOut(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a INTEGER) STRICT`)
	for _, left := range []bool{false, true} {
		b.quarantine, b.past = b.next, func(uint64) (string, bool) { return "", left }
		if err := b.openQuarantine(); err != nil || !b.unseen {
			t.Fatal(b.unseen, err)
		}
		c, _, _ := execBatch(`INSERT INTO t VALUES (1)`).command(0)
		var e encoder
		outcomes := b.Apply(&raft.Log{Index: b.next, Term: 1, Type: raft.LogCommand, Data: e.encodeEntry(0, 0, []*command{c})})
		if (outcomes == nil) != left || b.applied() != b.next {
			t.Errorf("another node has left it out: %v; this one: %v, at %d", left, outcomes == nil, b.applied())
		}
		b.next++
	}
}
