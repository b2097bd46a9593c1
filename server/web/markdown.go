package web

import (
	"bytes"
	"regexp"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"

	"trivium/app/lms"
)

// ownImage matches what an <img> may show: a file of a course on this site. Everything else becomes a link, so that no
// text can make a reader's browser call a foreign host.
var ownImage = regexp.MustCompile(`^/api/v1/courses/[a-z0-9_-]{1,64}/files/[a-z0-9_-]{1,64}/content\?inline=true$`)

// markdown has no raw HTML and makes no ids.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, // styles are no attribute that the policy lets through
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
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // adds noopener
	return p
}

// safeHTML renders Markdown. Empty stays empty.
func safeHTML(source string) string {
	if source == "" {
		return ""
	}
	var b bytes.Buffer
	if lms.TooDenseForMarkdown(source) || markdown.Convert([]byte(source), &b) != nil {
		return "<pre>" + string(util.EscapeHTML([]byte(source))) + "</pre>"
	}
	return sanitizer.SanitizeReader(&b).String()
}

// imageLinks renders images of other places as links to them.
type imageLinks struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (imageLinks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		img := n.(*ast.Image)
		url := util.EscapeHTML(util.URLEscape(img.Destination, true))
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

func renderMaterial(m *lms.Material) { m.BodyHTML = safeHTML(m.Body) }

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
