package consensus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"trivium/consensus"
)

// A register of the model: its operations are read, write and compare-and-set.
const (
	opRead = iota
	opWrite
	opCAS
)

type registerInput struct {
	op       int
	key      string
	old, new int64
	level    consensus.Level // of a read
}

type registerOutput struct {
	value   int64 // of a read
	done    bool  // of a compare-and-set
	unknown bool  // it may have taken effect, and may still
}

// registers is partitioned by key. A write of unknown outcome returns at the end of time: taking effect last of all stands
// for never.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(registerInput).key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(int64), input.(registerInput), output.(registerOutput)
		switch in.op {
		case opRead:
			return out.value == s, s
		case opWrite:
			return true, in.new
		}
		if out.unknown && s != in.old {
			return true, s
		}
		if out.unknown || out.done {
			return s == in.old, in.new
		}
		return s != in.old, s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v %+v", input, output) },
}

const checkTimeout = 60 * time.Second

// checkHistory wants Ok, and Illegal once a read is made to show what had been overwritten before it began: a checker
// that accepts everything would prove nothing.
func checkHistory(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	start := time.Now()
	if got := porcupine.CheckOperationsTimeout(registers, history, checkTimeout); got != porcupine.Ok {
		t.Errorf("the history is %s", got)
	}
	took := time.Since(start)
	i, past := staleRead(history)
	if i < 0 {
		t.Fatal("void: no read after two writes")
	}
	falsified := []porcupine.Operation{} // what comes later has no say in it
	for j, o := range history {
		if j == i {
			o.Output = registerOutput{value: past}
		}
		if o.Call <= history[i].Return && o.Input.(registerInput).key == history[i].Input.(registerInput).key {
			falsified = append(falsified, o)
		}
	}
	if got := porcupine.CheckOperationsTimeout(registers, falsified, checkTimeout); got != porcupine.Illegal {
		t.Errorf("a history with a stale read is %s", got)
	}
	unknown := 0
	for _, o := range history {
		if o.Output.(registerOutput).unknown {
			unknown++
		}
	}
	t.Logf("%d operations, %d of unknown outcome, checked in %s", len(history), unknown, took)
}

// staleRead finds a read, and a value that was surely overwritten when it began: two writes of its key, one after
// the other, lie before it.
func staleRead(history []porcupine.Operation) (read int, past int64) {
	for i, r := range history {
		in := r.Input.(registerInput)
		if in.op != opRead {
			continue
		}
		for _, second := range history {
			if !writes(second, in.key) || second.Return >= r.Call {
				continue
			}
			for _, first := range history {
				if writes(first, in.key) && first.Return < second.Call {
					return i, first.Input.(registerInput).new
				}
			}
		}
	}
	return -1, 0
}

func writes(o porcupine.Operation, key string) bool {
	in := o.Input.(registerInput)
	return in.op == opWrite && in.key == key && !o.Output.(registerOutput).unknown
}
