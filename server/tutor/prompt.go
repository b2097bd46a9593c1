package tutor

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"trivium/app/lms"
)

//go:embed prompts/answer.txt
var answerPrompt string

var (
	answerTemplate = template.Must(template.New("answer").Parse(answerPrompt))
	promptVersion  = hex.EncodeToString(sha256Sum(answerPrompt))[:12] // recorded with each call
)

func sha256Sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

// tokens estimates how many tokens a text has, on the high side: one per 3 bytes.
func tokens(s string) int { return len(s)/3 + 1 }

// promptInput is all that a prompt is made of.
type promptInput struct {
	course   string
	manner   string // mode, level, language and the wishes of the course
	work     string // how to treat graded work; empty for an ordinary question
	canary   string // may never come back
	turns    []turn // earlier turns, oldest first
	question string
	passages []lms.Passage
	mask     masker
	context  int // tokens that the model reads at once
	answer   int // tokens of them for the answer
}

// turn is one earlier message of the thread.
type turn struct {
	tutor bool
	text  string
}

// buildPrompt writes the messages of a call and returns the passages that found room. Everything is cut to the context here,
// because services cut silently, and from the front, where the rules are.
func buildPrompt(in promptInput) ([]message, []lms.Passage, error) {
	var system strings.Builder
	err := answerTemplate.Execute(&system, map[string]string{"Course": oneLine(in.mask.apply(in.course)), "Manner": in.manner, "Work": in.work,
		"Canary": in.canary})
	if err != nil {
		return nil, nil, fmt.Errorf("prompt: %w", err)
	}
	room := in.context - in.answer - tokens(system.String()) - 100
	question := shorten(in.mask.apply(in.question), 3*max(room/3, 60))
	room -= tokens(question)

	var block strings.Builder
	var sent []lms.Passage
	for _, p := range in.passages {
		text := passageText(len(sent)+1, p)
		if len(sent) > 0 && tokens(block.String()+text) > room*3/4 {
			break
		}
		block.WriteString(shorten(text, 3*max(room*3/4, 60)))
		sent = append(sent, p)
	}
	room -= tokens(block.String())

	prompt := []message{{roleSystem, system.String()}}
	prompt = append(prompt, history(in.turns, in.mask, room)...)
	last := "<passages>\n" + block.String() + "</passages>\n\nQuestion of the student:\n" + question
	if n := len(prompt); prompt[n-1].role == roleUser { // some models insist on alternating roles
		prompt[n-1].text += "\n\n" + last
	} else {
		prompt = append(prompt, message{roleUser, last})
	}
	return prompt, sent, nil
}

// passageText writes one passage as data: it cannot end the block that it stands in.
func passageText(n int, p lms.Passage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%d] %s", n, oneLine(p.Title))
	if p.Heading != "" {
		fmt.Fprintf(&b, " / %s", oneLine(p.Heading))
	}
	if p.Page > 0 {
		fmt.Fprintf(&b, " (page %d)", p.Page)
	}
	b.WriteString("\n" + p.Text + "\n\n")
	return dataTag.ReplaceAllString(b.String(), "($1)")
}

// dataTag matches the tags that data stands between in a prompt; data that contains one cannot end its block.
var dataTag = regexp.MustCompile(`(?i)<\s*(/?\s*(?:passages|task|notes|hint))\s*>`)

// history returns the latest earlier turns that fit, alternating, beginning with the student. Citations of earlier answers are
// left out: their numbers mean other passages now.
func history(turns []turn, mask masker, room int) []message {
	var out []message
	for i := len(turns) - 1; i >= 0; i-- {
		role, text := roleUser, mask.apply(turns[i].text)
		if turns[i].tutor {
			role, text = roleAssistant, citeForm.ReplaceAllString(text, "")
		}
		text = dataTag.ReplaceAllString(shorten(strings.TrimSpace(text), 1500), "($1)")
		if room -= tokens(text) + 8; room < 0 {
			break
		}
		if text == "" {
			continue
		}
		if n := len(out); n > 0 && out[n-1].role == role {
			out[n-1].text = text + "\n\n" + out[n-1].text
			continue
		}
		out = append(out, message{role, text})
	}
	if n := len(out); n > 0 && out[n-1].role == roleAssistant {
		out = out[:n-1]
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// shorten keeps the beginning and the end of a text of more than n bytes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	head := truncate(s, n*2/3)
	from := len(s) - n/4
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return head + " […] " + s[from:]
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// masker replaces what identifies people (TUTOR-32).
type masker struct{ names []*regexp.Regexp }

var mailForm = regexp.MustCompile(`[\pL\pN._%+-]+@[\pL\pN.-]+\.\pL{2,}`)

// newMasker masks the names, logins and ids of the people of a thread. The parts of a name are masked as they are written in the
// name only, so that the name Mark leaves the verb alone.
func newMasker(author lms.Actor, q lms.Question) masker {
	var m masker
	known := map[string]bool{}
	add := func(s string, flag string) {
		if s = strings.TrimSpace(s); utf8.RuneCountInString(s) >= 3 && !known[flag+s] {
			known[flag+s] = true
			m.names = append(m.names, regexp.MustCompile(flag+regexp.QuoteMeta(s)))
		}
	}
	person := func(name, id string) {
		add(name, "(?i)")
		for _, part := range strings.Fields(name) {
			add(strings.Trim(part, ".,()"), "")
		}
		add(id, "(?i)")
	}
	person(author.Name, author.UserID)
	add(author.Login, "(?i)")
	for _, r := range q.Replies {
		if r.AuthorID != lms.TutorID {
			person(r.AuthorName, r.AuthorID)
		}
	}
	return m
}

func (m masker) apply(s string) string {
	s = mailForm.ReplaceAllString(s, "[mail]")
	for _, n := range m.names {
		s = maskWhole(s, n)
	}
	return s
}

// maskWhole replaces a name where it stands alone, not within a longer word.
func maskWhole(s string, name *regexp.Regexp) string {
	var out strings.Builder
	from := 0
	for _, at := range name.FindAllStringIndex(s, -1) {
		before, _ := utf8.DecodeLastRuneInString(s[:at[0]])
		after, _ := utf8.DecodeRuneInString(s[at[1]:])
		if partOfWord(before) || partOfWord(after) {
			continue
		}
		out.WriteString(s[from:at[0]] + "[name]")
		from = at[1]
	}
	return out.String() + s[from:]
}

func partOfWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_')
}
