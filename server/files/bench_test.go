package files

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// BenchmarkPutChunk compares a chunk on a majority of n nodes, all on this machine's one disk, with a plain durable copy of it.
//
//	go test -run '^$' -bench PutChunk ./server/files
func BenchmarkPutChunk(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run("copy/clients="+strconv.Itoa(clients), func(b *testing.B) {
			dir := b.TempDir()
			inParallel(b, clients, func(n int64, chunk []byte) error { return copyTo(filepath.Join(dir, strconv.FormatInt(n, 10)), chunk) })
		})
		for _, nodes := range []int{1, 3} {
			b.Run("nodes="+strconv.Itoa(nodes)+"/clients="+strconv.Itoa(clients), func(b *testing.B) {
				fs := benchCluster(b, nodes)
				inParallel(b, clients, func(_ int64, chunk []byte) error {
					return fs.PutChunk(context.Background(), fileOf(chunk), 0, bytes.NewReader(chunk))
				})
			})
		}
	}
}

// BenchmarkRead reads a file of 64 MiB that is in memory, every byte verified.
func BenchmarkRead(b *testing.B) {
	fs := benchCluster(b, 1)
	data := randomBytes(64 * mib)
	f := fileOf(data)
	for n := range f.Chunks {
		if err := fs.PutChunk(b.Context(), f, n, bytes.NewReader(part(data, n))); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(f.Size)
	for b.Loop() {
		r, err := fs.Open(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != f.Size {
			b.Fatal(n, err)
		}
		r.Close()
	}
}

// copyTo writes a file as carefully as a chunk is written: its bytes and its name are on the disk when it returns.
func copyTo(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// inParallel stores different chunks from so many clients at a time.
func inParallel(b *testing.B, clients int, put func(n int64, chunk []byte) error) {
	var next atomic.Int64
	b.SetBytes(lms.ChunkSize)
	b.ReportAllocs()
	done := make(chan error, clients)
	b.ResetTimer()
	for range clients {
		go func() {
			chunk := randomBytes(lms.ChunkSize)
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					done <- nil
					return
				}
				copy(chunk, strconv.FormatInt(n, 10))
				if err := put(n, chunk); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

// benchCluster opens nodes and returns the first.
func benchCluster(b *testing.B, n int) *Files {
	var members []Member
	var networks []*consensus.Network
	for i := range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		networks = append(networks, consensus.NewNetwork(consensus.NetworkConfig{Listener: ln}))
		members = append(members, Member{ID: "n" + strconv.Itoa(i), Address: ln.Addr().String(), Voter: true})
	}
	var nodes []*Files
	for i := range n {
		fs, err := Open(Config{Dir: b.TempDir(), Network: networks[i], Self: members[i].ID, SyncEvery: time.Hour,
			ScrubEvery: time.Hour, Logger: slog.New(slog.DiscardHandler),
			Members: func(context.Context) ([]Member, error) { return members, nil },
			List:    func(context.Context, string, int) ([]lms.File, error) { return nil, nil }})
		if err != nil {
			b.Fatal(err)
		}
		nodes = append(nodes, fs)
	}
	b.Cleanup(func() {
		for i := range n {
			nodes[i].Close()
			networks[i].Close()
		}
	})
	return nodes[0]
}
