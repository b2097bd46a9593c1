package ui

import (
	"fmt"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

var toneIcons = map[string]string{"good": "check-circle", "warn": "alert-triangle", "bad": "alert-circle", "info": "info", "": "info"}

// Notice is a box with a sentence. The tone is "info", "good", "warn" or "bad".
func Notice(tone, message string, more ...app.UI) app.UI {
	return app.Div().Class("notice", "tone-"+tone).Body(
		Icon(toneIcons[tone]),
		app.Div().Class("notice-text").Body(append([]app.UI{app.P().Text(message)}, more...)...),
	)
}

// Empty says that a list has nothing yet, and what to do about it.
func Empty(icon, title, message string, actions ...app.UI) app.UI {
	return app.Div().Class("empty").Body(
		app.Span().Class("empty-icon").Body(Icon(icon)),
		app.P().Class("empty-title").Text(title),
		app.P().Class("muted").Text(message),
		app.If(len(actions) > 0, func() app.UI { return app.Div().Class("actions").Body(actions...) }),
	)
}

// Skeleton stands for rows that are being loaded.
func Skeleton(rows int) app.UI {
	return app.Div().Class("skeleton").Role("status").Body(
		app.Span().Class("sr-only").Text("Loading"),
		app.Range(make([]int, rows)).Slice(func(int) app.UI {
			return app.Div().Class("skeleton-row").Aria("hidden", true).Body(app.Span(), app.Span())
		}),
	)
}

// ErrorBox says why something could not be shown, with a button to try again.
func ErrorBox(err error, retry func(app.Context)) app.UI {
	p := ProblemOf(err)
	return app.Div().Role("alert").Body(Notice("bad", p.Message, p.requestLine(),
		app.If(retry != nil && !final(err), func() app.UI {
			return app.Div().Class("actions").Body(
				Button("Try again", "refresh-cw", func(ctx app.Context, _ app.Event) { retry(ctx) }))
		})))
}

// final reports whether trying again changes nothing.
func final(err error) bool {
	switch lms.KindOf(err) {
	case lms.KindNotFound, lms.KindForbidden, lms.KindInvalid, lms.KindRule:
		return true
	}
	return false
}

// Badge is a word about an object. The tone is "", "good", "warn", "bad" or "info".
func Badge(label, tone string) app.UI {
	return app.Span().Class("badge", "tone-"+tone).Text(label)
}

// RoleName is a role in words.
func RoleName(r lms.Role) string {
	return map[lms.Role]string{lms.RoleInstructor: "Instructor", lms.RoleTA: "Teaching assistant", lms.RoleStudent: "Student",
		lms.RoleObserver: "Observer"}[r]
}

// HealthPill shows the cluster's health in a few words.
func HealthPill(h lms.Health) app.UI {
	return app.Span().Class("pill", "tone-"+string(h.Level)).Body(app.Span().Class("dot").Aria("hidden", true),
		app.Span().Class("pill-long").Text(h.Summary),
		app.Span().Class("pill-short").Aria("hidden", true).Text(fmt.Sprintf("%d of %d", h.Up, h.Voters)))
}

// Progress is a bar with a label; max 0 means that the end is unknown.
func Progress(label string, value, max int64) app.UI {
	bar := app.Progress().Class("bar").Aria("label", label)
	if max > 0 {
		bar = bar.Attr("max", max).Attr("value", value)
	}
	return bar
}

// PointsOf writes a grade: "87.5 / 100".
func PointsOf(p, possible lms.Points) string { return p.String() + " / " + possible.String() }

const stateToast = "toast"

// toast is a short message in the corner. N makes two equal ones different.
type toast struct {
	N             int
	Tone, Message string
}

var toastCount int

// Toast confirms something that the node has acknowledged, or tells what failed (tone "good" or "bad").
func Toast(ctx app.Context, tone, message string) {
	toastCount++
	n := toastCount
	ctx.SetState(stateToast, toast{N: n, Tone: tone, Message: message})
	wait := 6 * time.Second
	if tone == "bad" {
		wait = 15 * time.Second
	}
	ctx.After(wait, func(ctx app.Context) {
		var t toast
		if ctx.GetState(stateToast, &t); t.N == n {
			ctx.SetState(stateToast, toast{})
		}
	})
}

// ToastError tells a refusal that belongs to no form.
func ToastError(ctx app.Context, err error) { Toast(ctx, "bad", ProblemOf(err).Message) }
