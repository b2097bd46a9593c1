package formula_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"trivium/server/formula"
)

func TestFormulasBecomeMathML(t *testing.T) {
	for _, c := range []struct{ tex, want string }{
		{`x^2`, `<msup><mi>x</mi><mn>2</mn></msup>`},
		{`x_i^{10}`, `<msubsup><mi>x</mi><mi>i</mi><mn>10</mn></msubsup>`},
		{`f''`, `<msup><mi>f</mi><mo>′′</mo></msup>`},
		{`\frac12`, `<mfrac><mn>1</mn><mn>2</mn></mfrac>`},
		{`\frac{a+b}{2}`, `<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>`},
		{`\sqrt[3]{x}`, `<mroot><mi>x</mi><mn>3</mn></mroot>`},
		{`\sum_{i=1}^n i`, `<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>`},
		{`\int_0^1`, `<msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup>`},
		{`\mathbb{R}`, `<mi>ℝ</mi>`},
		{`\mathbf{x}`, `<mi>𝐱</mi>`},
		{`\mathrm{d}x`, `<mi mathvariant="normal">d</mi><mi>x</mi>`},
		{`\mathrm{kg}`, `<mi>kg</mi>`},
		{`3.14`, `<mn>3.14</mn>`},
		{`\text{a<b & c}`, `<mtext>a&lt;b &amp; c</mtext>`},
		{`a<b`, `<mi>a</mi><mo>&lt;</mo><mi>b</mi>`},
		{`\not\in`, "<mo>∈\u0338</mo>"},
		{`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, `<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr><mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>`},
		{`\begin{aligned}a&=b\\c&=d\\\end{aligned}`, `<mtr><mtd class="ar"><mi>c</mi></mtd><mtd class="al"><mo>=</mo><mi>d</mi></mtd></mtr></mtable>`},
		{`\left(\frac{1}{x}\right)`, `<mo fence="true" form="prefix" stretchy="true">(</mo><mfrac>`},
		{`\vec{v}`, `<mover accent="true"><mi>v</mi><mo stretchy="false">→</mo></mover>`},
		{`1 % a remark`, `<mrow><mn>1</mn></mrow>`},
		{`\operatorname{rank} A`, `<mi>rank</mi>`},
		{`x ∈ ℝ`, `<mo>∈</mo><mi>ℝ</mi>`},
	} {
		t.Run(c.tex, func(t *testing.T) {
			got, err := formula.MathML(c.tex, false)
			if err != nil || !strings.Contains(got, c.want) {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestSourceStaysReadable(t *testing.T) {
	got, err := formula.MathML(` a < "b" `, true)
	if want := `<math display="block" alttext="a &lt; &#34;b&#34;">`; err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("got %s, %v, want the beginning %s", got, err, want)
	}
}

func TestUnreadableFormulasAreErrors(t *testing.T) {
	for name, tex := range map[string]string{
		"unknown command":       `\unknown{x}`,
		"open brace":            `\frac{a`,
		"closing brace":         `a}`,
		"missing argument":      `\frac{a}`,
		"two superscripts":      `x^2^3`,
		"no right":              `\left( x`,
		"no bracket":            `\left x \right)`,
		"unknown environment":   `\begin{picture}x\end{picture}`,
		"other end":             `\begin{matrix}x\end{pmatrix}`,
		"empty":                 ` `,
		"lone backslash":        `x\`,
		"link":                  `\href{javascript:alert(1)}{x}`,
		"class":                 `\class{evil}{x}`,
		"macro":                 `\def\a{\a\a}\a`,
		"command of one's own":  `\newcommand{\a}{\a\a}\a`,
		"expansion":             `\let\a=\frac \expandafter\a`,
		"markup":                `\html{<script>}`,
		"alignment outside":     `a & b`,
		"direction of the text": "a \u202e b",
		"zero":                  "a \x00 b",
		"no UTF-8":              "a \xff b",
		"too long":              strings.Repeat("x", formula.MaxSource+1),
		"too deep":              strings.Repeat("{", 100) + "x" + strings.Repeat("}", 100),
		"deep fences":           strings.Repeat(`\left(`, 100) + "x" + strings.Repeat(`\right)`, 100),
		"deep accents":          strings.Repeat(`\hat`, 500) + "x",
		"deep scripts":          strings.Repeat(`x^{`, 100) + "x" + strings.Repeat("}", 100),
		"deep tables":           strings.Repeat(`\begin{matrix}`, 100) + strings.Repeat(`\end{matrix}`, 100),
	} {
		if got, err := formula.MathML(tex, false); err == nil {
			t.Errorf("%s: no error but %s", name, got)
		}
	}
}

// allowed is everything that may appear.
var allowed = map[string]bool{"math": true, "mrow": true, "mi": true, "mn": true, "mo": true, "mtext": true, "mspace": true, "mfrac": true, "msqrt": true, "mroot": true,
	"msub": true, "msup": true, "msubsup": true, "munder": true, "mover": true, "munderover": true, "mtable": true, "mtr": true, "mtd": true, "mstyle": true, "mphantom": true}

// check holds an answer to the invariants: well-formed, only known elements, not much larger than its source.
func check(t *testing.T, tex, got string) {
	t.Helper()
	if len(got) > 1000+400*len(tex) {
		t.Errorf("%q: %d bytes", tex, len(got))
	}
	d := xml.NewDecoder(strings.NewReader(got))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%q: not well-formed: %v\n%s", tex, err, got)
		}
		if e, ok := tok.(xml.StartElement); ok {
			if !allowed[e.Name.Local] {
				t.Errorf("%q: element %s", tex, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || strings.Contains(a.Name.Local, "href") {
					t.Errorf("%q: attribute %s", tex, a.Name.Local)
				}
			}
		}
	}
}

func TestHostileFormulasAreBounded(t *testing.T) {
	for _, piece := range []string{`\frac`, `\sqrt`, `{`, `}`, `x^`, `_`, `\left(`, `\begin{matrix}a&`, `\\`, `&`, `\text{`, `\hat`, `'`, `\not`, `\sum\limits`, `[`, `\substack{`, `\displaystyle`} {
		start := time.Now()
		tex := strings.Repeat(piece, formula.MaxSource/len(piece))
		if got, err := formula.MathML(tex, true); err == nil {
			check(t, tex, got)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s repeated: %v", piece, took)
		}
	}
}

func FuzzMathML(f *testing.F) {
	for _, s := range []string{`\frac{a}{b}`, `\left(\sum_{i=1}^n x_i\right)`, `\begin{cases}1&x\\2&y\end{cases}`, `\text{<script>}`, `\def\a{\a\a}\a`, `\sqrt[3]{x}`, `a\`, `\not\in`, `\big(`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tex string) {
		for _, display := range []bool{false, true} {
			if got, err := formula.MathML(tex, display); err == nil {
				check(t, tex, got)
			}
		}
	})
}
