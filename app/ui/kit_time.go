package ui

import (
	"fmt"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// Now is the time of the viewer's machine; tests set it.
var Now = time.Now

// FormatTime writes a time in the viewer's zone: "Fri 4 Sep 2026, 23:59 CEST".
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return formatIn(t, "")
}

// FormatTimeIn writes a time in a zone, and in the viewer's one if that shows another clock.
func FormatTimeIn(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	there, here := formatIn(t, zone), formatIn(t, "")
	if sameClock(there, here) {
		return here
	}
	return there + " (" + shorter(here, there) + " where you are)"
}

// shorter leaves the date out of a formatted time if the other one has the same.
func shorter(t, other string) string {
	for i, r := range t {
		if r == ',' && i < len(other) && t[:i+1] == other[:i+1] {
			return t[i+2:]
		}
	}
	return t
}

// sameClock reports whether two formatted times differ at most in the zone's name.
func sameClock(a, b string) bool {
	const clock = len("Fri 4 Sep 2026, 23:59")
	return len(a) > clock && len(b) > clock && a[:clock] == b[:clock]
}

// TimeView is a time element: absolute, with the relative time as its tooltip.
func TimeView(t time.Time) app.UI {
	if t.IsZero() {
		return app.Span().Class("muted").Text("never")
	}
	return app.Time().DateTime(t.UTC().Format(time.RFC3339)).Title(Relative(t)).Text(FormatTime(t))
}

// AgoView is a time element that shows the relative time, with the absolute one as its tooltip.
func AgoView(t time.Time) app.UI {
	if t.IsZero() {
		return app.Span().Class("muted").Text("never")
	}
	return app.Time().DateTime(t.UTC().Format(time.RFC3339)).Title(FormatTime(t)).Text(Relative(t))
}

// DueText is DueTextIn in the viewer's zone.
func DueText(due time.Time) string { return DueTextIn(due, "") }

// DueTextIn is a due date as a person needs it, in the zone of the course: "Due Fri 4 Sep 2026, 23:59 CEST (in 2 days)", and
// what the viewer's clock shows if it shows another time (UX principle 9).
func DueTextIn(due time.Time, zone string) string {
	if due.IsZero() {
		return "No due date"
	}
	there, here := formatIn(due, zone), formatIn(due, "")
	text := "Due " + there + " (" + Relative(due) + ")"
	if !sameClock(there, here) {
		text += ", " + shorter(here, there) + " where you are"
	}
	return text
}

// ParseInput is ParseInputIn in the viewer's zone.
func ParseInput(value string) (time.Time, error) { return ParseInputIn(value, "") }

// FormatInput is FormatInputIn in the viewer's zone.
func FormatInput(t time.Time) string { return FormatInputIn(t, "") }

// ParseInputIn reads the value of a datetime-local input in a zone, "" is the viewer's: a time that a change of the clocks skips
// moves forward, of one that occurs twice the later is meant. "" is the zero time.
func ParseInputIn(value, zone string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(inputLayout, value)
	if err != nil {
		return t, err
	}
	return lms.LocalTimeBy(t, func(t time.Time) int { return offsetIn(t, zone) }), nil
}

// FormatInputIn writes a time for a datetime-local input in the zone of a course.
func FormatInputIn(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Add(time.Duration(offsetIn(t, zone)) * time.Second).Format(inputLayout)
}

// WholeMinute is the end of the minute that a typed time names: what is due at 23:59 is due when that minute is over (GEN-4).
// What was not changed stays as it is.
func WholeMinute(t, was time.Time) time.Time {
	switch {
	case t.IsZero():
		return t
	case t.Equal(was.Truncate(time.Minute)):
		return was
	}
	return t.Add(time.Minute - time.Millisecond)
}

// DueTone colours a due date that is near (within a day) or past.
func DueTone(due time.Time) string {
	switch left := due.Sub(Now()); {
	case due.IsZero():
		return ""
	case left < 0:
		return "bad"
	case left < 24*time.Hour:
		return "warn"
	}
	return ""
}

// Relative writes the distance to now: "in 2 days", "3 hours ago", "in < 1 minute".
func Relative(t time.Time) string {
	d := t.Sub(Now())
	past := d < 0
	if past {
		d = -d
	}
	s := span(d)
	if past {
		if s == "< 1 minute" {
			return "just now"
		}
		return s + " ago"
	}
	return "in " + s
}

// Span writes a duration with its largest unit: "2 days", "< 1 minute".
func Span(d time.Duration) string { return span(max(d, -d)) }

func span(d time.Duration) string {
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "< 1 minute"
	case d < time.Hour:
		return unit(int(d/time.Minute), "minute")
	case d < day:
		return unit(int(d/time.Hour), "hour")
	case d < 14*day:
		return unit(int(d/day), "day")
	case d < 60*day:
		return unit(int(d/(7*day)), "week")
	case d < 730*day:
		return unit(int(d/(30*day)), "month")
	}
	return unit(int(d/(365*day)), "year")
}

// inputLayout is the form of an <input type="datetime-local">.
const inputLayout = "2006-01-02T15:04"
