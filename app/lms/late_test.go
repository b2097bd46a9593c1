package lms_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"
	"trivium/app/lms"
)

func points(t testing.TB, s string) lms.Points {
	t.Helper()
	p, err := lms.ParsePoints(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func percent(t testing.TB, s string) lms.Percent {
	t.Helper()
	p, err := lms.ParsePercent(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The vectors of LATE-2: possible 100, 10 % a day.
func TestLateDeduction(t *testing.T) {
	due := time.Date(2026, 9, 4, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		raw, floor string
		late       time.Duration
		want       string
	}{
		{"90", "0", 25 * time.Hour, "70"},
		{"90", "0", 24 * time.Hour, "80"},
		{"90", "0", time.Second, "80"},
		{"90", "0", time.Millisecond, "80"},
		{"90", "0", 0, "90"},
		{"50", "40", 5 * 24 * time.Hour, "40"},
		{"30", "40", 5 * 24 * time.Hour, "30"},
		{"5", "0", time.Second, "0"},
		{"90", "0", 20 * 365 * 24 * time.Hour, "0"},
	} {
		p := lms.LatePolicy{Rate: percent(t, "10"), Floor: percent(t, c.floor)}
		n := p.Intervals(due, due.Add(c.late), time.UTC)
		raw := points(t, c.raw)
		if got := raw.Score() - p.Deduction(raw, points(t, "100"), n); got.String() != c.want {
			t.Errorf("raw %s, %v late (%d intervals), floor %s %%: %s, want %s", c.raw, c.late, n, c.floor, got, c.want)
		}
	}
}

// The vectors of LATE-3, and days of 23 and 25 hours counted from both sides.
func TestLateDaysOverClockChanges(t *testing.T) {
	ny := zone(t, "America/New_York")
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, ny)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		due, in  string
		interval lms.LateInterval
		want     int64
	}{
		{"2026-10-31 23:59:00", "2026-11-01 23:30:00", lms.LateByDay, 1},
		{"2026-10-31 23:59:00", "2026-11-01 23:59:00", lms.LateByDay, 1},
		{"2026-10-31 23:59:00", "2026-11-01 23:59:01", lms.LateByDay, 2},
		{"2026-03-07 23:59:00", "2026-03-09 00:10:00", lms.LateByDay, 2},
		{"2026-03-07 23:59:00", "2026-03-08 23:59:00", lms.LateByDay, 1},
		{"2026-10-31 23:59:00", "2026-11-01 23:30:00", lms.LateByHour, 25},
		{"2026-03-07 23:59:00", "2026-03-09 00:10:00", lms.LateByHour, 24},
		{"2026-03-07 02:30:00", "2026-03-08 03:30:00", lms.LateByDay, 1}, // 02:30 of 8 March is skipped: it ends at 03:30
		{"2026-03-07 02:30:00", "2026-03-08 03:30:01", lms.LateByDay, 2},
	} {
		if got := (lms.LatePolicy{Interval: c.interval}).Intervals(at(c.due), at(c.in), ny); got != c.want {
			t.Errorf("due %s, in %s by %s: %d, want %d", c.due, c.in, c.interval, got, c.want)
		}
	}
}

func TestLocalTime(t *testing.T) {
	ny := zone(t, "America/New_York")
	for _, c := range []struct {
		month time.Month
		day   int
		clock time.Duration
		want  string
	}{
		{3, 8, 2*time.Hour + 30*time.Minute, "2026-03-08T07:30:00Z"},  // skipped: 03:30 EDT
		{11, 1, 1*time.Hour + 30*time.Minute, "2026-11-01T06:30:00Z"}, // twice: the later, 01:30 EST
		{7, 4, 12 * time.Hour, "2026-07-04T16:00:00Z"},
		{1, 4, 12 * time.Hour, "2026-01-04T17:00:00Z"},
	} {
		if got := lms.LocalTime(2026, c.month, c.day, c.clock, ny).Format(time.RFC3339); got != c.want {
			t.Errorf("%d-%d %v: %s, want %s", c.month, c.day, c.clock, got, c.want)
		}
	}
}

func TestMissingScore(t *testing.T) {
	sixty := percent(t, "60")
	got, counts := lms.LatePolicy{Missing: &sixty}.MissingScore(points(t, "10"))
	if !counts || got.String() != "4" {
		t.Errorf("10 points at 60 %%: %s, %v; want 4", got, counts)
	}
	if _, counts := (lms.LatePolicy{}).MissingScore(points(t, "10")); counts {
		t.Error("without a policy for missing work nothing counts")
	}
}

// A deduction is exact, never negative, never more than the raw grade, and never less for later work.
func TestDeductionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := lms.LatePolicy{Rate: lms.Percent(rapid.Int64Range(0, 100_00).Draw(t, "rate")), Floor: lms.Percent(rapid.Int64Range(0, 100_00).Draw(t, "floor"))}
		possible := lms.Points(rapid.Int64Range(0, int64(lms.MaxPoints)).Draw(t, "possible"))
		raw := lms.Points(rapid.Int64Range(0, int64(lms.MaxPoints)).Draw(t, "raw"))
		n := rapid.Int64Range(0, 1<<40).Draw(t, "intervals")
		d := p.Deduction(raw, possible, n)
		if d < 0 || d > raw.Score() {
			t.Fatalf("deduction %d of %d", d, raw.Score())
		}
		if more := p.Deduction(raw, possible, n+1); more < d {
			t.Fatalf("%d intervals cost %d, one more %d", n, d, more)
		}
		if floor := lms.Score(possible) * lms.Score(p.Floor); d > 0 && raw.Score()-d < floor {
			t.Fatalf("final %d below the floor %d", raw.Score()-d, floor)
		}
	})
}

// Counting by day agrees with walking the days one by one, in zones with clock changes in both directions.
func TestLateDaysProperties(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Europe/Berlin"), zone(t, "Africa/Cairo")}
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		due := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "due"), 0).UTC()
		in := due.Add(time.Duration(rapid.Int64Range(1, 400*24*3600).Draw(t, "late")) * time.Second)
		got := lms.LatePolicy{}.Intervals(due, in, z)
		local := due.In(z)
		y, m, d := local.Date()
		clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
		want := int64(1)
		for lms.LocalTime(y, m, d+int(want), clock, z).Before(in) {
			want++
		}
		if got != want {
			t.Fatalf("due %v, in %v, %v: %d, want %d", due, in, z, got, want)
		}
	})
}
