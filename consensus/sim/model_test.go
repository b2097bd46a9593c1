package sim

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// The operations of a register.
const (
	opRead = iota
	opWrite
	opCAS
)

type input struct {
	op       int
	key      string
	old, new int64
}

type output struct {
	value   int64 // of a read
	done    bool
	unknown bool // it may have taken effect, and may still
}

// model of a register. An operation of unknown outcome returns at the end of time: taking effect last of all stands
// for never.
var model = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range all {
			k := o.Input.(input).key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return int64(0) },
	Step: func(state, in, out any) (bool, any) {
		s, i, o := state.(int64), in.(input), out.(output)
		switch {
		case i.op == opRead:
			return o.value == s, s
		case i.op == opWrite:
			return true, i.new
		case o.unknown && s != i.old:
			return true, s
		case o.unknown || o.done:
			return s == i.old, i.new
		}
		return s != i.old, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v %+v", in, out) },
}

// check takes the history of an epoch, in which nothing may be under way, and begins the next one.
func (h *history) check() (n int, linearizable bool) {
	h.mu.Lock()
	ops := h.ops
	h.ops = nil
	h.epoch++
	h.mu.Unlock()
	return len(ops), porcupine.CheckOperations(model, ops)
}
