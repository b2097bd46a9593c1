package interop

import "trivium/app/lms"

// Counts tells a person what an archive holds.
func Counts(a lms.CourseArchive) []lms.Count {
	list := []lms.Count{}
	for _, t := range []struct{ table, one, many string }{{"modules", "module", "modules"}, {"materials", "material", "materials"},
		{"assignments", "assignment", "assignments"}, {"categories", "category of the gradebook", "categories of the gradebook"}, {"files", "file", "files"}} {
		switch n := len(a.Tables[t.table]); n {
		case 0:
		case 1:
			list = append(list, lms.Count{What: t.one, N: n})
		default:
			list = append(list, lms.Count{What: t.many, N: n})
		}
	}
	return list
}
