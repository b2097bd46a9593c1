package consensus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/hashicorp/raft"
)

// raft_quarantine holds the entries that were left out, raft_lost the nodes that a recovery has given up. raft_keys holds what clients' keys returned, raft_retries what nodes' own retries need. Ids, and the keys of retries, grow
// with the log: the oldest are at the front of both.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS raft_state (id INTEGER PRIMARY KEY CHECK (id = 1), applied_index INTEGER NOT NULL,
		applied_term INTEGER NOT NULL, stamp INTEGER NOT NULL, config_index INTEGER NOT NULL, config BLOB NOT NULL) STRICT`,
	`INSERT OR IGNORE INTO raft_state VALUES (1, 0, 0, 0, 0, x'')`,
	`CREATE TABLE IF NOT EXISTS raft_quarantine (log_index INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS raft_lost (node_id TEXT PRIMARY KEY, log_index INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS raft_keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest BLOB NOT NULL,
		log_index INTEGER NOT NULL, stamp INTEGER NOT NULL, result BLOB NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS raft_retries (key BLOB PRIMARY KEY, stamp INTEGER NOT NULL, result BLOB NOT NULL) STRICT, WITHOUT ROWID`,
}

var pragmas = []string{
	"PRAGMA journal_mode=WAL",
	"PRAGMA synchronous=NORMAL", // the log is the durable copy; Persist syncs before the log is cut
	"PRAGMA wal_autocheckpoint=0",
	"PRAGMA journal_size_limit=4194304", // a WAL that starts anew is cut, so that its size says how much there is to copy
	"PRAGMA cache_size=-32768",
	"PRAGMA temp_store=MEMORY",
	"PRAGMA foreign_keys=ON",
}

// state is the row of raft_state.
type state struct {
	index, term, configIndex uint64
	stamp                    int64
	config                   []byte
	format                   int // of the database; only known when it is opened
}

const stateQuery = "SELECT applied_index, applied_term, stamp, config_index, config FROM raft_state"

func stateOf(rows []Row, err error) (st state, _ error) {
	if err != nil {
		return st, err
	}
	if len(rows) != 1 {
		return st, fmt.Errorf("raft_state has %d rows", len(rows))
	}
	if err := rows[0].Scan(&st.index, &st.term, &st.stamp, &st.configIndex, &st.config); err != nil {
		return st, err
	}
	return st, st.check()
}

// check decodes the configuration once: Raft panics on a damaged one.
func (st *state) check() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("raft_state has a damaged configuration: %v", p)
		}
	}()
	st.configuration()
	return nil
}

// configuration is empty before the first configuration entry.
func (st *state) configuration() raft.Configuration {
	if len(st.config) == 0 {
		return raft.Configuration{}
	}
	return raft.DecodeConfiguration(st.config)
}

// database is one generation of the SQLite file. It is closed when the machine has moved on and the last user is done, so
// that a restore waits for nobody.
type database struct {
	path   string
	writer *writer
	ck     *conn // checkpoints; under ckMu
	reads  *readPool
	file   *os.File   // open for the life of the database: closing any descriptor of the file drops SQLite's POSIX locks
	ckMu   sync.Mutex // held: the main database file does not change

	mu    sync.Mutex
	users int
	after func() // runs when the last user has gone
}

func openDatabase(path string, reads int) (_ *database, err error) {
	db := &database{path: path, users: 1}
	defer func() {
		if err != nil {
			db.shut()
		}
	}()
	if db.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if db.writer, err = openWriter(path); err != nil {
		return nil, err
	}
	if db.ck, err = openConn(path, ""); err != nil {
		return nil, err
	}
	if _, err = db.ck.run(context.Background(), "PRAGMA wal_autocheckpoint=0"); err != nil {
		return nil, err
	}
	db.reads, err = openReadPool(path, reads)
	return db, err
}

// acquire takes part in the database's life; false when it has ended.
func (db *database) acquire() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.users == 0 {
		return false
	}
	db.users++
	return true
}

func (db *database) release() {
	db.mu.Lock()
	db.users--
	last := db.users == 0
	db.mu.Unlock()
	if last {
		db.shut()
		if db.after != nil {
			db.after()
		}
	}
}

func (db *database) shut() error {
	var errs []error
	if db.reads != nil {
		errs = append(errs, db.reads.close())
	}
	if db.ck != nil {
		errs = append(errs, db.ck.close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	if db.file != nil {
		errs = append(errs, db.file.Close()) // last: our locks are gone anyway
	}
	return errors.Join(errs...)
}

// sync makes everything committed so far survive a power cut. The -wal carries no POSIX locks: it may be opened and closed.
func (db *database) sync() error {
	f, err := os.OpenFile(db.path+"-wal", os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return db.file.Sync()
	} else if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (db *database) walSize() int64 {
	if fi, err := os.Stat(db.path + "-wal"); err == nil {
		return fi.Size()
	}
	return 0
}

// checkpoint copies what it can without blocking the writer. Complete: the main file is by itself a consistent state.
func checkpoint(c *conn) (complete bool, err error) {
	rows, err := c.run(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil {
		return false, err
	}
	var busy, frames, done int
	if len(rows) != 1 {
		return false, errors.New("wal_checkpoint told nothing")
	}
	err = rows[0].Scan(&busy, &frames, &done)
	return busy == 0 && frames == done, err
}

// fileState reads raft_state out of the main file alone, without its WAL, so that it cannot disagree with the bytes.
// Closing this connection does not drop our POSIX locks: SQLite defers the close while it holds locks on the file.
func (db *database) fileState() (state, error) {
	c, err := openConn(db.path, "immutable=1&mode=ro")
	if err != nil {
		return state{}, err
	}
	defer c.close()
	return stateOf(c.run(context.Background(), stateQuery))
}
