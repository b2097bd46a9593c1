package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// assignmentForm posts an assignment or changes one. Title and due date are enough; everything else is folded away.
type assignmentForm struct {
	app.Compo
	inCourse
	isNew   bool
	as      string
	loaded  bool
	kept    bool
	draft   assignmentDraft
	uploads []*transfer // attachments on their way
	choices Remote[lms.Choices]
	preview *lms.Preview
	problem Problem
	busy    bool
	waiting bool // posting was asked for; it happens when the attachments have arrived
	stop    func()
}

// assignmentDraft is what is typed, in the form in which it is typed, and kept on this device.
type assignmentDraft struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Points      string     `json:"points"`
	Opens       string     `json:"opens"`
	Due         string     `json:"due"`
	Cutoff      string     `json:"cutoff"`
	AllowText   bool       `json:"allowText"`
	MaxFiles    string     `json:"maxFiles"`
	MaxMiB      string     `json:"maxMiB"`
	Types       string     `json:"types"`
	MaxAttempts string     `json:"maxAttempts"`
	Published   bool       `json:"published"`
	Attachments []lms.File `json:"attachments"`
	Version     int64      `json:"version"`

	GradeType    string     `json:"gradeType"`
	Category     string     `json:"category"`
	ExtraCredit  bool       `json:"extraCredit"`
	NeverDrop    bool       `json:"neverDrop"`
	GradeBy      string     `json:"gradeBy"`
	AlwaysShow   bool       `json:"alwaysShow"`
	AllowURL     bool       `json:"allowUrl"`
	OnPaper      bool       `json:"onPaper"`
	Honour       string     `json:"honour"`
	HandInDrafts bool       `json:"handInDrafts"`
	Blind        bool       `json:"blind"`
	HideMarkers  bool       `json:"hideMarkers"`
	OwnLate      bool       `json:"ownLate"`
	Late         lateDraft  `json:"late"`
	Was          draftDates `json:"was"`
}

// draftDates are the dates that a draft began with: what was not changed stays exact to the millisecond.
type draftDates struct {
	Due    time.Time `json:"due,omitzero"`
	Cutoff time.Time `json:"cutoff,omitzero"`
}

func newAssignmentDraft() assignmentDraft {
	return assignmentDraft{ID: lms.NewID(), Points: "100", AllowText: true, MaxFiles: "5", MaxMiB: strconv.FormatInt(lms.MaxFileSize>>20, 10),
		MaxAttempts: "0", Published: true, GradeType: string(lms.GradePoints), Late: lateDraftOf(lms.LatePolicy{})}
}

func draftOf(a lms.Assignment, zone string) assignmentDraft {
	d := assignmentDraft{ID: a.ID, Title: a.Title, Description: a.Description, Points: a.Points.String(), Opens: FormatInputIn(a.OpensAt, zone),
		Due: FormatInputIn(a.DueAt, zone), Cutoff: FormatInputIn(a.CutoffAt, zone), GradeBy: FormatInputIn(a.GradeByAt, zone),
		AllowText: a.AllowText, MaxFiles: itoa(a.MaxFiles),
		MaxMiB:      strings.TrimSuffix(strconv.FormatFloat(float64(max(a.MaxFileSize, 1))/(1<<20), 'f', -1, 64), ".0"),
		Types:       strings.Join(a.AllowedTypes, ", "),
		MaxAttempts: itoa(a.MaxAttempts), Published: a.Published, Attachments: a.Attachments, Version: a.Version,
		GradeType: cond(a.GradeType == "", string(lms.GradePoints), string(a.GradeType)), Category: a.CategoryID, ExtraCredit: a.ExtraCredit, NeverDrop: a.NeverDrop,
		AlwaysShow: a.AlwaysShow, AllowURL: a.AllowURL, OnPaper: a.OnPaper, Honour: a.Honour, HandInDrafts: a.HandInDrafts, Blind: a.Blind, HideMarkers: a.HideMarkers,
		OwnLate: a.LatePolicy != nil, Was: draftDates{a.DueAt, a.CutoffAt}}
	if a.LatePolicy != nil {
		d.Late = lateDraftOf(*a.LatePolicy)
	} else {
		d.Late = lateDraftOf(lms.LatePolicy{})
	}
	return d
}

