//go:build linux

package main

import "testing"

// TestPlantedBugsApply: the patches with which the gate is tested follow the code that they break.
func TestPlantedBugsApply(t *testing.T) {
	bugs, err := plantedBugs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(bugs) != 12 {
		t.Errorf("%d planted bugs, want 12", len(bugs))
	}
	for _, p := range bugs {
		if _, err := p.plant("../..", t.TempDir()); err != nil {
			t.Error(err)
		}
		for _, id := range p.faults {
			if faultByID(id) == nil {
				t.Errorf("%s: there is no fault %s", p.name, id)
			}
		}
	}
}
