//go:build unix

package tutor

import "syscall"

// limitProcess bounds the memory and the processor time of this process. Where the system does not allow it, the other caps remain.
func limitProcess(memory uint64) {
	syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: 120, Max: 120})
	syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 4 * memory, Max: 4 * memory}) // address space, of which Go reserves much
}
