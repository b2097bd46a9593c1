package tutor

import (
	"cmp"
	"fmt"
	"slices"

	"trivium/app/lms"
)

const (
	maxGroups  = 30  // of each list of a report
	groupWords = 6   // that name a group
	sameGroup  = 0.5 // share of the words (Jaccard) from which two questions are the same
)

// Gaps makes the report of a course from what was asked, which is in the order of the store.
func Gaps(turns []lms.TutorTurn) lms.GapReport {
	report := lms.GapReport{Asked: len(turns)}
	people := map[string]bool{}
	items, weeks, cited := counter{}, counter{}, counter{}
	var all, missing, unhelpful []lms.TutorTurn
	for _, t := range turns {
		people[t.StudentID] = true
		all = append(all, t)
		if t.NoPassage {
			missing = append(missing, t)
		}
		if t.Rated && !t.Helpful {
			unhelpful = append(unhelpful, t)
		}
		year, week := t.At.UTC().ISOWeek()
		weeks.add("", fmt.Sprintf("%04d-W%02d", year, week), t)
		items.add(t.ItemID, t.ItemTitle, t)
		if !t.NoPassage { // those shown beside "nothing found" support nothing
			for _, c := range t.Citations {
				e := cited.add(fmt.Sprintf("%s#%d", c.MaterialID, c.Ordinal), c.Place(), t)
				e.place = c
			}
		}
	}
	report.Students = len(people)
	report.Frequent, report.Unanswered, report.Unhelpful = groups(all), groups(missing), groups(unhelpful)
	report.Items = items.list()
	report.Weeks = weeks.list()
	slices.SortStableFunc(report.Weeks, func(a, b lms.GapItem) int { return cmp.Compare(a.Title, b.Title) }) // "2026…" before "other"
	for _, e := range cited.merged() {
		p := lms.GapPassage{Place: e.Title, Count: e.Count, Students: len(e.people)}
		if e.place.Endorsed != "" {
			p.Endorsed = e.place.Endorsed
		} else if !e.rest {
			p.MaterialID, p.Ordinal = e.place.MaterialID, e.place.Ordinal
		}
		report.Passages = append(report.Passages, p)
	}
	if report.Passages == nil {
		report.Passages = []lms.GapPassage{}
	}
	return report
}

// entry counts what has a key in common.
type entry struct {
	lms.GapItem
	people map[string]bool
	place  lms.Citation
	rest   bool
}

func (e *entry) count(t lms.TutorTurn) {
	e.Count++
	e.people[t.StudentID] = true
	if t.NoPassage {
		e.NoPassage++
	}
	if t.Rated && t.Helpful {
		e.Helpful++
	} else if t.Rated {
		e.Unhelpful++
	}
}

type counter map[string]*entry

func (c counter) add(id, title string, t lms.TutorTurn) *entry {
	key := id + "\n" + title
	if c[key] == nil {
		c[key] = &entry{GapItem: lms.GapItem{ID: id, Title: title}, people: map[string]bool{}}
	}
	c[key].count(t)
	return c[key]
}

// merged lists the entries, most first. Those of too few students, and those beyond the longest list, become one.
func (c counter) merged() []*entry {
	var out []*entry
	rest := &entry{GapItem: lms.GapItem{Title: "other"}, people: map[string]bool{}, rest: true}
	all := make([]*entry, 0, len(c))
	for _, e := range c {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	for _, e := range all {
		if len(e.people) >= lms.MinGroup && len(out) < 2*maxGroups {
			out = append(out, e)
			continue
		}
		rest.Count, rest.NoPassage, rest.Helpful, rest.Unhelpful = rest.Count+e.Count, rest.NoPassage+e.NoPassage, rest.Helpful+e.Helpful, rest.Unhelpful+e.Unhelpful
		for id := range e.people {
			rest.people[id] = true
		}
	}
	if rest.Count > 0 {
		out = append(out, rest)
	}
	return out
}

func (c counter) list() []lms.GapItem {
	out := []lms.GapItem{}
	for _, e := range c.merged() {
		e.Students = len(e.people)
		out = append(out, e.GapItem)
	}
	return out
}

// group is questions that mean the same, as far as their words tell.
type group struct {
	stems  map[string]bool // of the first
	words  map[string]map[string]bool
	people map[string]bool
	count  int
}

// groups puts questions together whose words are mostly the same. Only words that MinGroup students have used name a group, so that
// a name or a phrase of one student does not come up in it.
func groups(turns []lms.TutorTurn) []lms.GapGroup {
	var all []*group
	for _, t := range turns {
		asked := slices.DeleteFunc(terms(t.Text), func(t term) bool { return t.generic })
		if len(asked) == 0 { // erased, a greeting, or only "explain this"
			continue
		}
		at := slices.IndexFunc(all, func(g *group) bool { return g.like(asked) })
		if at < 0 {
			g := &group{stems: map[string]bool{}, words: map[string]map[string]bool{}, people: map[string]bool{}}
			for _, a := range asked {
				g.stems[a.stem] = true
			}
			all, at = append(all, g), len(all)
		}
		g := all[at]
		g.count++
		g.people[t.StudentID] = true
		for _, a := range asked {
			if g.words[a.word] == nil {
				g.words[a.word] = map[string]bool{}
			}
			g.words[a.word][t.StudentID] = true
		}
	}
	slices.SortStableFunc(all, func(a, b *group) int { return cmp.Compare(b.count, a.count) })
	out, rest, people := []lms.GapGroup{}, 0, map[string]bool{}
	for _, g := range all {
		if names := g.names(); len(g.people) >= lms.MinGroup && len(names) > 0 && len(out) < maxGroups {
			out = append(out, lms.GapGroup{Words: names, Count: g.count, Students: len(g.people)})
			continue
		}
		rest += g.count
		for id := range g.people {
			people[id] = true
		}
	}
	if rest > 0 {
		out = append(out, lms.GapGroup{Words: []string{}, Count: rest, Students: len(people)})
	}
	return out
}

func (g *group) like(asked []term) bool {
	both := 0
	for _, a := range asked {
		if g.stems[a.stem] {
			both++
		}
	}
	return float64(both) >= sameGroup*float64(len(g.stems)+len(asked)-both)
}

func (g *group) names() []string {
	var out []string
	for w, people := range g.words {
		if len(people) >= lms.MinGroup {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(g.words[b]), len(g.words[a])), cmp.Compare(a, b)) })
	return out[:min(len(out), groupWords)]
}
