package web

import (
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/tutor"
)

// gapDays is how far a report goes back when no first day is given.
const gapDays = 90

func (s *Server) getTutorGaps(ctx context.Context, actor lms.Actor, in api.GapInput) (lms.GapReport, error) {
	from, to, err := in.Days()
	if err != nil {
		return lms.GapReport{}, err
	}
	if to.IsZero() {
		to = s.now().UTC().Add(time.Minute)
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -gapDays)
	}
	turns, err := s.store.TutorTurns(ctx, actor, in.Course, from, to)
	if err != nil {
		return lms.GapReport{}, err
	}
	cut := len(turns) > store.MaxTurns
	if cut {
		turns = turns[:store.MaxTurns]
	}
	report := tutor.Gaps(turns)
	report.CourseID, report.From, report.To, report.Cut = in.Course, from, to, cut
	return report, nil
}

// exportTutorGaps writes the report as one table: a section, what is counted, and the counts.
func (s *Server) exportTutorGaps(q *request, in api.GapInput) error {
	report, err := s.getTutorGaps(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	if err := s.audit(q.ctx, lms.AuditExport, "course/"+in.Course, "what", "gaps"); err != nil {
		return err
	}
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Disposition", disposition("tutor-gaps-"+s.now().UTC().Format(time.DateOnly)+".csv", false))
	h.Set("Content-Type", "text/csv; charset=utf-8")
	w := csv.NewWriter(q.w)
	_ = w.Write([]string{"section", "what", "questions", "students", "no_passage", "helpful", "unhelpful"}) // Flush tells
	number := strconv.Itoa
	for _, section := range []struct {
		name   string
		groups []lms.GapGroup
	}{{"frequent", report.Frequent}, {"unanswered", report.Unanswered}, {"unhelpful", report.Unhelpful}} {
		for _, g := range section.groups {
			what := strings.Join(g.Words, " ")
			if what == "" {
				what = "other"
			}
			_ = w.Write([]string{section.name, cell(what), number(g.Count), number(g.Students), "", "", ""})
		}
	}
	for _, p := range report.Passages {
		_ = w.Write([]string{"passage", cell(p.Place), number(p.Count), number(p.Students), "", "", ""})
	}
	for _, section := range []struct {
		name  string
		items []lms.GapItem
	}{{"item", report.Items}, {"week", report.Weeks}} {
		for _, i := range section.items {
			what := i.Title
			if what == "" {
				what = "course"
			}
			_ = w.Write([]string{section.name, cell(what), number(i.Count), number(i.Students), number(i.NoPassage), number(i.Helpful), number(i.Unhelpful)})
		}
	}
	w.Flush()
	return w.Error()
}
