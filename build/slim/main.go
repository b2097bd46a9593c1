// Command slim makes a linked browser program smaller without changing what it does:
//
//	go run ./build/slim build/bin/app.wasm
//
// The linker cuts the program's data into a hundred thousand pieces to leave zeroes out, which costs more than the zeroes
// do once the file is compressed: slim writes it in one piece. And it takes out of the runtime's table of functions what
// only the text of a stack trace reads: line numbers, file names and the places of arguments. A trace in the browser's
// console still names every function. The line can be had from a program that was built with the same source and not
// slimmed, by the "+0x" that stands behind it.
//
// A table of another form than it knows is left alone, with a message: the program is then larger, never wrong.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "slim:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("name one program, such as build/bin/app.wasm")
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	slimmed, note, err := slim(b)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if note != "" {
		fmt.Fprintf(out, "%s: the table of functions stays as it is: %s\n", args[0], note)
	}
	fmt.Fprintf(out, "%s: %d bytes, were %d\n", args[0], len(slimmed), len(b))
	return os.WriteFile(args[0], slimmed, 0o755)
}

// slim returns the smaller program, and a note when its table of functions could not be read.
func slim(program []byte) (slimmed []byte, note string, err error) {
	m, err := parse(program)
	if err != nil {
		return nil, "", err
	}
	if err := prune(m.memory); err != nil {
		note = err.Error()
	}
	return m.bytes(), note, nil
}
