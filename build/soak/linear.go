//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// registerModel is a register: the state is a registerOutput.
var registerModel = porcupine.Model{
	Init: func() any { return registerOutput{} },
	Step: func(state, in, out any) (bool, any) {
		if i := in.(registerInput); i.write {
			return true, registerOutput{i.value, true}
		}
		return out.(registerOutput) == state.(registerOutput), state
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// swapModel is the version of a grade: a change counts it up if the marker knew it. A change with unknown outcome either
// counts it up or does nothing.
var swapModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{int64(0)} },
	Step: func(state, in, out any) []any {
		version, i, o := state.(int64), in.(swapInput), out.(swapOutput)
		switch {
		case o.outcome == unknown && version == i.version:
			return []any{version, version + 1}
		case o.outcome == unknown:
			return []any{version}
		case o.outcome == done && version == i.version && o.version == version+1:
			return []any{version + 1}
		case o.outcome == refused && version != i.version:
			return []any{version}
		}
		return nil
	},
	Equal:             func(a, b any) bool { return a.(int64) == b.(int64) },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// linear holds the operations whose history must be linearizable, by key.
type linear struct {
	mu        sync.Mutex
	registers map[string][]porcupine.Operation
	swaps     map[string][]porcupine.Operation
}

func (h *history) register(key string, client int, in registerInput, out registerOutput, a answer) {
	if a.outcome == refused {
		return
	}
	h.linear.add(&h.linear.registers, key, operation(client, in, out, a))
}

func (h *history) swap(key string, client int, version, now int64, a answer) {
	h.linear.add(&h.linear.swaps, key, operation(client, swapInput{version}, swapOutput{a.outcome, now}, a))
}

func (l *linear) add(m *map[string][]porcupine.Operation, key string, op porcupine.Operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *m == nil {
		*m = map[string][]porcupine.Operation{}
	}
	(*m)[key] = append((*m)[key], op)
}

// linearLimit bounds the whole check. What is not decided by then is no pass.
const linearLimit = 60 * time.Second

// check runs I1 over everything recorded so far and forgets it. It reports how many operations it decided.
func (l *linear) check(violate func(invariant, format string, args ...any)) int {
	l.mu.Lock()
	registers, swaps := l.registers, l.swaps
	l.mu.Unlock()
	deadline := time.Now().Add(linearLimit)
	decided := checkKeys(registerModel, registers, deadline, violate)
	return decided + checkKeys(swapModel.ToModel(), swaps, deadline, violate)
}

func checkKeys(m porcupine.Model, keys map[string][]porcupine.Operation, deadline time.Time, violate func(invariant, format string, args ...any)) (decided int) {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		ops := keys[key]
		left := max(time.Until(deadline), time.Millisecond)
		switch porcupine.CheckOperationsTimeout(m, ops, left) {
		case porcupine.Ok:
			decided += len(ops)
		case porcupine.Illegal:
			decided += len(ops)
			violate("I1", "the history of %s is not linearizable (%d operations): %s", key, len(ops), culprit(m, ops))
		default:
			violate("I1", "the history of %s could not be decided within %v (%d operations)", key, linearLimit, len(ops))
		}
	}
	return decided
}

// culprit finds the first operation, by its end, without which the history up to there is linearizable.
func culprit(m porcupine.Model, ops []porcupine.Operation) string {
	sorted := slices.Clone(ops)
	slices.SortFunc(sorted, func(a, b porcupine.Operation) int { return int(min(max(a.Return-b.Return, -1), 1)) })
	low, high := 0, len(sorted)
	for low < high {
		mid := (low + high) / 2
		// What was begun before the end of the prefix may have taken effect within it.
		prefix := append(slices.Clone(sorted[:mid+1]), begun(sorted[mid+1:], sorted[mid].Return)...)
		if porcupine.CheckOperationsTimeout(m, prefix, 5*time.Second) == porcupine.Illegal {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low >= len(sorted) {
		return "no single operation"
	}
	return m.DescribeOperation(sorted[low].Input, sorted[low].Output)
}

// begun are the writes among the operations that began before the time.
func begun(ops []porcupine.Operation, before int64) (out []porcupine.Operation) {
	for _, op := range ops {
		write := true
		if in, ok := op.Input.(registerInput); ok {
			write = in.write
		}
		if op.Call < before && write {
			out = append(out, op)
		}
	}
	return out
}
