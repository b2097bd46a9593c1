package tutor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"trivium/app/lms"
)

// mark is a word of a text that was searched for, by its bytes.
type mark struct{ from, to, term int }

// excerpt is the part of a text in which most of the terms stand together, with these marked.
func (s *search) excerpt(text string) []lms.SearchPart {
	text = oneLine(strings.ToValidUTF8(text, ""))
	marks := s.marks(text)
	from, to := window(text, marks, len(s.asked))
	var parts []lms.SearchPart
	add := func(text string, hit bool) {
		if text != "" {
			parts = append(parts, lms.SearchPart{Text: text, Hit: hit})
		}
	}
	at := from
	lead := ""
	if from > 0 {
		lead = "… "
	}
	for _, m := range marks {
		if m.from < from || m.to > to {
			continue
		}
		add(lead+text[at:m.from], false)
		add(text[m.from:m.to], true)
		lead, at = "", m.to
	}
	rest := lead + text[at:to]
	if to < len(text) {
		rest += " …"
	}
	add(rest, false)
	return parts
}

// marks finds the words of a text that are forms of the terms.
func (s *search) marks(text string) []mark {
	var marks []mark
	begin := -1
	end := func(at int) {
		if begin >= 0 {
			word := fold(text[begin:at])
			for k, t := range s.asked {
				if t.match(word) {
					marks = append(marks, mark{begin, at, k})
					break
				}
			}
		}
		begin = -1
	}
	for i, r := range text {
		switch inside := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r); {
		case !inside:
			end(i)
		case begin < 0:
			begin = i
		}
	}
	end(len(text))
	return marks
}

// window chooses where an excerpt begins and ends: around the marks of which most terms are close together, between words.
func window(text string, marks []mark, terms int) (from, to int) {
	if utf8.RuneCountInString(text) <= excerptRunes {
		return 0, len(text)
	}
	const reach = excerptRunes * 2 / 3 // bytes; the rest is what stands before and after
	best, first, last := -1, 0, 0
	seen := make([]int, terms)
	end := 0
	distinct := 0
	for i, m := range marks {
		for ; end < len(marks) && (end == i || marks[end].to-m.from <= reach); end++ {
			if seen[marks[end].term]++; seen[marks[end].term] == 1 {
				distinct++
			}
		}
		if points := distinct*100 + end - i; points > best {
			best, first, last = points, m.from, marks[end-1].to
		}
		if seen[m.term]--; seen[m.term] == 0 {
			distinct--
		}
	}
	from = before(text, first, (excerptRunes-utf8.RuneCountInString(text[first:last]))/3)
	to = after(text, from, excerptRunes)
	return from, max(to, last)
}

// before goes back from a place by at most so many characters, to the beginning of a word.
func before(text string, at, runes int) int {
	start := at
	for ; runes > 0 && at > 0; runes-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	if at == 0 {
		return 0
	}
	if i := strings.IndexByte(text[at:start], ' '); i >= 0 {
		return at + i + 1
	}
	return start
}

// after goes on from a place by at most so many characters, to the end of a word.
func after(text string, at, runes int) int {
	end := at
	for ; runes > 0 && end < len(text); runes-- {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	if end == len(text) {
		return end
	}
	if i := strings.LastIndexByte(text[at:end], ' '); i > 0 {
		return at + i
	}
	return end
}
