package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the process when this one ends, however it ends. The kernel watches the thread that
// started it: main keeps its goroutine on the first thread, which lives as long as the process.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
