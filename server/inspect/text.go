package inspect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"trivium/app/lms"
)

// text renders one of this node's texts.
func (i *Inspector) text(ctx context.Context, name string, tail int) (io.ReadCloser, error) {
	switch name {
	case "logs.txt":
		return i.logText(ctx, tail), nil
	case "metadata.txt":
		m, err := i.c.DB.Metadata()
		if err != nil {
			return nil, err
		}
		return io.NopCloser(strings.NewReader(m.String())), nil
	case "dump.txt":
		return readFiles(i.c.Dump, tail)
	}
	return nil, lms.ErrNotFound
}

// logText streams the log: it may have many thousands of lines.
func (i *Inspector) logText(ctx context.Context, tail int) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(i.writeLog(ctx, w, tail)) }()
	return r
}

// writeLog writes the lines of logs.txt, as many entries at once as DB.Log gives.
func (i *Inspector) writeLog(ctx context.Context, w io.Writer, tail int) error {
	from, to := uint64(1), uint64(0)
	if tail > 0 {
		to = i.c.DB.Status().Commit
		if t := uint64(tail); to > t { // an entry has one line at least
			from = to - t + 1
		}
	}
	out := bufio.NewWriter(w)
	var last []string
	for {
		lines, err := i.c.DB.Log(ctx, from, to)
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		for _, l := range lines {
			if tail > 0 {
				last = append(last, l.Text)
				continue
			}
			if _, err := out.WriteString(l.Text + "\n"); err != nil {
				return err
			}
		}
		if len(lines) == 0 || tail > 0 {
			break
		}
		from = lines[len(lines)-1].Index + 1
	}
	for _, l := range last[max(0, len(last)-tail):] {
		if _, err := out.WriteString(l + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// lastLines is the end of a text, from the beginning of a line.
func lastLines(text []byte, n int) []byte {
	end := len(bytes.TrimSuffix(text, []byte("\n")))
	for at := end; at > 0; n-- {
		i := bytes.LastIndexByte(text[:at], '\n')
		if n == 1 || i < 0 {
			return text[i+1:]
		}
		at = i
	}
	return text
}
