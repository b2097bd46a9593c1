package ui

// courseRoutes registers the pages of a course's home, materials, assignments and grading.
func courseRoutes() {
}
