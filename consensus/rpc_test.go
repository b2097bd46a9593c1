package consensus

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A request on a connection that has been used before may have arrived, although no other connection can be made after it:
// the leader was killed between the two.
func TestARequestThatMayHaveArrivedIsUnknown(t *testing.T) {
	var arrived atomic.Int32
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if arrived.Add(1) == 1 {
			return
		}
		server.Listener.Close()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	db := newDB(Config{ID: "n1", Now: nil})
	defer db.end()
	db.client = server.Client()
	address := strings.TrimPrefix(server.URL, "http://")
	if status, _, err := db.call(context.Background(), http.MethodPost, address, "/apply", []byte("a batch")); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v", status, err)
	}
	if _, _, err := db.call(context.Background(), http.MethodPost, address, "/apply", []byte("a batch")); !errors.Is(err, ErrUnknown) || arrived.Load() != 2 {
		t.Errorf("after %d arrivals: %v", arrived.Load(), err)
	}
	if _, _, err := db.call(context.Background(), http.MethodPost, address, "/apply", []byte("a batch")); !errors.Is(err, errNotLeader) {
		t.Errorf("nobody listens: %v", err)
	}
}
