package tutor

import (
	"strings"
	"unicode/utf16"
)

func decodeUTF16(data []byte) string {
	big := data[0] == 0xfe
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		u := uint16(data[i]) | uint16(data[i+1])<<8
		if big {
			u = u<<8 | u>>8
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// upper1252 are the characters 0x80 to 0x9f of Windows-1252.
var upper1252 = [32]rune{'€', 0xfffd, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0xfffd, 'Ž', 0xfffd,
	0xfffd, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0xfffd, 'ž', 'Ÿ'}

func windows1252(c byte) rune {
	if c >= 0x80 && c < 0xa0 {
		return upper1252[c-0x80]
	}
	return rune(c)
}

// textBlocks reads plain text: paragraphs are separated by blank lines; a short line without a stop that stands alone is a heading.
func textBlocks(text string) []block {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var blocks []block
	for part := range strings.SplitSeq(text, "\n\n") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if !strings.Contains(part, "\n") && looksLikeHeading(part) {
			blocks = append(blocks, block{kind: blockHeading, text: part})
			continue
		}
		blocks = append(blocks, block{text: part})
	}
	return blocks
}

// looksLikeHeading judges a line that stands alone.
func looksLikeHeading(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > 1 && len(s) <= 80 && len(strings.Fields(s)) <= 10 && !strings.ContainsAny(s[len(s)-1:], ".,;:!?") &&
		strings.ContainsFunc(s, isLetter)
}
