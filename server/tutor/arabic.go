package tutor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// arabicStem takes the article, joined particles and common endings off an Arabic word, leaving at least three letters: the search index
// knows no Arabic, and most nouns of a text carry something that those of a question do not.
func arabicStem(w string) string { return arabicCut(arabicLetters.Replace(w)) }

// arabicCut leaves the spelling of letters as it is: the index has it so.
func arabicCut(w string) string {
	for _, p := range arabicPrefixes {
		if rest, ok := strings.CutPrefix(w, p); ok && utf8.RuneCountInString(rest) >= 3 {
			w = rest
			break
		}
	}
	for _, s := range arabicSuffixes {
		if rest, ok := strings.CutSuffix(w, s); ok && utf8.RuneCountInString(rest) >= 3 {
			return rest
		}
	}
	return w
}

// Longest first. A single و or ف is cut only from what stays long enough, as many words begin with it.
var (
	arabicPrefixes = []string{"وبال", "وال", "بال", "كال", "فال", "ولل", "ال", "لل", "و", "ب", "ل"}
	arabicSuffixes = []string{"ها", "ان", "ات", "ون", "ين", "وا", "يه", "ية", "ه", "ة", "ي", "ا"}
	arabicLetters  = strings.NewReplacer("أ", "ا", "إ", "ا", "آ", "ا", "ى", "ي", "ـ", "")
	// arabicJoined are the beginnings with which a stem is looked for in the index.
	arabicJoined = []string{"", "ال", "وال", "بال", "لل", "و", "ب"}
)

func isArabic(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.Is(unicode.Arabic, r)
}

// cyrillicEndings are cut like the suffixes of Latin words.
var cyrillicEndings = []string{"ами", "ями", "ого", "его", "ому", "ему", "ыми", "ими", "иях", "ах", "ях", "ов", "ев", "ей", "ий", "ый", "ой", "ая",
	"яя", "ое", "ее", "ые", "ие", "ия", "ам", "ям", "ом", "ем", "ую", "юю", "ть", "ся", "а", "я", "о", "е", "ы", "и", "у", "ю", "ь"}
