package drill

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// storeSet is the store scenario on three nodes.
func storeSet(r *run) {
	leader := 0
	lead := func() (err error) { leader, _, err = r.agreed(); return err }
	r.step("one leader, reads and writes through every node", func() error {
		errs := []error{lead()}
		for i := range r.Size() {
			errs = append(errs, r.write(i, 2))
		}
		return errors.Join(errs...)
	})
	var first, second int
	r.step("the leader killed: the others go on", func() error {
		first = leader
		r.Kill(first)
		return errors.Join(lead(), r.write(leader, 2), r.kept())
	})
	r.step("a second kill: unavailable, and clearly so", func() error {
		second = leader
		r.Kill(second)
		return r.eventually(func() error { return r.refuses(r.alive()[0]) })
	})
	r.step("both rejoin: service and data are back", func() error {
		return errors.Join(r.start(first, second), lead(), r.write(leader, 2), r.kept())
	})
	r.step("a follower killed: nothing changes; it rejoins", func() error {
		f := r.others(leader)[0]
		r.Kill(f)
		return errors.Join(r.write(leader, 2), r.start(f), lead(), r.kept())
	})
	r.step("each killed in turn: the data is kept", func() error {
		for i := range r.Size() {
			r.Kill(i)
			if err := errors.Join(r.write(r.alive()[0], 1), r.start(i), r.kept()); err != nil {
				return err
			}
		}
		return nil
	})
	r.step("all killed at once: the data is kept", func() error {
		for i := range r.Size() {
			r.Kill(i)
		}
		return errors.Join(r.start(0, 1, 2), lead(), r.kept())
	})
	r.step("an unacknowledged entry of a dead leader is replaced", func() error { return r.conflict(leader) })
	r.step("concurrent requests: one order in all logs, each once", r.serialised)
}

// conflict leaves an entry in the log of a leader alone, lets the others go on without it, and wants it gone.
func (r *run) conflict(leader int) error {
	others := r.others(leader)
	for _, i := range others {
		r.Kill(i)
	}
	err := r.Node(leader).Set(r.ctx, "conflict", "conflict", "never acknowledged")
	if !refused(err) {
		return fmt.Errorf("a write without a majority: %v", err)
	}
	lines, err := r.history(leader)
	if err != nil {
		return err
	}
	alone := count(lines, "SET conflict ")
	r.Kill(leader)
	if err := errors.Join(r.start(others...), r.write(others[0], 2), r.start(leader), r.kept()); err != nil {
		return err
	}
	lines, err = r.sameLogs()
	if n := count(lines, "SET conflict "); err == nil && n > 0 {
		err = errors.New("the entry is still there")
	}
	fmt.Fprintf(r.out, "      its log had the entry %d times while it was alone\n", alone)
	return err
}

const together = 64

