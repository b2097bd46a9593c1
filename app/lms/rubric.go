package lms

import (
	"slices"
	"strings"
	"time"
)

// Limits of a rubric.
const (
	MaxCriteria = 50
	MaxLevels   = 20
	MaxRemark   = 10_000 // bytes of a description or a comment in a rubric
)

// Rubric is a table of criteria and levels that a course marks by (RUBRIC-1). Its version counts the changes: work that
// was graded keeps the version it was graded with.
type Rubric struct {
	ID         string      `json:"id"`
	CourseID   string      `json:"courseId"`
	Title      string      `json:"title"`
	FreePoints bool        `json:"freePoints,omitempty"` // points may be typed as well as chosen
	Criteria   []Criterion `json:"criteria"`
	Uses       int         `json:"uses,omitempty"`   // assignments; staff only
	Graded     int         `json:"graded,omitempty"` // works that were graded with any version; staff only
	UpdatedAt  time.Time   `json:"updatedAt,omitzero"`
	ArchivedAt time.Time   `json:"archivedAt,omitzero"`
	Version    int64       `json:"version"`
}

// Criterion is one row of a rubric.
type Criterion struct {
	ID          string           `json:"id"`
	Title       string           `json:"title"`
	Description string           `json:"description,omitempty"`
	Points      Points           `json:"points"` // possible ones
	Levels      []CriterionLevel `json:"levels,omitempty"`
}

// CriterionLevel is one cell of a criterion.
type CriterionLevel struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Points      Points `json:"points"`
}

// Marks is a rubric as it was filled in for one work.
type Marks struct {
	RubricID string          `json:"rubricId"`
	Version  int64           `json:"version"` // of the rubric
	Criteria []CriterionMark `json:"criteria"`
}

// CriterionMark is what one criterion got.
type CriterionMark struct {
	Criterion string  `json:"criterion"`
	Level     string  `json:"level,omitempty"`
	Points    *Points `json:"points,omitempty"` // nil: not judged yet
	Comment   string  `json:"comment,omitempty"`
}

// Possible is the sum of the criteria.
func (r Rubric) Possible() Points {
	var sum Points
	for _, c := range r.Criteria {
		sum += c.Points
	}
	return sum
}

// Validate checks what a person typed.
func (r Rubric) Validate() error {
	if err := first(checkID("id", r.ID), checkTitle("title", r.Title)); err != nil {
		return err
	}
	if len(r.Criteria) == 0 || len(r.Criteria) > MaxCriteria {
		return FieldErrorf(KindRule, "criteria", "A rubric has 1 to %d criteria.", MaxCriteria)
	}
	seen := map[string]bool{}
	for _, c := range r.Criteria {
		if seen[c.ID] {
			return FieldErrorf(KindInvalid, "criteria", "Two criteria have the same id.")
		}
		seen[c.ID] = true
		if err := c.validate(r.FreePoints); err != nil {
			return err
		}
	}
	return nil
}

func (c Criterion) validate(free bool) error {
	if err := first(checkID("criteria", c.ID), checkTitle("criteria", c.Title), checkRemark("criteria", c.Description)); err != nil {
		return err
	}
	switch {
	case c.Points < 0 || c.Points > MaxPoints:
		return FieldErrorf(KindRule, "criteria", "%s: points lie between 0 and %s.", c.Title, MaxPoints)
	case len(c.Levels) > MaxLevels:
		return FieldErrorf(KindRule, "criteria", "%s has %d levels; at most %d are possible.", c.Title, len(c.Levels), MaxLevels)
	case len(c.Levels) == 0 && !free:
		return FieldErrorf(KindRule, "criteria", "%s has no level. Add one, or allow free points.", c.Title)
	}
	seen := map[string]bool{}
	for _, l := range c.Levels {
		if err := first(checkID("criteria", l.ID), checkTitle("criteria", l.Title), checkRemark("criteria", l.Description)); err != nil {
			return err
		}
		if seen[l.ID] {
			return FieldErrorf(KindInvalid, "criteria", "Two levels of %s have the same id.", c.Title)
		}
		seen[l.ID] = true
		if l.Points < 0 || l.Points > c.Points {
			return FieldErrorf(KindRule, "criteria", "%s, %s: the points of a level lie between 0 and the %s of its criterion.", c.Title, l.Title, c.Points)
		}
	}
	return nil
}

func checkRemark(field, s string) error {
	if len(s) > MaxRemark {
		return FieldErrorf(KindRule, field, "At most %d bytes of text; this has %d.", MaxRemark, len(s))
	}
	return checkBody(field, s)
}

