package tutor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trivium/app/lms"
)

const tutorName = "Tutor"

// What stands beside an answer, in the reader's words.
const (
	noteNoModel     = "No language model is set up: these are the best passages of your course."
	noteNothing     = lms.NoteNothing
	noteNoMaterial  = "Your course has no material that the tutor can read yet. You can send the question to your instructor."
	noteNotGrounded = "This answer is not from the course materials."
	noteCut         = lms.NoteCut
	noteFiltered    = "The language model broke off this answer by its own content rules."
	noteStopped     = "Stopped. The text so far is kept."
	noteOffline     = "The tutor's language model is offline at the moment. Your question is kept: these passages of your course may help, and you can try again or send it to your instructor."
	noteBusy        = "The tutor's language model is too busy at the moment. Your question is kept: these passages of your course may help, and you can try again or send it to your instructor."
	noteCap         = "The tutor's allowance for this month is used up. Your question is kept: these passages of your course may help, and you can send it to your instructor."
	noteBroken      = "The language model's answer broke off; what arrived is kept. You can try again or send the question to your instructor."
)

const askInstructor = "Not what you were looking for? Send this question to your instructor."

// compose makes the final reply and tells how it came about. An error means that this node cannot finish the reply and leaves it
// to be resumed.
func (t *Tutor) compose(ctx context.Context, r *run) (lms.Reply, lms.ReplyRecord, error) {
	began := time.Now()
	reply := lms.Reply{ID: r.id, AuthorID: lms.TutorID, AuthorName: tutorName, State: lms.ReplyDone}
	var rec lms.ReplyRecord
	q, author, course, err := t.context(ctx, r.id)
	reply.QuestionID = q.ID
	var brief lms.TutorBrief
	if err == nil {
		brief, err = t.store.Brief(ctx, r.id)
	}
	talk := conversation{}
	if err == nil {
		talk = conversationOf(q, r.id)
		talk.mask = newMasker(author, q)
		if c := concernOf(talk.question); c != nil {
			rec.Concern, rec.Severe = c.kind, c.severe
			reply.Body = cmp.Or(brief.Crisis, defaultCrisisText)
			r.write(reply.Body)
			return reply, rec, nil
		}
	}
	h := t.help(brief, talk)
	var found retrieval
	if err == nil {
		rec = h.record()
		found, err = t.retrieve(ctx, talk, author, course, brief.Policy.Sources)
		found.mask = talk.mask
	}
	switch {
	case errors.Is(context.Cause(ctx), errStopped):
		reply.State, reply.Note = lms.ReplyStopped, noteStopped
		return reply, rec, nil
	case ctx.Err() != nil:
		return lms.Reply{}, rec, context.Cause(ctx)
	case err != nil && temporary(err) != nil:
		return lms.Reply{}, rec, err
	case err != nil:
		t.log.Error("tutor: no answer possible", "reply", r.id, "error", err)
		reply.State, reply.Note = lms.ReplyFailed, "The tutor could not read the course material. Your question is kept: try again, or send it to your instructor."
		return reply, rec, nil
	}
	rec.PromptTokens = found.spent
	rec.Relevant, rec.Passages = found.relevant || found.fixed != "", found.ranks()
	if t.composeFixed(r, &reply, h, found) {
		return reply, rec, nil
	}
	reply, err = t.generate(ctx, r, reply, &rec, h, found, course)
	rec.TotalMs = time.Since(began).Milliseconds()
	return reply, rec, err
}

// composeFixed writes the replies that need no model and reports whether it did.
func (t *Tutor) composeFixed(r *run, reply *lms.Reply, h help, found retrieval) bool {
	switch {
	case found.fixed != "":
		reply.Body = found.fixed
	case h.item != nil && h.item.Policy.Mode == lms.ModeOff:
		reply.Body, reply.Note = replyItemOff, fmt.Sprintf("This is about %q.", h.item.Title)
	case h.item != nil && t.writes() && h.step == lms.HintStop:
		reply.Body, reply.Note = replyHintStop, h.noteWork()
	case h.item == nil && !found.relevant && !(h.brief.Anyway && t.writes()):
		reply.Body, reply.Note = quoted(found.passages), noteNothing
		reply.Citations = citationsOf(found.passages)
		if len(found.passages) == 0 {
			reply.Body = "I found nothing in the material of this course."
			if found.empty {
				reply.Note = noteNoMaterial
			}
		}
	case !t.writes():
		reply.Body, reply.Note = quoted(found.passages)+"\n\n"+askInstructor, noteNoModel
		reply.Citations = citationsOf(found.passages)
		if h.item != nil {
			reply.Note = fmt.Sprintf("This is about %q, which is graded: these passages are where to begin.", h.item.Title)
		}
	default:
		return false
	}
	r.write(reply.Body)
	return true
}