// serialised writes one key from many clients at the same moment.
func (r *run) serialised() error {
	var wg sync.WaitGroup
	errs := make([]error, together)
	for i := range together {
		wg.Go(func() {
			id := fmt.Sprintf("together-%d", i)
			errs[i] = r.eventually(func() error { return r.Node(i%r.Size()).Set(r.ctx, id, "together", id) })
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	lines, err := r.sameLogs()
	if err != nil {
		return err
	}
	last := ""
	for _, l := range lines {
		if f := strings.Fields(l); len(f) == 4 && f[1] == "together" {
			last = f[2]
		}
	}
	v, err := r.Node(0).Get(r.ctx, "together")
	if err == nil && (v.Text != last || v.Writes != together) {
		err = fmt.Errorf("the value is %q after %d writes; the last of %d in the log is %q", v.Text, v.Writes, together, last)
	}
	return err
}

func basicElection(r *run) {
	r.step("one leader, whom all follow in one term", func() error { _, _, err := r.agreed(); return err })
	r.step("one NO-OP a term, the same in all logs", func() error {
		leader, term, err := r.agreed()
		if err != nil {
			return err
		}
		if err := r.logsHave(leader, 0); err != nil {
			return err
		}
		fmt.Fprintf(r.out, "      node %d leads in term %d\n", leader+1, term)
		return nil
	})
	r.step("writes and reads through every node", func() error {
		return errors.Join(r.write(0, 1), r.write(1, 1), r.write(2, 1), r.kept())
	})
}

func leaderFailure(r *run) {
	var leader int
	var term uint64
	r.step("a leader, and ten writes", func() (err error) {
		if leader, term, err = r.agreed(); err != nil {
			return err
		}
		return r.write(leader, 10)
	})
	r.step("the leader killed: another one leads in a later term", func() error {
		r.Kill(leader)
		start := time.Now()
		now, later, err := r.agreed()
		if err == nil && (later <= term || now == leader) {
			err = fmt.Errorf("node %d leads in term %d after %d", now+1, later, term)
		}
		fmt.Fprintf(r.out, "      node %d after %s\n", now+1, time.Since(start).Round(time.Millisecond))
		return err
	})
	r.step("nothing is lost, and writes go on", func() error { return errors.Join(r.kept(), r.write(r.alive()[0], 5)) })
	r.step("the old leader rejoins and has it all", func() error {
		if err := r.start(leader); err != nil {
			return err
		}
		_, _, err := r.agreed()
		if err == nil {
			_, err = r.sameLogs()
		}
		return errors.Join(err, r.kept())
	})
}

func rapidFailures(r *run) {
	r.step("a leader, and five writes", func() error {
		leader, _, err := r.agreed()
		return errors.Join(err, r.write(leader, 5))
	})
	var terms []uint64
	last := -1
	for round := range 3 {
		r.step(fmt.Sprintf("leader %d killed, the one before comes back, writes go on", round+1), func() error {
			leader, term, err := r.agreed()
			if err != nil {
				return err
			}
			terms = append(terms, term)
			r.Kill(leader)
			if last >= 0 {
				err = r.start(last)
			}
			last = leader
			return errors.Join(err, r.write(r.alive()[0], 3))
		})
	}
	r.step("all five: later terms each time, equal logs, nothing lost", func() error {
		if err := r.start(last); err != nil {
			return err
		}
		_, term, err := r.agreed()
		if terms = append(terms, term); err == nil && (!slices.IsSorted(terms) || len(slices.Compact(slices.Clone(terms))) != len(terms)) {
			err = fmt.Errorf("terms %v", terms)
		}
		if err == nil {
			_, err = r.sameLogs()
		}
		return errors.Join(err, r.kept())
	})
}

const manyWrites = 300

func rejoin(r *run) {
	var leader, away int
	r.step("a leader; a follower is killed", func() (err error) {
		if leader, _, err = r.agreed(); err != nil {
			return err
		}
		away = r.others(leader)[0]
		r.Kill(away)
		return nil
	})
	r.step(fmt.Sprintf("%d writes without it, until the log no longer reaches back", manyWrites), func() error {
		for i := range manyWrites {
			if err := r.set(leader, fmt.Sprintf("key-%d", i%20)); err != nil {
				return err
			}
		}
		return r.eventually(func() error {
			lines, err := r.Node(leader).Log(r.ctx)
			if err == nil && count(lines, "SET key-0 value-1 ") > 0 {
				err = r.set(leader, "key-0")
				if err == nil {
					err = errors.New("the first write is still in the leader's log")
				}
			}
			return err
		})
	})
	r.step("it comes back, gets the whole database and then follows", func() error {
		if err := r.start(away); err != nil {
			return err
		}
		return errors.Join(r.kept(), r.write(away, 3), r.kept())
	})
}

// splitBrain cuts the leader and one follower off from the other three.
func splitBrain(r *run) {
	c := r.Cluster.(*inside)
	var leader int
	var minor, major []int
	r.step("a leader, and ten writes", func() (err error) {
		if leader, _, err = r.agreed(); err != nil {
			return err
		}
		return r.write(leader, 10)
	})
	r.step("the leader and a follower are cut off: they acknowledge nothing", func() error {
		others := r.others(leader)
		minor, major = []int{leader, others[0]}, others[1:]
		c.net.Split(minor, major)
		for _, i := range minor {
			if err := r.Node(i).Set(r.ctx, fmt.Sprintf("split-%d", i), "split", "minority"); !refused(err) {
				return fmt.Errorf("a write through node %d, which is cut off: %v", i+1, err)
			}
			if v, err := r.Node(i).Get(r.ctx, "key-1"); !refused(err) {
				return fmt.Errorf("a read through node %d, which is cut off, after its lease: %q, %v", i+1, v.Text, err)
			}
		}
		return nil
	})
	r.step("the other three elect a leader and go on", func() error { return r.write(major[0], 5) })
	r.step("healed: one leader, equal logs, nothing lost, nothing of the minority", func() error {
		c.net.Heal()
		if _, _, err := r.agreed(); err != nil {
			return err
		}
		lines, err := r.sameLogs()
		if n := count(lines, "SET split "); err == nil && n > 0 {
			err = fmt.Errorf("%d entries of the minority have survived", n)
		}
		return errors.Join(err, r.kept(), c.faults())
	})
}
