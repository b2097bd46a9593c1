package tutor

import (
	"math/big"
	"regexp"
	"strings"
	"unicode"
)

// violation is a rule that a text for a student breaks; it is recorded, never shown.
type violation string

// The rules of the first pass (TUTOR-11).
const (
	holdsCanary violation = "canary"
	holdsPrompt violation = "system prompt"
	holdsNotes  violation = "hidden notes"
	holdsAnswer violation = "final answer"
)

// rules is what a text for a student must not hold. The zero value forbids nothing.
type rules struct {
	canaries []string // of the system prompt and of hidden notes
	prompt   []string // words of the system prompt
	notes    []string // words of hidden notes
	question []string // words that the student may be told again: of the item and of the messages
	answers  []string // final values of graded work
}

// check returns the first rule that the text breaks, "" for none. A canary is found however it is spaced, cased or
// punctuated, because a model may be told to spell it out.
func (r rules) check(text string) violation {
	solid := solidForm(text)
	for _, c := range r.canaries {
		if s := solidForm(c); s != "" && (strings.Contains(solid, s) || strings.Contains(solid, reversed(s))) {
			return holdsCanary
		}
	}
	ws := words(text)
	switch {
	case sharedRun(ws, r.prompt, sameRun):
		return holdsPrompt
	case sharedRunBut(ws, r.notes, r.question):
		return holdsNotes
	}
	for _, a := range r.answers {
		if holdsValue(text, ws, a) {
			return holdsAnswer
		}
	}
	return ""
}

// sharedRunBut is sharedRun of sameRun words, leaving out runs that the student has been given: notes quote the item.
func sharedRunBut(ws, notes, given []string) bool {
	if !sharedRun(ws, notes, sameRun) {
		return false
	}
	hidden, known := runs(notes, sameRun), runs(given, sameRun)
	for run := range runs(ws, sameRun) {
		if hidden[run] && !known[run] {
			return true
		}
	}
	return false
}

// solidForm leaves letters and digits only, in lower case.
func solidForm(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func reversed(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

var numberForm = regexp.MustCompile(`[-−]?\d+(?:[.,]\d+)*(?:/\d+)?(?:[eE][-+]?\d+)?`)

// holdsValue reports whether a text holds a final value: the same number in another form ("0.5", "0,50", "1/2"), or the same
// words in a row.
func holdsValue(text string, ws []string, value string) bool {
	if want := numbersOf(value, true); want != nil {
		for _, m := range numberForm.FindAllString(text, -1) {
			for _, have := range numbersOf(m, false) {
				if have.Cmp(want[0]) == 0 {
					return true
				}
			}
		}
		return false
	}
	run := words(value)
	return len(run) > 0 && containsRun(ws, run)
}

// numbersOf reads a number in the forms that people write. A comma may divide thousands or decimals: strict takes the value that
// an instructor wrote, and otherwise both readings are returned. Nil: not a number.
func numbersOf(s string, strict bool) []*big.Rat {
	s = strings.ReplaceAll(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "%")), "−", "-")
	if numberForm.FindString(s) != s || s == "" || len(s) > 40 {
		return nil
	}
	forms := []string{strings.ReplaceAll(s, ",", ".")}
	if strings.Contains(s, ",") && (!strict || strings.Count(s, ",") > 1) {
		forms = append(forms, strings.ReplaceAll(s, ",", ""))
	}
	var out []*big.Rat
	for _, f := range forms {
		if _, exponent, ok := strings.Cut(strings.ToLower(f), "e"); ok && len(exponent) > 3 {
			continue // a number whose digits would fill the memory
		}
		if r, ok := new(big.Rat).SetString(f); ok {
			out = append(out, r)
		}
	}
	return out
}
