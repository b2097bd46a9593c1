package tutor

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"trivium/app/lms"
)

//go:embed prompts/summary.txt
var summaryPrompt string

// errNoWriter says that no language model is set up, so that an outline is all there is.
var errNoWriter = errors.New("tutor: no language model is set up")

// Writes reports whether a language model answers now.
func (t *Tutor) Writes() bool { return t.now().writes() }

// Summary lets the language model write a summary and a topic list of a material, in Markdown with links to the places (TUTOR-31).
// reserve sets tokens aside before the call; used is what was used.
func (t *Tutor) Summary(ctx context.Context, course string, m lms.Material, passages []lms.Passage, reserve func(tokens int64) error) (text string, used int64, err error) {
	t = t.now()
	if !t.writes() {
		return "", 0, errNoWriter
	}
	system := strings.ReplaceAll(summaryPrompt, "{{.Canary}}", t.canary)
	room := t.cfg.ContextTokens - t.cfg.MaxTokens - tokens(system) - 100
	sent := spread(passages, room)
	var block strings.Builder
	for i, p := range sent {
		block.WriteString(passageText(i+1, p))
	}
	prompt := []message{{roleSystem, system}, {roleUser, "<passages>\n" + block.String() + "</passages>"}}
	estimate := promptTokens(prompt)
	if err := t.slots.acquire(ctx, t.cfg.Limits.Queue, func(int) {}); err != nil {
		return "", 0, err
	}
	defer t.slots.release()
	back, err := t.place(ctx, "summary/"+m.ID, func(string) {})
	if err != nil {
		return "", 0, err
	}
	defer back()
	if err := reserve(int64(estimate + t.cfg.MaxTokens)); err != nil {
		return "", 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Limits.Total+30*time.Second)
	defer cancel()
	var said strings.Builder
	out := &outlet{sent: len(sent), allowed: inPassages(sent), write: func(s string) { said.WriteString(s) }}
	end, err := t.complete(ctx, prompt, out.add, func(string) {})
	out.flush()
	if used = int64(end.prompt + end.answer); used == 0 {
		used = int64(estimate + said.Len()/3 + 1)
	}
	if err != nil {
		return "", used, errors.New(t.why(err))
	}
	body := strings.TrimSpace(said.String())
	if broken := (rules{canaries: []string{t.canary}, prompt: words(summaryPrompt)}).check(body); broken != "" {
		return "", used, fmt.Errorf("tutor: the summary holds what it must not: %s", broken)
	}
	for i, p := range sent {
		number := "[" + strconv.Itoa(i+1) + "]"
		body = strings.ReplaceAll(body, number, fmt.Sprintf("[%s](/courses/%s/materials/%s#p%d)", placeOf(p), course, m.ID, p.Ordinal))
	}
	note := fmt.Sprintf("*%s from %s. Check it before you publish it.*\n\n", lms.GeneratedMark, lms.PlainMarkdown(m.Title))
	if len(sent) < len(passages) {
		note = fmt.Sprintf("*%s from %d of the %d passages of %s: the whole text is longer than the model reads at once. Check it before you publish it.*\n\n",
			lms.GeneratedMark, len(sent), len(passages), lms.PlainMarkdown(m.Title))
	}
	return note + body, used, nil
}

// placeOf names the place of a passage within its material, briefly.
func placeOf(p lms.Passage) string {
	if p.Page > 0 {
		return "page " + strconv.Itoa(p.Page)
	}
	levels := strings.Split(p.Heading, " › ")
	if last := levels[len(levels)-1]; last != "" && last != p.Title {
		return lms.PlainMarkdown(last)
	}
	return "source"
}

// spread takes as many passages as fit into so many tokens, evenly from the whole material.
func spread(passages []lms.Passage, room int) []lms.Passage {
	total := 0
	for i, p := range passages {
		total += tokens(passageText(i+1, p))
	}
	step := max((total+room-1)/max(room, 1), 1)
	var out []lms.Passage
	for i := 0; i < len(passages); i += step {
		need := tokens(passageText(len(out)+1, passages[i]))
		if need > room && len(out) > 0 {
			break
		}
		room -= need
		out = append(out, passages[i])
	}
	return out
}
