package ui

import (
	"slices"
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestSigningOutAsksAboutDrafts: nothing is deleted unasked, and nothing of another person at all.
func TestSigningOutAsksAboutDrafts(t *testing.T) {
	t.Cleanup(func() { unsavedTexts = 0 })
	as(t, lms.Session{User: lms.User{ID: "u1", Name: "Ada"}})
	shell := func() string { return app.HTMLString(&Shell{Content: app.P()}) }
	withContext(t, func(ctx app.Context) {
		known.User.ID = "u10"
		keepDraft(ctx, draftKey("reply", "q1"), "of another person")
		known.User.ID = "u1"
		keepDraft(ctx, draftKey("work", "c1", "a1"), workDraft{Text: "First line.\nSecond line.", Version: 3})
		keepDraft(ctx, draftKey("note", "s1"), "An annotation.")
		keepDraft(ctx, draftKey("thread", "s1"), "x")
		keepDraft(ctx, draftKey("thread", "s1"), "") // taken back
		if got, want := draftKeys(ctx), []string{"draft/u1/note/s1", "draft/u1/work/c1/a1"}; !slices.Equal(got, want) {
			t.Errorf("keys %v, want %v", got, want)
		}
		if strings.Contains(shell(), "only on this device") {
			t.Error("it asks before anybody signs out")
		}
		signOut(ctx, app.Event{}) // the API is nil: a call would panic
		contains(t, shell(), "2 unsaved texts are only on this device", "Download them first", "Stay signed in", "Sign out and delete them")
		if len(draftKeys(ctx)) != 2 {
			t.Error("the question alone has deleted something")
		}
		const file = "note/s1:\nAn annotation.\n\nwork/c1/a1 text:\nFirst line.\nSecond line.\n\nwork/c1/a1 version: 3\n\n"
		if got := string(draftTexts(ctx)); got != file {
			t.Errorf("the file is %q, want %q", got, file)
		}
		dropDrafts(ctx)
		if n := len(draftKeys(ctx)); n != 0 {
			t.Errorf("%d texts are left", n)
		}
		known.User.ID = "u10"
		if got := draftKeys(ctx); len(got) != 1 {
			t.Errorf("of the other person %v is left", got)
		}
	})
}

// TestDraftsOutliveTheSession: who signs in again finds what was typed.
func TestDraftsOutliveTheSession(t *testing.T) {
	as(t, lms.Session{User: lms.User{ID: "u1"}})
	withContext(t, func(ctx app.Context) {
		keepDraft(ctx, draftKey("question", "c1"), api.QuestionInput{ID: "q1", Body: "Why?"})
		signedOut(ctx)
		known = lms.Session{}
		if n := len(draftKeys(ctx)); n != 0 {
			t.Errorf("without a session there are %d drafts", n)
		}
		known.User.ID = "u1"
		var in api.QuestionInput
		if !loadDraft(ctx, draftKey("question", "c1"), &in) || in.Body != "Why?" {
			t.Errorf("after the sign-in: %+v", in)
		}
	})
}
