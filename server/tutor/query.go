package tutor

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a search.
const (
	maxTerms   = 24 // terms of one search
	candidates = 40 // passages asked of the store
)

// term is a word of a question as it is searched.
type term struct {
	word    string
	stem    string // beginning that its other forms share; equal to word when the word is short
	generic bool   // says what is wanted, not about what
	arabic  bool   // stem is to be compared with stems
	begun   bool   // perhaps the beginning of a word, which is still being typed
	weight  float64
}

// match reports whether a folded word of a text is a form of the term.
func (t term) match(word string) bool {
	if t.begun && strings.HasPrefix(word, t.word) {
		return true
	}
	if t.arabic {
		if utf8.RuneCountInString(t.stem) < 3 {
			return word == t.word
		}
		return isArabic(word) && strings.HasPrefix(arabicStem(word), t.stem)
	}
	return word == t.word || t.stem != t.word && strings.HasPrefix(word, t.stem) && len(word) <= len(t.stem)+6 ||
		t.stem == t.word && utf8.RuneCountInString(t.word) >= 4 && strings.HasPrefix(word, t.word) && len(word) <= len(t.word)+4
}

// words splits a text into folded words: lower case, without diacritics, as the search index does.
func words(s string) []string {
	raw := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) })
	out := raw[:0]
	for _, w := range raw {
		if w = fold(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// suffixes that are cut to find other forms of a word, longest first.
var suffixes = []string{"ations", "ation", "ungen", "ingly", "ings", "ment", "ness", "ions", "ung", "ing", "ies", "ion", "ers", "est", "ed",
	"ly", "es", "en", "er", "em", "ns", "s", "e", "n", "y", "o", "a"}

// stemOf cuts one suffix, leaving at least four characters.
func stemOf(w string) string {
	if isArabic(w) {
		return arabicStem(w)
	}
	n := utf8.RuneCountInString(w)
	if n < 5 || strings.IndexFunc(w, unicode.IsDigit) >= 0 {
		return w
	}
	if r, _ := utf8.DecodeRuneInString(w); unicode.Is(unicode.Cyrillic, r) {
		for _, s := range cyrillicEndings {
			if n-utf8.RuneCountInString(s) >= 3 && strings.HasSuffix(w, s) {
				return strings.TrimSuffix(w, s)
			}
		}
		return w
	}
	for _, s := range suffixes {
		if n-len(s) >= 4 && strings.HasSuffix(w, s) {
			return strings.TrimSuffix(w, s)
		}
	}
	return w
}

// terms returns the distinct words of a text that can be searched. A text of nothing but stop words is searched by them.
func terms(text string) []term {
	all := words(text)
	out := pick(all, false)
	if len(out) == 0 {
		out = pick(all, true)
	}
	return out
}

func pick(all []string, stop bool) []term {
	var out []term
	seen := map[string]bool{}
	for _, w := range all {
		if len(out) == maxTerms || len(w) > 64 || !stop && foldedStop[w] {
			continue
		}
		t := term{word: w, stem: stemOf(w), generic: foldedGeneric[w] || foldedGeneric[strings.TrimSuffix(w, "s")] || stop, arabic: isArabic(w), weight: 1}
		if utf8.RuneCountInString(w) == 1 && w[0] < utf8.RuneSelf {
			t.weight = 0.5 // "p value", "type 1": says something only beside another word
		}
		if !seen[t.stem] {
			seen[t.stem] = true
			out = append(out, t)
		}
	}
	return out
}

// withSubject leaves the messages that have a subject: "and why?" follows what came before it.
func withSubject(messages []string) []string {
	var out []string
	for _, m := range messages {
		if subjects(words(m)) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// maxMatches bounds how many passages of the site one search ranks. Words that are in most of them tell little and cost most.
const maxMatches = 4000

// expression writes the terms as an FTS5 expression: each word, which the index's own stemmer reduces, and the beginning that its forms
// share in languages that this stemmer does not know. The most frequent words are left out when the others find enough; what they
// find is scored with all words. Every term is quoted, so that nothing in it is an operator.
func (s *search) expression(ctx context.Context, store Store) (string, error) {
	parts := make([]string, len(s.asked))
	for i, t := range s.asked {
		parts[i] = t.expression()
	}
	if len(parts) < 2 {
		return strings.Join(parts, " OR "), nil
	}
	counts, err := store.MatchCounts(ctx, parts)
	if err != nil {
		return "", err
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[a], counts[b]) })
	var kept []string
	sum := 0
	for _, i := range order {
		if sum += counts[i]; sum > maxMatches && len(kept) > 0 {
			break
		}
		if counts[i] > 0 {
			kept = append(kept, parts[i])
		}
	}
	return strings.Join(kept, " OR "), nil
}

// expression is one term of an FTS5 expression.
func (t term) expression() string {
	parts := []string{`"` + t.word + `"`}
	switch {
	case t.arabic:
		if stem := arabicCut(t.word); utf8.RuneCountInString(stem) >= 3 {
			for _, p := range arabicJoined {
				parts = append(parts, `"`+p+stem+`"*`)
			}
		}
	case t.begun:
		parts = append(parts, `"`+t.stem+`"*`)
	case utf8.RuneCountInString(t.stem) >= 4:
		parts = append(parts, `"`+t.stem+`"*`)
	}
	return strings.Join(parts, " OR ")
}

// fold lowers the case and removes diacritics of Latin letters, like the unicode61 tokenizer of FTS5.
func fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	return foldUnicode(s)
}

func foldSet(set map[string]bool) map[string]bool {
	out := make(map[string]bool, len(set))
	for w := range set {
		out[fold(w)] = true
	}
	return out
}

var (
	foldedStop     = foldSet(stopWords)
	foldedGeneric  = foldSet(genericWords)
	foldedPointing = foldSet(pointing)
	foldedOverview = foldSet(overviewWords)
	foldedGreeting = foldSet(greetings)
	foldedThanks   = foldSet(thanks)
)

// allIn reports whether all words are in the set, and one of them in the core.
func allIn(ws []string, set, core map[string]bool) bool {
	hit := false
	for _, w := range ws {
		if !set[w] {
			return false
		}
		hit = hit || core[w]
	}
	return hit
}

var foldedThanksCore = foldSet(thanksCore)
var foldedGreetingCore = foldSet(greetingCore)
