package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Of the binary format of WebAssembly: https://webassembly.github.io/spec/core/binary/modules.html
const (
	header      = "\x00asm\x01\x00\x00\x00"
	sectionData = 11
	opI32Const  = 0x41
	opEnd       = 0x0b
	maxMemory   = 1 << 28 // of initial data; a larger address is an error of ours
	gap         = 64      // so many zeroes are worth a piece of their own
)

var errFormat = errors.New("not a program that Go's linker has written")

// module is a program with its initial memory laid out.
type module struct {
	before, after []byte // the sections around the data
	memory        []byte // from address 0
}

type reader struct {
	b   []byte
	err error
}

// uint reads an unsigned number; signed ones that are not negative differ in their last byte only, see int.
func (r *reader) uint() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > maxMemory {
		r.err, r.b = errFormat, nil
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.err, r.b = errFormat, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func parse(program []byte) (*module, error) {
	if !bytes.HasPrefix(program, []byte(header)) {
		return nil, errFormat
	}
	r := &reader{b: program[len(header):]}
	for len(r.b) > 0 {
		start := len(program) - len(r.b)
		id := r.byte()
		body := r.take(r.uint())
		if r.err != nil {
			return nil, r.err
		}
		if id == sectionData {
			m := &module{before: program[:start], after: r.b}
			return m, m.load(body)
		}
	}
	return nil, fmt.Errorf("%w: no data", errFormat)
}

// load lays the data out at its addresses.
func (m *module) load(body []byte) error {
	r := &reader{b: body}
	for range r.uint() {
		if kind, op := r.uint(), r.byte(); kind != 0 || op != opI32Const {
			return fmt.Errorf("%w: data of another kind", errFormat)
		}
		at := r.uint()
		if r.byte() != opEnd {
			return fmt.Errorf("%w: an address that is computed", errFormat)
		}
		data := r.take(r.uint())
		if r.err != nil {
			return r.err
		}
		if end := at + len(data); end > len(m.memory) {
			m.memory = append(m.memory, make([]byte, end-len(m.memory))...)
		}
		copy(m.memory[at:], data)
	}
	if len(r.b) > 0 {
		return errFormat
	}
	return r.err
}

// bytes writes the program with its data in as few pieces as is worth it.
func (m *module) bytes() []byte {
	var pieces []byte
	n := 0
	for at := 0; at < len(m.memory); {
		if m.memory[at] == 0 {
			at++
			continue
		}
		end := pieceEnd(m.memory, at)
		pieces = append(pieces, 0, opI32Const)
		pieces = appendInt(pieces, at)
		pieces = append(pieces, opEnd)
		pieces = binary.AppendUvarint(pieces, uint64(end-at))
		pieces = append(pieces, m.memory[at:end]...)
		n++
		at = end
	}
	body := append(binary.AppendUvarint(nil, uint64(n)), pieces...)
	out := append(bytes.Clone(m.before), sectionData)
	out = binary.AppendUvarint(out, uint64(len(body)))
	return append(append(out, body...), m.after...)
}

// pieceEnd is where the zeroes begin that end the piece from at on.
func pieceEnd(memory []byte, at int) int {
	end, zeroes := at, 0
	for i := at; i < len(memory) && zeroes < gap; i++ {
		if memory[i] != 0 {
			end, zeroes = i+1, 0
		} else {
			zeroes++
		}
	}
	return end
}

// appendInt writes a signed number that is not negative.
func appendInt(b []byte, v int) []byte {
	for ; v >= 1<<6; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}
