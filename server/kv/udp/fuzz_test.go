package udp

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A call of Raft's that another replica sends, put together from its fragments: counted as malformed and dropped, or one that
// Raft knows.
func FuzzCall(f *testing.F) {
	for _, c := range []call{{Append: &raft.AppendEntriesRequest{Term: 3, Entries: []*raft.Log{{Index: 1, Term: 3, Data: []byte("x")}}}}, {Vote: &raft.RequestVoteRequest{Term: 1}},
		{PreVote: &raft.RequestPreVoteRequest{}}, {Snapshot: &raft.InstallSnapshotRequest{Size: 2}, Data: []byte("db")}, {Timeout: &raft.TimeoutNowRequest{}}} {
		data, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"Append":null}`))
	f.Add([]byte(`{"Append":{"Entries":[null]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr := newTransport(&Conn{})
		close(tr.done) // nobody takes it: it is dropped after it was read
		tr.serve("00A1", callID{1, 1}, &served{since: time.Now()}, data)
		var c call
		known := json.Unmarshal(data, &c) == nil && c.command() != nil
		if known == (tr.conn.malformed.Load() == 1) {
			t.Fatalf("known %t, counted as malformed %d", known, tr.conn.malformed.Load())
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"Response":{"Term":3,"Success":true}}`))
	f.Add([]byte(`{"Error":"no"}`))
	f.Add([]byte(`{"Response":"text"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var response raft.AppendEntriesResponse
		var r reply
		if err := decodeReply(data, &response); err == nil && (json.Unmarshal(data, &r) != nil || r.Error != "") {
			t.Fatalf("%q is taken for an answer", data)
		}
	})
}
