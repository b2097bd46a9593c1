package load

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the process when the thread that starts it ends, and spares it the terminal's Ctrl-C, which
// this process handles.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
