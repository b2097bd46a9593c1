package formula

import (
	"strings"
	"unicode"
)

// words are the styles in which letters side by side are one word.
var words = map[string]bool{"rm": true, "sf": true, "tt": true}

// alphabet says where the letters of a style begin; browsers know no attribute for them.
type alphabet struct{ upper, lower, digit, greekUpper, greekLower rune }

var alphabets = map[string]alphabet{
	"bf":   {0x1D400, 0x1D41A, 0x1D7CE, 0x1D6A8, 0x1D6C2},
	"bi":   {0x1D468, 0x1D482, 0x1D7CE, 0x1D71C, 0x1D736},
	"cal":  {0x1D49C, 0x1D4B6, 0, 0, 0},
	"frak": {0x1D504, 0x1D51E, 0, 0, 0},
	"bb":   {0x1D538, 0x1D552, 0x1D7D8, 0, 0},
	"sf":   {0x1D5A0, 0x1D5BA, 0x1D7E2, 0, 0},
	"tt":   {0x1D670, 0x1D68A, 0x1D7F6, 0, 0},
}

// strays are letters that Unicode had elsewhere before the alphabets came.
var strays = map[string]map[rune]rune{
	"cal":  {'B': 'ℬ', 'E': 'ℰ', 'F': 'ℱ', 'H': 'ℋ', 'I': 'ℐ', 'L': 'ℒ', 'M': 'ℳ', 'R': 'ℛ', 'e': 'ℯ', 'g': 'ℊ', 'o': 'ℴ'},
	"frak": {'C': 'ℭ', 'H': 'ℌ', 'I': 'ℑ', 'R': 'ℜ', 'Z': 'ℨ'},
	"bb":   {'C': 'ℂ', 'H': 'ℍ', 'N': 'ℕ', 'P': 'ℙ', 'Q': 'ℚ', 'R': 'ℝ', 'Z': 'ℤ'},
}

// styled is a letter or digit in a style; what the style does not have stays.
func styled(style string, r rune) string {
	a, ok := alphabets[style]
	if !ok {
		return string(r)
	}
	if s, ok := strays[style][r]; ok {
		return string(s)
	}
	from := func(start, first rune) string {
		if start == 0 {
			return string(r)
		}
		return string(start + r - first)
	}
	switch {
	case 'A' <= r && r <= 'Z':
		return from(a.upper, 'A')
	case 'a' <= r && r <= 'z':
		return from(a.lower, 'a')
	case '0' <= r && r <= '9':
		return from(a.digit, '0')
	case 'Α' <= r && r <= 'Ω':
		return from(a.greekUpper, 'Α')
	case 'α' <= r && r <= 'ω':
		return from(a.greekLower, 'α')
	}
	return string(r)
}

func styledText(style, text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(styled(style, r))
	}
	return b.String()
}

// hidden reports whether a character is invisible or turns the direction of the text.
func hidden(r rune) bool {
	return !unicode.IsPrint(r) && !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Zs) && r != '\n' && r != '\r' && r != '\t'
}

func letterRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.In(r, unicode.Mn, unicode.Mc) || unicode.IsDigit(r)
}
