package main

import "strings"

// pattern is the regular expression of a route, as the pages write them: anchored, literal but for path segments of ids,
// or with a beginning that everything else may follow. This file is copied into the browser's go-app, where it stands for
// the package regexp, which with its tables is larger than all of go-app.
type pattern struct {
	parts []string // "" is an id
	rest  bool     // anything may follow
}

// patternID matches the id of something in a path.
const patternID = "[a-z0-9_-]{1,64}"

func mustPattern(s string) pattern {
	s, begins := strings.CutPrefix(s, "^")
	s, ends := strings.CutSuffix(s, "$")
	s, rest := strings.CutSuffix(s, ".*")
	parts := strings.Split(s, patternID)
	if !begins || !ends || strings.ContainsAny(strings.Join(parts, ""), `\.+*?()|[]{}^$`) {
		panic("a route that the browser cannot match: " + s)
	}
	return pattern{parts: parts, rest: rest}
}

// MatchString reports whether the pattern matches the path. Between two ids stands text that no id can contain, such as a
// slash, so that an id ends where its characters do.
func (p pattern) MatchString(path string) bool {
	for i, part := range p.parts {
		if i > 0 {
			n := 0
			for n < len(path) && isIDChar(path[n]) {
				n++
			}
			if n == 0 || n > 64 {
				return false
			}
			path = path[n:]
		}
		var ok bool
		if path, ok = strings.CutPrefix(path, part); !ok {
			return false
		}
	}
	return path == "" || p.rest && !strings.Contains(path, "\n")
}

func isIDChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
