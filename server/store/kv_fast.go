package store

import (
	"context"
	"errors"

	"trivium/consensus"
)

// kvModeKey is the row that says who may acknowledge writes of keys before they have a place in the log. No scope reaches it.
const kvModeKey = "\x01\x01fast"

// Topics of fast writes, with the new mode or the id of the write behind them.
const (
	KVModeTopic = consensus.Hidden + "kvmode/"
	KVFastTopic = consensus.Hidden + "kvfast/"
)

// ErrKVMode: the mode of fast writes is another one than the caller believed. Nothing was changed.
var ErrKVMode = errors.New("store: the mode of fast writes has changed")

const kvModeIs = `coalesce((SELECT value FROM kv_entries WHERE key = ?1), '') = ?2`

// KVMode reads what this node has applied of the mode of fast writes; "" is off.
func (s *Store) KVMode(ctx context.Context) (string, error) {
	rows, err := s.query(ctx, `SELECT coalesce((SELECT value FROM kv_entries WHERE key = ?1), '')`, kvModeKey)
	return one(rows, err, scanString)
}

// KVSetMode changes the mode of fast writes, if it is the one that the caller believes, and returns the index of the change.
func (s *Store) KVSetMode(ctx context.Context, from, to string) (uint64, error) {
	var b consensus.Batch
	b.Label = "kv-mode"
	b.Require(ErrKVMode, kvModeIs, kvModeKey, from)
	if to == "" {
		kvDrop(&b, kvModeKey)
	} else {
		b.Exec(kvPut, kvModeKey, to, consensus.Index{})
	}
	b.Notify(KVModeTopic + to)
	res, err := s.db.Apply(ctx, &b)
	return res.Index, err
}

type kvUnder struct{}

// KVUnder makes the writes of keys under the context fail with ErrKVMode where the mode of fast writes is another one by the
// log. Each such context begins to count the batches of a request anew, so that a repeat has the key of the first try.
func KVUnder(ctx context.Context, mode string) context.Context {
	if r, ok := ctx.Value(requestKey{}).(*requestContext); ok {
		ctx = WithRequest(ctx, r.Request)
	}
	return context.WithValue(ctx, kvUnder{}, mode)
}

func kvGuard(ctx context.Context, b *consensus.Batch) {
	if mode, ok := ctx.Value(kvUnder{}).(string); ok {
		b.Require(ErrKVMode, kvModeIs, kvModeKey, mode)
	}
}

// RequestOf returns the request that the context's writes belong to; the zero Request if there is none.
func RequestOf(ctx context.Context) Request {
	if r, ok := ctx.Value(requestKey{}).(*requestContext); ok {
		return r.Request
	}
	return Request{}
}

// KVRequestKnown reports whether this node has applied a write under the idempotency key: of the content, unless that is nil.
func (s *Store) KVRequestKnown(ctx context.Context, key string, digest []byte) (bool, error) {
	known, err := s.db.HasKey(ctx, key, digest)
	if err != nil {
		return false, mapError(err)
	}
	return known, nil
}

// KVOrder gives a fast write its place in the log, on this node if it leads: elsewhere it fails.
func (s *Store) KVOrder(ctx context.Context, id string, r Request, w KVWrite) (KVEntry, error) {
	return s.kvPut(consensus.WithoutForwarding(WithRequest(ctx, r)), w, KVFastTopic+id)
}
