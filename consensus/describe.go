package consensus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/raft"
)

// LogLine is one command of the log, as people read it.
type LogLine struct {
	Index uint64 // of its entry: the commands of one entry share it
	Term  uint64
	// Text is "NO-OP {term}", "SET {key} {value} {term}" or "CMD {name} {term}", without personal data. Names of this package:
	// "sync" for an entry without command, by which the followers learn of a commit, "configuration" for the members.
	Text string
}

const (
	maxLogLines = 10_000 // of one call
	maxShown    = 200    // bytes of a key or a value
)

// Log renders the entries from index from up to to (0: the end) that this node still holds, oldest first, at most 10,000
// lines. What a snapshot has replaced is left out. Entries that are not committed yet are included: see Status.Commit.
func (db *DB) Log(ctx context.Context, from, to uint64) ([]LogLine, error) {
	first, err := db.logs.FirstIndex()
	if err != nil {
		return nil, fmt.Errorf("consensus: read the log: %w", err)
	}
	last, err := db.logs.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("consensus: read the log: %w", err)
	}
	if to == 0 || to > last {
		to = last
	}
	var lines []LogLine
	for i := max(from, first, 1); i <= to && len(lines) < maxLogLines; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var l raft.Log
		if err := db.logs.GetLog(i, &l); errors.Is(err, raft.ErrLogNotFound) {
			continue // cut meanwhile
		} else if err != nil {
			return nil, fmt.Errorf("consensus: read the log: %w", err)
		}
		for _, op := range describeEntry(&l) {
			lines = append(lines, LogLine{Index: i, Term: l.Term, Text: op + " " + strconv.FormatUint(l.Term, 10)})
		}
	}
	return lines, nil
}

// Metadata is what this node keeps beside the log.
type Metadata struct {
	CommitLength uint64 // entries known to be committed
	Term         uint64
	VotedFor     string // id of the node that this one voted for in the term; empty: nobody
}

// String is the content of metadata.txt.
func (m Metadata) String() string {
	voted := m.VotedFor
	if voted == "" {
		voted = "null"
	}
	return fmt.Sprintf("commitLength %d\nTerm %d\nvotedFor %s\n", m.CommitLength, m.Term, voted)
}

// Raft's names of its own keys.
var (
	keyVoteTerm = []byte("LastVoteTerm")
	keyVote     = []byte("LastVoteCand")
)

// Metadata returns the commit length, the term and the vote.
func (db *DB) Metadata() (Metadata, error) {
	m := Metadata{CommitLength: db.raft.CommitIndex(), Term: db.raft.CurrentTerm()}
	term, err := db.logs.GetUint64(keyVoteTerm)
	if err != nil || term != m.Term { // a node that never voted has no such key, which every store reports in its own way
		return m, nil
	}
	address, err := db.logs.Get(keyVote)
	if err != nil {
		return m, fmt.Errorf("consensus: read the vote: %w", err)
	}
	m.VotedFor = string(address)
	for _, s := range db.servers() {
		if string(s.Address) == m.VotedFor {
			m.VotedFor = string(s.ID)
		}
	}
	return m, nil
}

// servers are the members as the newest configuration in the log has them.
func (db *DB) servers() []raft.Server {
	r := db.running.Load()
	if r == nil {
		return nil
	}
	return r.GetConfiguration().Configuration().Servers
}

// describeEntry names the operations of an entry, without the term.
func describeEntry(l *raft.Log) []string {
	switch l.Type {
	case raft.LogNoop:
		return []string{"NO-OP"}
	case raft.LogConfiguration:
		return []string{"CMD configuration"}
	case raft.LogCommand:
	default:
		return []string{"CMD " + strings.ToLower(l.Type.String())}
	}
	e, err := decodeEntry(l.Data, 0, l.Index)
	if err != nil {
		return []string{"CMD unreadable"}
	}
	return describeCommands(e.commands)
}

func describeCommands(commands []*command) []string {
	if len(commands) == 0 {
		return []string{"CMD sync"}
	}
	ops := make([]string, 0, len(commands))
	for _, c := range commands {
		ops = append(ops, c.describe()...)
	}
	return ops
}

func (c *command) describe() []string {
	if c.label == LabelSet {
		var ops []string
		for i := range c.stmts {
			if s := &c.stmts[i]; len(s.args) >= 2 && verb(s.sql) == "INSERT" {
				ops = append(ops, "SET "+shown(s.args[0])+" "+shown(s.args[1]))
			}
		}
		if len(ops) > 0 {
			return ops
		}
	}
	if c.label != "" {
		return []string{"CMD " + oneWord(c.label)}
	}
	if len(c.stmts) == 0 {
		return []string{"CMD check"}
	}
	return []string{"CMD " + statementName(c.stmts[0].sql)}
}

// oneWord keeps a label from looking like several fields.
func oneWord(s string) string { return printable(strings.Join(strings.Fields(s), "-")) }

// shown renders a key or a value on one line.
func shown(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		s = v
	case []byte:
		s = string(v)
	default:
		s = fmt.Sprint(v)
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return printable(s)
}

func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// words of SQL between the verb and the name of the table.
var fillers = map[string]bool{"OR": true, "REPLACE": true, "IGNORE": true, "ABORT": true, "FAIL": true, "ROLLBACK": true,
	"INTO": true, "FROM": true, "TABLE": true, "INDEX": true, "UNIQUE": true, "VIEW": true, "TRIGGER": true, "VIRTUAL": true,
	"TEMP": true, "TEMPORARY": true, "IF": true, "NOT": true, "EXISTS": true}

// statementName is the verb and the table of a statement: "insert-courses".
func statementName(sql string) string {
	words := sqlWords(sql, 10)
	if len(words) == 0 {
		return "sql"
	}
	name := strings.ToLower(words[0])
	for _, w := range words[1:] {
		if !fillers[strings.ToUpper(w)] {
			return name + "-" + w
		}
	}
	return name
}

func verb(sql string) string {
	if words := sqlWords(sql, 1); len(words) > 0 {
		return strings.ToUpper(words[0])
	}
	return ""
}

// sqlWords returns the leading names and keywords, and ends at the first literal or parameter: those may be personal.
func sqlWords(sql string, n int) (words []string) {
	for len(words) < n {
		sql = strings.TrimLeft(sql, " \t\r\n(")
		if rest, ok := strings.CutPrefix(sql, "--"); ok {
			_, sql, _ = strings.Cut(rest, "\n")
			continue
		}
		if rest, ok := strings.CutPrefix(sql, "/*"); ok {
			_, sql, _ = strings.Cut(rest, "*/")
			continue
		}
		end := strings.IndexFunc(sql, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if end < 0 {
			end = len(sql)
		}
		if end == 0 || unicode.IsDigit(rune(sql[0])) {
			return words
		}
		words = append(words, sql[:end])
		sql = sql[end:]
	}
	return words
}
