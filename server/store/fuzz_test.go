package store

import (
	"errors"
	"testing"
)

// Cursors come back from clients.
func FuzzCursors(f *testing.F) {
	f.Add("1.1700000000000.s1")
	f.Add("1700000000000.q1")
	f.Add("0.-9223372036854775809.")
	f.Fuzz(func(t *testing.T, after string) {
		if _, _, _, err := parseSubmissionCursor(after); err != nil && !errors.Is(err, errCursor) {
			t.Fatal(err)
		}
		if _, _, err := parseQuestionCursor(after); err != nil && !errors.Is(err, errCursor) {
			t.Fatal(err)
		}
	})
}

// Rows carry lists as JSON, which an older or newer version wrote.
func FuzzStoredLists(f *testing.F) {
	f.Add(`[{"id":"f1","size":1,"chunks":["a"],"createdAt":null}]`)
	f.Add(`[null]`)
	f.Fuzz(func(t *testing.T, text string) {
		parseFiles(text)
		parseReplies("q", text)
	})
}