// input reads what was typed. A refusal names the field.
func (d assignmentDraft) input(course, zone string) (api.AssignmentInput, error) {
	in := api.AssignmentInput{Course: course, ID: d.ID, Title: d.Title, Description: d.Description, AllowText: d.AllowText, Published: d.Published,
		AssignmentRules: lms.AssignmentRules{GradeType: lms.GradeType(d.GradeType), CategoryID: d.Category, ExtraCredit: d.ExtraCredit, NeverDrop: d.NeverDrop,
			AlwaysShow: d.AlwaysShow, AllowURL: d.AllowURL, OnPaper: d.OnPaper, Honour: strings.TrimSpace(d.Honour), HandInDrafts: d.HandInDrafts,
			Blind: d.Blind, HideMarkers: d.HideMarkers}}
	var err error
	if in.Points, err = lms.ParsePoints(d.Points); err != nil {
		return in, lms.FieldErrorf(lms.KindRule, "points", "%s", ProblemOf(err).Message)
	}
	if err := d.dates(&in, zone); err != nil {
		return in, err
	}
	if d.OnPaper { // what the other fields held stays in the draft
		in.AllowText, in.AllowURL = false, false
	} else if in.MaxFiles, err = number(d.MaxFiles, "maxFiles"); err != nil {
		return in, err
	}
	if in.MaxAttempts, err = number(d.MaxAttempts, "maxAttempts"); err != nil {
		return in, err
	}
	mib, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(d.MaxMiB), ",", ".", 1), 64)
	if in.MaxFiles > 0 && (err != nil || mib <= 0 || mib > 1<<20) {
		return in, lms.FieldErrorf(lms.KindRule, "maxFileSize", "Write a size in MiB, for example 25.")
	}
	in.MaxFileSize = int64(mib*(1<<20) + 0.5)
	in.AllowedTypes = parseTypes(d.Types)
	for _, f := range d.Attachments {
		in.Attachments = append(in.Attachments, f.ID)
	}
	if d.OwnLate {
		policy, err := d.Late.policy()
		if err != nil {
			return in, err
		}
		in.LatePolicy = &policy
	}
	return in, in.Validate()
}

// dates reads the dates in the zone of the course. What is due or closes at HH:MM does so when that minute is over.
func (d assignmentDraft) dates(in *api.AssignmentInput, zone string) error {
	for _, date := range []struct {
		field, typed string
		to           *time.Time
	}{{"opensAt", d.Opens, &in.OpensAt}, {"dueAt", d.Due, &in.DueAt}, {"cutoffAt", d.Cutoff, &in.CutoffAt}, {"gradeByAt", d.GradeBy, &in.GradeByAt}} {
		t, err := ParseInputIn(date.typed, zone)
		if err != nil {
			return lms.FieldErrorf(lms.KindRule, date.field, "This is not a date and time.")
		}
		*date.to = t
	}
	in.DueAt, in.CutoffAt = WholeMinute(in.DueAt, d.Was.Due), WholeMinute(in.CutoffAt, d.Was.Cutoff)
	return nil
}

func number(s, field string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0, lms.FieldErrorf(lms.KindRule, field, "Write a whole number; 0 is allowed.")
	}
	return n, nil
}

// parseTypes reads "pdf, .DOCX" as .pdf and .docx.
func parseTypes(s string) []string {
	types := []string{}
	for _, t := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		t = "." + strings.TrimLeft(t, "*.")
		if !slices.Contains(types, t) && t != "." {
			types = append(types, t)
		}
	}
	return types
}

func (p *assignmentForm) OnMount(ctx app.Context) { p.stop = watchTransfers(ctx, p.onTransfers) }

func (p *assignmentForm) OnDismount() {
	if p.stop != nil {
		p.stop()
	}
}

func (p *assignmentForm) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	isNew, as := isNewPath(ctx), Param(ctx, "assignments")
	if as == p.as && !changed {
		return
	}
	p.isNew, p.as, p.loaded, p.kept, p.problem, p.uploads = isNew, as, false, false, Problem{}, nil
	p.preview = nil
	afterSession(ctx, func(ctx app.Context) {
		p.choices.Load(ctx, Call(api.ListChoices, api.CoursePath{Course: p.id}))
		if isNew {
			p.draft = newAssignmentDraft()
			p.kept = loadDraft(ctx, p.key(), &p.draft)
			p.loaded = true
			return
		}
		p.fetch(ctx, true)
	})
}

func (p *assignmentForm) fetch(ctx app.Context, keepMine bool) {
	as := p.as
	Async(ctx, Call(api.GetAssignment, api.AssignmentPath{Course: p.id, Assignment: as}), func(ctx app.Context, a lms.Assignment, err error) {
		if p.as != as {
			return
		}
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		if !p.course.Ready { // the dates are shown in its zone
			p.course.Load(ctx, Call(api.GetCourse, api.CoursePath{Course: p.id}), func(ctx app.Context) { p.fetch(ctx, keepMine) })
			return
		}
		p.draft = draftOf(a, p.course.Value.Zone)
		p.kept = keepMine && loadDraft(ctx, p.key(), &p.draft)
		p.loaded = true
		p.show()
	})
}

