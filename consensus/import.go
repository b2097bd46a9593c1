package consensus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// importGap is added to the index of an imported database. Clients of the old cluster may have seen entries that came
// after the backup, and wait for what they have seen: a new cluster that counted on from the backup would let them wait.
const importGap = 1_000_000_000

// raftTerm is where Raft keeps its term in the stable store.
var raftTerm = []byte("CurrentTerm")

// CopyTo writes a consistent copy of the database into the file and returns the index it stands at. While it runs the
// write-ahead log is not copied back, so the file should be on a disk, not behind a network: see Backup.
func (db *DB) CopyTo(ctx context.Context, f *os.File) (uint64, error) {
	index, err := db.copyDatabase(ctx, f)
	if err != nil {
		return 0, fmt.Errorf("consensus: copy: %w", err)
	}
	return index, nil
}

// HashFile checks a copy of the database from the first page to the last and returns what DB.Hash returned when it was
// made, and the entry that it stands at. A *FormatError when the file is of a format that this program does not know.
func HashFile(ctx context.Context, path string) (sum string, index, term uint64, err error) {
	c, err := openConn(path, "immutable=1&mode=ro&_query_only=1")
	if err != nil {
		return "", 0, 0, fmt.Errorf("consensus: %w", err)
	}
	defer c.close()
	fail := func(err error) (string, uint64, uint64, error) {
		return "", 0, 0, fmt.Errorf("consensus: %s is not a sound database: %w", filepath.Base(path), err)
	}
	have, err := c.run(ctx, "PRAGMA user_version")
	if err != nil {
		return fail(err)
	}
	n, _ := have[0][0].(int64)
	if err := checkDatabaseFormat(int(n)); err != nil {
		return "", 0, 0, err
	}
	rows, err := c.run(ctx, "PRAGMA quick_check(1)")
	if err == nil && (len(rows) != 1 || rows[0][0] != "ok") {
		err = fmt.Errorf("%v", rows)
	}
	if err != nil {
		return fail(err)
	}
	st, err := stateOf(c.run(ctx, stateQuery))
	if err != nil {
		return fail(err)
	}
	if sum, _, err = c.hash(ctx); err != nil {
		return fail(err)
	}
	return sum, st.index, st.term, nil
}

// Import makes the first node of a new cluster out of a copy of a database: Open of the same Config then starts it, without
// Bootstrap. The file becomes part of c.Dir, which must hold no node yet and lie on the same disk. The statements
// change the content before the cluster begins. Nothing of c but ID, Dir and Address is used.
//
// The new cluster goes on counting where the old one was, after a gap: see importGap. Its log is empty, so nodes that
// join are sent the database, as if this one had cut its log.
func Import(ctx context.Context, c Config, file string, statements ...string) error {
	if c.ID == "" || c.Dir == "" || c.Address == "" {
		return errors.New("consensus: import: a node needs an id, a folder and an address")
	}
	if err := c.importFile(ctx, file, statements); err != nil {
		return fmt.Errorf("consensus: import: %w", err)
	}
	return nil
}

func (c Config) importFile(ctx context.Context, file string, statements []string) error {
	root := filepath.Join(c.Dir, "state")
	if generation, err := currentGeneration(root); err != nil {
		return err
	} else if generation != "" {
		return fmt.Errorf("%s holds a node already", c.Dir)
	}
	dir, logDir := filepath.Join(root, "g1"), filepath.Join(c.Dir, "log")
	if err := errors.Join(makeDir(dir), makeDir(logDir)); err != nil {
		return err
	}
	path := filepath.Join(dir, "db")
	if err := os.Rename(file, path); err != nil {
		return err
	}
	term, err := c.begin(ctx, path, statements)
	if err != nil {
		return err
	}
	log, err := wal.Open(logDir)
	if err != nil {
		return err
	}
	// Without its term Raft would begin at 1, and append entries older than the ones it stands on.
	if err := errors.Join(log.SetUint64(raftTerm, term), log.Close(), syncDir(logDir)); err != nil {
		return err
	}
	// CURRENT is last: without it there is no node.
	return errors.Join(syncDir(dir), syncDir(root), setCurrentGeneration(root, "g1"), syncDir(c.Dir))
}

// begin rewrites raft_state for a cluster of this one node.
func (c Config) begin(ctx context.Context, path string, statements []string) (term uint64, err error) {
	conn, err := openConn(path, "")
	if err != nil {
		return 0, err
	}
	st, err := stateOf(conn.run(ctx, stateQuery))
	if err != nil {
		return 0, errors.Join(err, conn.close())
	}
	configuration := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{
		{Suffrage: raft.Voter, ID: raft.ServerID(c.ID), Address: raft.ServerAddress(c.Address)}}})
	index, term := int64(st.index+importGap), max(st.term, 1)
	exec := func(q string, args ...any) {
		if err == nil {
			_, err = conn.run(ctx, q, args...)
		}
	}
	err = addFunctions(conn)
	exec("PRAGMA synchronous=FULL")
	exec("BEGIN IMMEDIATE")
	for _, q := range statements {
		exec(q)
	}
	exec("DELETE FROM raft_retries") // of tries that nobody waits for any more
	exec("UPDATE raft_state SET applied_index = ?, applied_term = ?, config_index = ?, config = ?", index, int64(term), index, configuration)
	exec("COMMIT")
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	if err = errors.Join(err, conn.close()); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	return term, errors.Join(f.Sync(), f.Close())
}
