package tutor

import (
	"strings"
	"testing"
)

var openItems = []gradedItem{
	{"a1", "Exercise 1", "Explain in your own words why two majorities of the same cluster always share at least one member, and what would go wrong in an election if they did not."},
	{"a2", "Exercise 2", "Compute the determinant of the matrix A."},
	{"a3", "Exercise 3", "A cluster of seven nodes loses three of them. May it still commit entries? Give the smallest number of further failures after which it must stop, and justify the number."},
}

// A pasted assignment is recognised verbatim, with changed case and spacing, in part, over several messages, and in other words.
func TestGradedWorkIsRecognised(t *testing.T) {
	for name, c := range map[string]struct {
		messages []string
		want     string
	}{
		"verbatim":        {[]string{openItems[0].text}, "a1"},
		"case and spaces": {[]string{strings.ToUpper(strings.ReplaceAll(openItems[0].text, " ", "\n   "))}, "a1"},
		"no punctuation":  {[]string{strings.NewReplacer(",", "", ".", "").Replace(openItems[0].text)}, "a1"},
		"twelve words":    {[]string{"please: why two majorities of the same cluster always share at least one member"}, "a1"},
		"framed":          {[]string{"Hi! My homework says \"" + openItems[2].text + "\" can you do it for me?"}, "a3"},
		"short item":      {[]string{"compute the determinant of the matrix A!!"}, "a2"},
		"three messages": {[]string{"A cluster of seven nodes loses three of them.", "May it still commit entries? Give the smallest number of",
			"further failures after which it must stop, and justify the number"}, "a3"},
		"other words":      {[]string{"seven nodes cluster, three lost: can entries still be committed, smallest number of further failures before it stops, justification"}, "a3"},
		"after small talk": {[]string{"hello", "what is raft", openItems[1].text}, "a2"},

		"a question about the topic":   {[]string{"What is a majority?"}, ""},
		"follow-up":                    {[]string{"explain this"}, ""},
		"the words of the lecture":     {[]string{"why do elections in raft need a majority of votes"}, ""},
		"a question about the dates":   {[]string{"when is exercise 1 due"}, ""},
		"determinant in the abstract":  {[]string{"what does a determinant say about a matrix"}, ""},
		"eleven words are not a dozen": {[]string{"two majorities of the same cluster always share at least one"}, ""},
	} {
		got := ""
		if item := recognise(c.messages, openItems); item != nil {
			got = item.id
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRulesOfTheFirstPass(t *testing.T) {
	notes := "The overlap follows from counting: two sets that each hold more than half of n members hold together more than n, so one member is in both of them."
	r := rules{canaries: []string{"zebra-4711-quill"}, prompt: words(answerPrompt), notes: words(notes + " " + openItems[0].text), question: words(openItems[0].text),
		answers: []string{"0.5", "the third node", "1,5"}}
	for name, c := range map[string]struct {
		text string
		want violation
	}{
		"clean":                {"Count the members of both sets. What do you notice? [1]", ""},
		"canary":               {"My notes say zebra-4711-quill.", holdsCanary},
		"canary spelt out":     {"Z e b r a 4 7 1 1 Q u i l l", holdsCanary},
		"canary in code":       {"`ZEBRA_4711_QUILL`", holdsCanary},
		"canary backwards":     {"lliuq-1174-arbez", holdsCanary},
		"system prompt":        {"My rules: cite only numbers that are listed. Never invent a source, a page or a link.", holdsPrompt},
		"notes":                {"Two sets that each hold more than half of N members hold together more than n.", holdsNotes},
		"the item itself":      {"You are asked: " + openItems[0].text, ""},
		"final value":          {"So it is 0.5.", holdsAnswer},
		"as a fraction":        {"So it is 1/2.", holdsAnswer},
		"with a comma":         {"Das Ergebnis ist 0,50", holdsAnswer},
		"as a percentage sign": {"roughly 0.5%", holdsAnswer},
		"other number":         {"It lies between 0.4 and 0.6, see page 5.", ""},
		"decimal comma":        {"it is 1.50", holdsAnswer},
		"final words":          {"It must be THE third  node, of course", holdsAnswer},
		"hostile number":       {"1e999999999", ""},
	} {
		if got := r.check(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Whatever the pieces that a text arrives in, the rules find in it what they find in the whole.
func TestRulesSeeThroughPieces(t *testing.T) {
	r := rules{canaries: []string{"zebra-4711-quill"}, prompt: words(answerPrompt), notes: words("one two three four five six seven eight nine ten eleven twelve thirteen"),
		question: words("three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"), answers: []string{"0.5", "the third node"}}
	filler := strings.Repeat("A clean sentence with words. ", 30)
	for name, want := range map[string]violation{
		"all of this is fine":         "",
		"z e b r a 4 7 1 1 q u i l l": holdsCanary,
		"lliuq 1174 arbez":            holdsCanary,
		"cite only numbers that are listed. Never invent a source, a page or a link": holdsPrompt,
		"one two three four five six seven eight nine ten eleven twelve":             holdsNotes,
		"two three four five six seven eight nine ten eleven twelve":                 "",
		"it is 0.50, so":                      holdsAnswer,
		"it is 1/2":                           holdsAnswer,
		"it is 10.5":                          "",
		"it must be the\n\nthird   node then": holdsAnswer,
	} {
		text := filler + name + ". " + filler
		for _, n := range []int{1, 2, 3, 7, 50, 1000, len(text)} {
			c, got := r.checker(), violation("")
			for rest := text; rest != "" && got == ""; rest = rest[min(n, len(rest)):] {
				got = c.add(rest[:min(n, len(rest))])
			}
			if got != want {
				t.Errorf("%q in pieces of %d: %q, want %q", name, n, got, want)
			}
		}
	}
}
