package cluster

import (
	"context"
	"testing"

	"trivium/app/lms"
	"trivium/server/files"
)

// keepFiles opens the file store of a node.
func (n *testNode) keepFiles() {
	n.t.Helper()
	f, err := files.Open(files.Config{Dir: n.t.TempDir(), Network: n.Network(), Self: n.ID(), Members: files.MembersOf(n.db), List: n.store.FilesAfter,
		Logger: quiet})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { f.Close() })
	n.copies = f.Copies
}

// allWhole waits until the node hears from these that they have all files.
func (n *testNode) allWhole(nodes ...*testNode) {
	n.t.Helper()
	ask := map[string]string{}
	for _, m := range nodes {
		ask[m.ID()] = m.id.Address()
	}
	eventually(n.t, "they have all files", func() bool {
		copies := n.copies(context.Background(), ask)
		for id := range ask {
			if !copies[id].Whole {
				return false
			}
		}
		return true
	})
}

func TestRemoveWaitsForAFileStoreThatIsNotOpen(t *testing.T) {
	a := found(t, "a")
	b, c := join(t, a, "b"), join(t, a, "c")
	a.keepFiles()
	b.keepFiles()
	a.allWhole(a, b)
	for _, from := range []*testNode{a, b} { // b asks a to remove it
		err := from.Remove(t.Context(), "b", false)
		wantRefusal(t, err, "The node stays: c does not tell whether it has all files")
		if lms.KindOf(err) != lms.KindConflict {
			t.Errorf("kind of %v", err)
		}
	}
	c.keepFiles()
	a.allWhole(c)
	if err := a.Remove(t.Context(), "b", false); err != nil {
		t.Errorf("when it has all: %v", err)
	}
}

// Two of five machines have died: each can be removed, because nobody can get anything from it.
func TestDeadNodesAreRemovedOneAfterTheOther(t *testing.T) {
	a := found(t, "a")
	b, c, d, e := join(t, a, "b"), join(t, a, "c"), join(t, a, "d"), join(t, a, "e")
	for _, n := range []*testNode{a, b, c} {
		n.keepFiles()
	}
	a.allWhole(a, b, c)
	d.stop()
	e.stop()
	wantRefusal(t, a.Remove(t.Context(), "b", false), "The node stays: d does not tell")
	for _, id := range []string{"d", "e", "b"} {
		if err := a.Remove(t.Context(), id, false); err != nil {
			t.Errorf("remove %s: %v", id, err)
		}
	}
}

// What no node had may be back on the node that goes. If it says that it lacks it as well, nothing is lost with it.
func TestRemoveMindsWhatIsGone(t *testing.T) {
	a := found(t, "a")
	join(t, a, "b")
	join(t, a, "c")
	tell := map[string]lms.FileCopy{"a": {Whole: true, Gone: 2}, "c": {Whole: true, Gone: 2}}
	a.copies = func(context.Context, map[string]string) map[string]lms.FileCopy { return tell }
	wantRefusal(t, a.Remove(t.Context(), "b", false), "The node stays: a lacks parts of files, and b does not say that it lacks them too")
	tell["b"] = lms.FileCopy{Whole: true, Gone: 1}
	wantRefusal(t, a.Remove(t.Context(), "b", false), "The node stays: a lacks parts of files")
	tell["b"] = lms.FileCopy{Whole: true, Gone: 2}
	if err := a.Remove(t.Context(), "b", false); err != nil {
		t.Error(err)
	}
}

func TestForceDoesNotAskForFiles(t *testing.T) {
	a := found(t, "a")
	join(t, a, "b")
	join(t, a, "c")
	a.keepFiles()
	if err := a.Remove(t.Context(), "b", true); err != nil {
		t.Error(err)
	}
}
