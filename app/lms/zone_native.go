//go:build !js

package lms

import "time"

// validZone reports whether name is in the IANA time zone database.
func validZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}
