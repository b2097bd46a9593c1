package consensus

import "time"

// ProposeRaw puts bytes into the log that no program would write, and returns their place in it.
func (db *DB) ProposeRaw(p []byte) (index uint64) {
	f := db.raft.Apply(p, time.Second)
	f.Error()
	return f.Index()
}
