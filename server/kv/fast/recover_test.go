package fast

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestQuorum(t *testing.T) {
	for n, want := range map[int]int{1: 1, 3: 3, 5: 4, 7: 6, 9: 7} {
		if got := Quorum(n); got != want {
			t.Errorf("of %d nodes %d, want %d", n, got, want)
		}
	}
}

func TestRecover(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		lists []string
		want  string
	}{
		{"two of three agree", 5, []string{"b a c d", "b a c d", "a b c"}, "b a c d"},
		{"one was held once, one list is empty", 5, []string{"b a c d", "a b c", ""}, "a b c"},
		{"nothing", 5, []string{"", "", ""}, ""},
		{"a write that was never acknowledged", 5, []string{"x a", "a", "a"}, "a"},
		{"present before absent", 5, []string{"z", "z a", "a z"}, "z a"},
		{"three nodes: both must hold it", 3, []string{"b a x", "b a"}, "b a"},
		{"three nodes: overlapping", 3, []string{"b a", "a b"}, "a b"},
		{"one node", 1, []string{"c a b"}, "c a b"},
		{"a circle, and one before and behind it", 5, []string{"z a b c d", "z b c a d", "z c a b d"}, "z a b c d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lists [][]string
			for _, l := range tt.lists {
				lists = append(lists, strings.Fields(l))
			}
			for range 20 { // the order of maps and of the answers is of no consequence
				rand.Shuffle(len(lists), func(i, j int) { lists[i], lists[j] = lists[j], lists[i] })
				if got := strings.Join(Recover(tt.n, lists), " "); got != tt.want {
					t.Fatalf("%s, want %s", got, tt.want)
				}
			}
		})
	}
}

// Whatever a majority answers after writes that reached the nodes in any order, nothing acknowledged is missing.
func TestRecoverKeepsWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		n := []int{3, 5, 7}[rng.IntN(3)]
		nodes := make([][]int, n)
		acked := []int{}
		type write struct {
			id   int
			todo []int // nodes that it has not reached
		}
		var under []*write
		for id := 1; id <= 12 || len(under) > 0; {
			if id <= 12 && (len(under) == 0 || rng.IntN(3) == 0) {
				under = append(under, &write{id, rng.Perm(n)})
				id++
				continue
			}
			i := rng.IntN(len(under))
			w := under[i]
			nodes[w.todo[0]] = append(nodes[w.todo[0]], w.id)
			w.todo = w.todo[1:]
			if n-len(w.todo) == Quorum(n) {
				acked = append(acked, w.id)
				under = slices.Delete(under, i, i+1) // what is left of it is lost
			} else if rng.IntN(40) == 0 {
				under = slices.Delete(under, i, i+1)
			}
		}
		var lists [][]int
		for _, node := range rng.Perm(n)[:n/2+1] {
			lists = append(lists, nodes[node])
		}
		got := Recover(n, lists)
		for _, id := range acked {
			if !slices.Contains(got, id) {
				t.Fatalf("seed %d: %d was acknowledged and is not in %v of %v", seed, id, got, lists)
			}
		}
		if again := Recover(n, lists); !slices.Equal(got, again) {
			t.Fatalf("seed %d: %v, then %v", seed, got, again)
		}
	}
}
