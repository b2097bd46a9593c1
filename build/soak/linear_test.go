//go:build linux

package main

import (
	"fmt"
	"testing"
	"time"
)

// at makes an answer that took from one to another moment.
func at(from, to int, o outcome) answer {
	zero := time.Unix(1000, 0)
	return answer{outcome: o, start: zero.Add(time.Duration(from)), end: zero.Add(time.Duration(to))}
}

func violations(h *history) (out []string) {
	h.linear.check(func(invariant, format string, args ...any) {
		out = append(out, invariant+": "+fmt.Sprintf(format, args...))
	})
	return out
}

func TestLinearRegister(t *testing.T) {
	write := func(v string) registerInput { return registerInput{write: true, value: v} }
	tests := []struct {
		name string
		fill func(h *history)
		want int
	}{
		{"fresh read", func(h *history) {
			h.register("k", 0, write("a"), registerOutput{}, at(0, 10, done))
			h.register("k", 1, registerInput{}, registerOutput{"a", true}, at(20, 30, done))
		}, 0},
		{"stale read", func(h *history) {
			h.register("k", 0, write("a"), registerOutput{}, at(0, 10, done))
			h.register("k", 0, write("b"), registerOutput{}, at(11, 15, done))
			h.register("k", 1, registerInput{}, registerOutput{"a", true}, at(20, 30, done))
		}, 1},
		{"lost write", func(h *history) {
			h.register("k", 0, write("a"), registerOutput{}, at(0, 10, done))
			h.register("k", 1, registerInput{}, registerOutput{}, at(20, 30, done))
		}, 1},
		{"unknown write that takes effect late", func(h *history) {
			h.register("k", 0, write("a"), registerOutput{}, at(0, 10, unknown))
			h.register("k", 1, registerInput{}, registerOutput{}, at(20, 30, done))
			h.register("k", 1, registerInput{}, registerOutput{"a", true}, at(40, 50, done))
		}, 0},
		{"unknown write that is undone", func(h *history) {
			h.register("k", 0, write("a"), registerOutput{}, at(0, 10, unknown))
			h.register("k", 1, registerInput{}, registerOutput{"a", true}, at(20, 30, done))
			h.register("k", 1, registerInput{}, registerOutput{}, at(40, 50, done))
		}, 1},
		{"two markers with the same version", func(h *history) {
			h.swap("g", 0, 0, 1, at(0, 10, done))
			h.swap("g", 1, 0, 1, at(5, 15, done))
		}, 1},
		{"one of two markers", func(h *history) {
			h.swap("g", 0, 0, 1, at(0, 10, done))
			h.swap("g", 1, 0, 0, at(5, 15, refused))
			h.swap("g", 1, 1, 2, at(20, 25, unknown))
			h.swap("g", 0, 2, 3, at(30, 35, done))
		}, 0},
		{"refused without a reason", func(h *history) {
			h.swap("g", 0, 0, 0, at(0, 10, refused))
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &history{}
			tt.fill(h)
			if got := violations(h); len(got) != tt.want {
				t.Errorf("%d violations, want %d: %q", len(got), tt.want, got)
			}
		})
	}
}
