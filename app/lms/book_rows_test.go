package lms_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
	"trivium/app/lms"
)

func drawMark(t *rapid.T, name string) lms.Mark {
	switch rapid.IntRange(0, 4).Draw(t, name) {
	case 0:
		return lms.Mark{}
	case 1:
		return lms.Mark{Excused: true}
	}
	p := lms.Points(rapid.Int64Range(0, 20_00).Draw(t, name+" points"))
	return lms.Mark{Points: &p}
}

// Whatever staff have entered and not posted, the student's page is the same to the last letter (principle 6); and what is
// posted is what staff see as well.
func TestStudentsSeeNothingOfDrafts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := lms.Book{Zone: time.UTC, Now: time.Unix(1_800_000_000, 0), Work: map[string]lms.Assignment{}, Policies: map[string]lms.LatePolicy{},
			Settings: lms.BookSettings{Categories: []lms.Category{{ID: "k0", Name: "One", Weight: 40_00, DropLowest: rapid.IntRange(0, 2).Draw(t, "drop")}, {ID: "k1", Name: "Two", Weight: 60_00}},
				Letters: []lms.Letter{{Letter: "A", Min: 50_00}, {Letter: "F"}}}}
		one := lms.BookStudent{UserID: "u1"}
		for i := range rapid.IntRange(1, 6).Draw(t, "columns") {
			b.Columns = append(b.Columns, lms.BookColumn{ID: fmt.Sprint("c", i), Title: "T", Manual: true, Points: 10_00, CategoryID: fmt.Sprint("k", i%2), Published: rapid.IntRange(0, 5).Draw(t, "published") > 0})
			e := lms.BookEntry{Draft: drawMark(t, "draft"), Version: 1, Changed: true}
			if rapid.Bool().Draw(t, "was posted") {
				e.Posted, e.PostedAt = drawMark(t, "posted"), b.Now
			}
			one.Entries = append(one.Entries, e)
		}
		one.Override.Draft = drawMark(t, "override")
		other := one
		other.Entries = append([]lms.BookEntry{}, one.Entries...)
		for i := range other.Entries { // other drafts; whether there is one at all stays, since it is left out of the final total
			if e := &other.Entries[i]; !e.Draft.Empty() || !e.Posted.Empty() {
				for e.Draft = drawMark(t, "other draft"); e.Draft.Empty() && e.Posted.Empty(); e.Draft = (lms.Mark{Excused: true}) {
				}
			}
		}
		other.Override.Draft = drawMark(t, "other override")
		if x, y := b.Student(&one), b.Student(&other); !reflect.DeepEqual(x, y) {
			t.Fatalf("the student sees a difference of drafts:\n%+v\n%+v", x, y)
		}
		posted := one
		posted.Entries = append([]lms.BookEntry{}, one.Entries...)
		for i := range posted.Entries {
			posted.Entries[i].Posted, posted.Entries[i].Changed = posted.Entries[i].Draft, false
		}
		current, final := b.Totals(&posted)
		if g := b.Student(&posted); g.Current.Percent != current.Ratio.String() || g.Final.Percent != final.Ratio.String() {
			t.Fatalf("everything is posted, but the student has %s and %s, staff %s and %s", g.Current.Percent, g.Final.Percent, current.Ratio, final.Ratio)
		}
	})
}

// A course without categories counts everything by its points; columns that staff keep to themselves or that are not graded
// count nowhere.
func TestWhatCounts(t *testing.T) {
	eight := lms.Points(8_00)
	full := lms.BookEntry{Draft: lms.Mark{Points: &eight}}
	b := lms.Book{Zone: time.UTC, Columns: []lms.BookColumn{{ID: "a", Points: 10_00, Published: true}, {ID: "b", Points: 10_00, Published: true, ExtraCredit: true},
		{ID: "c", Points: 10_00}, {ID: "d", Points: 10_00, Published: true, GradeType: lms.GradeUngraded}, {ID: "e", Points: 30_00, Published: true}}}
	s := lms.BookStudent{Entries: []lms.BookEntry{full, full, full, full, {}}}
	current, final := b.Totals(&s)
	if current.Ratio.String() != "160.00" || final.Ratio.String() != "40.00" {
		t.Errorf("current %s, final %s", current.Ratio, final.Ratio)
	}
	b.Settings.Categories = []lms.Category{{ID: "k", Name: "K", Weight: 50_00}}
	if current, _ := b.Totals(&s); current.Ratio.IsSet() {
		t.Errorf("columns in no category count: %s", current.Ratio)
	}
	if w := b.Settings.Warning(b.Columns[:1]); w != "The weights add up to 50 %, not 100 %. Totals are divided by that sum. In no category, so not counted: ." {
		t.Error(w)
	}
}
