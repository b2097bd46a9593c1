package api

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

// A stream of events from a node, or from what stands between.
func FuzzEvents(f *testing.F) {
	f.Add("id: 4\ndata: {\"a\":1}\n\n")
	f.Add(": alive\n\ndata:a\ndata: b\n\nevent: x\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		s := &stream{handle: func(event []byte) error {
			n++
			if strings.Contains(string(event), "\n\n\n\n\n\n") && !strings.Contains(text, "data") {
				t.Fatalf("event %q of nothing", event)
			}
			return nil
		}}
		if err := s.parse(strings.NewReader(text), func() {}); err != nil && !errors.Is(err, bufio.ErrTooLong) {
			t.Fatal(err)
		}
		if n != s.events || n > strings.Count(text, "data") {
			t.Fatalf("%d events", n)
		}
		if strings.ContainsAny(s.last, "\n") {
			t.Fatalf("id %q would break a header", s.last)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add(503, `{"code":"unavailable","message":"m"}`)
	f.Add(404, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			t.Skip()
		}
		err := decodeError(status, []byte(body))
		if (err == nil) != (status >= 200 && status < 400) {
			t.Fatalf("%d: %v", status, err)
		}
		if err != nil && err.Error() == "" {
			t.Fatalf("%d: a refusal without a word", status)
		}
	})
}
