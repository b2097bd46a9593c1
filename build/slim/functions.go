package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The runtime's table of functions ("pclntab"), as Go 1.26 writes it: runtime/symtab.go (pcHeader), runtime/runtime2.go
// (_func), internal/abi/symtab.go (the numbers of the tables).
const (
	magic      = "\xf1\xff\xff\xff\x00\x00\x01\x08" // version, padding, least instruction, size of a pointer
	headerSize = 72
	recordSize = 44

	offFiles, offLines = 20, 24
	offTables          = 28 // how many tables by place in the code, for each function
	offUnit, offStart  = 32, 36
	offData            = 43 // how much data besides

	tableUnsafe    = 0 // where a signal may not interrupt: there are none in a browser
	tableArguments = 3 // which arguments are alive
	dataArguments  = 5 // where the arguments are
	dataAlive      = 6 // which of them are alive
	noData         = 1<<32 - 1
)

var little = binary.LittleEndian

// table is the runtime's table of functions inside the program's memory.
type table struct {
	places  []byte   // of all functions: what holds at which place of its code
	records []byte   // the index and the functions' records
	offsets []uint32 // of the records
}

// prune clears what only stack traces read. It changes nothing when the table is not exactly as expected.
func prune(memory []byte) error {
	t, err := find(memory)
	if err != nil {
		return err
	}
	drop := make([]bool, len(t.places)) // what a cleared entry has pointed to
	keep := make([]bool, len(t.places))
	for _, off := range t.offsets {
		if err := t.marks(t.records[off:], drop, keep); err != nil {
			return err
		}
	}
	for _, off := range t.offsets {
		clearRecord(t.records[off:])
	}
	for i := range t.places {
		if drop[i] && !keep[i] {
			t.places[i] = 0
		}
	}
	return nil
}

// find reads the table and verifies that it has the form that is known here.
func find(memory []byte) (*table, error) {
	at := bytes.Index(memory, []byte(magic))
	if at < 0 || at+headerSize > len(memory) {
		return nil, errors.New("it is not there")
	}
	if bytes.Contains(memory[at+1:], []byte(magic)) {
		return nil, errors.New("it is there twice")
	}
	head := memory[at:]
	field := func(i int) int { return int(little.Uint64(head[8+8*i:])) }
	n, places, records := field(0), field(6), field(7)
	for i, v := range []int{n, field(3), field(4), field(5), places, records} {
		if v < 0 || v >= len(head) || i > 1 && v < field(i+1) {
			return nil, fmt.Errorf("part %d begins at %d", i, v)
		}
	}
	t := &table{places: head[places:records], records: head[records:]}
	if field(3) != headerSize || n == 0 || 8*n+4 > len(t.records) {
		return nil, fmt.Errorf("%d functions, names at %d", n, field(3))
	}
	end := 8*n + 4
	for i := range n {
		entry, off := little.Uint32(t.records[8*i:]), int(little.Uint32(t.records[8*i+4:]))
		if off != (end+7)&^7 || off+recordSize > len(t.records) || little.Uint32(t.records[off:]) != entry {
			return nil, fmt.Errorf("the record of function %d is at %d", i, off)
		}
		r := t.records[off:]
		end = off + recordSize + 4*int(little.Uint32(r[offTables:])) + 4*int(r[offData])
		if little.Uint32(r[offTables:]) > 16 || r[offData] > 16 || end > len(t.records) {
			return nil, fmt.Errorf("the record of function %d is longer than known", i)
		}
		t.offsets = append(t.offsets, uint32(off))
	}
	return t, nil
}

// marks notes which bytes of places a record keeps, and which it will no longer ask for.
func (t *table) marks(r []byte, drop, keep []bool) error {
	if err := t.mark(little.Uint32(r[offFiles:]), drop); err != nil {
		return err
	}
	if err := t.mark(little.Uint32(r[offLines:]), drop); err != nil {
		return err
	}
	if err := t.mark(little.Uint32(r[16:]), keep); err != nil {
		return err
	}
	for i := range int(little.Uint32(r[offTables:])) {
		which := keep
		if i == tableUnsafe || i == tableArguments {
			which = drop
		}
		if err := t.mark(little.Uint32(r[recordSize+4*i:]), which); err != nil {
			return err
		}
	}
	return nil
}

// mark marks one table: pairs of numbers up to a zero that is not the first.
func (t *table) mark(off uint32, which []bool) error {
	if off == 0 {
		return nil
	}
	at := int(off)
	for first := true; ; first = false {
		if at >= len(t.places) {
			return errors.New("a table has no end")
		}
		if t.places[at] == 0 && !first {
			which[at] = true
			return nil
		}
		for range 2 { // a value, and for how far it holds
			_, n := binary.Uvarint(t.places[at:])
			if n <= 0 {
				return errors.New("a table has no number where one must be")
			}
			for i := range n {
				which[at+i] = true
			}
			at += n
		}
	}
}

// clearRecord clears the entries of one function.
func clearRecord(r []byte) {
	for _, off := range []int{offFiles, offLines, offUnit, offStart} {
		little.PutUint32(r[off:], 0)
	}
	tables := int(little.Uint32(r[offTables:]))
	for _, i := range []int{tableUnsafe, tableArguments} {
		if tables > i {
			little.PutUint32(r[recordSize+4*i:], 0)
		}
	}
	for _, i := range []int{dataArguments, dataAlive} {
		if int(r[offData]) > i {
			little.PutUint32(r[recordSize+4*tables+4*i:], noData)
		}
	}
}
