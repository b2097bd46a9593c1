package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

const bookElement = "book"

// attach listens to the grid's element, without go-app, which would draw the page anew on every key and every scrolled pixel.
func (p *gradebookPage) attach() {
	el := app.Window().GetElementByID(bookElement)
	if !el.Truthy() || el.Get("bookReady").Truthy() {
		return
	}
	el.Set("bookReady", true)
	p.drawn = window{toRow: -1}
	on := func(event string, f func(e app.Value)) {
		el.Call("addEventListener", event, app.FuncOf(func(_ app.Value, args []app.Value) any {
			f(args[0])
			return nil
		}))
	}
	on("scroll", func(app.Value) {
		if p.editing == nil {
			p.draw(false)
		}
	})
	on("keydown", p.onGridKey)
	on("dblclick", func(app.Value) { p.edit() })
	on("mousedown", func(e app.Value) { p.onGridClick(e) })
	on("focusout", func(e app.Value) {
		if p.editing != nil && e.Get("target").Get("id").String() == editField {
			p.commit(0, 0)
		}
	})
}

const editField = "book-edit"

// draw draws what is in sight; always also when it is what was drawn before.
func (p *gradebookPage) draw(always bool) {
	if app.IsServer {
		return
	}
	el := app.Window().GetElementByID(bookElement)
	if !el.Truthy() {
		return
	}
	style := el.Get("style") // by CSSOM: the policy of the page forbids style attributes
	style.Call("setProperty", "--rows", itoa(len(p.grid.rows)))
	style.Call("setProperty", "--cols", itoa(len(p.grid.cols)))
	w := p.grid.windowOf(el.Get("scrollLeft").Int(), el.Get("scrollTop").Int(), el.Get("clientWidth").Int(), el.Get("clientHeight").Int())
	if !always && w == p.drawn {
		return
	}
	p.drawn = w
	within := el.Call("contains", app.Window().Get("document").Get("activeElement")).Bool()
	style.Call("setProperty", "--from", itoa(w.fromRow))
	style.Call("setProperty", "--skip", itoa(w.fromCol))
	el.Set("innerHTML", p.grid.draw(w))
	if within && p.editing == nil {
		p.focusCell()
	}
}

// focusCell gives the keyboard to the cell that has the tab stop, or keeps it in the grid while that one is out of sight.
func (p *gradebookPage) focusCell() {
	cell := app.Window().GetElementByID(bookID(p.grid.row, p.grid.col))
	if !cell.Truthy() {
		cell = app.Window().GetElementByID(bookElement)
	}
	cell.Call("focus", map[string]any{"preventScroll": true})
}

// move moves the tab stop, scrolls it into sight and focuses it.
func (p *gradebookPage) move(row, col int) {
	g := &p.grid
	g.row, g.col = min(max(row, -1), len(g.rows)-1), min(max(col, -1), len(g.cols)-1)
	el := app.Window().GetElementByID(bookElement)
	top, left := el.Get("scrollTop").Int(), el.Get("scrollLeft").Int()
	height, width := el.Get("clientHeight").Int()-bookHeadHeight, el.Get("clientWidth").Int()-bookNameWidth
	if g.row >= 0 {
		top = min(max(top, (g.row+1)*bookRowHeight-height), g.row*bookRowHeight)
	}
	if g.col >= 0 {
		left = min(max(left, (g.col+1)*bookColWidth-width), g.col*bookColWidth)
	}
	el.Set("scrollTop", top)
	el.Set("scrollLeft", left)
	p.draw(true)
	p.focusCell()
	p.selectionChanged()
}

const bookHeadHeight = 52

func (p *gradebookPage) onGridClick(e app.Value) {
	cell := e.Get("target").Call("closest", "[data-at]")
	if !cell.Truthy() || e.Get("target").Get("id").String() == editField {
		return
	}
	row, col, _ := strings.Cut(cell.Get("dataset").Get("at").String(), " ")
	again := atoi(row) == p.grid.row && atoi(col) == p.grid.col
	if p.editing != nil {
		p.commit(0, 0)
	}
	e.Call("preventDefault") // the element is drawn anew: the browser would focus one that is gone
	p.move(atoi(row), atoi(col))
	if again || atoi(row) < 0 {
		p.activate()
	}
}

func atoi(s string) int {
	n, sign := 0, 1
	for i, c := range s {
		if i == 0 && c == '-' {
			sign = -1
			continue
		}
		n = n*10 + int(c-'0')
	}
	return n * sign
}

// activate is Enter or a second click: edit a mark, or open what there is about a header or a student.
func (p *gradebookPage) activate() {
	g := &p.grid
	switch {
	case g.row < 0 && g.col >= 0:
		p.dispatch(func(ctx app.Context) { p.openColumn(ctx) })
	case g.row < 0:
		p.dispatch(func(ctx app.Context) { p.sortBy(ctx, "name") })
	case g.col < 0:
		p.dispatch(func(ctx app.Context) { p.openStudent(ctx, g.book.Rows[g.rows[g.row]].UserID) })
	case g.cols[g.col].editable():
		p.edit()
	}
}

