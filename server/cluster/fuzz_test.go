package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"trivium/app/lms"
)

func FuzzJoinToken(f *testing.F) {
	f.Add("K10" + strings.Repeat("0a", 32) + "::secret")
	f.Add("K10::")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseToken(s)
		if err != nil {
			if lms.KindOf(err) != lms.KindInvalid {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if again, err := parseToken(got.String()); err == nil && again != got || err != nil && strings.TrimSpace(got.secret) == got.secret {
			t.Fatalf("%q: %+v, then %+v, %v", s, got, again, err)
		}
	})
}

// What a stranger may send to the join service: each request is refused in words, or it is well-formed.
func FuzzJoinRequest(f *testing.F) {
	n := &Cluster{log: quiet, busy: make(chan struct{}, 4), answered: map[*tls.ConnectionState]bool{}}
	handler := answer(n, func(_ context.Context, _ *tls.ConnectionState, in joinRequest) (joinResponse, error) {
		if err := CheckID(in.ID); err != nil {
			return joinResponse{}, err
		}
		if err := CheckAddress(in.Address); err != nil {
			return joinResponse{}, err
		}
		if _, err := parseRequest(in.CSR); err != nil {
			return joinResponse{}, err
		}
		return joinResponse{}, nil
	})
	f.Add(`{"secret":"s","id":"n2","address":"127.0.0.1:1","csr":"MIIB"}`)
	f.Add(`{"id":"../x","address":":","extra":1}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		handler(w, httptest.NewRequest("POST", "/join", strings.NewReader(body)))
		var e lms.Error
		if w.Code != http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Message == "" || e.Kind == lms.KindInternal) {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}

// Keys and certificates are read from files that an administrator may have copied badly.
func FuzzAuthority(f *testing.F) {
	dir := f.TempDir()
	self, err := Found(dir, "n1", "127.0.0.1:1")
	if err != nil {
		f.Fatal(err)
	}
	key, err := self.ca.keyPEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(self.ca.certPEM(), key)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"), key)
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		if ca, err := parseCA(cert, key); (ca == nil) == (err == nil) {
			t.Fatalf("%v, %v", ca, err)
		}
	})
}
