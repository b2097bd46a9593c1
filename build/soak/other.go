//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "soak needs Linux: namespaces, signals and FUSE")
	os.Exit(2)
}