// context reads the question. This node's database may be a moment behind the claim that it has just made.
func (t *Tutor) context(ctx context.Context, replyID string) (q lms.Question, author lms.Actor, course lms.Course, err error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		q, author, course, err = t.store.ReplyContext(ctx, replyID)
		if err == nil || wait > 3*time.Second {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// noteOf tells what a reader must know about a complete call.
func noteOf(end outcome, out *outlet) string {
	var notes []string
	if len(out.cited) == 0 {
		notes = append(notes, noteNotGrounded)
	}
	if end.finish == "length" || out.cut {
		notes = append(notes, noteCut)
	}
	if end.finish == "content_filter" {
		notes = append(notes, noteFiltered)
	}
	return strings.Join(notes, " ")
}

// failed turns a reply into a failure that keeps the text so far and offers the passages (TUTOR-24).
func failed(reply lms.Reply, passages []lms.Passage, err error) lms.Reply {
	reply.State = lms.ReplyFailed
	switch {
	case reply.Body != "":
		reply.Note = noteBroken
		return reply
	case lms.KindOf(err) == lms.KindLimit:
		reply.Note = noteCap
	case errors.Is(err, errQueueFull), errors.Is(err, errQueueLong), status(err) == 429:
		reply.Note = noteBusy
	default:
		reply.Note = noteOffline
	}
	passages = passages[:min(len(passages), bestPassages)]
	reply.Body, reply.Citations = quoted(passages), citationsOf(passages)
	return reply
}

// inPassages allows the addresses that the passages contain.
func inPassages(sent []lms.Passage) func(string) bool {
	return func(u string) bool {
		for _, p := range sent {
			if strings.Contains(p.Text, u) {
				return true
			}
		}
		return false
	}
}

// quoteLength is how much of a passage is quoted, in bytes.
const quoteLength = 420

// quoted writes passages as quotations with their numbers.
func quoted(passages []lms.Passage) string {
	var parts []string
	for i, p := range passages {
		place := p.Title
		// The first heading of a page is mostly its title.
		if heading := strings.TrimPrefix(strings.TrimPrefix(p.Heading, p.Title), " › "); heading != "" {
			place += ", " + heading
		}
		if p.Page > 0 {
			place += fmt.Sprintf(", page %d", p.Page)
		}
		parts = append(parts, fmt.Sprintf("**%s** [%d]\n\n> %s", escapeMarkdown(oneLine(place)), i+1, escapeMarkdown(quote(p.Text))))
	}
	return strings.Join(parts, "\n\n")
}

// quote shortens a passage at the end of a sentence or a word.
func quote(text string) string {
	text = oneLine(text)
	if len(text) <= quoteLength {
		return text
	}
	s := truncate(text, quoteLength)
	if i := strings.LastIndexAny(s, ".!?"); i > quoteLength/2 {
		return s[:i+1]
	}
	if i := strings.LastIndexByte(s, ' '); i > 0 {
		s = s[:i]
	}
	return s + " …"
}

// escapeMarkdown shows text of a document literally.
func escapeMarkdown(s string) string { return markdownSigns.Replace(s) }

var markdownSigns = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, "#", `\#`, "!", `\!`,
	"|", `\|`, "~", `\~`, "&", `\&`)

// citationsOf cites every passage in order.
func citationsOf(passages []lms.Passage) []lms.Citation {
	all := make([]int, len(passages))
	for i := range all {
		all[i] = i + 1
	}
	return cited(passages, all)
}

// cited lists the cited passages, each once.
func cited(passages []lms.Passage, numbers []int) []lms.Citation {
	var out []lms.Citation
	for _, n := range numbers {
		p := passages[n-1]
		out = append(out, lms.Citation{N: n, MaterialID: p.MaterialID, Ordinal: p.Ordinal, Title: p.Title, Heading: p.Heading,
			Page: p.Page, Quote: quote(p.Text), Endorsed: p.Endorsed})
	}
	return out
}
