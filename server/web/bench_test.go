package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"trivium/app/api"
	"trivium/server/store/storetest"
)

// BenchmarkKV is what the layers above the database cost a request: build/bench measures the same over the network.
func BenchmarkKV(b *testing.B) {
	s, err := New(Config{Store: storetest.Open(b), Files: struct{ Files }{}, Tutor: struct{ Tutor }{}, Cluster: struct{ Cluster }{},
		NodeID: "n1", OperatorToken: "operator", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		b.Run(method, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					r := httptest.NewRequest(method, fmt.Sprintf("/api/v1/kv/k%d", n%100), strings.NewReader(`{"value":"a value"}`))
					r.Header.Set("Authorization", "Bearer operator")
					r.Header.Set(api.HeaderClient, api.ClientName)
					r.Header.Set("Content-Type", "application/json")
					w := httptest.NewRecorder()
					s.Handler().ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Errorf("status %d: %s", w.Code, w.Body)
						return
					}
				}
			})
		})
	}
}
