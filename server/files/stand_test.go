package files

import (
	"testing"

	"trivium/app/lms"
)

// TestStandingTellsWhatIsMissingOnlyToAMajority: a node that is cut off must not say that parts have not arrived, since the
// others may have acknowledged them.
func TestStandingTellsWhatIsMissingOnlyToAMajority(t *testing.T) {
	members := []Member{{ID: "a", Voter: true}, {ID: "b", Voter: true}, {ID: "c", Voter: true}, {ID: "r"}}
	f := lms.File{Chunks: []string{"x"}}
	none := [][]held{{0}}
	for _, tt := range []struct {
		name  string
		found map[string][][]held
		want  bool
	}{
		{"alone", map[string][][]held{"a": none}, false},
		{"with a read replica", map[string][][]held{"a": none, "r": none}, false},
		{"two of three", map[string][][]held{"a": none, "b": none}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := stand("a", f, members, tt.found).conclusive(members); got != tt.want {
				t.Errorf("conclusive: %t, want %t", got, tt.want)
			}
		})
	}
}
