package tutor

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxAnswer is the longest answer that is kept, in bytes. At about 4 bytes a token it is above the highest token limit.
const maxAnswer = 32 << 10

// longestPiece is how much text is held back at most while no place to cut it is found.
const longestPiece = 2000

// outlet is the only way of generated text to a reader. It releases whole sentences or lines, each after the rules: citations of
// passages that were not sent are removed, and so are images and links to places outside of the material. In code nothing is
// changed, and nothing counts as a citation.
type outlet struct {
	sent    int                 // passages [1]..[sent] were sent
	allowed func(u string) bool // addresses that may appear
	write   func(string)

	buf    string
	fence  bool // inside a fenced block of code
	cited  []int
	length int
	cut    bool // the answer was longer than maxAnswer
}

// add takes the next piece of text, of any size.
func (o *outlet) add(s string) {
	o.buf += strings.ToValidUTF8(s, "")
	for {
		n := o.cutAt()
		if n == 0 {
			return
		}
		o.release(o.buf[:n])
		o.buf = o.buf[n:]
	}
}

// flush releases what is left at the end.
func (o *outlet) flush() {
	if o.buf != "" {
		o.release(o.buf)
		o.buf = ""
	}
}

// cutAt returns the length of the first sentence or line of the buffer, 0 when more text is needed to tell.
func (o *outlet) cutAt() int {
	for i, c := range o.buf {
		end := i + utf8.RuneLen(c)
		switch c {
		case '\n':
			if !openBracket(o.buf[:i]) {
				return end
			}
		case '.', '!', '?', '…', '。', '！', '？':
			// The space must have arrived: "3.14" and "...", and a citation may follow the stop.
			if !o.fence && end < len(o.buf) && o.buf[end] == ' ' && !openBracket(o.buf[:end]) && strings.Count(o.buf[:end], "`")%2 == 0 {
				return end
			}
		}
	}
	if len(o.buf) > longestPiece {
		n := longestPiece
		for !utf8.RuneStart(o.buf[n]) {
			n--
		}
		return n
	}
	return 0
}

// openBracket reports whether s ends within a bracket, or within the address of a link, on its last line.
func openBracket(s string) bool {
	s = s[strings.LastIndexByte(s, '\n')+1:]
	i := max(strings.LastIndexByte(s, '['), strings.LastIndex(s, "【"))
	if i < 0 || len(s)-i > 400 {
		return false
	}
	j := strings.IndexAny(s[i:], "]】")
	if j < 0 {
		return true
	}
	rest := s[i+j:]
	_, target, ok := strings.Cut(rest, "](")
	return ok && strings.HasPrefix(rest, "](") && !strings.Contains(target, ")")
}

// release applies the rules to one piece and writes it.
func (o *outlet) release(piece string) {
	if strings.HasPrefix(strings.TrimSpace(piece), "```") {
		o.fence = !o.fence
	} else if !o.fence {
		piece = o.clean(piece)
	}
	if o.cut {
		return
	}
	if o.length+len(piece) > maxAnswer {
		piece = truncate(piece, maxAnswer-o.length)
		o.cut = true
	}
	if piece == "" {
		return
	}
	o.length += len(piece)
	o.write(piece)
}

// clean applies the rules outside of fenced code.
func (o *outlet) clean(s string) string {
	parts := strings.Split(s, "`")
	for i := range parts {
		if i%2 == 1 && i < len(parts)-1 { // between two backticks: code
			continue
		}
		p := dropLinks(parts[i], o.allowed)
		parts[i] = o.citations(p)
	}
	return strings.Join(parts, "`")
}

var (
	imageForm = regexp.MustCompile(`!\[([^\]\n]*)\]\([^)\n]*\)`)
	linkForm  = regexp.MustCompile(`\[([^\]\n]*)\]\(([^)\s]*)[^)\n]*\)`)
	reference = regexp.MustCompile(`(?m)^ {0,3}\[[^\]\n]+\]:\s*\S+.*$`)
	address   = regexp.MustCompile(`(?i)\b(?:https?|ftp|file|data|javascript|mailto):[^\s<>"'\])]+`)
	citeForm  = regexp.MustCompile(`(?i)[ \t\x{a0}]*[\[【]\s*\^?(?:(?:passages?|sources?|refs?|p)\.?\s*)?\d{1,6}(?:\s*(?:,|;|-|–|and)\s*\^?\d{1,6})*\s*(?:†[^\]】\n]{0,60})?[\]】]`)
	numbers   = regexp.MustCompile(`\d{1,6}|-|–`)
)

// dropLinks removes images and turns links into their text. A bare address stays only if it is allowed.
func dropLinks(s string, allowed func(string) bool) string {
	if !strings.Contains(s, ":") && !strings.Contains(s, "](") {
		return s
	}
	s = imageForm.ReplaceAllString(s, "$1")
	s = linkForm.ReplaceAllStringFunc(s, func(l string) string {
		m := linkForm.FindStringSubmatch(l)
		if strings.Trim(m[1], "0123456789 ,") == "" { // a citation written as a link
			return "[" + m[1] + "]"
		}
		return m[1]
	})
	s = reference.ReplaceAllString(s, "")
	return address.ReplaceAllStringFunc(s, func(u string) string {
		link := strings.TrimRight(u, ".,;:!?")
		if allowed != nil && allowed(link) {
			return u
		}
		return "(link removed)" + u[len(link):]
	})
}

// citations brings citations into the form [n], removes the numbers of passages that were not sent, and notes the others.
func (o *outlet) citations(s string) string {
	return citeForm.ReplaceAllStringFunc(s, func(m string) string {
		start := strings.IndexAny(m, "[【")
		var out strings.Builder
		previous, isRange := 0, false
		for _, token := range numbers.FindAllString(m[start:], -1) {
			n, err := strconv.Atoi(token)
			if err != nil {
				isRange = previous > 0
				continue
			}
			from := n
			if isRange && n-previous < 50 {
				from = previous + 1
			}
			for k := from; k <= n; k++ {
				if k >= 1 && k <= o.sent {
					out.WriteString("[" + strconv.Itoa(k) + "]")
					if !slices.Contains(o.cited, k) {
						o.cited = append(o.cited, k)
					}
				}
			}
			previous, isRange = n, false
		}
		if out.Len() == 0 {
			return ""
		}
		return m[:start] + out.String()
	})
}

// truncate shortens s to at most n bytes without breaking a character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
