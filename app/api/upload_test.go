//go:build !js

package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"trivium/app/lms"
)

// fileNode is a node that keeps one file's chunks in memory, shared with other nodes.
type fileNode struct {
	mu     sync.Mutex
	file   lms.File
	chunks map[int][]byte
	puts   int
	failAt int // the put with this number, from 1, cuts the connection
	down   bool
}

func (n *fileNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		panic(http.ErrAbortHandler)
	}
	parts := strings.Split(r.URL.Path, "/")
	switch last := parts[len(parts)-1]; {
	case last == "files":
		var in DeclareFileInput
		json.Unmarshal(body, &in)
		n.file = in.FileValue()
		n.file.CourseID = testCourse
		answer(w, 200, n.file)
	case last == "missing":
		m := Missing{Numbers: []int{}}
		for i := range n.file.Chunks {
			if n.chunks[i] == nil {
				m.Numbers = append(m.Numbers, i)
			}
		}
		answer(w, 200, m)
	case last == "complete":
		answer(w, 200, FileReceipt{File: n.file, Replicas: 2, Nodes: 3})
	default:
		n.put(w, last, body)
	}
}

func (n *fileNode) put(w http.ResponseWriter, number string, body []byte) {
	n.puts++
	if n.failAt > 0 && n.puts >= n.failAt {
		n.down = true
		panic(http.ErrAbortHandler)
	}
	var i int
	fmt.Sscan(number, &i)
	sum := sha256.Sum256(body)
	if hex.EncodeToString(sum[:]) != n.file.Chunks[i] {
		answer(w, 422, lms.Errorf(lms.KindRule, "wrong hash"))
		return
	}
	n.chunks[i] = body
	w.WriteHeader(204)
}

func randomBlob(size int) (Blob, []byte) {
	data := make([]byte, size)
	src := rand.NewChaCha8([32]byte{byte(size)})
	src.Read(data)
	return NewBlob("work “1”.pdf", int64(size), bytes.NewReader(data)), data
}

func TestUploadSizes(t *testing.T) {
	for _, size := range []int{0, 1, lms.ChunkSize - 1, lms.ChunkSize, lms.ChunkSize + 1, 5<<20 + 3} {
		n := &fileNode{chunks: map[int][]byte{}}
		s := node(t, n.ServeHTTP)
		b, data := randomBlob(size)
		var last int64 = -1
		r, err := Upload(t.Context(), NewClient(s.URL), testCourse, b, func(sent, total int64) { last = sent })
		if err != nil {
			t.Fatal(size, err)
		}
		sum := sha256.Sum256(data)
		if r.File.SHA256 != hex.EncodeToString(sum[:]) || len(n.chunks) != lms.ChunkCount(int64(size)) || last != int64(size) {
			t.Errorf("%d bytes: %d chunks, progress %d, hash %s", size, len(n.chunks), last, r.File.SHA256)
		}
	}
}

func TestUploadContinuesOnAnotherNode(t *testing.T) {
	shared := map[int][]byte{}
	first := &fileNode{chunks: shared, failAt: 3}
	second := &fileNode{chunks: shared}
	a, b := node(t, first.ServeHTTP), node(t, second.ServeHTTP)
	blob, data := randomBlob(6<<20 + 17)
	in, err := HashFile(t.Context(), blob, nil)
	if err != nil {
		t.Fatal(err)
	}
	in.Course = testCourse
	second.file = in.FileValue()
	c := NewClient(a.URL)
	c.SetNodes([]string{b.URL})
	file, err := Call(t.Context(), c, DeclareFile, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SendFile(t.Context(), c, file, blob, nil); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for i := range 7 {
		got = append(got, shared[i]...)
	}
	if !bytes.Equal(got, data) {
		t.Error("the bytes differ")
	}
	if first.puts+second.puts > 9 {
		t.Errorf("%d puts: chunks that had arrived were sent again", first.puts+second.puts)
	}
}

func TestUploadOfAnotherFileIsRefused(t *testing.T) {
	n := &fileNode{chunks: map[int][]byte{}}
	s := node(t, n.ServeHTTP)
	blob, _ := randomBlob(100)
	in, _ := HashFile(t.Context(), blob, nil)
	in.Course = testCourse
	c := NewClient(s.URL)
	file, err := Call(t.Context(), c, DeclareFile, in)
	if err != nil {
		t.Fatal(err)
	}
	other := NewBlob("x", 100, bytes.NewReader(make([]byte, 100)))
	if err := SendChunks(t.Context(), c, file, other, nil); !errors.Is(err, ErrFileChanged) {
		t.Errorf("other content: %v", err)
	}
	shorter := NewBlob("x", 99, bytes.NewReader(make([]byte, 99)))
	if err := SendChunks(t.Context(), c, file, shorter, nil); !errors.Is(err, ErrFileChanged) {
		t.Errorf("other size: %v", err)
	}
	if _, err := HashFile(t.Context(), NewBlob("a/b", 1, bytes.NewReader([]byte{1})), nil); lms.KindOf(err) != lms.KindInvalid {
		t.Errorf("path in the name: %v", err)
	}
	if _, err := HashFile(t.Context(), NewBlob("big", lms.MaxFileSize+1, bytes.NewReader(nil)), nil); lms.KindOf(err) != lms.KindTooLarge {
		t.Errorf("too large: %v", err)
	}
	if n.puts != 0 {
		t.Errorf("%d chunks were sent", n.puts)
	}
}

func TestUploadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := &fileNode{chunks: map[int][]byte{}}
	s := node(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			cancel()
		}
		n.ServeHTTP(w, r)
	})
	blob, _ := randomBlob(4 << 20)
	if _, err := Upload(ctx, NewClient(s.URL), testCourse, blob, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