// show writes the fields into inputs that exist already.
func (p *assignmentForm) show() {
	d := p.draft
	for id, v := range map[string]string{"title": d.Title, "description": d.Description, "points": d.Points, "opensAt": d.Opens, "dueAt": d.Due,
		"cutoffAt": d.Cutoff, "maxFiles": d.MaxFiles, "maxFileSize": d.MaxMiB, "allowedTypes": d.Types, "maxAttempts": d.MaxAttempts,
		"gradeByAt": d.GradeBy, "honour": d.Honour, "late.rate": d.Late.Rate, "late.floor": d.Late.Floor, "late.missing": d.Late.Missing} {
		SetValue(id, v)
	}
}

func (p *assignmentForm) key() string { return draftKey("assignment", p.id, p.as) }

func (p *assignmentForm) keep(ctx app.Context) { keepDraft(ctx, p.key(), p.draft) }

// typed makes the handler of a text field.
func (p *assignmentForm) typed(to *string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) {
		*to = ctx.JSSrc().Get("value").String()
		p.keep(ctx)
	}
}

func (p *assignmentForm) ticked(to *bool) app.EventHandler {
	return func(ctx app.Context, _ app.Event) {
		*to = Checked(ctx)
		p.keep(ctx)
	}
}

func (p *assignmentForm) discard(ctx app.Context, _ app.Event) {
	dropDraft(ctx, p.key())
	p.kept = false
	if p.isNew {
		p.draft = newAssignmentDraft()
		p.show()
		return
	}
	p.fetch(ctx, false)
}

func (p *assignmentForm) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy || p.waiting {
		return
	}
	if len(p.uploads) > 0 {
		p.waiting, p.problem = true, Problem{}
		p.onTransfers(ctx)
		return
	}
	p.send(ctx)
}

func (p *assignmentForm) send(ctx app.Context) {
	in, err := p.draft.input(p.id, p.course.Value.Zone)
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	if p.isNew {
		p.save(ctx, Call(api.CreateAssignment, in))
		return
	}
	update := api.UpdateAssignmentInput{Assignment: in.ID, AssignmentInput: in, Version: p.draft.Version}
	if p.preview != nil { // it was looked at
		update.Preview = p.preview.Token
		p.save(ctx, Call(api.UpdateAssignment, update))
		return
	}
	Async(ctx, Call(api.PreviewAssignment, update), func(ctx app.Context, v lms.Preview, err error) {
		switch {
		case err != nil:
			p.busy = false
			Fail(ctx, err, &p.problem)
		case len(v.Changes) > 0:
			p.busy, p.preview = false, &v
		default:
			p.save(ctx, Call(api.UpdateAssignment, update))
		}
	})
}

func (p *assignmentForm) save(ctx app.Context, work work[lms.Assignment]) {
	Async(ctx, work, func(ctx app.Context, a lms.Assignment, err error) {
		p.busy, p.preview = false, nil
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		dropDraft(ctx, p.key())
		Toast(ctx, "good", cond(a.Published, "“"+a.Title+"” is posted. Students see it now.", "“"+a.Title+"” is saved as a draft."))
		ctx.Navigate(CoursePath(p.id, "assignments", a.ID))
	})
}

func (p *assignmentForm) onPick(ctx app.Context, _ app.Event) {
	for _, b := range pickedFiles("attachments") {
		t, course := newTransfer(b), p.id
		p.uploads = append(p.uploads, t)
		startTransfer(func(ctx context.Context) error {
			if err := t.prepare(ctx, course); err != nil {
				return err
			}
			_, err := t.deliver(ctx)
			return err
		}, func(err error) { t.err = err })
	}
}

// onTransfers moves attachments that have arrived into the draft.
func (p *assignmentForm) onTransfers(ctx app.Context) {
	transfers.mu.Lock()
	arrived := false
	p.uploads = slices.DeleteFunc(p.uploads, func(t *transfer) bool {
		if t.done {
			p.draft.Attachments = append(p.draft.Attachments, t.file)
			arrived = true
		}
		return t.done
	})
	failed := slices.ContainsFunc(p.uploads, func(t *transfer) bool { return t.err != nil })
	transfers.mu.Unlock()
	if arrived {
		p.keep(ctx)
	}
	switch {
	case p.waiting && failed:
		p.waiting, p.problem = false, Problem{Message: "An attachment did not arrive. Remove it or choose it again, then post."}
	case p.waiting && len(p.uploads) == 0:
		p.waiting = false
		p.send(ctx)
	}
}
