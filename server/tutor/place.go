package tutor

import (
	"context"
	"errors"
	"time"
)

// placeEvery is how often a call that waits for the other nodes looks again.
const placeEvery = 250 * time.Millisecond

// place waits until the cluster has a free call to the endpoint, within the time that a call may wait (TUTOR-25): the limit
// is of the endpoint, not of the node. An endpoint on this machine belongs to this node, whose own slots are exact.
// Whoever gets a place gives it back.
func (t *Tutor) place(ctx context.Context, holder string, wait func(string)) (back func(), err error) {
	if t.model == nil || t.model.endpoint.loopback {
		return func() {}, nil
	}
	endpoint := t.cfg.Endpoint
	for end := time.Now().Add(t.cfg.Limits.Queue); ; {
		taken, err := t.store.TakePlace(ctx, endpoint, holder, t.cfg.Calls, t.cfg.Limits.Total+30*time.Second)
		switch {
		case err != nil:
			return nil, err
		case taken:
			return func() { t.giveBack(endpoint, holder) }, nil
		case time.Now().After(end):
			return nil, errQueueLong
		}
		wait("Waiting for the language model: other nodes are asking it.")
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(placeEvery):
		}
	}
}

// giveBack gives a place back, also when the call was stopped. If it fails, the place frees itself in a while.
func (t *Tutor) giveBack(endpoint, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 5*time.Second)
	defer cancel()
	if err := t.store.GivePlace(ctx, endpoint, holder); err != nil && !errors.Is(err, context.Canceled) {
		t.log.Warn("tutor: a place for a call is not given back; it frees itself", "err", err)
	}
}
