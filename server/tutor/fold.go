package tutor

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// foldUnicode lowers the case and removes combining marks from Latin, Greek and Cyrillic letters. Marks of other scripts carry
// vowels and stay.
func foldUnicode(s string) string {
	var b strings.Builder
	keep := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		if unicode.Is(unicode.Mn, r) && !keep {
			continue
		}
		if unicode.IsLetter(r) {
			keep = !unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}
