package lms

import "strings"

// Bounds of a text that is read as Markdown. Parsers take time that grows with the square of what nests or stays open.
const (
	maxMarkdownMarks = 12_000 // characters that may open something
	maxMarkdownDepth = 64     // quotes and lists within each other
)

// TooDenseForMarkdown reports whether a text has so many marks, or nests them so deeply, that reading it as Markdown
// could take seconds. Such a text is no prose that a person wrote; it is shown and indexed as plain text.
func TooDenseForMarkdown(text string) bool {
	marks := 0
	for line := range strings.Lines(text) {
		start := line[:len(line)-len(strings.TrimLeft(line, ">-+* \t"))]
		depth := strings.Count(start, ">") + strings.Count(start, "- ") + strings.Count(start, "+ ") + strings.Count(start, "* ")
		if depth > maxMarkdownDepth {
			return true
		}
		for _, c := range []byte(line) {
			if strings.IndexByte("*_[]()`<~!&>|\\$", c) >= 0 {
				marks++
			}
		}
	}
	return marks > maxMarkdownMarks
}
