package sql

import (
	"slices"
	"strconv"
	"strings"
)

// tokens splits SQL into words, placeholders and single other characters. Literals become "'", quoted names keep their
// first quote, and comments are left out.
func tokens(q string) []string {
	var all []string
	for i := 0; i < len(q); i++ {
		n := 1
		switch c := q[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			continue
		case strings.HasPrefix(q[i:], "--"):
			i = end(q, i+2, "\n")
			continue
		case strings.HasPrefix(q[i:], "/*"):
			i = end(q, i+2, "*/")
			continue
		case c == '\'' || c == '"' || c == '`':
			all = append(all, q[i:i+1])
			i = end(q, i+1, q[i:i+1]) // a doubled quote opens the next literal at once
			continue
		case c == '[':
			all = append(all, "[")
			i = end(q, i+1, "]")
			continue
		case wordByte(c):
			n = wordLen(q[i:])
		case c == '?' || c == ':' || c == '@' || c == '$':
			n = 1 + wordLen(q[i+1:])
		}
		all = append(all, q[i:i+n])
		i += n - 1
	}
	return all
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && (wordByte(s[n]) || s[n] == '$') {
		n++
	}
	return n
}

// end is the position of the terminator's last byte, or the last of the text.
func end(q string, from int, terminator string) int {
	if n := strings.Index(q[from:], terminator); n >= 0 {
		return from + n + len(terminator) - 1
	}
	return len(q) - 1
}

// maxPlaceholders is SQLite's own limit.
const maxPlaceholders = 32766

// placeholders lists the names of a statement's parameters by their number, as SQLite counts them: a name has one number
// wherever it stands, ?NNN has the number NNN, and what has no name in the list is "".
func placeholders(q string) []string {
	var names []string
	var seen []string
	for _, t := range tokens(q) {
		switch {
		case t[0] == '?':
			to := len(names) + 1
			if n, err := strconv.Atoi(t[1:]); err == nil {
				to = n
			}
			for len(names) < min(to, maxPlaceholders) {
				names = append(names, "")
			}
		case len(t) > 1 && (t[0] == ':' || t[0] == '@' || t[0] == '$') && !slices.Contains(seen, t) && len(names) < maxPlaceholders:
			seen, names = append(seen, t), append(names, t[1:])
		}
	}
	return names
}

// reading are the PRAGMA statements that only tell something; those of readingOf tell it of the table or index in brackets.
var (
	reading = []string{"table_list", "database_list", "collation_list", "function_list", "module_list", "pragma_list", "compile_options",
		"user_version", "application_id", "schema_version", "page_count", "page_size", "freelist_count", "encoding", "foreign_keys"}
	readingOf = []string{"table_info", "table_xinfo", "index_list", "index_info", "index_xinfo", "foreign_key_list", "table_list"}
)

// reads reports whether the SQL is one statement that only reads. What a reader's connection would carry out beyond that,
// such as ATTACH, is not among them: it would open other files.
func reads(q string) bool {
	t := tokens(q)
	for len(t) > 0 && t[len(t)-1] == ";" {
		t = t[:len(t)-1]
	}
	if len(t) == 0 || slices.Contains(t, ";") {
		return false
	}
	switch strings.ToUpper(t[0]) {
	case "SELECT", "VALUES", "EXPLAIN":
		return true
	case "WITH":
		return !slices.ContainsFunc(t, func(w string) bool {
			w = strings.ToUpper(w)
			return w == "INSERT" || w == "UPDATE" || w == "DELETE" || w == "REPLACE"
		})
	case "PRAGMA":
		return len(t) == 2 && slices.Contains(reading, strings.ToLower(t[1])) ||
			len(t) > 3 && t[2] == "(" && slices.Contains(readingOf, strings.ToLower(t[1]))
	}
	return false
}
