package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/formula"
)

// TestFormulasPassTheSanitizer: what the formulas of people are made of arrives whole.
func TestFormulasPassTheSanitizer(t *testing.T) {
	for _, tex := range []string{`x^2`, `\frac{-b\pm\sqrt{b^2-4ac}}{2a}`, `\sum_{i=1}^n i`, `\lim_{x\to 0}\frac{\sin x}{x}`, `\begin{pmatrix}1&2\\3&4\end{pmatrix}`,
		`f(x)=\begin{cases}1&x>0\\0&\text{else}\end{cases}`, `\begin{aligned}a&=b\\c&=d\end{aligned}`, `\binom{n}{k}`, `\hat{x}`, `\mathrm{d}x`, `\displaystyle x`,
		`\begin{smallmatrix}a\end{smallmatrix}`, `\bigl(x\bigr)`, `a/b`, `\left.\frac{a}{b}\right|_0`, `\phantom{x}`, `\bmod`, `a\,b\!c\quad d`} {
		want, err := formula.MathML(tex, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := safeHTML("$$" + tex + "$$"); !strings.Contains(unescaped(got), unescaped(want)) {
			t.Errorf("%s\ngot  %s\nwant %s", tex, got, want)
		}
	}
}

// unescaped makes two ways of writing a character equal.
func unescaped(s string) string {
	return strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&quot;", `"`).Replace(s)
}

// TestSanitizerDropsActiveMathML: should a renderer ever be led to write these, nobody gets them.
func TestSanitizerDropsActiveMathML(t *testing.T) {
	bad := regexp.MustCompile(`(?i)<(script|style|iframe|svg|a|semantics|annotation|annotation-xml|maction|mglyph|malignmark|merror|form|foreignobject|details|title)\b|\son\w+=|javascript:|href|style=|actiontype`)
	values := regexp.MustCompile(`"[^"]*"`)
	for _, s := range []string{
		`<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml></math>`,
		`<math><semantics><mi>x</mi><annotation-xml encoding="application/xhtml+xml"><script>alert(1)</script></annotation-xml></semantics></math>`,
		`<math><maction actiontype="statusline#http://evil" xlink:href="javascript:alert(1)">click</maction></math>`,
		`<math href="javascript:alert(1)"><mi>x</mi></math>`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<math><mrow href="https://evil"><mi>x</mi></mrow></math>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
		`<math><mi style="position:fixed">x</mi></math>`, `<math onclick=alert(1)><mi>x</mi></math>`, `<math><mo onmouseover="alert(1)">x</mo></math>`,
		`<svg><script>alert(1)</script></svg>`, `<math><mtext><title><img src=x onerror=alert(1)></title></mtext></math>`,
		`<span class="btn">x</span>`, `<mtd class="x">x</mtd>`, `<math alttext="&quot;&gt;<script>"><mi>x</mi></math>`, `<mspace width="100000em"></mspace>`,
	} {
		if got := sanitizer.Sanitize(s); bad.MatchString(values.ReplaceAllString(got, "")) || strings.Contains(got, "100000em") || strings.Contains(got, "class=") {
			t.Errorf("%s\ncomes out as %s", s, got)
		}
	}
}

// TestFormulasCarryNoMarkup: the source of a formula is text wherever it ends up.
func TestFormulasCarryNoMarkup(t *testing.T) {
	for _, tex := range []string{`\text{</mtext><script>alert(1)</script>}`, `x" onload="alert(1)`, `\href{javascript:alert(1)}{x}`, `<img src=x onerror=alert(1)>`,
		`\text{<!--}`, `\operatorname{<svg>}`, `\tag{<b onclick=x>}`, `\begin{<script>}\end{<script>}`, `\unknown{<script>alert(1)</script>}`} {
		for _, source := range []string{"$" + tex + "$", "$$\n" + tex + "\n$$", `a \(` + tex + `\) b`} {
			got := strings.ToLower(safeHTML(source))
			for _, tag := range []string{"<script", "<img", "<svg", "<b ", "<!--"} {
				if strings.Contains(got, tag) {
					t.Errorf("%s gives %s", source, got)
				}
			}
			if regexp.MustCompile(`<[^>"]*("[^"]*"[^>"]*)*\son\w+=`).MatchString(got) {
				t.Errorf("%s has a handler: %s", source, got)
			}
		}
	}
}

func TestUnreadableFormulaShowsItsSource(t *testing.T) {
	for source, want := range map[string]string{
		`a $\nope{x}$ b`:              `<p>a <code>$\nope{x}$</code> b</p>`,
		`a \(\nope{x}\) b`:            `<p>a <code>\(\nope{x}\)</code> b</p>`,
		"$$\n\\def\\a{\\a\\a}\\a\n$$": "<pre tabindex=\"0\"><code>$$\n\\def\\a{\\a\\a}\\a\n$$\n</code></pre>",
		"It costs $5 and $10.":        "<p>It costs $5 and $10.</p>",
		"half of $x":                  "<p>half of $x</p>", // an answer that is still on its way
		"so\n\n$$\n\\frac{1}":         "$$\n\\frac{1}",
	} {
		if got := safeHTML(source); !strings.Contains(unescaped(got), want) {
			t.Errorf("%q gives %s\nwant %s", source, got, want)
		}
	}
}

func TestHostileFormulasCostLittle(t *testing.T) {
	for _, piece := range []string{"$a ", "$a$", "$$\n", "$\\frac", `\(`, "\\[\n", "> $$\n", "- $$\n", "$x^", `$\left($ `, "$$a\n\n"} {
		start := time.Now()
		got := safeHTML(strings.Repeat(piece, lms.MaxBody/len(piece)))
		if took := time.Since(start); took > 5*time.Second || len(got) > 100*lms.MaxBody {
			t.Errorf("%q repeated: %v, %d bytes", piece, took, len(got))
		}
	}
}

// TestFormulasInEveryText: descriptions, questions, answers and comments go through the same function as pages.
func TestFormulasInEveryText(t *testing.T) {
	const source, want = "so $x^2$", "<msup>"
	m, a, q, n := lms.Material{Body: source}, lms.Assignment{Description: source}, lms.Question{Body: source, Replies: []lms.Reply{{Body: source}}}, lms.Note{Body: source}
	c, g := lms.Comment{Body: source}, lms.Grade{Feedback: source}
	m.BodyHTML = pageHTML(m.Body, nil, lms.EmbedSite{})
	renderAssignment(&a)
	renderQuestion(&q)
	renderNote(&n)
	renderComment(&c)
	renderGrade(&g)
	for name, html := range map[string]string{"page": m.BodyHTML, "assignment": a.DescriptionHTML, "question": q.BodyHTML, "answer": q.Replies[0].BodyHTML,
		"announcement": n.BodyHTML, "comment": c.BodyHTML, "feedback": g.FeedbackHTML} {
		if !strings.Contains(html, want) {
			t.Errorf("%s: %s", name, html)
		}
	}
}
