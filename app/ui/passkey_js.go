package ui

import (
	"strings"
	"syscall/js"

	"trivium/app/api"
	"trivium/app/lms"
)

// passkeyTrouble says in plain words why passkeys cannot be used on this page; "" when they can.
func passkeyTrouble() string {
	page, kind := js.Global().Get("location"), js.Global().Get("PublicKeyCredential")
	host := page.Get("hostname").String()
	switch {
	case strings.HasPrefix(host, "127.") || host == "[::1]":
		return "Passkeys belong to a host name, and this page was opened by an address. Open http://localhost:" + page.Get("port").String() + " instead."
	case strings.Trim(host, "0123456789.") == "" || host[0] == '[':
		return "Passkeys belong to a host name, and this page was opened by an address. Open the site by its name."
	case !js.Global().Get("isSecureContext").Bool():
		return "Browsers allow passkeys only where the connection is encrypted (https)."
	case !kind.Truthy() || !kind.Get("parseRequestOptionsFromJSON").Truthy():
		return "This browser is too old for passkeys."
	}
	return ""
}

// unlockPasskey lets a passkey of this device answer a challenge ("get"), or makes one for it ("create").
func unlockPasskey(method, options string) (string, error) {
	parse := "parseRequestOptionsFromJSON"
	if method == "create" {
		parse = "parseCreationOptionsFromJSON"
	}
	json := js.Global().Get("JSON")
	parsed := js.Global().Get("PublicKeyCredential").Call(parse, json.Call("parse", options))
	made, err := api.Await(js.Global().Get("navigator").Get("credentials").Call(method, map[string]any{"publicKey": parsed}))
	switch {
	case err == nil:
		return json.Call("stringify", made).String(), nil
	case strings.HasPrefix(err.Error(), "InvalidStateError"):
		return "", lms.Errorf(lms.KindRule, "This device has a passkey of your account already.")
	}
	return "", lms.Errorf(lms.KindRule, "The browser gave no passkey: none was chosen, or it took too long. You can try again.")
}
