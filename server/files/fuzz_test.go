package files

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// fuzzFiles is one node's files, and the folder above them with nothing else in it.
func fuzzFiles(f *testing.F) (s *Files, above string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	above = f.TempDir()
	s, err = Open(Config{Dir: filepath.Join(above, "files"), Network: network, Self: "n1", HoldTimeout: time.Second,
		Logger:  slog.New(slog.DiscardHandler),
		List:    func(context.Context, string, int) ([]lms.File, error) { return nil, nil },
		Members: func(context.Context) ([]Member, error) { return nil, nil },
		Fatal:   func(err error) { f.Error(err) }})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		network.Close()
		s.Close()
	})
	return s, above
}

// A chunk from a peer, under whatever hash, file and number it names: stored when it is what it says, else refused,
// and nothing is written outside the folder.
func FuzzPeerChunk(f *testing.F) {
	s, above := fuzzFiles(f)
	data := []byte("some bytes")
	f.Add(fileOf(data).Chunks[0], "f1", "0", data)
	f.Add("../../x", "../y", "-1", data)
	f.Add(strings.Repeat("0", 64), "f1", "99999999999999999999", []byte{})
	f.Fuzz(func(t *testing.T, hash, file, number string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), "PUT", "/chunk/x?"+url.Values{"file": {file}, "number": {number}}.Encode(), bytes.NewReader(body))
		r.SetPathValue("hash", hash)
		w := httptest.NewRecorder()
		s.takeChunk(w, r)
		right := len(body) > 0 && len(body) <= lms.ChunkSize && fileOf(body).Chunks[0] == hash
		if n, err := strconv.Atoi(number); right && lms.ValidID(file) && err == nil && n >= 0 && n <= maxNumber {
			if w.Code != http.StatusNoContent {
				t.Fatalf("refused: %d %s", w.Code, w.Body)
			}
		} else if w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d", w.Code)
		}
		if entries, err := os.ReadDir(above); err != nil || len(entries) != 1 {
			t.Fatalf("%v %v", entries, err)
		}
	})
}

func FuzzPeerQuestions(f *testing.F) {
	s, _ := fuzzFiles(f)
	good, err := json.Marshal(whichRequest{Files: []whichFile{{ID: "f1", Size: 3, Chunks: fileOf([]byte("abc")).Chunks}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good))
	f.Add(`{"files":[{"id":"f1","size":-1,"chunks":["../.."]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		s.answerWhich(w, httptest.NewRequest("POST", "/which", strings.NewReader(body)))
		if w.Code == http.StatusBadRequest {
			return
		}
		var in whichRequest
		var out whichAnswer
		if w.Code != http.StatusOK || json.NewDecoder(strings.NewReader(body)).Decode(&in) != nil || json.Unmarshal(w.Body.Bytes(), &out) != nil {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		asked := make([]lms.File, len(in.Files))
		for i, q := range in.Files {
			asked[i] = lms.File{ID: q.ID, Size: q.Size, Chunks: q.Chunks}
		}
		if _, err := parseHeld(out, asked); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzPeerAnswer(f *testing.F) {
	f.Add(`{"files":["123","0"]}`, 3, 1)
	f.Add(`{"files":[]}`, 0, 0)
	f.Fuzz(func(t *testing.T, text string, a, b int) {
		if a < 0 || b < 0 || a > 1000 || b > 1000 {
			t.Skip()
		}
		var answer whichAnswer
		if json.Unmarshal([]byte(text), &answer) != nil {
			t.Skip()
		}
		asked := []lms.File{{Chunks: make([]string, a)}, {Chunks: make([]string, b)}}
		all, err := parseHeld(answer, asked)
		if err == nil && (len(all) != 2 || len(all[0]) != a || len(all[1]) != b) {
			t.Fatalf("%v", all)
		}
	})
}
