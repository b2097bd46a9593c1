package ui

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// Whoever signs out leaves nothing typed behind: the next person at the device could read it. A session that ends by
// itself does not take it along. See decision 19.

// unsavedTexts is how many texts the open question about signing out is about.
var unsavedTexts int

// draftKeys are the keys of what this device keeps of the user.
func draftKeys(ctx app.Context) (keys []string) {
	ctx.LocalStorage().ForEach(func(key string) {
		if strings.HasPrefix(key, draftKey()) {
			keys = append(keys, key)
		}
	})
	slices.Sort(keys)
	return keys
}

func dropDrafts(ctx app.Context) {
	for _, key := range draftKeys(ctx) {
		dropDraft(ctx, key)
	}
}

// signOut asks first if texts are on this device alone.
func signOut(ctx app.Context, e app.Event) {
	if known.Viewing != nil {
		// The texts of the person are kept under the own id. Those of the test student were trials.
		Async(ctx, Call(api.EndView, api.NoInput{}), func(ctx app.Context, s lms.Session, err error) {
			if err != nil {
				ToastError(ctx, err)
				return
			}
			dropDrafts(ctx)
			setSession(ctx, s)
			signOut(ctx, e)
		})
		return
	}
	if unsavedTexts = len(draftKeys(ctx)); unsavedTexts == 0 {
		endSession(ctx, e)
	}
}

func endSession(ctx app.Context, _ app.Event) {
	unsavedTexts = 0
	Async(ctx, Call(api.SignOut, api.NoInput{}), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil && lms.KindOf(err) != lms.KindSignIn {
			ToastError(ctx, err)
			return
		}
		dropDrafts(ctx)
		// A full load forgets everything that the program had in memory.
		app.Window().Get("location").Call("assign", "/signin")
	})
}

// unsavedDialog asks what becomes of the texts.
func unsavedDialog() app.UI {
	stay := func(app.Context) { unsavedTexts = 0 }
	them := cond(unsavedTexts == 1, "it", "them")
	return NewDialog("unsaved", "Sign out?", stay, app.Div().Class("stack").Body(
		app.P().Text(plural(unsavedTexts, "unsaved text")+cond(unsavedTexts == 1, " is", " are")+" only on this device, where the next person could read what you wrote. To keep it, stay signed in and save it or hand it in."),
		app.Div().Class("actions", "actions-end").Body(
			Button("Download "+them+" first", "download", func(ctx app.Context, _ app.Event) { saveBytes("unsaved.txt", "text/plain", draftTexts(ctx)) }),
			Button("Stay signed in", "", func(ctx app.Context, _ app.Event) { stay(ctx) }),
			Danger("Sign out and delete "+them, "", endSession),
		),
	))
}

// draftTexts is what this device keeps as a file that people can read.
func draftTexts(ctx app.Context) []byte {
	var b strings.Builder
	for _, key := range draftKeys(ctx) {
		var v any
		if loadDraft(ctx, key, &v) {
			spell(&b, strings.TrimPrefix(key, draftKey()), v)
		}
	}
	return []byte(b.String())
}

// spell writes a value and what it holds: texts as they were typed, everything else as JSON.
func spell(b *strings.Builder, name string, v any) {
	switch v := v.(type) {
	case nil:
	case string:
		if v != "" {
			b.WriteString(name + ":\n" + v + "\n\n")
		}
	case map[string]any:
		var fields []string
		for field := range v {
			fields = append(fields, field)
		}
		slices.Sort(fields)
		for _, field := range fields {
			spell(b, name+" "+field, v[field])
		}
	case []any:
		for i := range v {
			spell(b, name+" "+itoa(i+1), v[i])
		}
	default:
		text, _ := json.Marshal(v)
		b.WriteString(name + ": " + string(text) + "\n\n")
	}
}
