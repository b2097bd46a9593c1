package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

func (s *Server) kvGet(ctx context.Context, _ lms.Actor, in api.KVKey) (api.KVValue, error) {
	level := consensus.Local // "session" is a local read after the wait for the client's index
	if in.Level == "linearizable" {
		level = consensus.Linearizable
	}
	value, version, found, err := s.store.KVGet(ctx, level, in.Key)
	return s.kvValue(in.Key, value, version, found), err
}

func (s *Server) kvPut(ctx context.Context, _ lms.Actor, in api.KVPutInput) (api.KVValue, error) {
	version, err := s.store.KVPut(ctx, in.Key, in.Value)
	return s.kvValue(in.Key, in.Value, version, true), err
}

func (s *Server) kvDelete(ctx context.Context, _ lms.Actor, in api.KVKey) (api.KVValue, error) {
	found, err := s.store.KVDelete(ctx, in.Key)
	return s.kvValue(in.Key, "", 0, found), err
}

func (s *Server) kvValue(key, value string, version int64, found bool) api.KVValue {
	return api.KVValue{Key: key, Value: value, Found: found, Version: version, Leader: s.db.Status().Leader}
}
