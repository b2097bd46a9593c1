package lms_test

import (
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestDenseTextIsNotReadAsMarkdown(t *testing.T) {
	for name, text := range map[string]string{
		"quotes":   strings.Repeat(">", 100),
		"lists":    strings.Repeat("- ", 100),
		"links":    strings.Repeat("[](", 10_000),
		"emphasis": strings.Repeat("_a*", 10_000),
		"code":     strings.Repeat("`a", 20_000),
	} {
		if !lms.TooDenseForMarkdown(text) {
			t.Errorf("%s: would be read as Markdown", name)
		}
	}
	for name, text := range map[string]string{
		"prose":     strings.Repeat("A *fine* [sentence](https://example.org) with `code` in it.\n", 800),
		"table":     strings.Repeat("| a | b | c |\n", 800),
		"rule":      "Title\n" + strings.Repeat("-", 400) + "\n",
		"quotation": strings.Repeat("> > quoted twice\n", 500),
		"a diff":    strings.Repeat("+ added\n- removed\n", 2000),
	} {
		if lms.TooDenseForMarkdown(text) {
			t.Errorf("%s: would not be read as Markdown", name)
		}
	}
}
