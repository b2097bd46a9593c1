package consensus

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"
)

func sample() *command {
	q := statement{sql: `SELECT 1`}
	return &command{key: "key", digest: []byte{1, 0, 255}, topics: []string{"a", "b"}, query: &q,
		guards: []statement{{sql: `SELECT ?`, args: []any{int64(-5)}}},
		stmts: []statement{
			{sql: `INSERT ?`, args: []any{nil, int64(math.MinInt64), math.Inf(-1), "", "tëxt\x00", []byte{}, []byte{0, 1}, Stamp{}, Index{}}},
			{sql: `SELECT ?`, args: []any{int64(1)}}, // a text that the entry carries already
		}}
}

func TestEntryComesBackAsItWent(t *testing.T) {
	var e encoder
	e.encodeEntry(1, 1, []*command{sample(), sample()}) // scratch is used again
	private := &command{private: true, key: "\x00\x01binary"}
	data := e.encodeEntry(77, 88, []*command{sample(), private})
	got, err := decodeEntry(data, 0, 0)
	if err != nil || got.stamp != 77 || got.keep != 88 || len(got.commands) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if !reflect.DeepEqual(got.commands[0], sample()) || !reflect.DeepEqual(got.commands[1], private) {
		t.Fatalf("got %+v", got.commands[0])
	}
	applied, err := decodeEntry(data, 100, 7)
	if err != nil || applied.stamp != 100 || applied.commands[0].stmts[0].args[7] != int64(100) || applied.commands[0].stmts[0].args[8] != int64(7) {
		t.Fatalf("stamp and index are %v, %v", applied.commands[0].stmts[0].args[7:], err)
	}
}

func TestDamagedEntriesAreRefused(t *testing.T) {
	var e encoder
	data := e.encodeEntry(1, 2, []*command{sample()})
	for n := range data {
		if _, err := decodeEntry(data[:n], 0, 7); err == nil {
			t.Fatalf("cut at %d it is accepted", n)
		}
	}
	if _, err := decodeEntry(append(bytes.Clone(data), 0), 0, 7); err == nil {
		t.Error("with a byte more it is accepted")
	}
	data[0]++
	if _, err := decodeEntry(data, 0, 7); err == nil {
		t.Error("another version is accepted")
	}
}

func FuzzDecodeEntry(f *testing.F) {
	var e encoder
	f.Add(e.encodeEntry(1, 2, []*command{sample()}))
	f.Add([]byte{firstFormat, 0, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeEntry(data, 0, 0)
		if err != nil {
			return
		}
		var e encoder
		again, err := decodeEntry(e.encodeEntry(got.stamp, got.keep, got.commands), 0, 0)
		if err != nil || fmt.Sprintf("%+v", again) == "" {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzDecodeOutcome(f *testing.F) {
	f.Add(encodeOutcome(&outcome{message: "m", guard: 3}))
	f.Fuzz(func(t *testing.T, data []byte) { decodeOutcome(data) })
}

func TestOutcomeComesBackAsItWent(t *testing.T) {
	want := outcome{code: outcomeConstraint, guard: 2, message: "no", res: Result{Index: 9, Stamp: time.UnixMilli(1234).UTC(), Changed: []int64{0, 5}, Replayed: true,
		Rows: Rows{Columns: []string{"a", "b"}, Values: []Row{{int64(1), "x"}, {nil, []byte{7}}}}}}
	got, err := decodeOutcome(encodeOutcome(&want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestBatchesThatCannotBeStoredAreRefused(t *testing.T) {
	long := string(bytes.Repeat([]byte("k"), maxKey+1))
	for name, build := range map[string]func(*Batch){
		"NaN":                               func(b *Batch) { b.Exec(`x`, math.NaN()) },
		"a struct":                          func(b *Batch) { b.Exec(`x`, struct{}{}) },
		"a long key":                        func(b *Batch) { b.Key = long },
		"a NUL in the key":                  func(b *Batch) { b.Key = "a\x00b" },
		"a long digest":                     func(b *Batch) { b.Digest = []byte(long) },
		"a NUL in the SQL":                  func(b *Batch) { b.Exec("SELECT 1\x00; DROP") },
		"a huge batch":                      func(b *Batch) { b.Exec(`x`, make([]byte, maxBatchBytes)) },
		"two queries":                       func(b *Batch) { b.Return(`SELECT 1; SELECT 2`) },
		"parameters for several statements": func(b *Batch) { b.Exec(`DELETE FROM a; DELETE FROM b WHERE c = ?`, 1) },
	} {
		var b Batch
		build(&b)
		if _, _, err := b.command(0); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestDamagedEntryIsNoticed(t *testing.T) {
	var e encoder
	data := e.encodeVersion(2, 1, 2, []*command{sample()})
	want, err := decodeEntry(e.encodeEntry(1, 2, []*command{sample()}), 0, 7)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeEntry(data, 0, 7); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v %v", got, err)
	}
	for i := 1; i < len(data); i++ {
		damaged := bytes.Clone(data)
		damaged[i] ^= 4
		if _, err := decodeEntry(damaged, 0, 7); err == nil {
			t.Errorf("byte %d of %d flipped: not noticed", i, len(data))
		}
	}
}
