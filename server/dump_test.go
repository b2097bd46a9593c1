package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDumpStaysBoundedAndKeepsTheNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), dumpFile)
	d, err := openDump(path)
	if err != nil {
		t.Fatal(err)
	}
	d.limit = 1000
	line := strings.Repeat("x", 99)
	for range 100 {
		d.line(line)
	}
	d.line("the last one")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.line("after the end") // is lost, and does no harm
	total := int64(0)
	for _, p := range []string{path, previous(path)} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 2*1100 {
		t.Errorf("%d bytes are kept", total)
	}
	got, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(got), "the last one\n") {
		t.Errorf("the file ends %q, %v", got, err)
	}
	if d, err = openDump(path); err != nil {
		t.Fatal(err)
	}
	d.line("another start")
	d.Close()
	if got, _ := os.ReadFile(path); !strings.HasSuffix(string(got), "the last one\nanother start\n") {
		t.Error("a start has lost what was there")
	}
}
