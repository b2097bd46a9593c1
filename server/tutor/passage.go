package tutor

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"trivium/app/lms"
)

// Size of a passage in words: long enough to answer, short enough to be quoted and to fit several into a prompt.
const (
	minWords  = 120
	maxWords  = 220
	maxPBytes = 4000 // of one passage
)

// block is a piece of a document in reading order.
type block struct {
	kind  blockKind
	level int // of a heading, from 1; 0: unknown, replaces the last
	page  int // or slide, from 1; 0: none
	text  string
}

type blockKind int

const (
	blockText blockKind = iota
	blockHeading
	blockCode // kept line by line
)

func isLetter(r rune) bool { return unicode.IsLetter(r) }

// passagesOf cuts blocks into passages at the ends of paragraphs and sentences, under their headings.
func passagesOf(blocks []block) []lms.Passage {
	c := &cutter{seen: map[string]bool{}}
	for _, b := range dropBoilerplate(blocks) {
		if len(c.out) >= maxPassages || c.total > maxText {
			break
		}
		if b.page != c.page {
			c.flush()
			c.page = b.page
		}
		switch b.kind {
		case blockHeading:
			c.flush()
			c.heading(b)
		default:
			c.paragraph(b)
		}
	}
	c.flush()
	if len(c.out) == 0 && len(c.path) > 0 { // a document of headings only still has words
		c.add(strings.Join(c.path, ". "))
		c.flush()
	}
	return c.out
}

// cutter collects text until a passage is full.
type cutter struct {
	out   []lms.Passage
	path  []string // headings that hold now, outermost first
	page  int
	parts []string
	words int
	total int
	seen  map[string]bool
}

func (c *cutter) heading(b block) {
	text := truncate(oneLine(clean(b.text)), 200)
	if text == "" {
		return
	}
	level := b.level
	if level <= 0 {
		level = 1
	}
	for len(c.path) >= level {
		c.path = c.path[:len(c.path)-1]
	}
	c.path = append(c.path, text)
}

func (c *cutter) paragraph(b block) {
	text := clean(b.text)
	if b.kind != blockCode {
		text = oneLine(text)
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	n := len(strings.Fields(text))
	if c.words > 0 && (c.words >= minWords || c.words+n > maxWords) {
		c.flush()
	}
	if n <= maxWords && len(text) <= maxPBytes {
		c.add(text)
		return
	}
	for _, s := range sentences(text, b.kind == blockCode) {
		if c.words > 0 && (c.words+len(strings.Fields(s)) > maxWords || c.bytes()+len(s) > maxPBytes) {
			c.flush()
		}
		c.join(s, b.kind == blockCode)
	}
}

func (c *cutter) bytes() int {
	n := 0
	for _, p := range c.parts {
		n += len(p)
	}
	return n
}

func (c *cutter) add(s string) {
	c.parts = append(c.parts, s)
	c.words += len(strings.Fields(s))
	c.total += len(s)
}

// join continues the paragraph.
func (c *cutter) join(s string, lines bool) {
	if n := len(c.parts); n > 0 {
		sep := " "
		if lines {
			sep = "\n"
		}
		c.parts[n-1] += sep + s
		c.words += len(strings.Fields(s))
		c.total += len(s)
		return
	}
	c.add(s)
}

// flush ends the passage. Text that was there already, and text without any word, is dropped.
func (c *cutter) flush() {
	text := strings.TrimSpace(strings.Join(c.parts, "\n\n"))
	c.parts, c.words = nil, 0
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return
	}
	key := strings.Join(words(text), " ")
	if c.seen[key] || len(c.out) >= maxPassages {
		return
	}
	c.seen[key] = true
	heading := ""
	if len(c.path) > 0 {
		heading = truncate(strings.Join(c.path[max(0, len(c.path)-2):], " › "), 300)
	}
	c.out = append(c.out, lms.Passage{Ordinal: len(c.out) + 1, Heading: heading, Page: c.page, Text: text})
}

// sentences splits a text that is too long for one passage; a sentence that is itself too long is split at words.
func sentences(text string, lines bool) []string {
	var out []string
	start := 0
	emit := func(end int) {
		s := strings.TrimSpace(text[start:end])
		start = end
		for len(strings.Fields(s)) > maxWords || len(s) > maxPBytes {
			n := min(len(s), maxPBytes*3/4)
			if w := strings.Fields(s); len(w) > maxWords {
				n = min(n, len(strings.Join(w[:maxWords], " ")))
			}
			n = len(truncate(s, n))
			if i := strings.LastIndexAny(s[:n], " \n"); i > n/2 {
				n = i
			}
			if n == 0 {
				break
			}
			out = append(out, strings.TrimSpace(s[:n]))
			s = strings.TrimSpace(s[n:])
		}
		if s != "" {
			out = append(out, s)
		}
	}
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		switch {
		case lines && r == '\n':
			emit(end)
		case !lines && strings.ContainsRune(".!?…。！？", r) && (end == len(text) || text[end] == ' ' || r > 0x2fff):
			emit(end)
		}
	}
	emit(len(text))
	return out
}

// clean removes what is invisible or broken in text of documents and spells ligatures out.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == 0xad || r == 0xfffd || r == 0xfeff || r == 0x200b || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Co, r), r >= 0xe0000 && r <= 0xe007f:
			return ' '
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, ligatures.Replace(leaders.ReplaceAllString(s, " … ")))
}

// leaders are the dots between an entry and its page in a table of contents.
var leaders = regexp.MustCompile(`(?:[.:·_] ?){5,}`)

var ligatures = strings.NewReplacer("ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st")

// dropBoilerplate removes short blocks that repeat on most pages, numbers aside, and blocks that begin or end three pages or more:
// headers, footers, page numbers, running titles of chapters.
func dropBoilerplate(blocks []block) []block {
	pages := map[int]bool{}
	on, edge := pagesByKey{}, pagesByKey{}
	keys := make([]string, len(blocks))
	first := func(i int) bool { return i == 0 || blocks[i-1].page != blocks[i].page }
	last := func(i int) bool { return i+1 == len(blocks) || blocks[i+1].page != blocks[i].page }
	for i, b := range blocks {
		if b.page == 0 {
			continue
		}
		pages[b.page] = true
		if keys[i] = boilerplateKey(b.text); keys[i] != "" {
			on.add(keys[i], b.page)
			if first(i) || last(i) {
				edge.add(keys[i], b.page)
			}
		}
	}
	if len(pages) < 3 {
		return blocks
	}
	var out []block
	for i, b := range blocks {
		n, k := len(on[keys[i]]), len(edge[keys[i]])
		alone := first(i) && last(i)
		if keys[i] != "" && !alone && (n >= 3 && n*2 > len(pages) || k >= 3 && k == n && (first(i) || last(i))) {
			continue
		}
		out = append(out, b)
	}
	return out
}

// pagesByKey remembers on which pages a text stands.
type pagesByKey map[string]map[int]bool

func (p pagesByKey) add(key string, page int) {
	if p[key] == nil {
		p[key] = map[int]bool{}
	}
	p[key][page] = true
}

// boilerplateKey is the text without digits; empty for text that is too long to be a header.
func boilerplateKey(s string) string {
	if len(s) > 160 {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '#'
		}
		return r
	}, strings.ToLower(oneLine(s)))
	for strings.Contains(s, "##") {
		s = strings.ReplaceAll(s, "##", "#")
	}
	return s
}
