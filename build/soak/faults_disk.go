//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// diskFull: a node on a full disk stops, or hands over and serves reads, by itself; when there is space again it works
// again, unattended or started by whoever looks after it.
func (f *injection) diskFull(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	n.allow()
	from := len(n.logText())
	n.disk.full.Store(true)
	sleep(ctx, f.between(4*time.Second, 8*time.Second))
	if !n.running() {
		f.note += " stopped"
		f.stops(n, from, time.Second, "its disk is full")
	}
	n.disk.full.Store(false)
	return f.mend(ctx, n)
}

// diskTimeout is how long a node may wait for its disk before it must stop, with what the rig needs to see it.
const diskTimeout = 5 * time.Second

func (f *injection) diskFrozen(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(3) > 0)
	if err != nil {
		return err
	}
	long := f.between(time.Second, 10*time.Second)
	if f.duration > time.Hour {
		long = f.between(time.Second, 60*time.Second)
	}
	f.note += " " + long.Round(100*time.Millisecond).String()
	n.allow()
	from := len(n.logText())
	begin := time.Now()
	n.impair(long + settled)
	n.disk.freeze()
	if long > diskTimeout+time.Second {
		f.stops(n, from, diskTimeout, "its disk is frozen")
	}
	sleep(ctx, long-time.Since(begin))
	n.disk.heal()
	sleep(ctx, time.Second) // a process that is about to end has its time
	return f.mend(ctx, n)
}

func (f *injection) syncFails(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	n.allow()
	from, failed := len(n.logText()), n.disk.failed.Load()
	n.disk.failIn.Store(1 + f.rng.Int64N(20))
	for range 200 {
		if n.disk.failed.Load() > failed || ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n.disk.failed.Load() == failed {
		f.violate("I10", "%s made no fsync in 10 s under load", n.id)
		return f.mend(ctx, n)
	}
	f.stops(n, from, 5*time.Second, "an fsync failed")
	f.exits(n, 5*time.Second, "an fsync failed")
	if n.running() {
		n.kill()
	}
	sleep(ctx, f.between(0, 2*time.Second))
	return f.mend(ctx, n)
}

// tornTail cuts the end off what was written to the log last. What is cut had been synced, which no honest disk loses: so
// the node comes back only while the others have a leader from which it gets the entries again.
func (f *injection) tornTail(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	n.kill()
	cut, err := f.tear(n)
	if err != nil {
		return errors.Join(err, f.mend(ctx, n))
	}
	f.note += fmt.Sprintf(" %d bytes", cut)
	if f.leader(ctx) == nil {
		return errors.New("the others have no leader")
	}
	return f.mendOrRefused(ctx, n, "its log is torn")
}

// tear overwrites the last bytes that are not zero: segments are made at their full length.
func (f *injection) tear(n *node) (int64, error) {
	path, err := newest(filepath.Join(n.data(), "db", "log"), ".wal")
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	end := int64(len(b))
	for end > 0 && b[end-1] == 0 {
		end--
	}
	cut := min(1+f.rng.Int64N(4096), end-64) // the head of the file stays
	if cut <= 0 {
		return 0, errors.New("the log is empty")
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	_, err = file.WriteAt(make([]byte, cut), end-cut)
	return cut, err
}

func newest(dir, suffix string) (path string, err error) {
	var at time.Time
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, suffix) {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().After(at) {
			path, at = p, info.ModTime()
		}
		return err
	})
	if err == nil && path == "" {
		err = fmt.Errorf("no %s in %s", suffix, dir)
	}
	return path, err
}

// mendOrRefused starts a node whose files were damaged. It comes back whole, or it refuses to start and says so; then it
// is replaced by an empty one, as an operator would do.
func (f *injection) mendOrRefused(ctx context.Context, n *node, why string) error {
	from := len(n.logText())
	if err := n.start(); err != nil {
		return err
	}
	n.allow()
	if f.awaitNode(ctx, n, 15*time.Second) == nil {
		f.note += ", repaired"
		return nil
	}
	if n.running() {
		f.violate("I10", "%s neither came back nor stopped although %s: %s", n.id, why, n.lastLines())
		n.kill()
	} else if said := n.logText()[from:]; len(strings.TrimSpace(said)) == 0 || n.exitStatus() == nil {
		f.violate("I10", "%s stopped without a word or without a status although %s", n.id, why)
	}
	f.note += ", refused and replaced"
	return f.replace(ctx, n)
}

// bitFlip turns one bit of a file that the node has synced.
func (f *injection) bitFlip(ctx context.Context) error {
	n, err := f.take(ctx, false)
	if err != nil {
		return err
	}
	n.kill()
	kinds := []struct{ name, dir, suffix string }{{"log", "db/log", ".wal"}, {"database", "db/state", "/db"}, {"file", "files/chunks", ""}}
	k := kinds[f.rng.IntN(len(kinds))]
	path, err := newest(filepath.Join(n.data(), k.dir), k.suffix)
	if err == nil {
		err = f.flip(path)
	}
	f.note += " " + k.name
	return errors.Join(err, f.mendOrRefused(ctx, n, "a bit of its "+k.name+" turned"))
}

func (f *injection) flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	end := len(b)
	for end > 0 && b[end-1] == 0 {
		end--
	}
	if end == 0 {
		return fmt.Errorf("%s is empty", path)
	}
	at := f.rng.IntN(end)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt([]byte{b[at] ^ 1<<f.rng.IntN(8)}, int64(at))
	return err
}

// powerCut kills nodes and takes back what they had written and not synced: one node, or all at once.
func (f *injection) powerCut(ctx context.Context) error {
	var who []*node
	if f.rng.IntN(3) == 0 {
		who, f.note = f.nodes, " all at once"
	} else {
		n, err := f.take(ctx, f.rng.IntN(2) == 0)
		if err != nil {
			return err
		}
		who = []*node{n}
	}
	for _, n := range who {
		n.allow()
		n.signal(9)
	}
	for _, n := range who {
		n.kill()
		files, bytes, err := n.disk.journal.lose()
		if err != nil {
			return err
		}
		f.note += fmt.Sprintf(", %s lost %d bytes in %d files", n.id, bytes, files)
	}
	for _, n := range who {
		if err := n.start(); err != nil {
			return err
		}
	}
	for _, n := range who {
		if err := f.mend(ctx, n); err != nil {
			return err
		}
	}
	return nil
}
