package lms

import (
	"encoding/json"
	"testing"
)

func FuzzPoints(f *testing.F) {
	for _, s := range []string{"87.5", "87,5", " 0.01 ", "1000000", "-1", "1e3", ".5", "1_000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePoints(s)
		if err != nil {
			return
		}
		if p < 0 || p > MaxPoints {
			t.Fatalf("%q: %d", s, p)
		}
		if again, err := ParsePoints(p.String()); err != nil || again != p {
			t.Fatalf("%q: %s, then %s, %v", s, p, again, err)
		}
		text, err := json.Marshal(p)
		var back Points
		if err != nil || json.Unmarshal(text, &back) != nil || back != p {
			t.Fatalf("%q: %s", s, text)
		}
	})
}

// Objects come from clients as JSON: what Validate accepts survives the way there and back.
func FuzzObjects(f *testing.F) {
	f.Add(`{"id":"a1","title":"t","name":"n","points":"10","size":0,"chunks":[]}`)
	f.Add(`{"late":{"rate":"10 %","interval":"hour"},"dueAt":"2026-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var a Assignment
		if json.Unmarshal([]byte(text), &a) == nil && a.Validate() == nil {
			if _, err := json.Marshal(a); err != nil {
				t.Fatal(err)
			}
		}
		var c Course
		if json.Unmarshal([]byte(text), &c) == nil {
			c.Validate()
		}
		var m Material
		if json.Unmarshal([]byte(text), &m) == nil {
			m.Validate()
		}
		var file File
		if json.Unmarshal([]byte(text), &file) == nil && file.Validate() == nil && (file.Size < 0 || file.Name == "") {
			t.Fatalf("accepted: %+v", file)
		}
		var q Question
		if json.Unmarshal([]byte(text), &q) == nil {
			q.Validate()
		}
	})
}
