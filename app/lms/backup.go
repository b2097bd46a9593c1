package lms

import "time"

// BackupState says how far a backup is.
type BackupState string

// The states of a backup.
const (
	BackupPreparing BackupState = "preparing" // the database is copied
	BackupReady     BackupState = "ready"     // waits to be downloaded
	BackupRunning   BackupState = "running"   // is being written
	BackupDone      BackupState = "done"
	BackupFailed    BackupState = "failed"
)

// Backup is one archive, or the attempt to make it.
type Backup struct {
	ID         string      `json:"id"`
	Node       string      `json:"node"` // that makes it
	State      BackupState `json:"state"`
	Name       string      `json:"name"`         // of the archive
	To         string      `json:"to,omitempty"` // where the schedule puts it; empty: it is downloaded
	Index      uint64      `json:"index"`        // the state is that after this entry
	Done       int64       `json:"done"`         // bytes
	Total      int64       `json:"total"`        // bytes; 0: not known yet
	Encrypted  bool        `json:"encrypted"`
	StartedAt  time.Time   `json:"startedAt"`
	FinishedAt time.Time   `json:"finishedAt,omitzero"`
	Error      string      `json:"error,omitempty"` // why it failed, or what is to be looked at
}

// BackupStatus is what there is to know about backups.
type BackupStatus struct {
	Job       *Backup   `json:"job,omitempty"`     // of the node that answers: the newest that was asked for
	Last      *Backup   `json:"last,omitempty"`    // of the schedule: the newest that has ended
	LastGood  time.Time `json:"lastGood,omitzero"` // when the schedule last succeeded
	Every     int64     `json:"every"`             // seconds between the schedule's backups; 0: there is no schedule
	To        string    `json:"to,omitempty"`
	Keep      int       `json:"keep,omitempty"` // how many are kept; 0: all
	NextAt    time.Time `json:"nextAt,omitzero"`
	Encrypted bool      `json:"encrypted"` // the schedule's
}

// Overdue reports whether the schedule should have succeeded since, with a quarter of the interval to spare.
func (s BackupStatus) Overdue(now time.Time) bool {
	every := time.Duration(s.Every) * time.Second
	return every > 0 && !s.LastGood.IsZero() && now.Sub(s.LastGood) > every+every/4+time.Minute
}
