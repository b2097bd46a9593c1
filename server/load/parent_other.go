//go:build !linux

package load

import "os/exec"

// dieWithParent is Linux's alone; elsewhere Stop ends the nodes.
func dieWithParent(*exec.Cmd) {}
