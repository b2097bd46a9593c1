package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	failoverTry  = time.Second // a client that waits longer for one node asks another
	failoverWait = time.Minute
	beforeKill   = 500 * time.Millisecond
	retryPause   = 5 * time.Millisecond
)

// errForeign refuses to kill what others have started.
var errForeign = errors.New("only nodes that were started for this may be killed")

// Failover kills the leader a number of times, each time while one client writes through any node without pause, and returns the
// gaps between the last success before a kill and the first one after it, sorted. After each kill the node is started again.
func (c *Cluster) Failover(ctx context.Context, d Data, kills int, told func(kill int, gap time.Duration)) ([]time.Duration, error) {
	if !c.Own() {
		return nil, errForeign
	}
	var gaps []time.Duration
	for k := range kills {
		lead, err := c.FindLeader(ctx)
		if err != nil {
			return gaps, err
		}
		gap, err := c.gapOf(ctx, d, lead)
		if err != nil {
			return gaps, fmt.Errorf("kill %d: %w", k+1, err)
		}
		gaps = append(gaps, gap)
		if err := c.start(c.Nodes[lead]); err != nil {
			return gaps, err
		}
		if err := c.WaitWrite(ctx); err != nil {
			return gaps, err
		}
		told(k+1, gap)
	}
	slices.Sort(gaps)
	return gaps, nil
}

// gapOf writes without pause, kills the leader after half a second, and measures the silence.
func (c *Cluster) gapOf(ctx context.Context, d Data, lead int) (time.Duration, error) {
	var latest atomic.Int64
	k := c.worker(0, lead, Workload{Writes: 100}, d, &latest)
	defer k.Close()
	begin, killed := time.Now(), false
	last := begin
	for time.Since(begin) < failoverWait && ctx.Err() == nil {
		if !killed && time.Since(begin) > beforeKill {
			c.Nodes[lead].kill()
			killed = true
		}
		err := k.next(failoverTry)
		switch {
		case err != nil:
			k.again(err)
		case killed:
			return time.Since(last), nil
		default:
			last = time.Now()
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("no write within %v: %w", failoverWait, k.first)
}

// again goes on at another node after a short pause, as clients do. A redirect needs no pause.
func (cl *Client) again(why error) {
	cl.move(why)
	if elsewhere := (*Redirect)(nil); !errors.As(why, &elsewhere) {
		time.Sleep(retryPause)
	}
}

// Kill says when, after the begin, the leader is killed and started again.
type Kill struct{ At, Back time.Duration }

// Second is what the clients have seen in one second of an outage.
type Second struct {
	Successes, Redirects, Errors int64
	P99                          time.Duration // of the successes
}

// Outage is what the death of the leader was for the clients.
type Outage struct {
	Killed  string        // id of the leader that was killed
	Leader  string        // id of the one at the end
	Seconds []Second      // one each, from the begin
	Silence time.Duration // the longest time without a success of any client
	First   string        // error, if there was one
}

// event is the end of one request.
type event struct {
	at, took time.Duration // since the begin; of the request
	kind     int
}

const (
	success = iota
	redirected
	failed
)

// Outage drives clients at full speed, spread over all nodes, while the leader is killed and comes back. A client that is refused,
// or waits longer than a second, asks another node.
func (c *Cluster) Outage(ctx context.Context, w Workload, d Data, clients int, length time.Duration, kill Kill) (o Outage, err error) {
	if !c.Own() {
		return o, errForeign
	}
	lead, err := c.FindLeader(ctx)
	if err != nil {
		return o, err
	}
	o.Killed = c.Nodes[lead].ID
	var latest atomic.Int64
	var wg sync.WaitGroup
	begin, workers, events := time.Now(), make([]*worker, clients), make([][]event, clients)
	for i := range workers {
		k := c.worker(i, i%len(c.Nodes), w, d, &latest)
		workers[i] = k
		wg.Go(func() { events[i] = k.endure(ctx, begin, length) })
	}
	err = c.killAndRevive(ctx, lead, begin, kill)
	wg.Wait()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return o, err
	}
	for _, k := range workers {
		if o.First == "" && k.first != nil {
			o.First = k.first.Error()
		}
	}
	o.Seconds, o.Silence = timeline(slices.Concat(events...), length)
	now, err := c.FindLeader(ctx)
	o.Leader = c.Nodes[now].ID
	return o, err
}

func (c *Cluster) killAndRevive(ctx context.Context, lead int, begin time.Time, kill Kill) error {
	if err := until(ctx, begin.Add(kill.At)); err != nil {
		return err
	}
	c.Nodes[lead].kill()
	if err := until(ctx, begin.Add(kill.Back)); err != nil {
		return err
	}
	return c.start(c.Nodes[lead])
}

func until(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(t)):
		return nil
	}
}

// endure makes requests until the length is over, whatever happens to the nodes.
func (k *worker) endure(ctx context.Context, begin time.Time, length time.Duration) (events []event) {
	defer k.Close()
	for ctx.Err() == nil && time.Since(begin) < length {
		start := time.Now()
		err := k.next(failoverTry)
		e := event{at: time.Since(begin), took: time.Since(start)}
		if err != nil {
			e.kind = failed
			if elsewhere := (*Redirect)(nil); errors.As(err, &elsewhere) {
				e.kind = redirected
			}
			k.again(err)
		}
		events = append(events, e)
	}
	return events
}

// timeline counts the events of each second and finds the longest time without a success.
func timeline(events []event, length time.Duration) (list []Second, silence time.Duration) {
	slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
	list = make([]Second, int((length+time.Second-1)/time.Second))
	took := make([][]time.Duration, len(list))
	var last time.Duration
	for _, e := range events {
		i := min(int(e.at/time.Second), len(list)-1) // the last requests end a little late
		switch s := &list[i]; e.kind {
		case success:
			s.Successes++
			took[i] = append(took[i], e.took)
			silence, last = max(silence, e.at-last), e.at
		case redirected:
			s.Redirects++
		default:
			s.Errors++
		}
	}
	for i := range list {
		slices.Sort(took[i])
		list[i].P99 = Quantile(took[i], .99)
	}
	return list, max(silence, length-last)
}
