//go:build !js

package ui

import "trivium/app/lms"

// passkeyTrouble says in plain words why passkeys cannot be used on this page; "" when they can.
func passkeyTrouble() string { return "Passkeys are used in the browser." }

// unlockPasskey lets a passkey of this device answer a challenge; the node has none.
func unlockPasskey(string, string) (string, error) { return "", lms.ErrInternal }
