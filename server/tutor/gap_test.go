package tutor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
)

// The report groups by words, merges what fewer than three students share, and shows nothing that one student wrote (TUTOR-26).
func TestGaps(t *testing.T) {
	at := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	cite := []lms.Citation{{N: 1, MaterialID: "m-1", Ordinal: 2, Title: "Notes", Page: 3}}
	rare := []lms.Citation{{N: 1, MaterialID: "m-2", Ordinal: 1, Title: "Handout"}}
	var turns []lms.TutorTurn
	for i, text := range []string{"What is a leader election?", "leader elections, how?", "Explain the election of a leader (I am Zacharias)"} {
		turns = append(turns, lms.TutorTurn{StudentID: fmt.Sprint("s", i), At: at, Text: text, ItemID: "m-1", ItemTitle: "Notes", Citations: cite, Rated: true, Helpful: i == 0})
	}
	turns = append(turns, lms.TutorTurn{StudentID: "s0", At: at.AddDate(0, 0, 7), Text: "My cousin's divorce lawyer", NoPassage: true, Citations: rare},
		lms.TutorTurn{StudentID: "s1", At: at, Text: "", Citations: rare}, // erased
		lms.TutorTurn{StudentID: "s1", At: at, Text: "thanks"})
	r := Gaps(turns)
	if r.Asked != 6 || r.Students != 3 {
		t.Errorf("%+v", r)
	}
	if len(r.Frequent) != 2 || r.Frequent[0].Count != 3 || r.Frequent[0].Students != 3 || fmt.Sprint(r.Frequent[0].Words) != "[leader]" && fmt.Sprint(r.Frequent[0].Words) != "[leader election]" {
		t.Errorf("frequent: %+v", r.Frequent)
	}
	if len(r.Unanswered) != 1 || len(r.Unanswered[0].Words) != 0 || r.Unanswered[0].Count != 1 {
		t.Errorf("unanswered: %+v", r.Unanswered)
	}
	if len(r.Unhelpful) != 1 || len(r.Unhelpful[0].Words) != 0 || r.Unhelpful[0].Count != 2 {
		t.Errorf("two students are not merged: %+v", r.Unhelpful)
	}
	if len(r.Passages) != 2 || r.Passages[0].MaterialID != "m-1" || r.Passages[0].Place != "Notes, page 3" || r.Passages[1].Place != "other" || r.Passages[1].MaterialID != "" {
		t.Errorf("passages: %+v", r.Passages)
	}
	if len(r.Items) != 2 || r.Items[0].ID != "m-1" || r.Items[0].Helpful != 1 || r.Items[0].Unhelpful != 2 || r.Items[1].ID != "" {
		t.Errorf("items: %+v", r.Items)
	}
	if len(r.Weeks) != 2 || r.Weeks[0].Title != "2026-W47" || r.Weeks[0].Count != 5 || r.Weeks[1].Title != "other" {
		t.Errorf("weeks: %+v", r.Weeks)
	}
	text := fmt.Sprintf("%+v", r)
	for _, private := range []string{"acharias", "divorce", "lawyer", "Handout"} {
		if strings.Contains(text, private) {
			t.Errorf("the report tells %q of one student: %s", private, text)
		}
	}
}
