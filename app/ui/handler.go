//go:build !js

package ui

import (
	"strconv"
	"sync"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

var register sync.Once

// NewHandler registers the pages and returns go-app's handler for them. The resolver maps "/web/app.css" to the name under
// which it is served; it must not be an http.Handler as well, because go-app would then fetch from the Host of the
// request. The version must be equal on all nodes; wasmSize is the uncompressed size of the browser's program. A resolver
// with a method Worker() string names the template of the service worker.
func NewHandler(resolver app.ResourceResolver, version string, wasmSize int) *app.Handler {
	register.Do(Routes)
	worker := ""
	if w, ok := resolver.(interface{ Worker() string }); ok {
		worker = w.Worker()
	}
	return &app.Handler{
		Name:            "Trivium",
		ShortName:       "Trivium",
		Title:           "Trivium",
		Description:     "Courses, assignments and questions that keep working when a machine dies.",
		Lang:            "en",
		LoadingLabel:    "Loading {progress}%",
		BackgroundColor: "#14161d",
		ThemeColor:      "#3d4ed1",
		Image:           "/web/icon-512.png",
		Icon: app.Icon{
			Default:  "/web/icon-192.png",
			Large:    "/web/icon-512.png",
			SVG:      "/web/icon.svg",
			Maskable: "/web/icon-maskable.png",
		},
		Styles:                []string{"/web/app.css", "/web/icons.css", "/web/course.css", "/web/pages.css"},
		CacheableResources:    []string{"/web/icon.svg"},
		Resources:             resolver,
		Version:               version,
		WasmContentLength:     strconv.Itoa(wasmSize),
		ServiceWorkerTemplate: worker,
		RawHeaders:            []string{`<meta name="color-scheme" content="light dark">`},
	}
}
