package tutor

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pour sends a text through an outlet in pieces of n bytes.
func pour(text string, sent, n int) (string, []int) {
	var b strings.Builder
	o := &outlet{sent: sent, write: func(s string) { b.WriteString(s) }}
	for len(text) > 0 {
		k := min(n, len(text))
		for k < len(text) && text[k]&0xc0 == 0x80 {
			k++
		}
		o.add(text[:k])
		text = text[k:]
	}
	o.flush()
	return b.String(), o.cited
}

func TestCitations(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		cited          []int
	}{
		{"kept in order of use", "B [2]. A [1]. B [2].", "B [2]. A [1]. B [2].", []int{2, 1}},
		{"unknown removed", "X [9]. Y [0].", "X. Y.", nil},
		{"partly unknown", "X [1, 9].", "X [1].", []int{1}},
		{"ranges", "X [1-3] Y [2–9].", "X [1][2][3] Y [2][3].", []int{1, 2, 3}},
		{"other spellings", "X [^1], 【2†lecture】, [passage 3], [p. 8].", "X [1], [2], [3],.", []int{1, 2, 3}},
		{"as a link", "X [2](http://evil.example).", "X [2].", []int{2}},
		{"in code", "Use `a[1]` and\n```\nb[2] = c[9]\n```\ndone [3].", "Use `a[1]` and\n```\nb[2] = c[9]\n```\ndone [3].", []int{3}},
		{"reference definition", "X [1].\n[1]: http://evil.example/x\nEnd.", "X [1].\n\nEnd.", []int{1}},
		{"no citation", "An [array] of [1.5] and [x](y).", "An [array] of [1.5] and x.", nil},
		{"image", "![pixel](https://evil.example/p?q=1) text", "pixel text", nil},
		{"address", "go to https://evil.example/a, now", "go to (link removed), now", nil},
		{"huge number", "X [999999999999].", "X [999999999999].", nil},
	} {
		for _, n := range []int{1, 2, 7, 10_000} {
			got, cited := pour(tt.in, 3, n)
			if got != tt.want || !slices.Equal(cited, tt.cited) {
				t.Errorf("%s, pieces of %d: %q %v, want %q %v", tt.name, n, got, cited, tt.want, tt.cited)
			}
		}
	}
}

func TestOutletBounds(t *testing.T) {
	got, _ := pour(strings.Repeat("wörd ", 20_000), 1, 997)
	if len(got) > maxAnswer || len(got) < maxAnswer-10 || !strings.HasPrefix(strings.Repeat("wörd ", 20_000), got) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestReasoning(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"none", "Plain a < b and <b>bold</b>.", "Plain a < b and <b>bold</b>."},
		{"at the start", "<think>secret</think>\n\nAnswer.", "Answer."},
		{"in the middle", "One <think>secret</think>two", "One two"},
		{"never closed", "One <think>secret", "One "},
		{"opened by the template", "secret</think>Answer", "Answer"},
		{"other tag", "<reasoning>secret</reasoning>Answer", "Answer"},
		{"half a tag at the end", "Answer <thi", "Answer <thi"},
	} {
		for n := 1; n <= len(tt.in); n++ {
			if n != len(tt.in) && tt.name == "opened by the template" {
				continue // what was shown cannot be taken back
			}
			var r reasoning
			got := ""
			for rest := tt.in; rest != ""; rest = rest[min(n, len(rest)):] {
				got += r.filter(rest[:min(n, len(rest))])
			}
			if got += r.rest(); got != tt.want {
				t.Errorf("%s, pieces of %d: %q, want %q", tt.name, n, got, tt.want)
			}
		}
	}
}

var plainCitation = regexp.MustCompile(`\[(\d{1,6})\]`)

func FuzzOutlet(f *testing.F) {
	f.Add("One [1]. Two [9][2].\n```\nx[7]\n```\n", 3, 2)
	f.Add("![a](b) [c](http://d) 【3†x】 [1", 1, 5)
	f.Add("`a` [4] `b [5]", 4, 1)
	f.Fuzz(func(t *testing.T, text string, piece, sent int) {
		if piece < 1 || sent < 0 || sent > 100 || len(text) > 20_000 {
			t.Skip()
		}
		whole, cited := pour(text, sent, len(text)+1)
		for _, n := range cited {
			if n < 1 || n > sent {
				t.Errorf("cites passage %d of %d", n, sent)
			}
		}
		if !strings.Contains(text, "`") {
			for _, m := range plainCitation.FindAllStringSubmatch(whole, -1) {
				if n, _ := strconv.Atoi(m[1]); n > sent {
					t.Errorf("%q shows [%d] of %d", whole, n, sent)
				}
			}
		}
		pour(text, sent, piece)
	})
}
