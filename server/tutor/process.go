package tutor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"trivium/app/lms"
)

// Caps of the process that reads a document.
const (
	processMemory = 1 << 30 // bytes
	processStack  = 64 << 20
	processOutput = 4 * maxText
)

// extraction is the answer of the process.
type extraction struct {
	Passages []lms.Passage `json:"passages,omitempty"`
	Reason   string        `json:"reason,omitempty"` // of an UnreadableError
	Error    string        `json:"error,omitempty"`
}

// ExtractProcess is the body of the process named by Config.Extractor: it reads the document given by args (name, media type, size) from
// stdin and writes its passages to stdout. It returns the exit code. A document that exhausts memory or the stack, or that never
// ends, ends this process and nothing else.
func ExtractProcess(args []string, stdin io.Reader, stdout io.Writer) int {
	debug.SetMemoryLimit(processMemory / 2)
	debug.SetMaxStack(processStack)
	limitProcess(processMemory)
	if len(args) != 3 {
		return 2
	}
	size, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil || size < 0 || size > lms.MaxFileSize {
		return 2
	}
	f, err := os.CreateTemp("", "trivium-document-*")
	if err != nil {
		return 3
	}
	os.Remove(f.Name()) // gone with the process, however it ends
	defer f.Close()
	if n, err := io.Copy(f, io.LimitReader(stdin, size)); err != nil || n != size {
		return 3
	}
	var out extraction
	var reason *UnreadableError
	out.Passages, err = Extract(context.Background(), args[0], args[1], f, size)
	switch {
	case errors.As(err, &reason):
		out.Reason = reason.Reason
	case err != nil:
		out.Error = err.Error()
	}
	if json.NewEncoder(stdout).Encode(out) != nil {
		return 3
	}
	return 0
}

// extractApart reads a document in a process of its own.
func extractApart(ctx context.Context, command []string, name, mediaType string, r io.ReaderAt, size int64) ([]lms.Passage, error) {
	args := append(append([]string(nil), command[1:]...), name, mediaType, strconv.FormatInt(size, 10))
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir(), "GOTRACEBACK=none"}
	cmd.Stdin = io.NewSectionReader(r, 0, size)
	cmd.WaitDelay = 5 * time.Second
	out := &cappedBuffer{max: processOutput}
	cmd.Stdout = out
	err := cmd.Run()
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return nil, errSlowDocument
		}
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		return nil, fmt.Errorf("extractor: %w", err)
	case errors.As(err, &exit):
		return nil, unreadable("the file is damaged, or needs too much memory to read")
	case err != nil:
		return nil, fmt.Errorf("extractor: %w", err)
	}
	var res extraction
	if err := json.Unmarshal(out.Bytes(), &res); err != nil {
		return nil, fmt.Errorf("extractor: %w", err)
	}
	switch {
	case res.Reason != "":
		return nil, &UnreadableError{res.Reason}
	case res.Error != "":
		return nil, errors.New(strings.TrimSpace(res.Error))
	}
	return res.Passages, nil
}

// cappedBuffer refuses to grow beyond its maximum.
type cappedBuffer struct {
	bytes.Buffer
	max int
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		return 0, errors.New("too much output")
	}
	return b.Buffer.Write(p)
}
