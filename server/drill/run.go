package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"trivium/consensus"
)

// Cluster is what a drill breaks. Nodes are numbered from 0.
type Cluster interface {
	Size() int
	Node(i int) Node // nil while it is dead
	Kill(i int)
	Start(i int) error
	Close()
}

// run is one drill on its cluster.
type run struct {
	Cluster
	ctx    context.Context
	out    io.Writer
	acked  map[string]string // keys of one writer: what was acknowledged last
	count  int               // of requests, for their ids
	steps  int
	failed int
}

// Limits within which something has to happen. They are those of a busy machine: the drill judges what, not how fast.
const (
	settle = 60 * time.Second
	glance = 20 * time.Millisecond
)

// errFailed ends a drill whose steps have told why.
var errFailed = errors.New("the drill has failed")

// step tells what is checked and whether it holds. After a failure the rest is left out: it would say nothing.
func (r *run) step(what string, check func() error) {
	if r.failed > 0 || r.ctx.Err() != nil {
		return
	}
	start := time.Now()
	err := check()
	took := time.Since(start).Round(time.Millisecond)
	r.steps++
	if err != nil {
		r.failed++
		fmt.Fprintf(r.out, "FAIL  %s (%s)\n      %v\n", what, took, err)
		return
	}
	fmt.Fprintf(r.out, "ok    %s (%s)\n", what, took)
}

func (r *run) result() error {
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case r.failed > 0:
		return errFailed
	}
	fmt.Fprintf(r.out, "passed: %d of %d steps\n", r.steps, r.steps)
	return nil
}

// eventually repeats check until it holds.
func (r *run) eventually(check func() error) error {
	var err error
	for end := time.Now().Add(settle); ; {
		if err = check(); err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %s: %w", settle, err)
		}
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-time.After(glance):
		}
	}
}

// alive lists the running nodes.
func (r *run) alive() (list []int) {
	for i := range r.Size() {
		if r.Node(i) != nil {
			list = append(list, i)
		}
	}
	return list
}

// statuses asks every running node.
func (r *run) statuses() (map[int]consensus.Status, error) {
	all := map[int]consensus.Status{}
	for _, i := range r.alive() {
		st, err := r.Node(i).Status(r.ctx)
		if err != nil {
			return nil, err
		}
		all[i] = st
	}
	return all, nil
}

// agreed returns the leader on whom all the nodes agree, and its term.
func (r *run) agreed() (leader int, term uint64, err error) {
	err = r.eventually(func() error {
		all, err := r.statuses()
		if err != nil {
			return err
		}
		leader = -1
		for i, st := range all {
			if st.State == "leader" {
				if leader >= 0 {
					return fmt.Errorf("nodes %d and %d lead", leader+1, i+1)
				}
				leader, term = i, st.Term
			}
		}
		if leader < 0 {
			return errors.New("no node leads")
		}
		for i, st := range all {
			if st.Leader != all[leader].ID || st.Term != term {
				return fmt.Errorf("node %d follows %q in term %d, not %s in term %d", i+1, st.Leader, st.Term, all[leader].ID, term)
			}
		}
		return nil
	})
	return leader, term, err
}

// set writes a new value of a key through a node, with repeats under one id until it is acknowledged.
func (r *run) set(i int, key string) error {
	r.count++
	id, value := fmt.Sprintf("request-%d", r.count), fmt.Sprintf("value-%d", r.count)
	err := r.eventually(func() error { return r.Node(i).Set(r.ctx, id, key, value) })
	if err == nil {
		r.acked[key] = value
	}
	return err
}

// get reads an acknowledged key through a node.
func (r *run) get(i int, key string) error {
	return r.eventually(func() error {
		v, err := r.Node(i).Get(r.ctx, key)
		switch {
		case err != nil:
			return err
		case v.Text != r.acked[key]:
			return fmt.Errorf("key %s is %q on node %d, but %q was acknowledged", key, v.Text, i+1, r.acked[key])
		}
		return nil
	})
}

// write sets and gets n fresh keys through a node.
func (r *run) write(i, n int) error {
	for range n {
		key := fmt.Sprintf("key-%d", r.count+1)
		if err := errors.Join(r.set(i, key), r.get(i, key)); err != nil {
			return err
		}
	}
	return nil
}

// kept: every acknowledged value is there, through every running node.
func (r *run) kept() error {
	for _, i := range r.alive() {
		for _, key := range slices.Sorted(maps.Keys(r.acked)) {
			if err := r.get(i, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// history is a node's log without what says nothing to a client: NO-OP and SET lines.
func (r *run) history(i int) ([]string, error) {
	lines, err := r.Node(i).Log(r.ctx)
	return slices.DeleteFunc(lines, func(s string) bool { return !strings.HasPrefix(s, "NO-OP ") && !strings.HasPrefix(s, "SET ") }), err
}

// sameLogs: the logs of all running nodes tell the same, with one NO-OP for each term. It returns what they tell.
func (r *run) sameLogs() (lines []string, err error) {
	err = r.eventually(func() error {
		lines = nil
		for _, i := range r.alive() {
			own, err := r.history(i)
			if err != nil {
				return err
			}
			if lines != nil && !slices.Equal(own, lines) {
				return fmt.Errorf("the log of node %d differs: %d lines, the others have %d", i+1, len(own), len(lines))
			}
			lines = own
		}
		return nil
	})
	if err != nil {
		return lines, err
	}
	terms := map[string]int{}
	for _, l := range lines {
		if strings.HasPrefix(l, "NO-OP ") {
			if terms[l]++; terms[l] > 1 {
				return lines, fmt.Errorf("%q is twice in the logs", l)
			}
		}
	}
	return lines, nil
}

// count of lines with a prefix.
func count(lines []string, prefix string) (n int) {
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

// refuses: a request through the node is refused in words, and no node leads.
func (r *run) refuses(i int) error {
	r.count++
	err := r.Node(i).Set(r.ctx, fmt.Sprintf("request-%d", r.count), "refused", "x")
	if !refused(err) {
		return fmt.Errorf("a write through node %d without a majority: %v", i+1, err)
	}
	if _, err := r.Node(i).Get(r.ctx, "refused"); !refused(err) {
		return fmt.Errorf("a read through node %d without a majority: %v", i+1, err)
	}
	all, err := r.statuses()
	for i, st := range all {
		if st.State == "leader" {
			return fmt.Errorf("node %d leads without a majority", i+1)
		}
	}
	return err
}

// start starts nodes again.
func (r *run) start(list ...int) error {
	for _, i := range list {
		if err := r.Start(i); err != nil {
			return err
		}
	}
	return nil
}

// others lists the running nodes but one.
func (r *run) others(than int) []int {
	return slices.DeleteFunc(r.alive(), func(i int) bool { return i == than })
}
