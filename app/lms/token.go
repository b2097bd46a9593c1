package lms

import "time"

// APIToken lets a program use the key-value store, in a namespace of its own.
type APIToken struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`             // of the program
	Secret    string    `json:"secret,omitempty"` // only in the answer that makes it: the cluster keeps a hash
	CreatedBy string    `json:"createdBy"`        // user id
	CreatedAt time.Time `json:"createdAt"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
}

// APITokenPrefix begins the secret of every API token: a node knows what it is asked, and a scanner for leaked secrets
// what it has found.
const APITokenPrefix = "tvk_"
