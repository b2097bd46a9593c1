package lms

import (
	"fmt"
	"strings"
	"time"
)

// Percent is an exact percentage in hundredths: 1250 is 12.5 %. On the wire it is a JSON number.
type Percent int64

// String writes the shortest form: "12.5".
func (p Percent) String() string { return Points(p).String() }

// MarshalJSON writes a JSON number.
func (p Percent) MarshalJSON() ([]byte, error) { return Points(p).MarshalJSON() }

// UnmarshalJSON reads a JSON number, or a string as a person types it, with or without "%".
func (p *Percent) UnmarshalJSON(b []byte) error {
	v, err := ParsePercent(strings.Trim(string(b), `"`))
	*p = v
	return err
}

// ParsePercent reads "12.5", "12,5" or "12.5 %". It refuses negative numbers and more than two decimals with KindRule.
func ParsePercent(s string) (Percent, error) {
	v, err := ParsePoints(strings.TrimSuffix(strings.TrimSpace(s), "%"))
	if err != nil {
		return 0, Errorf(KindRule, "%q is not a percentage. Write for example 12.5.", s)
	}
	return Percent(v), nil
}

// Score is an exact number of points in millionths. Points times a Percent is a whole number of millionths, so a late
// deduction never rounds; only what is displayed does (BOOK-6).
type Score int64

const scorePerPoint = 10_000 // millionths in a hundredth

// Score widens points.
func (p Points) Score() Score { return Score(p) * scorePerPoint }

// Points rounds half up to hundredths, for display.
func (s Score) Points() Points { return Points(divHalfUp(int64(s), scorePerPoint)) }

// String writes the displayed value: "69.995" points are "70".
func (s Score) String() string {
	if s < 0 {
		return "-" + (-s).String()
	}
	return s.Points().String()
}

// divHalfUp divides by a positive number; a half goes up, away from minus infinity.
func divHalfUp(n, d int64) int64 {
	q := (2*n + d) / (2 * d)
	if 2*n+d < 0 && (2*n+d)%(2*d) != 0 {
		q--
	}
	return q
}

// LateInterval is what a late policy counts in.
type LateInterval string

// The intervals of a late policy.
const (
	LateByDay  LateInterval = "day"  // calendar days of the course's zone, each ending at the due time of day
	LateByHour LateInterval = "hour" // 3,600 s
)

// LatePolicy says what late and missing work costs (LATE-1). The zero value costs nothing.
type LatePolicy struct {
	Rate     Percent      `json:"rate"`               // of the possible points, for each begun interval
	Interval LateInterval `json:"interval,omitempty"` // default day
	Floor    Percent      `json:"floor"`              // lateness alone never takes a score below this share of the possible points
	Missing  *Percent     `json:"missing,omitempty"`  // deduction from work that was never handed in; nil: missing work stays ungraded
}

// Validate refuses a policy that cannot be meant, naming the field.
func (p LatePolicy) Validate() error {
	const whole = Percent(100_00)
	switch {
	case p.Rate < 0 || p.Rate > whole:
		return FieldErrorf(KindRule, "late.rate", "The deduction for each interval lies between 0 and 100 %%.")
	case p.Floor < 0 || p.Floor > whole:
		return FieldErrorf(KindRule, "late.floor", "The lowest score that lateness can lead to lies between 0 and 100 %%.")
	case p.Missing != nil && (*p.Missing < 0 || *p.Missing > whole):
		return FieldErrorf(KindRule, "late.missing", "The deduction for missing work lies between 0 and 100 %%.")
	case p.Interval != "" && p.Interval != LateByDay && p.Interval != LateByHour:
		return FieldErrorf(KindRule, "late.interval", "Lateness is counted by day or by hour, not by %q.", p.Interval)
	}
	return nil
}

