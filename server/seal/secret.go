package seal

import (
	"fmt"
	"log/slog"
)

// Secret is a secret in memory. However it is printed, logged or encoded, only whether it is set is shown; whoever needs
// the text itself converts it: string(s).
type Secret string

const shown = "set"

// String is "set", or empty when nothing is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return shown
}

// Format is what every verb of fmt prints, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(s.String())) }

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON and other encodings hold.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
