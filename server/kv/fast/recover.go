package fast

import (
	"cmp"
	"slices"
)

// Quorum is how many of n = 2f+1 nodes, the leader among them, must hold a write before it is acknowledged: f + ⌈f/2⌉ + 1.
// Any f+1 nodes that a new leader asks then include at least ⌈f/2⌉+1 that hold it.
func Quorum(n int) int {
	f := (n - 1) / 2
	return f + (f+1)/2 + 1
}

// Recover orders what f+1 nodes hold, each in the order in which it came there, for a cluster of n = 2f+1 nodes.
//
//  1. A write that was acknowledged is in at least ⌈f/2⌉+1 of the lists. What is in fewer was never acknowledged; it is
//     left out.
//  2. If a was acknowledged before b was sent, then at least ⌈f/2⌉+1 of the lists have a before b, or a and not b: that
//     many of those asked had a when b did not exist.
//  3. So a comes before b when that many lists say so. Where they do not decide, the writes overlapped, and any order is
//     right; it is that of the ids, to be the same for everybody.
//
// Three lists may contradict each other in a circle (a b c, b c a, c a b), in which one of the steps may be of kind 2. Such
// writes come in the order of their ids. Nodes must therefore refuse a second pending write of one key: then an order
// among the writes of a circle is of no consequence, since they are of different keys.
//
// No id may be twice in a list. The result is never nil.
func Recover[T cmp.Ordered](n int, lists [][]T) []T {
	f := (n - 1) / 2
	enough := (f+1)/2 + 1
	at := make([]map[T]int, len(lists)) // place of each write in each list
	count := map[T]int{}
	for i, l := range lists {
		at[i] = make(map[T]int, len(l))
		for place, w := range l {
			at[i][w] = place
			count[w]++
		}
	}
	left := []T{}
	for w, c := range count {
		if c >= enough {
			left = append(left, w)
		}
	}
	slices.Sort(left)
	before := func(a, b T) bool {
		votes := 0
		for _, places := range at {
			pa, hasA := places[a]
			pb, hasB := places[b]
			if hasA && (!hasB || pa < pb) {
				votes++
			}
		}
		return votes >= enough
	}
	order := make([]T, 0, len(left))
	for len(left) > 0 {
		next := first(left, before)
		order = append(order, left[next])
		left = slices.Delete(left, next, next+1)
	}
	return order
}

// first is the place of the smallest write that may come next: one that every write that must come before it, directly
// or over others, must also come behind, so that it is in a circle with them, if there are any.
func first[T cmp.Ordered](left []T, before func(a, b T) bool) int {
	for i := range left {
		reach := func(from int, step func(a, b T) bool) []bool {
			seen, todo := make([]bool, len(left)), []int{from}
			for seen[from] = true; len(todo) > 0; {
				x := todo[0]
				todo = todo[1:]
				for y := range left {
					if !seen[y] && step(left[x], left[y]) {
						seen[y] = true
						todo = append(todo, y)
					}
				}
			}
			return seen
		}
		earlier := reach(i, func(a, b T) bool { return before(b, a) })
		later := reach(i, before)
		free := true
		for y := range left {
			free = free && (!earlier[y] || later[y])
		}
		if free {
			return i
		}
	}
	return 0 // not reached: the circles themselves have no circle
}
