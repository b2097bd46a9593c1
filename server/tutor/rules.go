package tutor

import (
	"math/big"
	"regexp"
	"slices"
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

// check returns the first rule that the text breaks, "" for none.
func (r rules) check(text string) violation { return r.checker().add(text) }

// checker applies the rules to a text that arrives in pieces, as if each time to the whole of it. What the rules look for is
// worked out once; of the text it keeps only what may be the beginning of something.
type checker struct {
	canaries []string // in solid form, also backwards
	prompt   map[string]bool
	notes    map[string]bool // without what the student has been given: notes quote the item
	begun    map[string]bool // runs of beginRun words of both
	answers  []string

	solid           string   // end of the text in solid form, shorter than the longest canary
	ws              []string // its last words that are complete
	rest            string   // what follows them and may go on as a word or a number
	keep, solidKeep int
}

// beginRun is how many words of the prompt or of hidden notes in a row make it likely that more of them follow.
const beginRun = 5

// longestWord is how much text without a space is kept as the beginning of a word or a number, in bytes.
const longestWord = 400

func (r rules) checker() *checker {
	c := &checker{prompt: runs(r.prompt, sameRun), notes: runs(r.notes, sameRun), answers: r.answers, keep: sameRun - 1}
	c.begun = runs(append(append(slices.Clone(r.prompt), "\x00"), r.notes...), beginRun)
	for run := range runs(r.question, sameRun) {
		delete(c.notes, run)
	}
	for run := range runs(r.question, beginRun) {
		delete(c.begun, run)
	}
	for _, canary := range r.canaries {
		if s := solidForm(canary); s != "" {
			c.canaries = append(c.canaries, s, reversed(s))
			c.solidKeep = max(c.solidKeep, len(s)-1)
		}
	}
	for _, a := range r.answers {
		c.keep = max(c.keep, len(words(a))-1)
	}
	return c
}

// add takes the next piece and returns the first rule that the text breaks by now. A canary is found however it is spaced, cased or
// punctuated, because a model may be told to spell it out.
func (c *checker) add(piece string) violation {
	c.solid += solidForm(piece)
	for _, canary := range c.canaries {
		if strings.Contains(c.solid, canary) {
			return holdsCanary
		}
	}
	c.solid = c.solid[max(len(c.solid)-c.solidKeep, 0):]

	text := c.rest + piece
	ws := append(c.ws, words(text)...)
	for i := 0; i+sameRun <= len(ws) && len(c.prompt)+len(c.notes) > 0; i++ {
		switch run := strings.Join(ws[i:i+sameRun], " "); {
		case c.prompt[run]:
			return holdsPrompt
		case c.notes[run]:
			return holdsNotes
		}
	}
	for _, a := range c.answers {
		if holdsValue(text, ws, a) {
			return holdsAnswer
		}
	}
	cut := strings.LastIndexFunc(text, unicode.IsSpace) + 1
	if len(text)-cut > longestWord {
		cut = len(text) - len(strings.ToValidUTF8(text[len(text)-longestWord:], ""))
	}
	done := append(c.ws, words(text[:cut])...)
	c.ws, c.rest = slices.Clone(done[max(len(done)-c.keep, 0):]), text[cut:]
	return ""
}

// pending reports whether the text so far ends with words of the prompt or of hidden notes. It waits for what follows: the
// sentences of a secret may each be too short to be one.
func (c *checker) pending() bool {
	ws := append(slices.Clone(c.ws), words(c.rest)...)
	return len(ws) >= beginRun && c.begun[strings.Join(ws[len(ws)-beginRun:], " ")]
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
