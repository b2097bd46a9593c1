//go:build !js

package ui

import "time"

// formatIn writes the time in the zone; "" is UTC, since the node does not know the viewer's.
func formatIn(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format("Mon 2 Jan 2006, 15:04 MST")
}

// Zone is the viewer's IANA time zone.
func Zone() string { return "UTC" }

// Zones lists the time zones that the browser knows.
func Zones() []string { return []string{"UTC"} }

// ParseInput reads the value of a datetime-local input in the viewer's zone; "" is the zero time.
func ParseInput(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	return time.Parse(inputLayout, value)
}

// FormatInput writes a time for a datetime-local input in the viewer's zone.
func FormatInput(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(inputLayout)
}
