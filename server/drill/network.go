package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Bounds of the network set.
const (
	minNodes, maxNodes = 3, 21
	defaultPhase       = 4 * time.Second
)

// networkSet drives clients over a network that gets worse and worse.
func networkSet(ctx context.Context, o Options, dir string) error {
	n := cmp.Or(o.Nodes, 5)
	if n < minNodes || n > maxNodes {
		return fmt.Errorf("--nodes %d: choose %d to %d", n, minNodes, maxNodes)
	}
	phase := cmp.Or(o.Phase, defaultPhase)
	c, err := startInside(ctx, dir, n, o.Seed, fast, hold)
	if err != nil {
		return fmt.Errorf("start %d nodes: %w", n, err)
	}
	defer c.Close()
	fmt.Fprintf(o.Out, "%d nodes on a simulated network, seed %d, %s for each phase\n", n, o.Seed, phase)
	r := &run{Cluster: c, ctx: ctx, out: o.Out, acked: map[string]string{}}
	s := &networkRun{run: r, c: c, rng: rand.New(rand.NewPCG(o.Seed, 3)), phase: phase}
	s.load = newLoad(r, o.Seed)
	defer s.load.end()
	for _, p := range s.phases() {
		r.step(p.name, func() error { return s.one(p) })
	}
	r.step("all healed: every promise is kept on every node", s.final)
	return r.result()
}

type networkRun struct {
	*run
	c     *inside
	rng   *rand.Rand
	phase time.Duration
	load  *load
}

// phase is some trouble, of which strike is called several times over the phase; k counts.
type phase struct {
	name   string
	times  int
	strike func(k int) error
}

func (s *networkRun) phases() []phase {
	minority := (s.Size() - 1) / 2
	quiet := func(int) error { return nil }
	disturb := func(loss, again float64, jitter time.Duration) func(int) error {
		return func(int) error { s.c.net.Disturb(loss, again, jitter); return nil }
	}
	return []phase{
		{"no fault", 1, quiet},
		{"5 % of the messages lost", 1, disturb(.05, 0, 0)},
		{"15 % lost, 10 % repeated, up to 20 ms late, overtaking each other", 1, disturb(.15, .1, 20*time.Millisecond)},
		{"30 % lost", 1, disturb(.3, 0, 0)},
		{fmt.Sprintf("%d followers killed", minority), 1, func(int) error { return s.killFollowers(minority) }},
		{"the leader killed, twice", 2, func(int) error { return s.killLeader() }},
		{"partitions with the leader in the majority", 3, func(int) error { return s.split(true) }},
		{"partitions with the leader on any side", 3, func(int) error { return s.split(false) }},
		{"10 % lost, partitions and a killed leader together", 2, s.everything},
	}
}

// everything happens at once: the leader dies on a network that loses messages, and the rest falls apart.
func (s *networkRun) everything(int) error {
	s.c.net.Disturb(.1, .05, 10*time.Millisecond)
	return errors.Join(s.killLeader(), s.split(false))
}

// one phase: trouble, then peace. Clients must get through again.
func (s *networkRun) one(p phase) error {
	before, sent := s.load.totals(), s.c.net.Counts().Sent
	for k := range p.times {
		if err := p.strike(k); err != nil {
			return err
		}
		if !s.pause(s.phase / time.Duration(p.times)) {
			return s.ctx.Err()
		}
		if err := s.heal(); err != nil {
			return err
		}
	}
	healed := s.load.totals()
	if err := s.eventually(func() error {
		if now := s.load.totals(); now.acked < healed.acked+10 {
			return fmt.Errorf("%d writes since the network is whole", now.acked-healed.acked)
		}
		return nil
	}); err != nil {
		return err
	}
	after := s.load.totals()
	done := after.acked + after.read - before.acked - before.read
	messages := s.c.net.Counts().Sent - sent
	fmt.Fprintf(s.out, "      %d writes acknowledged, %d reads, %d refused, %d tries of unknown outcome; %d messages, %.1f a request\n",
		after.acked-before.acked, after.read-before.read, after.refused-before.refused, after.unknown-before.unknown, messages, float64(messages)/float64(max(1, done)))
	return errors.Join(s.load.wrong(), s.c.faults())
}

// heal makes the network whole and starts the dead.
func (s *networkRun) heal() error {
	s.c.net.Heal()
	for i := range s.Size() {
		if s.Node(i) == nil {
			if err := s.Start(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// leading is the leader, or any node while there is none.
func (s *networkRun) leading() int {
	for _, i := range s.alive() {
		if st, err := s.Node(i).Status(s.ctx); err == nil && st.State == "leader" {
			return i
		}
	}
	return s.rng.IntN(s.Size())
}

func (s *networkRun) killLeader() error {
	leader, _, err := s.agreed()
	if err != nil {
		leader = s.leading() // under loss they may never agree for long
	}
	s.Kill(leader)
	return nil
}

func (s *networkRun) killFollowers(n int) error {
	leader, _, err := s.agreed()
	if err != nil {
		return err
	}
	others := s.others(leader)
	s.rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	for _, i := range others[:n] {
		s.Kill(i)
	}
	return nil
}

// split cuts a minority of the living off: never the leader's side, or any.
func (s *networkRun) split(leaderInMajority bool) error {
	leader, p := s.leading(), s.alive()
	s.rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	minority := 1 + s.rng.IntN(max(1, (len(p)-1)/2))
	if leaderInMajority {
		for i, node := range p {
			if node == leader {
				p[i], p[len(p)-1] = p[len(p)-1], p[i]
				break
			}
		}
	}
	s.c.net.Split(p[:minority], p[minority:])
	return nil
}

// final stops the clients and compares what they were promised with every node.
func (s *networkRun) final() error {
	s.load.end()
	if err := s.load.unfinished(); err != nil {
		return err
	}
	if _, _, err := s.agreed(); err != nil {
		return err
	}
	for _, i := range s.alive() {
		for _, w := range s.load.writers {
			v, err := s.Node(i).Get(s.ctx, w.key)
			if err != nil {
				return err
			}
			if want := w.acked.Load(); v.Text != number(want) || v.Writes != want {
				return fmt.Errorf("%s on node %d is %q after %d writes; %d were acknowledged, each for one write", w.key, i+1, v.Text, v.Writes, want)
			}
		}
	}
	return errors.Join(s.load.wrong(), s.c.faults(), s.eventually(func() error { return s.c.equal(s.ctx) }))
}

// equal compares the databases of all nodes.
func (c *inside) equal(ctx context.Context) error {
	first := ""
	for _, n := range c.nodes {
		sum, index, err := n.db.Hash(ctx)
		if err != nil {
			return err
		}
		state := fmt.Sprintf("%d:%s", index, sum)
		if first != "" && state != first {
			return fmt.Errorf("the databases differ: %s and %s", first, state)
		}
		first = state
	}
	return nil
}
