package ui

import (
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// What a person has typed is kept on this device until a node has acknowledged it, or the person signs out. The keys name
// the user, so that two people who share a browser do not see each other's texts.

func draftKey(parts ...string) string {
	return "draft/" + Me().ID + "/" + strings.Join(parts, "/")
}

// keepDraft stores v. It reports false when the browser has no room for it. An emptied field is nothing to keep.
func keepDraft(ctx app.Context, key string, v any) bool {
	if v == "" {
		dropDraft(ctx, key)
		return true
	}
	return ctx.LocalStorage().Set(key, v) == nil
}

// loadDraft reads what keepDraft stored into v and reports whether there was anything.
func loadDraft(ctx app.Context, key string, v any) bool {
	return ctx.LocalStorage().Contains(key) && ctx.LocalStorage().Get(key, v) == nil
}

func dropDraft(ctx app.Context, key string) { ctx.LocalStorage().Del(key) }

func itoa(n int) string { return strconv.Itoa(n) }

func trimSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// plural writes "1 file", "2 files".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + one + "s"
}
