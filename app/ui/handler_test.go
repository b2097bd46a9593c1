//go:build !js

package ui

import "testing"

func TestKnown(t *testing.T) {
	register.Do(Routes)
	for path, want := range map[string][2]bool{"/": {true, false}, "/signin": {true, true}, "/courses": {true, false}, "/courses/c1": {true, false},
		"/courses/c1/assignments/a-1/submissions": {true, false}, "/courses/C1": {}, "/courses/": {}, "/nowhere": {}, "/courses/c1/x": {}, "": {}} {
		exists, public := Known(path)
		if got := [2]bool{exists, public}; got != want {
			t.Errorf("%q: got %v", path, got)
		}
	}
}
