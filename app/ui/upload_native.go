//go:build !js

package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
)

// On the node there is no page: nothing is picked, pressed or downloaded.

func pickedFiles(string) []api.Blob { return nil }

func filesIn(app.Event, string) []api.Blob { return nil }

func warnBeforeLeaving(bool) {}

func saveBytes(_, _ string, _ []byte) {}

func onKeys(app.Context, func(app.Context, string)) (stop func()) { return func() {} }

func revealHeading(_, _ string) bool { return false }
