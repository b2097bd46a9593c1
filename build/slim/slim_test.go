package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program panics, recovers, collects garbage and prints a trace: whatever reads the table of functions.
const program = `package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type list struct{ next *list; text string }

func fail(n int) (s string) {
	defer func() { s = fmt.Sprint("recovered ", recover(), n) }()
	return []string{"one"}[n]
}

func traced() string { return string(debug.Stack()) }

func main() {
	var l *list
	for i := range 20000 {
		l = &list{l, fmt.Sprint(i)}
	}
	runtime.GC()
	n := 0
	for ; l != nil; l = l.next {
		n += len(l.text)
	}
	fmt.Println(n, fail(7))
	fmt.Println(traced())
}
`

// linked builds the program for the browser.
func linked(t *testing.T) []byte {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"main.go": program, "go.mod": "module probe\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", "probe.wasm", ".")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(folder, "probe.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProgramOfThisGoIsUnderstood(t *testing.T) {
	before := linked(t)
	after, note, err := slim(bytes.Clone(before))
	if err != nil || note != "" {
		t.Fatalf("%s links programs in another form: %v %s", runtime.Version(), err, note)
	}
	was, _ := parse(before)
	is, err := parse(after)
	if err != nil || len(is.memory) != len(was.memory) || !bytes.Equal(is.before, was.before) || !bytes.Equal(is.after, was.after) {
		t.Fatal("more than the data has changed", err)
	}
	a, err := find(was.memory)
	if err != nil {
		t.Fatal(err)
	}
	b, err := find(is.memory)
	if err != nil {
		t.Fatal(err)
	}
	for i, off := range b.offsets {
		old, r := a.records[off:], b.records[off:]
		if little.Uint32(r[offFiles:]) != 0 || little.Uint32(r[offLines:]) != 0 {
			t.Fatal("function", i, "still has lines")
		}
		if !bytes.Equal(r[:offFiles], old[:offFiles]) { // entry, name, arguments, defers, stack
			t.Fatal("function", i, "has lost what the program needs")
		}
		if at := little.Uint32(r[16:]); at != 0 && a.places[at] != b.places[at] {
			t.Fatal("function", i, "has another stack")
		}
	}
	if out := ran(t, before); !strings.Contains(out, "main.go:") {
		t.Error("the trace of the whole program has lines, or the next test proves nothing:", out)
	}
	out := ran(t, after)
	for _, want := range []string{"88890 recovered runtime error: index out of range [7] with length 1", "main.traced", "main.main"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "main.go:") {
		t.Error("a line is known:", out)
	}
}

// ran is what the program prints, run by the engine of a browser.
func ran(t *testing.T, program []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.wasm")
	if err := os.WriteFile(name, program, 0o600); err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there; the browser tests run the real program")
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(node, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js"), name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// with is a program of nothing but data; pieces alternate address and text.
func with(pieces ...any) []byte {
	body := binary.AppendUvarint(nil, uint64(len(pieces)/2))
	for i := 0; i < len(pieces); i += 2 {
		body = append(appendInt(append(body, 0, opI32Const), pieces[i].(int)), opEnd)
		body = append(binary.AppendUvarint(body, uint64(len(pieces[i+1].(string)))), pieces[i+1].(string)...)
	}
	b := append([]byte(header), 1, 2, 'a', 'b', sectionData)
	return append(append(binary.AppendUvarint(b, uint64(len(body))), body...), 0, 1, 'z')
}

func TestDataStaysWhereItWas(t *testing.T) {
	in := with(300, "two\x00\x00x", 4, "one", 70, "\x00\x00end", 5000, "far\x00\x00")
	out, note, err := slim(in)
	if err != nil || note == "" {
		t.Fatal("there is no table of functions in it:", note, err)
	}
	was, _ := parse(in)
	is, err := parse(out)
	if err != nil || string(is.before) != string(was.before) || string(is.after) != "\x00\x01z" {
		t.Fatal(is, err)
	}
	if got, want := strings.TrimRight(string(is.memory), "\x00"), strings.TrimRight(string(was.memory), "\x00"); got != want {
		t.Errorf("%q, were %q", got, want)
	}
	if string(is.memory[300:306]) != "two\x00\x00x" || string(is.memory[5000:5003]) != "far" {
		t.Error("data has moved")
	}
}

func TestAnotherFormIsRefusedOrLeftAlone(t *testing.T) {
	whole := with(8, "text")
	for n := range len(whole) - 3 {
		if _, _, err := slim(whole[:n]); err == nil {
			t.Errorf("a program of %d of %d bytes was taken", n, len(whole))
		}
	}
	table := func(change func([]byte)) []byte {
		b := make([]byte, 8, 8+headerSize+8+64)
		b = append(b, magic...)
		for _, v := range []uint64{1, 1, 0, headerSize, headerSize, headerSize, headerSize, headerSize + 8} {
			b = little.AppendUint64(b, v)
		}
		b = append(b, 0, 2, 2, 0, 0, 0, 0, 0)                          // one table of places
		b = append(b, 0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) // the index
		b = append(b, make([]byte, 16)...)                             // entry, name, arguments, defers
		b = append(b, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)  // stack, files, lines, tables
		b = append(b, 7, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0)              // unit, start, data
		change(b)
		return b
	}
	for _, c := range []struct {
		name   string
		fits   bool
		change func([]byte)
	}{
		{"as known", true, func([]byte) {}},
		{"newer version", false, func(b []byte) { b[8]++ }},
		{"longer header", false, func(b []byte) { b[8+8+3*8]++ }},
		{"record elsewhere", false, func(b []byte) { b[8+headerSize+8+4]++ }},
		{"more data than there is", false, func(b []byte) { b[8+headerSize+8+16+offData] = 9 }},
		{"a table outside", false, func(b []byte) { b[8+headerSize+8+16+offLines] = 200 }},
	} {
		b := table(c.change)
		was := bytes.Clone(b)
		err := prune(b)
		if (err == nil) != c.fits || bytes.Equal(b, was) == c.fits {
			t.Errorf("%s: %v, changed: %v", c.name, err, !bytes.Equal(b, was))
		}
	}
}
