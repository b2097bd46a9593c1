//go:build !js

package ui

import (
	"time"

	"trivium/app/lms"
)

// What the plain pages of package web say in the same words as the program.

// WorkBadge says in a word or two where a student stands.
func WorkBadge(a lms.Assignment, now time.Time) (label, tone string) { return workBadge(a, now) }

// Worth says what an assignment counts.
func Worth(a lms.Assignment) string { return worth(a) }

// LateText says by how much work is late.
func LateText(seconds int64) string { return lateText(seconds) }

// FilesHelp says which files an assignment takes.
func FilesHelp(a lms.Assignment) string { return filesHelp(a) }

// ScoreText is the number that counts, once a grade is posted; "" before.
func ScoreText(a lms.Assignment, s lms.Submission) string {
	if s.Score == nil || s.Grade == nil || s.Grade.PostedAt.IsZero() {
		return ""
	}
	return scoreText(*s.Score, a.Points, a.GradeType) + madeOf(s.Score, s.Score.Raw)
}

// LateCostText says what handing in late costs at this moment.
func LateCostText(a lms.Assignment, c lms.LateCost) string { return lateCostText(a, c) }
