package tutor

import (
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestOutline(t *testing.T) {
	m := lms.Material{ID: "m-1", Title: "Notes"}
	text := Outline("c-1", m, []lms.Passage{
		{MaterialID: "m-1", Ordinal: 1, Heading: "Notes › Elections", Page: 1, Text: "A leader is elected. Elections need a quorum."},
		{MaterialID: "m-1", Ordinal: 2, Heading: "Notes › Elections", Page: 2, Text: "The quorum of the leader."},
		{MaterialID: "m-1", Ordinal: 3, Heading: "Notes › Elections › [x](http://evil.example)", Text: "Once."}})
	for _, part := range []string{"- [Elections](/courses/c-1/materials/m-1#p1), page 1\n", "- [quorum](/courses/c-1/materials/m-1#p1) (2 times)", "[leader]", `  - [\[x\](http://evil.example)](/courses/c-1/materials/m-1#p3)`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	if strings.Count(text, "[Elections]") != 1 || strings.Contains(text, "[once]") {
		t.Errorf("%s", text)
	}
}