func (p *gradebookPage) onGridKey(e app.Value) {
	if p.editing != nil {
		p.onEditKey(e)
		return
	}
	if e.Get("altKey").Bool() || e.Get("metaKey").Bool() {
		return
	}
	g := &p.grid
	key, ctrl := e.Get("key").String(), e.Get("ctrlKey").Bool()
	row, col := g.row, g.col
	if !ctrl && g.takes(key) {
		p.typeOver()
		return
	}
	switch key {
	case "ArrowDown":
		row++
	case "ArrowUp":
		row--
	case "ArrowRight":
		col++
	case "ArrowLeft":
		col--
	case "PageDown":
		row += 15
	case "PageUp":
		row = max(row-15, min(row, 0))
	case "Home":
		col = -1
		if ctrl {
			row = 0
		}
	case "End":
		col = len(g.cols) - 1
		if ctrl {
			row = len(g.rows) - 1
		}
	case "Enter", "F2":
		e.Call("preventDefault")
		p.activate()
		return
	case " ", "i":
		e.Call("preventDefault")
		p.dispatch(func(ctx app.Context) { p.openSelected(ctx) })
		return
	case "Delete", "Backspace":
		e.Call("preventDefault")
		p.typeOver()
		return
	default:
		return
	}
	e.Call("preventDefault")
	p.move(row, col)
}

// typeOver begins an empty input. A key that is a character is not held back: the browser types it into the input that has the
// keyboard by then.
func (p *gradebookPage) typeOver() {
	p.edit()
	if p.editing != nil {
		app.Window().GetElementByID(editField).Set("value", "")
	}
}

func (p *gradebookPage) onEditKey(e app.Value) {
	switch e.Get("key").String() {
	case "Enter":
		e.Call("preventDefault")
		p.commit(cond(e.Get("shiftKey").Bool(), -1, 1), 0)
	case "Tab":
		e.Call("preventDefault")
		p.commit(0, cond(e.Get("shiftKey").Bool(), -1, 1))
	case "Escape":
		e.Call("preventDefault")
		p.editing = nil
		p.draw(true)
		p.focusCell()
	}
}

// edit puts an input into the cell, with the mark or with what was refused.
func (p *gradebookPage) edit() {
	g := &p.grid
	if g.row < 0 || g.col < 0 || g.row >= len(g.rows) || !g.cols[g.col].editable() || p.editing != nil || p.readOnly() {
		return
	}
	row, col := &g.book.Rows[g.rows[g.row]], g.cols[g.col]
	key := cellKey(row.UserID, col.id)
	if _, busy := g.saving[key]; busy {
		return
	}
	cell := app.Window().GetElementByID(bookID(g.row, g.col))
	if !cell.Truthy() {
		return
	}
	was := g.cell(row, col)
	p.editing = &editing{user: row.UserID, column: col.id, was: g.shown(col, was.Mark), exact: was.Mark.Exact(), version: was.Version}
	cell.Set("innerHTML", `<input id="`+editField+`" class="bc-in" inputmode="`+cond(kindNote(g.column(col).GradeType) == "", "decimal", "text")+`" autocomplete="off" aria-describedby="book-help">`)
	in := app.Window().GetElementByID(editField)
	in.Call("setAttribute", "aria-label", "Mark of "+row.Name+" in "+col.title)
	in.Set("value", cond(g.bad[key] != "", g.bad[key], p.editing.was))
	in.Call("focus", map[string]any{"preventScroll": true})
	in.Call("select")
}

// commit takes what was typed and moves on.
func (p *gradebookPage) commit(down, right int) {
	ed := p.editing
	if ed == nil {
		return
	}
	text := strings.TrimSpace(app.Window().GetElementByID(editField).Get("value").String())
	p.editing = nil
	key := cellKey(ed.user, ed.column)
	delete(p.grid.bad, key)
	if text != ed.was {
		p.grid.saving[key] = text
		p.dispatch(func(ctx app.Context) { p.save(ctx, *ed, text, false) })
	}
	if down == 0 && right == 0 {
		p.draw(true)
		return
	}
	p.move(max(p.grid.row+down, 0), max(p.grid.col+right, 0))
}

// dispatch runs f on the UI goroutine.
func (p *gradebookPage) dispatch(f func(app.Context)) {
	if p.ctx != nil {
		p.ctx.Dispatch(f)
	}
}

// selectionChanged shows what the new cell holds once the keyboard rests: drawing the page for every key would lag behind.
func (p *gradebookPage) selectionChanged() {
	if p.rested == nil {
		p.rested = app.FuncOf(func(app.Value, []app.Value) any {
			p.dispatch(func(app.Context) {})
			return nil
		})
	}
	if p.timer != nil {
		app.Window().Call("clearTimeout", p.timer)
	}
	p.timer = app.Window().Call("setTimeout", p.rested, 150)
}
