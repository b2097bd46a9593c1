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

// offsetIn is the offset of a zone from UTC at a moment, in seconds.
func offsetIn(t time.Time, zone string) int {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	_, offset := t.In(loc).Zone()
	return offset
}
