package lms

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMovesKeepEverything(t *testing.T) {
	item := func(id string) ModuleItem { return ModuleItem{ID: id, Kind: ItemMaterial} }
	header := ModuleItem{ID: "h", Kind: ItemHeader}
	o := Outline{Modules: []Module{{ID: "m1", Items: []ModuleItem{item("a"), item("b"), header}}, {ID: "m2"}}, Loose: []ModuleItem{item("c")}}
	draw := func(o Outline) string {
		modules, loose := o.Order()
		var parts []string
		for _, m := range modules {
			parts = append(parts, m.ID+":"+strings.Join(m.Items, ","))
		}
		return strings.Join(append(parts, strings.Join(loose, ",")), " ")
	}
	before := draw(o)
	for _, tt := range []struct {
		name string
		got  Outline
		want string
	}{
		{"up", o.MoveItem("b", "m1", 0), "m1:b,a,h m2: c"},
		{"down", o.MoveItem("a", "m1", 1), "m1:b,a,h m2: c"},
		{"to another module", o.MoveItem("a", "m2", 9), "m1:b,h m2:a c"},
		{"out of the modules", o.MoveItem("b", "", 0), "m1:a,h m2: b,c"},
		{"into a module", o.MoveItem("c", "m1", 1), "m1:a,c,b,h m2: "},
		{"a header belongs to a module", o.MoveItem("h", "", 0), before},
		{"to a module that is gone", o.MoveItem("a", "m9", 0), before},
		{"what is gone", o.MoveItem("x", "m1", 0), before},
		{"module down", o.MoveModule("m1", 1), "m2: m1:a,b,h c"},
		{"module up at the top", o.MoveModule("m1", -1), before},
	} {
		if got := draw(tt.got); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if draw(o) != before || !reflect.DeepEqual(o.Modules[0].Items[0], item("a")) {
		t.Error("a move changed the outline that it began from")
	}
}

func TestLinksAreWebPages(t *testing.T) {
	for link, ok := range map[string]bool{"https://example.edu/a?b#c": true, "http://10.0.0.1:8080": true, "javascript:alert(1)": false, "example.edu": false,
		"https://": false, "https://user:secret@example.edu": false, "data:text/html,x": false, "": false, "https://e.edu/" + strings.Repeat("a", 2000): false} {
		if err := CheckLink("url", link); (err == nil) != ok {
			t.Errorf("%.40q: %v", link, err)
		}
	}
}

func TestReleasedAtTheMoment(t *testing.T) {
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	if !OpenAt(true, now, now) || !OpenAt(true, time.Time{}, now) || OpenAt(true, now.Add(time.Millisecond), now) || OpenAt(false, time.Time{}, now) {
		t.Error("open exactly from the release on, and only when published")
	}
}
