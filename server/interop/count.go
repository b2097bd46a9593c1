package interop

import "trivium/app/lms"

// Counts tells a person what an archive holds.
func Counts(a lms.CourseArchive) []lms.Count {
	list := []lms.Count{}
	for _, t := range []struct{ table, what string }{{"modules", "modules"}, {"materials", "materials"}, {"assignments", "assignments"},
		{"categories", "categories of the gradebook"}, {"files", "files"}} {
		if n := len(a.Tables[t.table]); n > 0 {
			list = append(list, lms.Count{What: t.what, N: n})
		}
	}
	return list
}