// Intervals counts the begun late intervals between the due time and the hand-in; 0 is on time, and exactly at the due
// time is on time. A late day is a calendar day of the course's zone: day k ends at the due time of day, k days later,
// however long the days between were (LATE-3).
func (p LatePolicy) Intervals(due, submitted time.Time, zone *time.Location) int64 {
	if due.IsZero() || !submitted.After(due) {
		return 0
	}
	if p.Interval == LateByHour {
		return int64((submitted.Sub(due) + time.Hour - 1) / time.Hour)
	}
	local := due.In(zone)
	year, month, day := local.Date()
	clock := clockOf(local)
	k := max(int64(submitted.Sub(due)/(24*time.Hour))-1, 1) // a day is at most some hours shorter or longer than 24
	for LocalTime(year, month, day+int(k), clock, zone).Before(submitted) {
		k++
	}
	for k > 1 && !LocalTime(year, month, day+int(k-1), clock, zone).Before(submitted) {
		k--
	}
	return k
}

func clockOf(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

// LocalTime is the moment at which clocks in the zone show the time of day. A time that a change of the clocks skips moves
// forward by the gap; of one that occurs twice the later is meant (GEN-4). Days may lie outside of the month, as in
// time.Date.
func LocalTime(year int, month time.Month, day int, clock time.Duration, zone *time.Location) time.Time {
	return LocalTimeBy(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock), func(t time.Time) int {
		_, offset := t.In(zone).Zone()
		return offset
	})
}

// LocalTimeBy is LocalTime where a zone is only known by the offset from UTC, in seconds, that it has at a moment; naive is
// what the clocks show, written as if it were UTC.
func LocalTimeBy(naive time.Time, offset func(time.Time) int) time.Time {
	// The offsets in force a day before and a day after: where they differ, the clocks change between the two.
	before, after := offset(naive.Add(-24*time.Hour)), offset(naive.Add(24*time.Hour))
	shows := func(seconds int) (time.Time, bool) {
		t := naive.Add(-time.Duration(seconds) * time.Second)
		return t.UTC(), offset(t) == seconds
	}
	later, laterShows := shows(min(before, after)) // the smaller offset is the later moment
	earlier, earlierShows := shows(max(before, after))
	switch {
	case laterShows:
		return later
	case earlierShows:
		return earlier
	}
	return naive.Add(-time.Duration(before) * time.Second).UTC() // skipped: as far after the change as it was before it
}

// Deduction is what lateness takes from a raw grade: possible x min(rate x intervals, max(raw % - floor %, 0)) / 100
// (LATE-1). It is never negative and never more than the raw grade. Work that is worth nothing loses nothing.
func (p LatePolicy) Deduction(raw, possible Points, intervals int64) Score {
	if intervals <= 0 || possible <= 0 || p.Rate <= 0 {
		return 0
	}
	byRate := p.Rate * Percent(min(intervals, int64(100_00/p.Rate)+1))
	room := raw.Score() - Score(possible)*Score(p.Floor) // possible x floor %: hundredths x hundredths of a percent are millionths
	return min(Score(possible)*Score(byRate), max(room, 0))
}

// MissingScore is what work that was never handed in counts, and whether it counts at all (LATE-4).
func (p LatePolicy) MissingScore(possible Points) (Score, bool) {
	if p.Missing == nil {
		return 0, false
	}
	return Score(possible) * Score(100_00-*p.Missing), true
}

// Describe says in a sentence what lateness costs.
func (p LatePolicy) Describe() string {
	var parts []string
	if p.Rate > 0 {
		s := fmt.Sprintf("Late work loses %s %% of the possible points for each begun %s", p.Rate, p.interval())
		if p.Floor > 0 {
			s += fmt.Sprintf(", but not below %s %%", p.Floor)
		}
		parts = append(parts, s+".")
	}
	if p.Missing != nil {
		parts = append(parts, fmt.Sprintf("Missing work counts %s %%.", Percent(100_00)-*p.Missing))
	}
	if len(parts) == 0 {
		return "Late work loses nothing."
	}
	return strings.Join(parts, " ")
}

func (p LatePolicy) interval() LateInterval {
	if p.Interval == LateByHour {
		return LateByHour
	}
	return LateByDay
}
