//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/anishathalye/porcupine"

	"trivium/app/api"
	"trivium/app/lms"
)

// own is a key that one client writes, and what it knows of it.
type own struct {
	key     string
	value   string          // of the last write that was acknowledged
	perhaps map[string]bool // written since, outcome unknown
	version int64           // highest seen
	exact   bool            // version is that of value: no write with unknown outcome since
}

// registers are the keys that everybody writes; their history must be linearizable. Each is used for a while only: the
// check is exponential in what is unknown.
const (
	registers   = 12
	registerAge = 40 * time.Second
)

func (c *client) register() string {
	epoch := int(time.Since(c.r.start) / registerAge)
	return fmt.Sprintf("reg-%d-%d", epoch, c.rng.IntN(registers))
}

// readRegister tells the node nothing of what it has seen: only the level makes the answer fresh. Half of the reads ask the
// majority, half rely on the leader's lease.
func (c *client) readRegister(ctx context.Context) {
	key, level := c.register(), api.KVLinearizable
	if c.rng.IntN(2) == 0 {
		level = api.KVLease
	}
	v, a := call(ctx, c.r, newSession("", operatorToken), c.node(), api.KVGet, api.KVGetInput{Key: key, Consistency: level}, "")
	c.note("read", key, v.Data, false, a)
	if a.outcome == done {
		c.r.history.register(key, c.i, registerInput{}, registerOutput{v.Data, v.Found}, a)
	}
}

func (c *client) writeRegister(ctx context.Context) {
	key, value, id := c.register(), c.unique(), lms.NewID()
	in := api.KVPutInput{Key: key, Value: &value}
	_, a := call(ctx, c.r, c.op, c.node(), api.KVPut, in, id)
	c.note("write", key, value, true, a)
	c.r.history.register(key, c.i, registerInput{write: true, value: value}, registerOutput{}, a)
}

// writeOwn checks besides that a write has exactly one effect (I3): the version counts them.
func (c *client) writeOwn(ctx context.Context) {
	o := &c.own
	value := c.unique()
	in := api.KVPutInput{Key: o.key, Value: &value}
	id := lms.NewID()
	v, a := call(ctx, c.r, c.op, c.node(), api.KVPut, in, id)
	c.note("autosave", o.key, value, true, a)
	if a.outcome != done {
		if o.perhaps == nil {
			o.perhaps = map[string]bool{}
		}
		o.perhaps[value], o.exact = true, false
		return
	}
	if o.exact && v.Version != o.version+1 {
		c.r.violate("I3", "a write of %s with the key %s (%d tries) raised its version from %d to %d", o.key, id, a.tries, o.version, v.Version)
	} else if v.Version <= o.version {
		c.r.violate("I7", "a write of %s answered version %d after %d had been seen", o.key, v.Version, o.version)
	}
	o.value, o.version, o.exact = value, v.Version, true
	clear(o.perhaps)
	if c.rng.IntN(6) == 0 {
		again, b := call(ctx, c.r, c.op, c.node(), api.KVPut, in, id)
		switch {
		case b.outcome == refused:
			c.r.violate("I3", "a repeat of a write of %s was refused by n%d: %v", o.key, b.node+1, b.err)
		case b.outcome == done && again.Version != v.Version:
			c.r.violate("I3", "a repeat of a write of %s with the key %s answered version %d, first it was %d", o.key, id, again.Version, v.Version)
		}
	}
}

// readOwn checks that a client reads what it wrote and never goes back (I7), through any node.
func (c *client) readOwn(ctx context.Context) {
	o := &c.own
	v, a := call(ctx, c.r, c.op, c.node(), api.KVGet, api.KVGetInput{Key: o.key, Consistency: api.KVSession}, "")
	c.note("own", o.key, v.Data, false, a)
	if a.outcome != done || a.stale {
		return
	}
	if v.Version < o.version {
		c.r.violate("I7", "n%d shows %s at version %d (%q) after version %d had been seen", a.node+1, o.key, v.Version, v.Data, o.version)
		return
	}
	if v.Found && v.Data != o.value && !o.perhaps[v.Data] {
		c.r.violate("I7", "n%d shows %s as %q, last written was %q", a.node+1, o.key, v.Data, o.value)
	}
	if v.Version > o.version {
		o.version, o.exact = v.Version, false
	}
}

