package consensus

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestPartsOfATableCoverItOnce(t *testing.T) {
	for range 2000 {
		first := rand.Int64N(2000) - 1000
		last, parts := first+rand.Int64N(300), 1+rand.IntN(40)
		next := first
		for part := range parts {
			from, to := rangeOf(first, last, part, parts)
			if from > to {
				continue
			}
			if from != next {
				t.Fatalf("%d to %d in %d: part %d begins with %d, want %d", first, last, parts, part, from, next)
			}
			next = to + 1
		}
		if next != last+1 {
			t.Fatalf("%d to %d in %d parts: they end with %d", first, last, parts, next-1)
		}
	}
	if from, to := rangeOf(math.MinInt64, math.MaxInt64, 1, 2); from > to {
		t.Errorf("all numbers there are: %d to %d", from, to)
	}
}

func TestHashOfAllPartsSeesEveryRow(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT) STRICT`)
	b.must(`CREATE TABLE w (k TEXT PRIMARY KEY, v TEXT) STRICT, WITHOUT ROWID`)
	for i := range 40 {
		b.must(fmt.Sprintf(`INSERT INTO a VALUES (%d, 'x')`, i*3))
		b.must(fmt.Sprintf(`INSERT INTO w VALUES ('%d', 'x')`, i))
	}
	const parts = 5
	sums := func() (all [parts]string) {
		c, err := openConn(b.db.path, "mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		for part := range parts {
			if all[part], err = c.hashSchema(context.Background(), part, parts); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	for _, q := range []string{`UPDATE a SET v = 'y' WHERE id = 0`, `UPDATE a SET v = 'y' WHERE id = 117`, `UPDATE a SET v = 'y' WHERE id = 60`,
		`UPDATE w SET v = 'y' WHERE k = '7'`} {
		before := sums()
		b.must(q)
		if sums() == before {
			t.Errorf("not seen: %s", q)
		}
	}
}

func TestComparisonFindsTheMinority(t *testing.T) {
	at := func(index uint64, rows string) rowMark {
		return rowMark{Version: 1, Index: index, Rows: rows, Parts: 1, Effects: "e"}
	}
	effects := func(index uint64, sum string) rowMark { return rowMark{Version: 1, Index: index, Effects: sum} }
	for _, tt := range []struct {
		name             string
		own              []rowMark
		others           map[string][]rowMark
		voters           int
		minority, agreed uint64
		differ           int
	}{
		{"all the same", []rowMark{at(10, "a"), at(20, "b")}, map[string][]rowMark{"n2": {at(10, "a"), at(20, "b")}, "n3": {at(10, "a")}}, 3, 0, 20, 0},
		{"one other differs", []rowMark{at(10, "a")}, map[string][]rowMark{"n2": {at(10, "x")}, "n3": {at(10, "a")}}, 3, 0, 10, 1},
		{"this one differs", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {at(10, "a")}, "n3": {at(10, "a")}}, 3, 10, 0, 2},
		{"all three differ", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {at(10, "a")}, "n3": {at(10, "b")}}, 3, 0, 0, 2},
		{"two nodes cannot tell", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {at(10, "a")}}, 2, 0, 0, 1},
		{"one of three is down", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {at(10, "a")}}, 3, 0, 0, 1},
		{"by its effects", []rowMark{effects(10, "x")}, map[string][]rowMark{"n2": {effects(10, "a")}, "n3": {effects(10, "a")}}, 3, 10, 0, 2},
		{"other places", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {at(11, "a")}, "n3": {at(11, "a")}}, 3, 0, 0, 0},
		{"another version", []rowMark{at(10, "x")}, map[string][]rowMark{"n2": {{Version: 2, Index: 10, Rows: "a", Parts: 1}}}, 2, 0, 0, 0},
		{"other parts", []rowMark{{Version: 1, Index: 10, Rows: "x", Part: 1, Parts: 2}}, map[string][]rowMark{"n2": {at(10, "a")}, "n3": {at(10, "a")}}, 3, 0, 0, 0},
	} {
		r := compareMarks(tt.own, tt.others, tt.voters)
		if r.minority != tt.minority || r.agreed != tt.agreed || len(r.differ) != tt.differ {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}
