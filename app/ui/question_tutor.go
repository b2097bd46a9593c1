package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// rate sends what the student thinks of an answer.
func (p *QuestionPage) rate(ctx app.Context, reply string, r lms.Rating, done func(app.Context, error)) {
	in := api.RateInput{Course: p.id, Question: p.question, Reply: reply, Helpful: r.Helpful, Reason: r.Reason}
	Async(ctx, Call(api.RateReply, in), func(ctx app.Context, q lms.Question, err error) {
		if err == nil {
			p.thread.Set(q)
		} else {
			ToastError(ctx, err)
		}
		done(ctx, err)
	})
}

// askHuman makes a question to the staff of an answer. However often it is tapped, it is one question.
func (p *QuestionPage) askHuman(ctx app.Context, reply string, v lms.Visibility) {
	if p.asked == nil {
		p.asked = map[string]string{}
	}
	if p.asked[reply] == "" {
		p.asked[reply] = lms.NewID()
	}
	in := api.AskHumanInput{Course: p.id, Question: p.question, Reply: reply, ID: p.asked[reply], Visibility: v}
	for _, r := range p.thread.Value.Replies {
		if r.ID == reply && r.Rating != nil {
			in.Comment = r.Rating.Reason
		}
	}
	p.busy = true
	Async(ctx, Call(api.AskHuman, in), func(ctx app.Context, q lms.Question, err error) {
		p.busy = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", cond(v == lms.VisibleAnonymous, "The course sees your question without your name.", "The instructors see your question with the tutor's answer.")+
			" You are told when somebody replies.")
		p.load(ctx)
	})
}

// endorsing is the dialog in which staff vouch for an answer.
type endorsing struct {
	in      api.EndorseInput
	problem Problem
	busy    bool
}

// endorse opens the dialog with what all members would read.
func (p *QuestionPage) endorse(reply string) {
	q := p.thread.Value
	d := &endorsing{in: api.EndorseInput{Course: p.id, Question: p.question, Reply: reply, Asked: cond(q.Body == "", q.Title, q.Body)}}
	for _, r := range q.Replies {
		if r.ID == reply {
			d.in.Body = r.Body
			if e := r.Endorsement; e != nil {
				d.in.Asked, d.in.Body, d.in.Version = e.Asked, e.Body, e.Version
			}
			break
		}
		if r.AuthorID == q.AuthorID {
			d.in.Asked = r.Body
		}
	}
	p.vouch = d
}

func (p *QuestionPage) endorseDialog() app.UI {
	d := p.vouch
	shut := func(app.Context) { p.vouch = nil }
	dialog := NewDialog("endorse", "Endorse or correct", shut, DialogForm(p.sendEndorsement, shut, Submit("Put into the FAQ", "Saving", d.busy),
		app.P().Class("fine").Text("Every member of the course will read this in the FAQ, and the tutor finds it first. Leave out whatever tells who asked."),
		d.problem.Alert("asked", "body"),
		TextArea(Field{ID: "asked", Label: "Question", Rows: 3, Value: d.in.Asked, Error: d.problem.For("asked"), On: p.ValueTo(&d.in.Asked)}),
		TextArea(Field{ID: "answer", Label: "Answer", Rows: 10, Markdown: true, Value: d.in.Body, Error: d.problem.For("body"),
			Help: "Change it to correct the tutor: the student is told and sees your text in its place.", On: p.ValueTo(&d.in.Body)}),
	))
	dialog.Wide = true
	return dialog
}

func (p *QuestionPage) sendEndorsement(ctx app.Context, e app.Event) {
	e.PreventDefault()
	d := p.vouch
	if d == nil || d.busy {
		return
	}
	if err := d.in.Validate(); err != nil {
		d.problem = ProblemOf(err)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.EndorseReply, d.in), func(ctx app.Context, q lms.Question, err error) {
		d.busy = false
		switch {
		case lms.KindOf(err) == lms.KindConflict:
			d.problem = ProblemOf(err)
			p.thread.Load(ctx, Call(api.GetQuestion, p.path()), func(app.Context) { d.in.Version = p.endorsedVersion(d.in.Reply) })
		case err != nil:
			d.problem = ProblemOf(err)
		default:
			p.vouch = nil
			p.thread.Set(q)
			Toast(ctx, "good", "It is in the FAQ of the course. The student is told.")
		}
	})
}

func (p *QuestionPage) endorsedVersion(reply string) int64 {
	for _, r := range p.thread.Value.Replies {
		if r.ID == reply && r.Endorsement != nil {
			return r.Endorsement.Version
		}
	}
	return 0
}

func (p *QuestionPage) withdraw(ctx app.Context, reply string) {
	p.busy = true
	Async(ctx, Call(api.WithdrawReply, api.ReplyPath{Course: p.id, Question: p.question, Reply: reply}), func(ctx app.Context, q lms.Question, err error) {
		p.changed(ctx, q, err)
		if err == nil {
			Toast(ctx, "good", "It is in the FAQ no more.")
		}
	})
}

// readers says who of the staff has read the conversation (TUTOR-16).
func (p *QuestionPage) readers(q lms.Question) app.UI {
	if q.To != lms.ToTutor && len(q.Reads) == 0 {
		return app.Div()
	}
	if len(q.Reads) == 0 {
		return app.P().Class("fine").Text(cond(p.mine(), "Nobody of the staff has read this conversation.", "Reading this is logged, and the student can see it."))
	}
	return app.Details().Class("md-help").Body(
		app.Summary().Body(Icon("chevron-right"), text("Read by the staff: "+plural(len(q.Reads), "time"))),
		app.Ul().Class("notice-list").Body(app.Range(q.Reads).Slice(func(i int) app.UI {
			return app.Li().Body(text(q.Reads[i].Reader+", "), TimeView(q.Reads[i].At))
		})))
}
