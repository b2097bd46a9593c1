package tutor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
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
}

// document is the first line of the process's input; the bytes of the document follow. A name in the arguments would be seen in the
// list of processes.
type document struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// ExtractProcess is the body of the process named by Config.Extractor: it reads one document from stdin and writes its passages to
// stdout. A document that exhausts memory or the stack, or that never ends, ends this process and nothing else.
func ExtractProcess(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	debug.SetMemoryLimit(processMemory / 2)
	debug.SetMaxStack(processStack)
	limitProcess(processMemory)
	in := bufio.NewReader(stdin)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("first line: %w", err)
	}
	var d document
	if err := json.Unmarshal(line, &d); err != nil || d.Size < 0 || d.Size > lms.MaxFileSize {
		return fmt.Errorf("first line describes no document: %w", err)
	}
	f, err := os.CreateTemp("", "trivium-document-*")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // gone with the process, however it ends
		defer os.Remove(f.Name())
	}
	if n, err := io.Copy(f, io.LimitReader(in, d.Size)); err != nil || n != d.Size {
		return fmt.Errorf("%d of %d bytes arrived: %w", n, d.Size, err)
	}
	var out extraction
	var reason *UnreadableError
	out.Passages, err = Extract(ctx, d.Name, d.Type, f, d.Size)
	switch {
	case errors.As(err, &reason):
		out.Reason = reason.Reason
	case err != nil:
		return err
	}
	return json.NewEncoder(stdout).Encode(out)
}

// extractApart reads a document in a process of its own.
func extractApart(ctx context.Context, command []string, d document, r io.ReaderAt) ([]lms.Passage, error) {
	first, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir(), "GOTRACEBACK=none"}
	cmd.Stdin = io.MultiReader(bytes.NewReader(append(first, '\n')), io.NewSectionReader(r, 0, d.Size))
	cmd.WaitDelay = 5 * time.Second
	out := &cappedBuffer{max: processOutput}
	cmd.Stdout = out
	err = cmd.Run()
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return nil, errSlowDocument
		}
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() != 1:
		return nil, unreadable("the file is damaged, or needs too much memory to read") // a signal, or the runtime's own end
	case err != nil:
		return nil, fmt.Errorf("extractor: %w", err)
	}
	var res extraction
	if err := json.Unmarshal(out.Bytes(), &res); err != nil {
		return nil, fmt.Errorf("extractor: %w", err)
	}
	if res.Reason != "" {
		return nil, &UnreadableError{res.Reason}
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
