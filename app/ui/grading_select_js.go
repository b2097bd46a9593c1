package ui

import (
	"unicode/utf16"

	"syscall/js"
)

// selectedText is what the person has marked in a text of the work: the text's file ("" for the text that was handed in), and the
// range in UTF-16 units.
func selectedText() (file string, start, end int, quote string, ok bool) {
	sel := js.Global().Call("getSelection")
	if !sel.Truthy() || sel.Get("rangeCount").Int() == 0 || sel.Get("isCollapsed").Bool() {
		return
	}
	r := sel.Call("getRangeAt", 0)
	in := r.Get("commonAncestorContainer")
	if in.Get("nodeType").Int() != 1 {
		in = in.Get("parentElement")
	}
	root := js.Null()
	if in.Truthy() {
		root = in.Call("closest", "[data-work]")
	}
	if !root.Truthy() {
		return
	}
	before := js.Global().Get("document").Call("createRange")
	before.Call("selectNodeContents", root)
	before.Call("setEnd", r.Get("startContainer"), r.Get("startOffset"))
	quote = r.Call("toString").String()
	start = before.Call("toString").Get("length").Int()
	return root.Get("dataset").Get("work").String(), start, start + len(utf16.Encode([]rune(quote))), quote, quote != ""
}

// reveal scrolls to an element and lights it up for a moment.
func reveal(id string) {
	el := js.Global().Get("document").Call("getElementById", id)
	if !el.Truthy() {
		return
	}
	el.Call("scrollIntoView", map[string]any{"block": "center"})
	el.Get("classList").Call("remove", "lit")
	el.Get("offsetWidth") // so that the animation begins anew
	el.Get("classList").Call("add", "lit")
}

// leaveField gives the keyboard back to the page.
func leaveField(target js.Value) {
	if target.Truthy() {
		target.Call("blur")
	}
}
