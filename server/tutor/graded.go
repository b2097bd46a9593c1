package tutor

import (
	"slices"
	"strings"
)

// A question that repeats an open item of graded work gets hints only (TUTOR-9). It repeats it when it holds the item's text
// up to case, spacing and punctuation, a run of sameRun of its words, or words so close that no other text is likely.
// Messages of one student are judged together with the earlier ones of the thread, so that an item cannot be asked in
// pieces.
const (
	sameRun     = 12  // words in a row
	shingle     = 4   // words in a row that are compared where no long run is shared
	shareOfItem = 0.5 // of an item's shingles: the messages hold the item in pieces or reworded in places
	// The item in other words: a message of at least subjectWords, of which so many are the item's, and not too few of the item's.
	subjectWords   = 6
	shareOfAsk     = 0.7
	shareOfSubject = 0.4
)

// gradedItem is an open item of graded work, as far as it is needed to recognise it.
type gradedItem struct {
	id, title string
	text      string // what the student was asked
}

// recognise finds the item that the messages repeat, the last message first; nil: an ordinary question.
func recognise(messages []string, items []gradedItem) *gradedItem {
	var all []string
	for _, m := range messages {
		all = append(all, words(m)...)
	}
	last := words(messages[len(messages)-1])
	best, at := 0.0, -1
	for i, item := range items {
		text := words(item.text)
		if score := max(repeats(last, text), repeats(all, text)); score > best {
			best, at = score, i
		}
	}
	if at < 0 {
		return nil
	}
	return &items[at]
}

// repeats tells how surely the words of messages repeat an item: 0 not at all, 1 word for word.
func repeats(said, item []string) float64 {
	if len(item) == 0 || len(said) == 0 {
		return 0
	}
	if subjects(item) >= 3 && containsRun(said, item) {
		return 1
	}
	if sharedRun(said, item, sameRun) {
		return 1
	}
	if len(item) >= 2*shingle {
		have := runs(said, shingle)
		hits, total := 0, 0
		for i := 0; i+shingle <= len(item); i++ {
			total++
			if have[strings.Join(item[i:i+shingle], " ")] {
				hits++
			}
		}
		if share := float64(hits) / float64(total); share >= shareOfItem {
			return share
		}
	}
	return closeWords(said, item)
}

// closeWords compares the subject words, whatever their order and form.
func closeWords(said, item []string) float64 {
	var subject []term
	for _, t := range pick(item, false) {
		if !t.generic {
			subject = append(subject, t)
		}
	}
	own, hits := 0, 0
	for _, t := range pick(said, false) {
		if t.generic {
			continue
		}
		own++
		if slices.ContainsFunc(subject, func(o term) bool { return o.match(t.word) || t.match(o.word) }) {
			hits++
		}
	}
	// Both ways: a short question shares its few words with a long item by chance.
	if own < subjectWords || float64(hits) < shareOfAsk*float64(own) || float64(hits) < shareOfSubject*float64(len(subject)) {
		return 0
	}
	return 0.9 * float64(hits) / float64(own)
}

func subjects(ws []string) int {
	return len(slices.DeleteFunc(pick(ws, false), func(t term) bool { return t.generic }))
}

// runs is every n words in a row of a text.
func runs(ws []string, n int) map[string]bool {
	out := map[string]bool{}
	for i := 0; i+n <= len(ws); i++ {
		out[strings.Join(ws[i:i+n], " ")] = true
	}
	return out
}

// containsRun reports whether ws holds run as neighbours.
func containsRun(ws, run []string) bool {
	for i := 0; i+len(run) <= len(ws); i++ {
		if slices.Equal(ws[i:i+len(run)], run) {
			return true
		}
	}
	return false
}

// sharedRun reports whether two texts share n words in a row.
func sharedRun(a, b []string, n int) bool {
	have := runs(a, n)
	for i := 0; i+n <= len(b) && len(have) > 0; i++ {
		if have[strings.Join(b[i:i+n], " ")] {
			return true
		}
	}
	return false
}
