package tutor

import (
	"context"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
)

// What staff have endorsed is cited first when the same is asked again, in other words too, and does not get into the way of other
// questions (TUTOR-27).
func TestAcceptance20EndorsedIsFoundFirst(t *testing.T) {
	site := demoSite(t)
	tu := newTutor(t, site, "n1", "")
	ctx := t.Context()
	ask := func(question string, sources ...string) retrieval {
		t.Helper()
		found, err := tu.retrieve(ctx, conversation{question: question}, site.Bob, site.Course, sources)
		if err != nil || len(found.passages) == 0 {
			t.Fatalf("%s: %+v %v", question, found, err)
		}
		return found
	}
	const question = "Why does a cluster need an odd number of nodes?"
	if p := ask(question).passages[0]; p.Endorsed != "" {
		t.Fatalf("found before it exists: %+v", p)
	}
	q, err := site.Ask(ctx, site.Alice, lms.Question{ID: "q-1", CourseID: site.Course.ID, To: lms.ToTutor, Title: question, Visibility: lms.VisibleStaff}, "r-1")
	if err != nil {
		t.Fatal(err)
	}
	if claimed, err := site.ClaimReply(ctx, "r-1", "n1", time.Minute); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	if err := site.FinishReply(ctx, "n1", lms.Reply{ID: "r-1", State: lms.ReplyDone, Body: "Because of luck."}, lms.ReplyRecord{}); err != nil {
		t.Fatal(err)
	}
	const corrected = "An even number tolerates no more failures than one node less, so the extra node buys nothing."
	endorse := lms.Endorsement{CourseID: site.Course.ID, QuestionID: q.ID, ReplyID: "r-1", Body: corrected}
	if _, err := site.Endorse(ctx, site.Instructor, endorse); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{question, "odd number of nodes why", "why must the number of nodes be odd"} {
		for _, sources := range [][]string{nil, {"m-a"}} {
			found := ask(again, sources...)
			if p := found.passages[0]; p.Endorsed != "r-1" || p.Text != corrected || !found.relevant {
				t.Errorf("%s (sources %v): %+v is first, relevant %v", again, sources, p, found.relevant)
			}
		}
	}
	found := ask("What is a leader lease?")
	for _, p := range found.passages {
		if p.Endorsed != "" {
			t.Errorf("an endorsed answer to something else is among the passages: %+v", p)
		}
	}
	cites := citationsOf(ask(question).passages)
	if c := cites[0]; c.N != 1 || c.Endorsed != "r-1" || c.Title != "Endorsed answer" || c.Heading != question || !strings.HasPrefix(c.Quote, "An even number") {
		t.Errorf("%+v", c)
	}
	if _, err := site.Withdraw(context.Background(), site.TA, site.Course.ID, "q-1", "r-1"); err != nil {
		t.Fatal(err)
	}
	if p := ask(question).passages[0]; p.Endorsed != "" {
		t.Errorf("withdrawn, but found: %+v", p)
	}
}
