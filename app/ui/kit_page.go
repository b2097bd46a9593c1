package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// Param returns the segment of the page's path that follows the named one: in /courses/c1/assignments/a1 Param(ctx,
// "assignments") is "a1". It is "" when there is none.
func Param(ctx app.Context, after string) string { return paramOf(ctx.Page().URL().Path, after) }

func paramOf(path, after string) string {
	parts := strings.Split(path, "/")
	for i := 1; i+1 < len(parts); i++ {
		if parts[i] == after {
			return parts[i+1]
		}
	}
	return ""
}

// CourseParam is Param(ctx, "courses").
func CourseParam(ctx app.Context) string { return Param(ctx, "courses") }

// Query returns a query parameter of the page.
func Query(ctx app.Context, name string) string { return ctx.Page().URL().Query().Get(name) }

// CoursePath makes a path below a course: CoursePath(id, "assignments", a.ID).
func CoursePath(course string, parts ...string) string {
	return strings.Join(append([]string{"/courses", course}, parts...), "/")
}
