package api

// SessionPath names one of the own sessions.
type SessionPath struct {
	Session string `param:"session" json:"-"`
}

func (in SessionPath) Validate() error { return checkIDs(in.Session) }
