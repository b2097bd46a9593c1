package lms

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMemberName bounds the names in an archive, so that every system can unpack it.
const maxMemberName = 180 // bytes

// ArchiveNames are the names of a submission's files in an archive: login_attempt_file, with the text that was handed in
// as login_attempt_text.txt first when there is one. The same submission always gives the same names, no two of them are
// equal, also where case does not count, and none is a path (SUBMIT-9).
func ArchiveNames(login string, s Submission) []string {
	var names []string
	if s.Text != "" {
		names = append(names, "text.txt")
	}
	for _, f := range s.Files {
		names = append(names, f.Name)
	}
	prefix := fmt.Sprintf("%s_%d_", safeName(login), s.Attempt)
	seen := map[string]bool{}
	for i, name := range names {
		name = cutName(prefix+safeName(name), maxMemberName)
		for n := 2; seen[strings.ToLower(name)]; n++ {
			ext := path.Ext(name)
			name = cutName(strings.TrimSuffix(name, ext), maxMemberName-len(ext)-8) + fmt.Sprintf("-%d", n) + ext
		}
		seen[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

// safeName keeps letters of any script, digits and what file names commonly have.
func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.M, r), strings.ContainsRune("-_.()+@", r):
			return r
		case r == ' ':
			return r
		}
		return '-'
	}, strings.ToValidUTF8(s, "-"))
	s = strings.TrimRight(strings.TrimSpace(s), ". ")
	if s == "" {
		return "file"
	}
	return s
}

// cutName cuts a name in front of its extension.
func cutName(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	cut := limit - len(ext)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.TrimRight(name[:cut], ". ") + ext
}

// FeedbackMember is what a feedback archive's member would become (GRADE-7).
type FeedbackMember struct {
	Member       string `json:"member"` // as the archive names it
	Size         int64  `json:"size"`
	SubmissionID string `json:"submissionId,omitempty"` // empty: skipped
	UserName     string `json:"userName,omitempty"`
	Attempt      int    `json:"attempt,omitempty"`
	Skipped      string `json:"skipped,omitempty"` // why
}

// FeedbackReport is what an archive of marked files would do, or has done.
type FeedbackReport struct {
	Members []FeedbackMember `json:"members"`
	Matched int              `json:"matched"`
	Skipped int              `json:"skipped"`
	Applied int              `json:"applied,omitempty"` // comments that were added
}

// Limits of a feedback archive (INTEROP-3).
const (
	MaxFeedbackMembers       = 5_000
	MaxFeedbackSize    int64 = 1 << 30 // bytes, expanded
)
