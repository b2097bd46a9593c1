package fast

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func openTestLog(t *testing.T, path string) *pendingLog {
	t.Helper()
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.close() })
	return l
}

func op(id, key string) Op { return Op{ID: id, Key: key, Value: "v" + id, Request: "r" + id} }

func ids(ops []Op) string {
	var s []string
	for _, o := range ops {
		s = append(s, o.ID)
	}
	return strings.Join(s, " ")
}

func want(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestLogKeepsWhatItAnswered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fast", "pending")
	l := openTestLog(t, path)
	want(t, l.append(3, op("a", "x")), errTerm) // nobody has opened it
	want(t, l.open(3), nil)
	want(t, l.append(3, op("a", "x")), nil)
	want(t, l.append(3, op("b", "x")), errConflict)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { want(t, l.append(3, op(fmt.Sprint("c", i), fmt.Sprint("k", i))), nil) })
	}
	wg.Wait()
	before := ids(l.pending())
	want(t, l.close(), nil)

	l = openTestLog(t, path)
	if got := ids(l.pending()); got != before || len(l.pending()) != 51 {
		t.Fatalf("after a restart %s, before %s", got, before)
	}
	want(t, l.append(2, op("old", "old")), errTerm)
	opened, ops, err := l.collect(5)
	if err != nil || opened != 3 || ids(ops) != before {
		t.Fatalf("%d %s %v", opened, ids(ops), err)
	}
	want(t, l.append(3, op("late", "late")), errTerm)
	want(t, l.append(5, op("early", "early")), errTerm)
	want(t, l.close(), nil)

	l = openTestLog(t, path) // the fence is on the disk, as votes are
	want(t, l.append(3, op("late", "late")), errTerm)
	want(t, l.open(4), errTerm)
	if _, _, err := l.collect(4); !errors.Is(err, errTerm) {
		t.Fatal(err)
	}
	want(t, l.open(5), nil)
	if got := l.pending(); len(got) != 0 {
		t.Fatalf("opened anew with %s", ids(got))
	}
	want(t, l.append(5, op("d", "x")), nil)
	l.drop("d", "unknown")
	want(t, l.append(5, op("e", "x")), nil)
}

// What a crash leaves of the last write is cut off; what a disk has changed counts no more than what never arrived.
func TestLogEndsAtTheFirstDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pending")
	l := openTestLog(t, path)
	want(t, l.open(1), nil)
	want(t, l.append(1, op("a", "a")), nil)
	whole := l.size
	want(t, l.append(1, op("b", "b")), nil)
	want(t, l.close(), nil)
	data, err := os.ReadFile(path)
	want(t, err, nil)
	for cut := whole; cut < int64(len(data)); cut++ {
		want(t, os.WriteFile(path, data[:cut], 0o600), nil)
		torn := openTestLog(t, path)
		if got := ids(torn.pending()); got != "a" || torn.opened != 1 {
			t.Fatalf("cut at %d of %d: %q, opened %d", cut, len(data), got, torn.opened)
		}
		want(t, torn.append(1, op("c", "c")), nil)
		want(t, torn.close(), nil)
		if again := openTestLog(t, path); ids(again.pending()) != "a c" {
			t.Fatalf("what followed a cut at %d: %q", cut, ids(again.pending()))
		}
	}
	for at := whole; at < int64(len(data)); at++ {
		changed := append([]byte{}, data...)
		changed[at] ^= 0x10
		want(t, os.WriteFile(path, changed, 0o600), nil)
		l := openTestLog(t, path)
		if got := ids(l.pending()); got != "a" {
			t.Fatalf("byte %d changed: %q", at, got)
		}
		want(t, l.close(), nil)
	}
}

func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pending")
	l := openTestLog(t, path)
	want(t, l.open(1), nil)
	large := op("large", "large")
	large.Value = strings.Repeat("v", maxPendingBytes)
	want(t, l.append(1, large), errFull)
	var wg sync.WaitGroup
	for i := range maxPending {
		wg.Go(func() { want(t, l.append(1, op(fmt.Sprint(i), fmt.Sprint(i))), nil) })
	}
	wg.Wait()
	want(t, l.append(1, op("more", "more")), errFull)
	for i := range maxPending {
		l.drop(fmt.Sprint(i))
	}
	for i := range 40 { // the file does not grow for ever
		o := op(fmt.Sprint("big", i), "big")
		o.Value = strings.Repeat("v", 1<<20)
		want(t, l.append(1, o), nil)
		l.drop(o.ID)
	}
	want(t, l.append(1, op("last", "last")), nil)
	want(t, l.close(), nil)
	info, err := os.Stat(path)
	want(t, err, nil)
	if info.Size() > compactAt+3<<20 {
		t.Errorf("the file has %d bytes", info.Size())
	}
	again := openTestLog(t, path)
	if all := again.pending(); all[len(all)-1].ID != "last" || again.opened != 1 {
		t.Errorf("%s, opened %d", ids(all), again.opened)
	}
}
