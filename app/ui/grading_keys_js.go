package ui

// shortcutKeys are those whose letter must not land in a field.
var shortcutKeys = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range shortcuts {
		m[s.Key] = true
	}
	return m
}()
