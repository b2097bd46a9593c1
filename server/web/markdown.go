package web

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"

	"trivium/app/lms"
	"trivium/server/formula"
)

// ownImage matches what an <img> may show: a file of a course on this site. Everything else becomes a link, so that no
// text can make a reader's browser call a foreign host.
var ownImage = regexp.MustCompile(`^/api/v1/courses/[a-z0-9_-]{1,64}/files/[a-z0-9_-]{1,64}/content\?inline=true$`)

// ownCaptions matches what a <track> may show: the captions of a video on this site.
var ownCaptions = regexp.MustCompile(`^/api/v1/courses/[a-z0-9_-]{1,64}/materials/[a-z0-9_-]{1,64}/captions$`)

// markdown has no raw HTML and makes no ids.
var markdown = goldmark.New(
	goldmark.WithExtensions(formula.Extension, extension.Linkify, extension.Strikethrough, // styles are no attribute that the policy lets through
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(imageLinks{}, 100), util.Prioritized(lowerHeadings{}, 100))),
)

// sanitizer is the second layer, and the only source of HTML that pages insert.
var sanitizer = newSanitizer()

func newSanitizer() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "del",
		"ul", "li", "table", "thead", "tbody", "tr")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[a-zA-Z0-9+#_-]{1,32}$`)).OnElements("code")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").Matching(ownImage).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("title").OnElements("a", "img")
	p.AllowAttrs("src").Matching(ownImage).OnElements("video")
	p.AllowAttrs("controls", "preload").Matching(regexp.MustCompile(`^(metadata)?$`)).OnElements("video")
	p.AllowAttrs("aria-label").OnElements("video")
	p.AllowAttrs("src").Matching(ownCaptions).OnElements("track")
	p.AllowAttrs("kind", "label", "default").Matching(regexp.MustCompile(`^(captions|Captions)?$`)).OnElements("track")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^embed$`)).OnElements("span")
	allowFormulas(p)
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("pre", "div", "span") // a box that scrolls, for the keyboard
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // adds noopener
	return p
}

// allowFormulas lets MathML through that draws and does nothing else. What is known to change the meaning of markup or to
// lead somewhere stays out: semantics, annotation-xml, maction, mglyph, and links on any element.
func allowFormulas(p *bluemonday.Policy) {
	truth, length := regexp.MustCompile(`^(true|false)$`), regexp.MustCompile(`^-?\d?\.?\d{1,3}em$`)
	p.AllowNoAttrs().OnElements("mrow", "mi", "mn", "mo", "mtext", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "munderover", "mtr", "mphantom",
		"mfrac", "mover", "mstyle", "mtable", "mtd")
	p.AllowAttrs("display").Matching(regexp.MustCompile(`^(block|inline)$`)).OnElements("math")
	p.AllowAttrs("alttext").OnElements("math")
	p.AllowAttrs("mathvariant").Matching(regexp.MustCompile(`^normal$`)).OnElements("mi")
	p.AllowAttrs("form").Matching(regexp.MustCompile(`^(prefix|infix|postfix)$`)).OnElements("mo")
	p.AllowAttrs("fence", "stretchy", "movablelimits").Matching(truth).OnElements("mo")
	p.AllowAttrs("lspace", "rspace", "minsize", "maxsize").Matching(length).OnElements("mo")
	p.AllowAttrs("width").Matching(length).OnElements("mspace")
	p.AllowAttrs("linethickness").Matching(regexp.MustCompile(`^0$`)).OnElements("mfrac")
	p.AllowAttrs("accent").Matching(truth).OnElements("mover")
	p.AllowAttrs("displaystyle").Matching(truth).OnElements("mstyle", "mtable")
	p.AllowAttrs("scriptlevel").Matching(regexp.MustCompile(`^1$`)).OnElements("mstyle")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(l|r|al|ar)$`)).OnElements("mtd")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^formula( formula-block)?$`)).OnElements("div", "span")
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^group$`)).OnElements("div", "span")
	p.AllowAttrs("aria-label").Matching(regexp.MustCompile(`^Formula$`)).OnElements("div", "span")
}

// safeHTML renders Markdown. Empty stays empty.
func safeHTML(source string) string {
	if source == "" {
		return ""
	}
	var b bytes.Buffer
	if lms.TooDenseForMarkdown(source) || markdown.Convert([]byte(source), &b) != nil {
		return focusable("<pre>" + string(util.EscapeHTML([]byte(source))) + "</pre>")
	}
	return focusable(sanitizer.SanitizeReader(&b).String())
}

// focusable lets the keyboard scroll code that is wider than the page. Text has no < of its own any more.
func focusable(html string) string { return strings.ReplaceAll(html, "<pre>", `<pre tabindex="0">`) }

// imageLinks renders images of other places as links to them.
type imageLinks struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (imageLinks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	registerMedia(r)
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		img := n.(*ast.Image)
		to := bytes.TrimPrefix(img.Destination, []byte(lms.PageEmbed)) // only pages embed
		url := util.EscapeHTML(util.URLEscape(to, true))
		alt := util.EscapeHTML(plainText(n, source))
		if ownImage.Match(img.Destination) {
			_, err := w.WriteString(`<img src="` + string(url) + `" alt="` + string(alt) + `">`)
			return ast.WalkSkipChildren, err
		}
		if len(alt) == 0 {
			alt = url
		}
		_, err := w.WriteString(`<a href="` + string(url) + `">` + string(alt) + `</a>`)
		return ast.WalkSkipChildren, err
	})
}

// lowerHeadings renders headings a level lower: the main heading of a page is its title.
type lowerHeadings struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (lowerHeadings) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		tag := "h" + string("0234566"[n.(*ast.Heading).Level]) + ">"
		before, after := "<", ""
		if !entering {
			before, after = "</", "\n"
		}
		_, err := w.WriteString(before + tag + after)
		return ast.WalkContinue, err
	})
}

// plainText is the text below a node.
func plainText(n ast.Node, source []byte) []byte {
	var b bytes.Buffer
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.Bytes()
}

// The values that people read, with their Markdown rendered.

func withHTML[T any](v T, err error, render func(*T)) (T, error) {
	if err == nil {
		render(&v)
	}
	return v, err
}

func renderAssignment(a *lms.Assignment) {
	a.DescriptionHTML = safeHTML(a.Description)
	if a.Mine != nil {
		renderGrade(a.Mine.Grade)
	}
}

func renderGrade(g *lms.Grade) {
	if g != nil {
		g.FeedbackHTML = safeHTML(g.Feedback)
	}
}

func renderSubmission(s *lms.Submission) { renderGrade(s.Grade) }

func renderReply(r *lms.Reply) {
	r.BodyHTML = safeHTML(r.Body)
	if r.Endorsement != nil {
		renderEndorsement(r.Endorsement)
	}
}

func renderEndorsement(e *lms.Endorsement) { e.BodyHTML = safeHTML(e.Body) }

func renderQuestion(q *lms.Question) {
	q.BodyHTML = safeHTML(q.Body)
	for i := range q.Replies {
		renderReply(&q.Replies[i])
	}
}
