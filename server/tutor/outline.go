package tutor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"trivium/app/lms"
)

const (
	outlineTopics = 60
	outlineTerms  = 20
	outlineShort  = 4 // letters; shorter words are rarely terms
)

// Outline writes a topic list of a material in Markdown from its passages: the headings in their order, and the words that it uses most,
// each with the place where it comes up first. It needs no language model (TUTOR-31).
func Outline(course string, m lms.Material, passages []lms.Passage) string {
	var b strings.Builder
	link := func(p lms.Passage, text string) string {
		return fmt.Sprintf("[%s](/courses/%s/materials/%s#p%d)", lms.PlainMarkdown(text), course, m.ID, p.Ordinal)
	}
	fmt.Fprintf(&b, "An outline of %s, made from its headings and words without a language model.\n", lms.PlainMarkdown(m.Title))
	seen, topics := map[string]bool{}, 0
	for _, p := range passages {
		heading := strings.TrimPrefix(strings.TrimPrefix(p.Heading, m.Title), " › ")
		if heading == "" || seen[heading] || topics == outlineTopics {
			continue
		}
		seen[heading] = true
		if topics++; topics == 1 {
			b.WriteString("\n## Topics\n\n")
		}
		levels := strings.Split(heading, " › ")
		b.WriteString(strings.Repeat("  ", min(len(levels)-1, 4)) + "- " + link(p, levels[len(levels)-1]))
		if p.Page > 0 {
			fmt.Fprintf(&b, ", page %d", p.Page)
		}
		b.WriteByte('\n')
	}
	for i, k := range keyTerms(passages) {
		if i == 0 {
			b.WriteString("\n## Key terms\n\n")
		}
		fmt.Fprintf(&b, "- %s (%d times)\n", link(k.first, k.word), k.count)
	}
	return b.String()
}

type keyTerm struct {
	word  string
	first lms.Passage
	count int
}

// keyTerms lists the words that a material uses most, by their stems and more than once.
func keyTerms(passages []lms.Passage) []keyTerm {
	at := map[string]int{}
	var all []keyTerm
	for _, p := range passages {
		for _, w := range words(p.Text) {
			if len([]rune(w)) < outlineShort || foldedStop[w] || foldedGeneric[w] || strings.ContainsAny(w, "0123456789") {
				continue
			}
			stem := stemOf(w)
			i, known := at[stem]
			if !known {
				i, at[stem] = len(all), len(all)
				all = append(all, keyTerm{word: w, first: p})
			}
			all[i].count++
		}
	}
	all = slices.DeleteFunc(all, func(k keyTerm) bool { return k.count < 2 })
	slices.SortStableFunc(all, func(a, b keyTerm) int { return cmp.Compare(b.count, a.count) })
	return all[:min(len(all), outlineTerms)]
}
