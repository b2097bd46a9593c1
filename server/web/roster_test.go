package web

import (
	"encoding/base64"

	"trivium/app/api"
)

// rosterOf is a roster file as it is sent.
func rosterOf(text string) api.RosterInput {
	return api.RosterInput{File: base64.StdEncoding.EncodeToString([]byte(text))}
}
