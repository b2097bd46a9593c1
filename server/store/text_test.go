package store_test

import (
	"testing"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

// Whatever people type comes back as it was, also where a row is carried as JSON (GEN-5).
func TestTextIsKept(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	for name, text := range map[string]string{
		"sql":     `'; DROP TABLE users; -- " %s ?1 :x @y`,
		"html":    `<script>alert("x")</script> & &amp; </json>`,
		"unicode": "Ünïcödé 漢字 😀 \u202eRTL\u202c עברית e\u0301 \u2028",
		"json":    `{"a": [1, "\u0000", "\\"]} \ / \n`,
		"lines":   "one\r\ntwo\tthree\n\n",
		"formula": `=HYPERLINK("http://x") $x^2$ ../../etc/passwd`,
	} {
		t.Run(name, func(t *testing.T) {
			id := "x-" + name
			a, err := s.CreateAssignment(ctx, s.Instructor, lms.Assignment{ID: id, CourseID: s.Course.ID, Title: text, Description: text, AllowText: true, Points: 1, Published: true}, nil)
			want(t, err, nil)
			sub := s.HandIn(t, s.Alice, id, id, text)
			g, err := s.SaveGrade(ctx, s.TA, s.Course.ID, id, 1, text, 0, false)
			want(t, err, nil)
			m, err := s.CreateMaterial(ctx, s.TA, lms.Material{ID: id, CourseID: s.Course.ID, Title: text, Kind: lms.MaterialPage, Body: text, Published: true})
			want(t, err, nil)
			want(t, s.ReplacePassages(ctx, m, []lms.Passage{{Ordinal: 1, Heading: text, Text: text}}, lms.IndexReady, text), nil)
			p, err := s.Passages(ctx, s.Alice, s.Course.ID, id)
			want(t, err, nil)
			_, err = s.Ask(ctx, s.Alice, lms.Question{ID: id, CourseID: s.Course.ID, To: lms.ToStaff, Title: text, Body: text, Visibility: lms.VisibleStaff}, "")
			want(t, err, nil)
			q, err := s.AddReply(ctx, s.TA, s.Course.ID, id, lms.Reply{ID: id, Body: text}, "")
			want(t, err, nil)
			for field, got := range map[string]string{"assignment": a.Description, "submission": sub.Text, "feedback": g.Feedback, "page": m.Body,
				"heading": p[0].Heading, "passage": p[0].Text, "passage's title": p[0].Title, "question": q.Body, "reply": q.Replies[0].Body} {
				if got != text {
					t.Errorf("%s: got %q, want %q", field, got, text)
				}
			}
		})
	}
}