// grade changes a grade if it still has the version that the marker saw: compare and set (I1).
func (c *client) grade(ctx context.Context) {
	w := c.r.world
	w.mu.Lock()
	if len(w.gradable) == 0 {
		w.mu.Unlock()
		return
	}
	g := w.gradable[c.rng.IntN(len(w.gradable))]
	version := g.version
	w.mu.Unlock()
	if version > 0 && c.rng.IntN(4) == 0 {
		version-- // somebody who has not looked for a while
	}
	marker := w.teacher
	if c.rng.IntN(2) == 0 {
		marker = w.ta
	}
	in := api.GradeInput{Course: w.course, Submission: g.id, Points: lms.Points(c.rng.IntN(10000)), Feedback: c.unique(), Version: version}
	got, a := call(ctx, c.r, marker, c.node(), api.SaveGrade, in, lms.NewID())
	c.note("grade", g.id, fmt.Sprint(version), true, a)
	if a.outcome == refused && a.kind != lms.KindConflict {
		c.r.violate("I1", "a grade was refused for no reason of its own: %v", a.err)
		return
	}
	if a.outcome == done {
		w.mu.Lock()
		g.version = max(g.version, got.Version)
		w.mu.Unlock()
	}
	c.r.history.swap(g.id, c.i, version, got.Version, a)
}

// upload sends a file in chunks, through any nodes, and hands it in.
func (c *client) upload(ctx context.Context) {
	sizes := []int64{64 << 10, 64 << 10, 64 << 10, 150 << 10, 256 << 10, 300 << 10, 1 << 20, 1<<20 + 1, 3 << 20, 8 << 20}
	size := sizes[min(c.rng.IntN(len(sizes)), c.rng.IntN(len(sizes)))]
	data := make([]byte, size)
	var seed [32]byte
	copy(seed[:], c.unique())
	rand.NewChaCha8(seed).Read(data)
	blob := api.NewBlob("work.bin", size, bytes.NewReader(data))
	in, err := api.HashFile(ctx, blob, nil)
	if err != nil {
		return
	}
	w := c.r.world
	in.Course = w.course
	_, a := call(ctx, c.r, c.s, c.node(), api.DeclareFile, in, lms.NewID())
	c.note("declare", in.ID, "", true, a)
	for i := 0; i < len(in.Chunks) && a.outcome == done; i++ {
		chunk, _ := blob.Slice(i)
		a = c.sendChunk(ctx, in, i, chunk)
	}
	if a.outcome != done {
		return
	}
	_, a = call(ctx, c.r, c.s, c.node(), api.CompleteFile, api.FilePath{Course: w.course, File: in.ID}, lms.NewID())
	c.note("complete", in.ID, "", true, a)
	if a.outcome == refused {
		c.r.violate("I2", "every byte of a file was acknowledged, and completing it was refused by n%d: %v", a.node+1, a.err)
	}
	if a.outcome == done {
		c.handIn(ctx, "", []sent{{id: in.ID, sha: in.SHA256, size: size, chunks: in.Chunks}})
	}
}

func (c *client) sendChunk(ctx context.Context, in api.DeclareFileInput, i int, chunk []byte) answer {
	path, err := api.PathOf(api.PutChunk, api.ChunkPath{Course: in.Course, File: in.ID, Number: i})
	if err != nil {
		return answer{outcome: refused, err: err}
	}
	a := c.r.do(ctx, c.s, c.node(), raw{method: "PUT", path: path, key: lms.NewID(), body: chunk, bytes: true})
	c.note("chunk", in.ID, fmt.Sprint(i), true, a)
	return a
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Linearizability.

type registerInput struct {
	write bool
	value string
}

type registerOutput struct {
	value string
	found bool
}

type swapInput struct{ version int64 }

type swapOutput struct {
	outcome outcome
	version int64
}

func operation(client int, in, out any, a answer) porcupine.Operation {
	end := a.end.UnixNano()
	if a.outcome == unknown {
		end = math.MaxInt64 // it may take effect whenever
	}
	return porcupine.Operation{ClientId: client, Input: in, Output: out, Call: a.start.UnixNano(), Return: end}
}
