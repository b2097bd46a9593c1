package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // courses name their time zone; the machine may not know any

	"trivium/app/lms"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// run executes one command line. It has told stderr about the error that it returns.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		tell(stderr, "trivium: "+explain(err))
	}
	return err
}

// explain is the error in plain words: of a refusal the sentence for people alone, after what was attempted.
func explain(err error) string {
	var refusal *lms.Error
	if errors.As(err, &refusal) && err == error(refusal) {
		return refusal.Message
	}
	text := err.Error()
	if refusal != nil {
		if i := len(text) - len(refusal.Error()); i >= 0 && text[i:] == refusal.Error() {
			return text[:i] + refusal.Message
		}
	}
	return text
}
