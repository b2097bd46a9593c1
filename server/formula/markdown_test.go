package formula_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yuin/goldmark"

	"trivium/server/formula"
)

func convert(t testing.TB, source string) string {
	t.Helper()
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(formula.Extension)).Convert([]byte(source), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDollarsThatOpenAFormula(t *testing.T) {
	const inline, display = `<math display="inline"`, `<math display="block"`
	for _, c := range []struct{ name, source, want string }{
		{"in a line", "so $x^2$ grows", inline},
		{"with stars and lines below", "so $a_1 * b_1 * c_1$ grows", inline},
		{"parentheses", `so \(x\) grows`, inline},
		{"over a line break", "so $a +\nb$ grows", inline},
		{"displayed in a line", "so $$x^2$$ grows", display},
		{"displayed", "$$\nx^2\n$$", display},
		{"displayed on one line", "$$x^2$$", display},
		{"displayed below a text", "So:\n$$\na\n\n- b\n$$\nand on", display},
		{"brackets", "\\[\nx^2\n\\]", display},
		{"in a list", "- $$\n  x\n  $$\n- b", display},
		{"in a quotation", "> $$\n> x\n> $$", display},
		{"in a heading", "# The value $x$", inline},
	} {
		if got := convert(t, c.source); !strings.Contains(got, c.want) || strings.Contains(got, "<em>") || strings.Count(got, "<math") != 1 {
			t.Errorf("%s: %q gives %s", c.name, c.source, got)
		}
	}
}

func TestDollarsThatStayText(t *testing.T) {
	for _, source := range []string{"It costs $5 and $10.", "US$5 and CA$6", "$ x $", "half of $x", "$$", "$$ never closed\n\nand more",
		`\$x\$ is escaped`, "`$x$` is code", "    $x$ in code", `\[1\] is a reference`, `f\(x`, "```\n$$\nx\n$$\n```"} {
		if got := convert(t, source); strings.Contains(got, "<math") {
			t.Errorf("%q gives %s", source, got)
		}
	}
}

func TestUnreadableFormulaIsShownAsItsSource(t *testing.T) {
	for source, want := range map[string]string{
		`so $\nonsense{<b>}$ grows`:    `<code>$\nonsense{&lt;b&gt;}$</code>`,
		"$$\n\\nonsense{<b>}\n$$\nand": "<pre tabindex=\"0\"><code>$$\n\\nonsense{&lt;b&gt;}\n$$\n</code></pre>\n<p>and",
		"> $$\n> x\n\n$$":              "$$\nx\n", // the quotation ends before the formula does
	} {
		if got := convert(t, source); !strings.Contains(got, want) {
			t.Errorf("%q gives %s\nwant %s", source, got, want)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"$x$", "$$\nx\n$$", "> $$\n> x", "\\[\nx\n\\]", "- $$\n  x", "`$x`$", "$5 $6", "a | $b$\n--|--\n$|$ | x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) { convert(t, source) })
}
