package lms

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of text fields (GEN-5).
const (
	MaxTitle = 255       // characters
	MaxBody  = 256 << 10 // bytes
)

// checkTitle refuses an empty or over-long title, control characters and invalid UTF-8.
func checkTitle(field, s string) error {
	switch {
	case !utf8.ValidString(s):
		return FieldErrorf(KindInvalid, field, "This text is not valid UTF-8.")
	case strings.TrimSpace(s) == "":
		return FieldErrorf(KindRule, field, "Please fill in this field.")
	case utf8.RuneCountInString(s) > MaxTitle:
		return FieldErrorf(KindRule, field, "At most %d characters; this has %d.", MaxTitle, utf8.RuneCountInString(s))
	case strings.ContainsFunc(s, unicode.IsControl):
		return FieldErrorf(KindRule, field, "This field takes a single line without control characters.")
	}
	return nil
}

// checkBody refuses invalid UTF-8, NUL and a text of more than MaxBody bytes. An empty body passes.
func checkBody(field, s string) error {
	switch {
	case !utf8.ValidString(s):
		return FieldErrorf(KindInvalid, field, "This text is not valid UTF-8.")
	case strings.ContainsRune(s, 0):
		return FieldErrorf(KindRule, field, "This text contains a NUL character.")
	case len(s) > MaxBody:
		return FieldErrorf(KindRule, field, "At most %d KiB of text; this has %d KiB.", MaxBody>>10, (len(s)+1023)>>10)
	}
	return nil
}

// checkID refuses what is not an id.
func checkID(field, s string) error {
	if !ValidID(s) {
		return FieldErrorf(KindInvalid, field, "This is not an id.")
	}
	return nil
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// FormatBytes writes a size as a person reads it: "0 bytes", "1.0 MiB".
func FormatBytes(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
