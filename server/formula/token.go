package formula

import (
	"strings"
	"unicode/utf8"
)

// token is a command without its backslash, or a character.
type token struct {
	command bool
	text    string // "" at the end
	at      int    // where it begins in the source
}

// scanner reads tokens one after the other. Comments and spaces stand for nothing between them.
type scanner struct {
	source string
	pos    int
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// next reads a token.
func (s *scanner) next() token {
	for s.pos < len(s.source) {
		switch s.source[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
			continue
		case '%':
			if end := strings.IndexByte(s.source[s.pos:], '\n'); end >= 0 {
				s.pos += end + 1
			} else {
				s.pos = len(s.source)
			}
			continue
		}
		break
	}
	start := s.pos
	if start == len(s.source) {
		return token{at: start}
	}
	if s.source[start] != '\\' {
		_, size := utf8.DecodeRuneInString(s.source[start:])
		s.pos += size
		return token{text: s.source[start:s.pos], at: start}
	}
	end := start + 1
	for end < len(s.source) && isLetter(s.source[end]) {
		end++
	}
	if end == start+1 && end < len(s.source) {
		_, size := utf8.DecodeRuneInString(s.source[end:])
		end += size
	}
	s.pos = end
	return token{command: true, text: s.source[start+1 : end], at: start}
}

// peek reads the next token and stays before it.
func (s *scanner) peek() token {
	pos := s.pos
	t := s.next()
	s.pos = pos
	return t
}

func (t token) end() bool { return t.text == "" && !t.command }

func (t token) is(char string) bool { return !t.command && t.text == char }

func (t token) isCommand(name string) bool { return t.command && t.text == name }
