package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// upload has the first administrator of a new site upload a file of one chunk.
func (s *server) upload(t *testing.T, content []byte) {
	t.Helper()
	link, err := readLine(filepath.Join(s.data, setupFile))
	if err != nil {
		t.Fatal(err)
	}
	url, err := readLine(filepath.Join(s.data, urlFile))
	if err != nil {
		t.Fatal(err)
	}
	site := &demoSite{origins: []string{url}, password: "correct horse battery", clients: map[string]*api.Client{}}
	if err := site.claim(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	admin, err := site.as(t.Context(), demoAdmin)
	if err != nil {
		t.Fatal(err)
	}
	in := api.CourseInput{ID: "c1", Code: "C1", Title: "Course", Zone: "UTC", State: lms.CoursePublished}
	if _, err := api.Call(t.Context(), admin, api.CreateCourse, in); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Upload(t.Context(), admin, "c1", memoryFile{"essay.txt", content}, nil); err != nil {
		t.Fatal(err)
	}
}

// chunkPath is where a node keeps a chunk.
func chunkPath(data, hash string) string {
	return filepath.Join(data, "files", "chunks", hash[:2], hash[2:3], hash)
}

// TestRemoveWaitsForFiles replaces the disk of a node and lets it lack a file: until it has that as well the cluster says so, and gives
// none of the others away.
func TestRemoveWaitsForFiles(t *testing.T) {
	dir, addresses := t.TempDir(), freeAddresses(t, 3)
	data := func(i int) string { return filepath.Join(dir, fmt.Sprint("n", i+1)) }
	nodes := make([]*server, 3)
	for i := range nodes {
		args := []string{"--id", fmt.Sprint("n", i+1), "--cluster", addresses[i]}
		if i > 0 {
			args = append(args, "--join", addresses[0], "--token", strings.TrimSpace(must(t, "join-token", "--data", data(0))))
		}
		nodes[i] = launch(t, data(i), args...)
		eventually(t, "the node is ready", nodes[i].ready)
	}
	status := func() string { return must(t, "status", "--data", data(0)) }
	eventually(t, "three nodes have everything", func() bool {
		return strings.Contains(status(), "3 of 3 healthy: any one may fail\nEverything is on every node.")
	})
	content := []byte("My essay.")
	nodes[0].upload(t, content)
	hash := fmt.Sprintf("%x", sha256.Sum256(content))
	for i := range nodes {
		eventually(t, "every node has the file", func() bool { _, err := os.Stat(chunkPath(data(i), hash)); return err == nil })
	}

	nodes[2].stop(t)
	if err := os.RemoveAll(filepath.Join(data(2), "files")); err != nil {
		t.Fatal(err)
	}
	nodes[1].stop(t) // it alone has the file, so that there is time to look
	if err := os.Rename(chunkPath(data(0), hash), chunkPath(data(0), hash)+".away"); err != nil {
		t.Fatal(err)
	}
	nodes[2] = launch(t, data(2), "--cluster", addresses[2])
	eventually(t, "the node with the new disk is ready", nodes[2].ready)
	var out string
	eventually(t, "it is told that a node lacks a file", func() bool {
		out = status()
		return strings.Contains(out, "2 of 3 up: files are still being copied to") && strings.Contains(out, "Files are still being copied to n3: 9 bytes to go")
	})
	if strings.Contains(out, "any one may fail") || strings.Contains(out, "on every node") {
		t.Errorf("status: %s", out)
	}
	for id, why := range map[string]string{"n1": "n2 does not tell whether it has all files", "n2": "files are still being copied to n3 (9 bytes to go)"} {
		_, errs, err := trivium(t, "remove", id, "--data", data(0))
		if err == nil || !strings.Contains(errs, "The node stays: "+why) {
			t.Errorf("remove %s: %v, %q", id, err, errs)
		}
	}
	figures := nodes[2].send(t, "GET", "/metrics", "", "").body
	for _, want := range []string{"trivium_files_whole 0", "trivium_files_missing_chunks 1", "trivium_files_missing_bytes 9"} {
		if !strings.Contains(figures, want) {
			t.Errorf("/metrics does not say %q", want)
		}
	}

	if err := os.Rename(chunkPath(data(0), hash)+".away", chunkPath(data(0), hash)); err != nil {
		t.Fatal(err)
	}
	nodes[1] = launch(t, data(1), "--cluster", addresses[1])
	eventually(t, "every node has everything", func() bool {
		out = status()
		return strings.Contains(out, "3 of 3 healthy") && strings.Contains(out, "Everything is on every node.")
	})
	if _, err := os.Stat(chunkPath(data(2), hash)); err != nil {
		t.Errorf("it is said to have the file: %v", err)
	}
	must(t, "remove", "n2", "--data", data(0))
	nodes[1].removed(t)
}

// removed waits until the node has ended because it was removed.
func (s *server) removed(t *testing.T) {
	t.Helper()
	defer s.cancel()
	select {
	case err := <-s.done:
		if err == nil || !strings.Contains(err.Error(), "was removed") {
			t.Errorf("it has ended with %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Error("a removed node goes on")
	}
	s.done <- nil // for stop
}
