package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trivium/app/api"
)

// A page of another node that comes to a node that just starts learns that it starts; a browser tells pages nothing of an
// answer without the right headers.
func TestStartingNodeAnswersPagesOfTheOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, originsFile), []byte("https://one.example\nhttps://two.example\nnull\n*\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{config: Config{Data: dir}, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := n.openSite(ln); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.site.Close(); n.wg.Wait() })
	ask := func(method, path, origin string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+ln.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", api.HeaderClient)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	const allow = "Access-Control-Allow-Origin"
	r := ask("OPTIONS", "/api/v1/session", "https://two.example")
	if r.StatusCode != 204 || r.Header.Get(allow) != "https://two.example" || !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), api.HeaderClient) {
		t.Errorf("preflight: %s %v", r.Status, r.Header)
	}
	for _, method := range []string{"GET", "POST"} {
		r := ask(method, "/api/v1/session", "https://one.example")
		if r.StatusCode != 503 || r.Header.Get(allow) != "https://one.example" || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: %s %v", method, r.Status, r.Header)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", "*"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			if r := ask(method, "/api/v1/session", origin); r.StatusCode != 503 || r.Header.Get(allow) != "" {
				t.Errorf("%s from %s: %s %v", method, origin, r.Status, r.Header)
			}
		}
	}
	if r := ask("GET", "/", "https://one.example"); r.StatusCode != 503 || r.Header.Get(allow) != "" {
		t.Errorf("a page: %s %v", r.Status, r.Header)
	}
}
