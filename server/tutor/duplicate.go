package tutor

import "strings"

// Passages that share so much of their words say the same. Very short ones are the same only when all of it is.
const (
	sameShare = 0.9
	shortText = 12 // words
)

// distinct leaves out passages that say what a better one says: copies in two files, an older version of the same handout.
func distinct(ranked []*candidate) []*candidate {
	out := ranked[:0]
	var kept [][]string
	sets := []map[string]int{}
next:
	for at, c := range ranked {
		if len(kept) == candidates { // nobody reads on
			return append(out, ranked[at:]...)
		}
		ws := c.read().text
		set := make(map[string]int, len(ws))
		for _, w := range ws {
			set[w]++
		}
		for i, other := range kept {
			if same(ws, other, set, sets[i]) {
				continue next
			}
		}
		out, kept, sets = append(out, c), append(kept, ws), append(sets, set)
	}
	return out
}

// same compares two texts by how often they use their words.
func same(a, b []string, inA, inB map[string]int) bool {
	long := max(len(a), len(b))
	if float64(min(len(a), len(b))) < sameShare*float64(long) {
		return false
	}
	if long < shortText {
		return strings.Join(a, " ") == strings.Join(b, " ")
	}
	common := 0
	for w, n := range inA {
		common += min(n, inB[w])
	}
	return float64(common) >= sameShare*float64(long)
}
