package consensus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

// Recovery is what a cluster would go on with when the majority of its nodes is lost for ever.
type Recovery struct {
	Node    string
	Address string
	Index   uint64    // the last entry that this node has
	Stamp   time.Time // of the last entry that changed something
	Doubt   uint64    // how many of the last entries may never have been acknowledged
	Lost    []string  // the other members: they are refused from then on
}

// Recover makes the only member of its cluster out of the node in c.Dir, which must not run. What the other nodes have
// acknowledged and this one has not received is lost; so is everything that is written to them from then on, so they must
// be down for ever. confirm sees what is about to happen; when it returns an error nothing is changed.
//
// The members that are given up are recorded in the database: whoever holds it refuses them, and one that meets this
// cluster again stops. The index moves ahead as after Import, and nodes that join are sent the database.
func Recover(ctx context.Context, c Config, confirm func(Recovery) error) error {
	if err := c.recover(ctx, confirm); err != nil {
		return fmt.Errorf("consensus: recover %s: %w", c.Dir, err)
	}
	return nil
}

func (c Config) recover(ctx context.Context, confirm func(Recovery) error) (err error) {
	if c.ID == "" || c.Dir == "" || c.Address == "" {
		return errors.New("a node needs an id, a folder and an address")
	}
	if generation, err := currentGeneration(filepath.Join(c.Dir, "state")); err != nil || generation == "" {
		return errors.Join(errors.New("there is no node"), err)
	}
	c.Transport = unconnected{} // nobody is asked
	if c, err = c.withDefaults(); err != nil {
		return err
	}
	if err := checkDiverged(c); err != nil {
		return err
	}
	var failed error
	c.Fatal = func(err error) { failed = errors.Join(failed, err) }
	db := newDB(c)
	defer db.end()
	close(db.opened)
	defer func() {
		err = errors.Join(err, failed, db.closeStores())
		db.events.close()
	}()
	if err := db.openStores(); err != nil {
		return err
	}
	return db.recover(ctx, confirm, &failed)
}

type unconnected struct{ raft.Transport }

func (db *DB) recover(ctx context.Context, confirm func(Recovery) error, failed *error) error {
	m := db.machine
	m.leads = func() bool { return false }
	first, err := db.logs.FirstIndex()
	if err != nil {
		return err
	}
	last, err := db.logs.LastIndex()
	if err != nil {
		return err
	}
	r := Recovery{Node: db.config.ID, Address: db.config.Address, Index: max(last, m.last.index), Doubt: max(last, m.last.index) - m.last.index,
		Stamp: time.UnixMilli(m.last.stamp).UTC()}
	servers, err := db.lastMembers(last)
	if err != nil {
		return err
	}
	isMember := false
	for _, s := range servers {
		if string(s.ID) != r.Node {
			r.Lost = append(r.Lost, string(s.ID))
		}
		isMember = isMember || string(s.ID) == r.Node
	}
	if !isMember {
		return fmt.Errorf("node %s is no member of its cluster", r.Node)
	}
	if err := errors.Join(ctx.Err(), confirm(r)); err != nil {
		return err
	}
	if err := db.markRecovery(); err != nil {
		return err
	}
	if err := db.replay(last); err != nil || *failed != nil {
		return errors.Join(err, *failed)
	}
	if err := m.use((*database).sync); err != nil { // what the log holds is in the database, and durable, before the log goes
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if last > 0 {
		if err := db.logs.DeleteRange(first, last); err != nil {
			return err
		}
	}
	if err := db.giveUp(r); err != nil {
		return err
	}
	if err := m.use((*database).sync); err != nil {
		return err
	}
	return errors.Join(os.Remove(filepath.Join(db.config.Dir, recoveryFile)), syncDir(db.config.Dir))
}

// recoveryFile says that a recovery has begun. Until it is done the node must not start: entries that were never committed
// are in its database, and its old cluster, should that still live, may have put others in their place.
const recoveryFile = "RECOVERING"

func (db *DB) markRecovery() error {
	path := filepath.Join(db.config.Dir, recoveryFile)
	if err := os.WriteFile(path, []byte("Run the recovery again; it goes on from here.\n"), 0o600); err != nil {
		return err
	}
	return syncDir(db.config.Dir)
}

var errRecovering = errors.New("a recovery of this node has begun and was not finished: run it again; " +
	"if the other nodes run after all, empty this directory and let the node join them under a new name")

// checkRecovery refuses to start a node whose recovery was cut short.
func checkRecovery(c Config) error {
	switch _, err := os.Stat(filepath.Join(c.Dir, recoveryFile)); {
	case err == nil:
		return errRecovering
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// lastMembers is the newest configuration, which may still be in the log alone.
func (db *DB) lastMembers(last uint64) ([]raft.Server, error) {
	servers := db.machine.last.configuration().Servers
	var l raft.Log
	for i := db.machine.last.index + 1; i <= last; i++ {
		if err := db.logs.GetLog(i, &l); err != nil {
			return nil, err
		}
		if l.Type == raft.LogConfiguration {
			servers = raft.DecodeConfiguration(l.Data).Servers
		}
	}
	return servers, nil
}

// replay applies what is in the log and not yet in the database: some of it may have been acknowledged.
func (db *DB) replay(last uint64) error {
	for i := db.machine.last.index + 1; i <= last; i++ {
		var l raft.Log
		if err := db.logs.GetLog(i, &l); err != nil {
			return err
		}
		switch l.Type {
		case raft.LogCommand:
			db.machine.Apply(&l)
		case raft.LogConfiguration:
			db.machine.StoreConfiguration(i, raft.DecodeConfiguration(l.Data))
		}
	}
	return nil
}

// giveUp makes this node the only member.
func (db *DB) giveUp(r Recovery) error {
	term, err := db.logs.GetUint64(raftTerm)
	if err != nil && !strings.Contains(err.Error(), "not found") {
		return err
	}
	w := db.machine.db.writer
	configuration := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{
		{Suffrage: raft.Voter, ID: raft.ServerID(r.Node), Address: raft.ServerAddress(r.Address)}}})
	index := int64(r.Index + importGap)
	_, err = w.ours("BEGIN IMMEDIATE")
	for _, id := range r.Lost {
		if err == nil {
			_, err = w.ours("INSERT OR IGNORE INTO raft_lost (node_id, log_index) VALUES (?, ?)", id, index)
		}
	}
	if err == nil {
		_, err = w.ours("UPDATE raft_state SET applied_index = ?, applied_term = ?, config_index = ?, config = ?",
			index, int64(max(term, db.machine.last.term, 1)), index, configuration)
	}
	if err == nil {
		_, err = w.ours("COMMIT")
	}
	return err
}

// isLost reports whether a recovery has given the node up.
func (db *DB) isLost(id string) bool {
	lost := db.machine.lost.Load()
	return lost != nil && (*lost)[id]
}

// senderOf is the node that a message of Raft comes from.
func senderOf(command any) string {
	if h, ok := command.(raft.WithRPCHeader); ok {
		return string(h.GetRPCHeader().ID)
	}
	return ""
}

// outcast stops a node that another one has refused because it was declared lost: it belongs to a cluster that was given up.
func (db *DB) outcast(err error) {
	if err != nil && strings.Contains(err.Error(), errLost.Error()) {
		db.fatal("membership", errLost)
	}
}
