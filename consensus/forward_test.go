package consensus

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestAnswersComeBackAsTheyWent(t *testing.T) {
	done := outcome{res: Result{Index: 7, Stamp: time.UnixMilli(5).UTC()}}
	refused := outcome{code: outcomeGuard, guard: 2, res: Result{Stamp: time.UnixMilli(0).UTC()}}
	sent := []answer{{outcome: done}, {err: errNotLeader}, {outcome: refused}, {err: ErrUnknown}, {err: errClosed}}
	p := encodeAnswers(sent)
	got, err := decodeAnswers(p, len(sent))
	if err != nil || !reflect.DeepEqual(got[0].outcome, done) || !reflect.DeepEqual(got[2].outcome, refused) {
		t.Fatalf("%+v %v", got, err)
	}
	for i, want := range []error{nil, errNotLeader, nil, ErrUnknown, errNotLeader} {
		if !errors.Is(got[i].err, want) {
			t.Errorf("answer %d: %v, want %v", i, got[i].err, want)
		}
	}
	for n := range p {
		if _, err := decodeAnswers(p[:n], len(sent)); err == nil {
			t.Fatalf("cut at %d it is accepted", n)
		}
	}
	if _, err := decodeAnswers(p, len(sent)-1); err == nil {
		t.Error("answers for one batch more are accepted")
	}
}

// A result that is too much for one message is asked for again: it is kept under its key.
func TestLargeAnswersAreAskedForAgain(t *testing.T) {
	big := answer{outcome: outcome{res: Result{Stamp: time.UnixMilli(0).UTC(), Rows: Rows{Columns: []string{"a"},
		Values: []Row{{make([]byte, maxForwardReply)}}}}}}
	got, err := decodeAnswers(encodeAnswers([]answer{big, big}), 2)
	if err != nil || got[0].err != nil || !errors.Is(got[1].err, ErrUnknown) {
		t.Fatalf("%v, %v, %v", got[0].err, got[1].err, err)
	}
}
