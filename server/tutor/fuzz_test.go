package tutor

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

// What an endpoint sends becomes lines "data: ...", whole and bounded, or one of the faults.
func FuzzEventStream(f *testing.F) {
	f.Add("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n", 3)
	f.Add(": alive\r\nevent: x\r\nid: 4\r\nretry: 1\r\ndata:{\"error\":null}\r\n", 1)
	f.Add("{\"choices\":[{\"message\":{\"content\":\"a\"}}],\n\"usage\":{}}\n", 100)
	f.Add("data: {\"error\":{\"message\":\"no\"}}\n", 7)
	f.Add("\ufeff<html>", 2)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		if piece < 1 {
			t.Skip()
		}
		n := &normaliser{src: bufio.NewReader(strings.NewReader(text)), body: io.NopCloser(nil)}
		var out strings.Builder
		buf := make([]byte, min(piece, 64<<10))
		var err error
		for k := 0; err == nil; {
			k, err = n.Read(buf)
			out.Write(buf[:k])
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, errNotAStream) && !errors.Is(err, errTooLong) && !errors.Is(err, errInStream) {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if !strings.HasPrefix(line, "data: ") || !strings.HasSuffix(line, "\n") || strings.Count(line, "\n") != 1 {
				t.Fatalf("line %q", line)
			}
		}
	})
}
