package tutor

import (
	"bytes"
	"io"
	"strconv"
)

// Caps of a PDF's table of objects.
const (
	maxObjects  = 2_000_000
	maxSections = 500
	maxXrefDict = 64 << 10
)

var errXref = &UnreadableError{"the PDF is damaged: its table of objects is not usable"}

// checkXrefs walks the chain of object tables before the library does, and refuses the numbers that would make it reserve memory
// without bounds or go round in circles.
func checkXrefs(r io.ReaderAt, size int64) error {
	tail := make([]byte, min(size, 100))
	r.ReadAt(tail, size-int64(len(tail))) // a short read leaves zeros, which are refused below
	i := bytes.LastIndex(tail, []byte("startxref"))
	if i < 0 {
		return errXref
	}
	at, ok := leadingInt(tail[i+len("startxref"):])
	seen := map[int64]bool{}
	for ok {
		if at < 0 || at >= size || seen[at] || len(seen) >= maxSections {
			return errXref
		}
		seen[at] = true
		s := &xrefScan{r: io.NewSectionReader(r, at, size-at), size: size}
		if !s.section() {
			return errXref
		}
		at, ok = s.prev, s.hasPrev
	}
	return nil
}

func leadingInt(b []byte) (int64, bool) {
	b = bytes.TrimLeft(b, "\x00\t\n\f\r ")
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(b[:n]), 10, 64)
	return v, err == nil
}

// xrefScan reads one section, a table or a stream, as far as its numbers matter.
type xrefScan struct {
	r       *io.SectionReader
	size    int64
	buf     []byte
	pos     int
	prev    int64
	hasPrev bool
}

// token returns the next word; "" at the end. Delimiters are words of their own.
func (s *xrefScan) token() string {
	for {
		c, ok := s.peek()
		switch {
		case !ok:
			return ""
		case c <= ' ':
			s.pos++
			continue
		case c == '%':
			for ok && c != '\n' && c != '\r' {
				s.pos++
				c, ok = s.peek()
			}
			continue
		}
		break
	}
	c, _ := s.peek()
	s.pos++
	word := []byte{c}
	if bytes.IndexByte([]byte("[]<>(){}"), c) >= 0 {
		return string(word)
	}
	for len(word) < 64 {
		c, ok := s.peek()
		if !ok || c <= ' ' || bytes.IndexByte([]byte("[]<>(){}/%"), c) >= 0 {
			break
		}
		word = append(word, c)
		s.pos++
	}
	return string(word)
}

func (s *xrefScan) peek() (byte, bool) {
	if s.pos == len(s.buf) {
		if s.buf == nil {
			s.buf = make([]byte, 64<<10)
		}
		n, _ := s.r.Read(s.buf[:cap(s.buf)])
		s.buf, s.pos = s.buf[:n], 0
		if n == 0 {
			return 0, false
		}
	}
	return s.buf[s.pos], true
}

func (s *xrefScan) section() bool {
	if first := s.token(); first != "xref" {
		_, err := strconv.Atoi(first) // "12 0 obj << ... >> stream"
		s.token()
		return err == nil && s.token() == "obj" && s.dictionary()
	}
	for entries := int64(0); ; {
		word := s.token()
		if word == "trailer" {
			return s.dictionary()
		}
		start, err1 := strconv.ParseInt(word, 10, 64)
		n, err2 := strconv.ParseInt(s.token(), 10, 64)
		entries += n
		if err1 != nil || err2 != nil || start < 0 || n < 0 || start+n > maxObjects || entries > maxObjects {
			return false
		}
		for range 3 * n {
			if s.token() == "" {
				return false
			}
		}
	}
}

// dictionary reads a trailer or the dictionary of a stream of objects. Only offsets and lengths may be large; everything that
// counts objects or columns may not, however its name is spelled.
func (s *xrefScan) dictionary() bool {
	depth, last := 0, ""
	for range maxXrefDict {
		word := s.token()
		switch word {
		case "":
			return false
		case "<":
			depth++
		case ">":
			if depth--; depth <= 0 {
				return true
			}
		case "(":
			s.skipString()
		}
		if v, err := strconv.ParseInt(word, 10, 64); err == nil {
			switch {
			case last == "/Prev" && depth == 2:
				s.prev, s.hasPrev = v, true
			case last == "/Length", last == "/XRefStm", last == "/P":
			case v > maxObjects || v < -1:
				return false
			}
		}
		last = word
	}
	return false
}

// skipString skips a literal string, whose beginning has been read.
func (s *xrefScan) skipString() {
	for depth := 1; depth > 0; {
		c, ok := s.peek()
		if !ok {
			return
		}
		s.pos++
		switch c {
		case '\\':
			s.peek()
			if s.pos < len(s.buf) {
				s.pos++
			}
		case '(':
			depth++
		case ')':
			depth--
		}
	}
}
