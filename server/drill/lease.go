package drill

import (
	"errors"
	"fmt"
	"time"
)

// leaseSet is the lease scenario: five nodes, of which first followers, then the leader, then a majority are killed.
func leaseSet(r *run) {
	leader := 0
	r.step("(0) one leader, and its NO-OP is in all five logs", func() (err error) {
		if leader, _, err = r.agreed(); err != nil {
			return err
		}
		return r.logsHave(leader, 0)
	})
	r.step("(1) 3 SET and 3 GET: the writes are in all logs", func() error {
		return errors.Join(r.write(leader, 3), r.logsHave(leader, 3))
	})
	r.step("(1) 1,000 GETs under the lease add nothing to the log and send nothing", func() error { return r.silentReads(leader) })
	var dead []int
	r.step("(2) two followers killed: 3 SET and 3 GET still work", func() error {
		dead = r.others(leader)[:2]
		r.Kill(dead[0])
		r.Kill(dead[1])
		return r.write(leader, 3)
	})
	r.step("(2) they come back and catch up", func() error {
		return errors.Join(r.start(dead...), r.logsHave(leader, 6), r.kept())
	})
	old := leader
	r.step("(3) the leader killed: another one takes over, 2 SET and 2 GET work", func() (err error) {
		r.Kill(old)
		if leader, _, err = r.agreed(); err != nil {
			return err
		}
		return r.write(leader, 2)
	})
	r.step("(3) the old leader rejoins as a follower, and nothing is lost", func() error {
		if err := r.start(old); err != nil {
			return err
		}
		var err error
		if leader, _, err = r.agreed(); err != nil {
			return err
		}
		if leader == old {
			return errors.New("it leads at once")
		}
		return errors.Join(r.logsHave(leader, 8), r.kept())
	})
	r.step("(4) three followers killed: within the lease a GET works", func() error { return r.lastRead(leader) })
	r.step("(4) then the leader steps down", func() error {
		return r.eventually(func() error {
			st, err := r.Node(leader).Status(r.ctx)
			if err == nil && (st.State == "leader" || !st.LeaseEnd.IsZero()) {
				err = fmt.Errorf("node %d is %s, with a lease until %s", leader+1, st.State, st.LeaseEnd)
			}
			return err
		})
	})
	r.step("(5) two nodes left: SET and GET are refused and nobody leads", func() error {
		return errors.Join(r.refuses(r.alive()[0]), r.refuses(r.alive()[1]))
	})
	r.step("all five again: what was acknowledged is there", func() error {
		for i := range r.Size() {
			if r.Node(i) == nil {
				if err := r.start(i); err != nil {
					return err
				}
			}
		}
		_, _, err := r.agreed()
		return errors.Join(err, r.kept())
	})
}

// logsHave: all logs are the same and have so many SET lines, and the NO-OP of the leader's term.
func (r *run) logsHave(leader, sets int) error {
	return r.eventually(func() error {
		lines, err := r.sameLogs()
		if err != nil {
			return err
		}
		st, err := r.Node(leader).Status(r.ctx)
		if err != nil {
			return err
		}
		if n := count(lines, fmt.Sprintf("NO-OP %d", st.Term)); n != 1 {
			return fmt.Errorf("%d NO-OPs of term %d in %q", n, st.Term, lines)
		}
		if n := count(lines, "SET "); n != sets {
			return fmt.Errorf("%d SET lines, %d writes were acknowledged: %q", n, sets, lines)
		}
		return nil
	})
}

const (
	reads    = 1000
	baseline = 2 * time.Second
)

// silentReads compares with the time before, in which the leader only kept its lease and told its commit index. Each GET
// that asked would cost four messages.
func (r *run) silentReads(leader int) error {
	before, err := r.messages(leader)
	if err != nil {
		return err
	}
	if !r.pause(baseline) {
		return r.ctx.Err()
	}
	quiet, err := r.messages(leader)
	if err != nil {
		return err
	}
	lines, err := r.Node(leader).Log(r.ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	for range reads {
		if err := r.get(leader, "key-1"); err != nil {
			return err
		}
	}
	took := time.Since(start)
	busy, err := r.messages(leader)
	if err != nil {
		return err
	}
	after, err := r.Node(leader).Log(r.ctx)
	if err != nil {
		return err
	}
	for _, kind := range []string{"vote", "prevote", "readindex", "forward"} {
		if busy[kind] != quiet[kind] {
			return fmt.Errorf("%d messages %q", busy[kind]-quiet[kind], kind)
		}
	}
	if len(after) != len(lines) {
		return fmt.Errorf("the log has grown from %d to %d lines", len(lines), len(after))
	}
	regular := quiet["append"] + quiet["heartbeat"] - before["append"] - before["heartbeat"]
	sent := busy["append"] + busy["heartbeat"] - quiet["append"] - quiet["heartbeat"]
	expected := float64(regular) * took.Seconds() / baseline.Seconds()
	fmt.Fprintf(r.out, "      %d reads in %s: %d heartbeats and log messages went out, %.0f do in that time without reads\n", reads, took.Round(time.Millisecond), sent, expected)
	if float64(sent) > 1.5*expected+100 {
		return errors.New("the reads have sent messages")
	}
	return nil
}

func (r *run) messages(i int) (map[string]uint64, error) {
	st, err := r.Node(i).Status(r.ctx)
	return st.Sent, err
}

func (r *run) pause(d time.Duration) bool {
	select {
	case <-r.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// lastRead kills three followers and reads at once. The machine may be so slow that the lease is over by then: that is no
// failure of the cluster, so it is tried again.
func (r *run) lastRead(leader int) error {
	for range 3 {
		dead := r.others(leader)[:3]
		for _, i := range dead {
			r.Kill(i)
		}
		start := time.Now()
		v, err := r.Node(leader).Get(r.ctx, "key-1")
		took := time.Since(start)
		switch {
		case err == nil && v.Text == r.acked["key-1"] && took < slow.Lease:
			return nil
		case err == nil && v.Text != r.acked["key-1"]:
			return fmt.Errorf("%q was acknowledged, %q is read", r.acked["key-1"], v.Text)
		}
		fmt.Fprintf(r.out, "      the read took %s (%v); once more\n", took.Round(time.Millisecond), err)
		if err := r.start(dead...); err != nil {
			return err
		}
		if now, _, err := r.agreed(); err != nil || now != leader {
			return fmt.Errorf("leader %d: %w", now+1, err)
		}
	}
	return errors.New("no read within the lease in three tries")
}
