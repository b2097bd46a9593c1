package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPatternMatchesAsTheRegularExpression(t *testing.T) {
	const id = patternID
	paths := []string{"", "/", "//", "/a", "/a/b", "/courses/", "/courses/new", "/courses/c1", "/courses/c1/", "/courses/C1", "/courses/c 1",
		"/courses/c1/people", "/courses/c1/people/x", "/courses//people", "/courses/c1/x/people", "/courses/a_-9/questions/q", "/courses/é",
		"/courses/" + strings.Repeat("a", 64), "/courses/" + strings.Repeat("a", 65), "/courses/a\n", "/x\ny", "x/courses/c1"}
	for _, s := range []string{"^/courses/" + id + "$", "^/courses/" + id + "/people$", "^/courses/" + id + "/questions/" + id + "$", "^/.*$", "^/$",
		"^/courses/" + id + "/.*$"} {
		re, p := regexp.MustCompile(s), mustPattern(s)
		for _, path := range paths {
			if got, want := p.MatchString(path), re.MatchString(path); got != want {
				t.Errorf("%s on %q: %v, want %v", s, path, got, want)
			}
		}
	}
}

func TestPatternThatIsNotUnderstoodIsRefused(t *testing.T) {
	for _, s := range []string{"/open", "^/open", "^/a+$", "^/(a|b)$", "^/[a-z]$", "^/a.c$", `^/\d$`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", s)
				}
			}()
			mustPattern(s)
		}()
	}
}

// The routes of the pages must be of the form that the pattern knows, or the browser's program would not start.
func TestPatternKnowsTheIDsOfThePages(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "app", "ui", "routes.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "const segment = `"+patternID+"`") {
		t.Error("app/ui/routes.go has another form of ids than", patternID)
	}
}
