package ui

import (
	"syscall/js"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
)

// pickedFiles takes the files out of a file input, which is empty afterwards, so that the same file can be chosen again.
func pickedFiles(id string) []api.Blob {
	in := js.Global().Get("document").Call("getElementById", id)
	if !in.Truthy() {
		return nil
	}
	list := in.Get("files")
	var blobs []api.Blob
	for i := range list.Get("length").Int() {
		blobs = append(blobs, api.NewFileBlob(list.Index(i)))
	}
	in.Set("value", "")
	return blobs
}

// filesIn are the files that a person pastes ("clipboardData") or drops ("dataTransfer").
func filesIn(e app.Event, from string) []api.Blob {
	app.Window().Set("pastedFiles", e.Get(from).Get("files")) // the way from go-app's values to those of api
	list := js.Global().Get("pastedFiles")
	js.Global().Delete("pastedFiles")
	var blobs []api.Blob
	for i := range list.Get("length").Int() {
		blobs = append(blobs, api.NewFileBlob(list.Index(i)))
	}
	return blobs
}

var beforeUnload = js.FuncOf(func(_ js.Value, args []js.Value) any {
	args[0].Call("preventDefault")
	return nil
})

// warnBeforeLeaving makes the browser ask before the page is closed or reloaded.
func warnBeforeLeaving(on bool) {
	if on {
		js.Global().Call("addEventListener", "beforeunload", beforeUnload)
		return
	}
	js.Global().Call("removeEventListener", "beforeunload", beforeUnload)
}

// saveBytes offers bytes as a download.
func saveBytes(name, mediaType string, data []byte) {
	a := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(a, data)
	blob := js.Global().Get("Blob").New([]any{a}, map[string]any{"type": mediaType})
	url := js.Global().Get("URL").Call("createObjectURL", blob)
	link := js.Global().Get("document").Call("createElement", "a")
	link.Set("href", url)
	link.Set("download", name)
	link.Call("click")
	js.Global().Call("setTimeout", js.FuncOf(func(js.Value, []js.Value) any {
		js.Global().Get("URL").Call("revokeObjectURL", url)
		return nil
	}), 60000)
}

// onKeys calls f on the UI goroutine for each key that is pressed outside of an input, until stop is called.
func onKeys(ctx app.Context, f func(ctx app.Context, key string)) (stop func()) {
	h := js.FuncOf(func(_ js.Value, args []js.Value) any {
		e := args[0]
		if e.Get("key").String() == "Escape" && typing(e.Get("target")) && !e.Get("isComposing").Bool() {
			leaveField(e.Get("target")) // so that a person without a pointer gets back to the shortcuts
			return nil
		}
		if e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool() || e.Get("altKey").Bool() || typing(e.Get("target")) ||
			js.Global().Get("document").Call("querySelector", "dialog[open]").Truthy() {
			return nil
		}
		key := e.Get("key").String()
		if len(key) == 1 && shortcutKeys[key] {
			e.Call("preventDefault") // else the letter lands in the field that the shortcut focuses
		}
		ctx.Dispatch(func(ctx app.Context) { f(ctx, key) })
		return nil
	})
	doc := js.Global().Get("document")
	doc.Call("addEventListener", "keydown", h)
	return func() {
		doc.Call("removeEventListener", "keydown", h)
		h.Release()
	}
}

func typing(target js.Value) bool {
	if !target.Truthy() || target.Get("tagName").Type() != js.TypeString {
		return false
	}
	switch target.Get("tagName").String() {
	case "INPUT":
		switch target.Get("type").String() {
		case "radio", "checkbox", "file", "button", "submit":
			return false
		}
		return true
	case "TEXTAREA", "SELECT":
		return true
	}
	return target.Get("isContentEditable").Truthy()
}

// revealHeading marks and returns to view the first heading inside an element whose text is the given one.
func revealHeading(within, heading string) bool {
	root := js.Global().Get("document").Call("getElementById", within)
	if !root.Truthy() || heading == "" {
		return false
	}
	list := root.Call("querySelectorAll", "h1,h2,h3,h4,h5,h6")
	for i := range list.Get("length").Int() {
		h := list.Index(i)
		if trimSpace(h.Get("textContent").String()) == trimSpace(heading) {
			h.Get("classList").Call("add", "cited-heading")
			return true
		}
	}
	return false
}
