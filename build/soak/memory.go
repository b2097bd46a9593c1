//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const memoryGroups = "/sys/fs/cgroup/memory"

// canLimitMemory reports whether a process can be given a limit of memory here (version 1 of control groups, as root).
func canLimitMemory() bool {
	_, err := os.Stat(filepath.Join(memoryGroups, "memory.limit_in_bytes"))
	return err == nil && os.Geteuid() == 0
}

// littleMemory takes memory away from a node until the kernel ends it, as on a machine on which other programs have grown.
// The node is started anew for it: memory that a process has when it enters a group is not counted there.
func (f *injection) littleMemory(ctx context.Context, n *node) error {
	f.note += " no more memory"
	group := filepath.Join(memoryGroups, fmt.Sprintf("tvs%d-%s", os.Getpid(), n.id))
	if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	defer func() {
		eventually(ctx, 5*time.Second, func() error { return os.Remove(group) })
	}()
	set := func(file string, value int) error {
		return os.WriteFile(filepath.Join(group, file), []byte(strconv.Itoa(value)), 0o600)
	}
	n.kill()
	if err := errors.Join(n.start(), set("cgroup.procs", n.pid())); err != nil {
		return err
	}
	n.allow()
	if err := f.awaitNode(ctx, n, 30*time.Second); err != nil {
		return err
	}
	// The limit follows what the node uses downwards: the kernel gives up its caches, and then there is nothing left.
	for end := time.Now().Add(f.between(8*time.Second, 12*time.Second)); !n.wait(50 * time.Millisecond); {
		if time.Now().After(end) || ctx.Err() != nil {
			f.note += ", lived on"
			n.kill() // a process with a limit would keep it
		}
		used, err := os.ReadFile(filepath.Join(group, "memory.usage_in_bytes"))
		if bytes, numErr := strconv.Atoi(strings.TrimSpace(string(used))); err == nil && numErr == nil {
			set("memory.limit_in_bytes", max(bytes-256<<10, 1<<20)) // refused where it is too much at once
		}
	}
	return f.mend(ctx, n)
}
