package ui

import (
	"strings"
	"syscall/js"
	"time"
)

// formatters keeps one Intl.DateTimeFormat for each zone: making one costs a hundred times more than using it.
var formatters = map[string]js.Value{}

func formatter(zone string) (f js.Value) {
	if f, ok := formatters[zone]; ok {
		return f
	}
	options := map[string]any{"weekday": "short", "day": "numeric", "month": "short", "year": "numeric", "hour": "2-digit",
		"minute": "2-digit", "hourCycle": "h23", "timeZoneName": "short"}
	if zone != "" {
		options["timeZone"] = zone
	}
	defer func() {
		if recover() != nil { // a zone that this browser does not know
			f = formatter("")
		}
	}()
	f = js.Global().Get("Intl").Get("DateTimeFormat").New("en-GB", options)
	formatters[zone] = f
	return f
}

// formatIn writes the time in the zone; "" is the viewer's.
func formatIn(t time.Time, zone string) string {
	parts := formatter(zone).Call("formatToParts", t.UnixMilli())
	p := map[string]string{}
	for i := range parts.Length() {
		p[parts.Index(i).Get("type").String()] = parts.Index(i).Get("value").String()
	}
	return strings.Join([]string{p["weekday"], p["day"], p["month"], p["year"] + ",", p["hour"] + ":" + p["minute"], p["timeZoneName"]}, " ")
}

// Zone is the viewer's IANA time zone.
func Zone() string {
	z := js.Global().Get("Intl").Get("DateTimeFormat").New().Call("resolvedOptions").Get("timeZone")
	if z.Type() != js.TypeString || z.String() == "" {
		return "UTC"
	}
	return z.String()
}

// Zones lists the time zones that the browser knows.
func Zones() []string {
	intl := js.Global().Get("Intl")
	if intl.Get("supportedValuesOf").Type() != js.TypeFunction {
		return []string{Zone()}
	}
	list := intl.Call("supportedValuesOf", "timeZone")
	zones := make([]string, 0, list.Length()+1)
	for i := range list.Length() {
		zones = append(zones, list.Index(i).String())
	}
	return append(zones, "UTC")
}

// offsetIn is the offset of a zone from UTC at a moment, in seconds; that of the viewer's zone where the browser does not
// know the zone.
func offsetIn(t time.Time, zone string) int {
	parts := formatter(zone).Call("formatToParts", t.UnixMilli())
	p := map[string]string{}
	for i := range parts.Length() {
		p[parts.Index(i).Get("type").String()] = parts.Index(i).Get("value").String()
	}
	shown, err := time.Parse("2 Jan 2006 15:04", strings.Join([]string{p["day"], strings.Replace(p["month"], "Sept", "Sep", 1), p["year"], p["hour"] + ":" + p["minute"]}, " "))
	if err != nil {
		return 0
	}
	return int(shown.Sub(t.Truncate(time.Minute)) / time.Second)
}