// Validate checks marks apart from their rubric.
func (m Marks) Validate() error {
	if len(m.Criteria) > MaxCriteria {
		return FieldErrorf(KindRule, "marks", "A rubric has at most %d criteria.", MaxCriteria)
	}
	for _, c := range m.Criteria {
		if err := first(checkID("marks", c.Criterion), checkRemark("marks", c.Comment)); err != nil {
			return err
		}
	}
	return checkID("marks", m.RubricID)
}

// Check refuses marks that do not belong to the rubric.
func (r Rubric) Check(m Marks) error {
	seen := map[string]bool{}
	for _, mark := range m.Criteria {
		c, ok := r.Criterion(mark.Criterion)
		switch {
		case !ok:
			return FieldErrorf(KindRule, "marks", "The rubric has no such criterion. Reload the page.")
		case seen[mark.Criterion]:
			return FieldErrorf(KindRule, "marks", "%s is marked twice.", c.Title)
		}
		seen[mark.Criterion] = true
		if err := c.check(mark, r.FreePoints); err != nil {
			return err
		}
	}
	return nil
}

func (c Criterion) check(m CriterionMark, free bool) error {
	if m.Level != "" {
		l, ok := c.Level(m.Level)
		switch {
		case !ok:
			return FieldErrorf(KindRule, "marks", "%s has no such level. Reload the page.", c.Title)
		case m.Points == nil || *m.Points != l.Points && !free:
			return FieldErrorf(KindRule, "marks", "%s: %s gives %s points.", c.Title, l.Title, l.Points)
		}
	}
	switch {
	case m.Points == nil:
		return nil
	case *m.Points < 0 || *m.Points > c.Points:
		return FieldErrorf(KindRule, "marks", "%s: points lie between 0 and %s.", c.Title, c.Points)
	case m.Level == "" && !free:
		return FieldErrorf(KindRule, "marks", "%s: choose a level; this rubric has no free points.", c.Title)
	}
	return nil
}

// Criterion returns the criterion with the id.
func (r Rubric) Criterion(id string) (Criterion, bool) {
	i := slices.IndexFunc(r.Criteria, func(c Criterion) bool { return c.ID == id })
	if i < 0 {
		return Criterion{}, false
	}
	return r.Criteria[i], true
}

// Level returns the level with the id.
func (c Criterion) Level(id string) (CriterionLevel, bool) {
	i := slices.IndexFunc(c.Levels, func(l CriterionLevel) bool { return l.ID == id })
	if i < 0 {
		return CriterionLevel{}, false
	}
	return c.Levels[i], true
}

// Mark returns what the criterion got.
func (m *Marks) Mark(criterion string) CriterionMark {
	if m != nil {
		for _, c := range m.Criteria {
			if c.Criterion == criterion {
				return c
			}
		}
	}
	return CriterionMark{Criterion: criterion}
}

// With returns the marks with one criterion marked anew. A mark that says nothing is left out.
func (m Marks) With(mark CriterionMark) Marks {
	m.Criteria = slices.DeleteFunc(slices.Clone(m.Criteria), func(c CriterionMark) bool { return c.Criterion == mark.Criterion })
	if mark.Points != nil || mark.Level != "" || strings.TrimSpace(mark.Comment) != "" {
		m.Criteria = append(m.Criteria, mark)
	}
	return m
}

// Total is the sum of the marks; complete tells whether every criterion of the rubric has points.
func (r Rubric) Total(m Marks) (sum Points, complete bool) {
	complete = true
	for _, c := range r.Criteria {
		mark := m.Mark(c.ID)
		if mark.Points == nil {
			complete = false
			continue
		}
		sum += *mark.Points
	}
	return sum, complete
}

// Apply carries marks over to this version of the rubric: comments and levels stay where the criterion and the level still
// exist, with the points that the level now gives; the rest has to be judged anew.
func (r Rubric) Apply(m Marks) Marks {
	out := Marks{RubricID: r.ID, Version: r.Version}
	for _, old := range m.Criteria {
		c, ok := r.Criterion(old.Criterion)
		if !ok {
			continue
		}
		next := CriterionMark{Criterion: c.ID, Comment: old.Comment}
		if l, ok := c.Level(old.Level); ok {
			next.Level, next.Points = l.ID, &l.Points
		} else if old.Level == "" && old.Points != nil && r.FreePoints && *old.Points <= c.Points {
			next.Points = old.Points
		}
		out = out.With(next)
	}
	return out
}
