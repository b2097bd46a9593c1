package web

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	goldtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
)

func (s *Server) getEmbeds(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.EmbedSite, error) {
	return s.store.Embeds(ctx)
}

func (s *Server) updateEmbeds(ctx context.Context, actor lms.Actor, in api.EmbedInput) (lms.EmbedSite, error) {
	return s.store.SetEmbeds(ctx, actor, in.EmbedSite)
}

// framePolicy is the part of the pages' policy that lets them show what authors embed, once a reader asks for it.
func (s *Server) framePolicy(ctx context.Context) string {
	site, err := s.store.Embeds(ctx)
	if err != nil || len(site.Hosts) == 0 {
		return ""
	}
	return "frame-src https://" + strings.Join(site.Hosts, " https://") + "; "
}

// maxCaptions bounds a caption file: hours of speech have some hundred kilobytes.
const maxCaptions = 2 << 20

// subRipTime is the line with the times of a caption in SubRip, whose fractions follow a comma.
var subRipTime = regexp.MustCompile(`(?m)^(\s*(?:\d+:)?\d{1,2}:\d{2}),(\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}),(\d{1,3})`)

// webVTT is the form of captions that browsers read, made from that or from SubRip.
func webVTT(data []byte) []byte {
	data = []byte(tutor.DecodeText(data))
	if bytes.HasPrefix(data, []byte("WEBVTT")) {
		return data
	}
	return append([]byte("WEBVTT\n\n"), subRipTime.ReplaceAll(data, []byte("$1.$2.$3"))...)
}

// materialCaptions answers the captions of a video.
func (s *Server) materialCaptions(q *request, in api.MaterialPath) error {
	f, err := s.store.Captions(q.ctx, q.actor, in.Course, in.Material)
	if err != nil {
		return err
	}
	if f.Size > maxCaptions {
		return lms.Errorf(lms.KindTooLarge, "This caption file has %s; at most %s are shown.", lms.FormatBytes(f.Size), lms.FormatBytes(maxCaptions))
	}
	content, err := s.files.Open(q.ctx, f)
	if err != nil {
		return err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	q.s.describe(q.w.Header())
	h := q.w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "private, no-cache")
	return q.c.Blob(200, "text/vtt; charset=utf-8", webVTT(data))
}

// mediaNode is a picture of a page that is none: a video of the course, or something of another site.
type mediaNode struct {
	ast.BaseInline
	html string
}

var kindMedia = ast.NewNodeKind("Media")

// Kind implements ast.Node.
func (*mediaNode) Kind() ast.NodeKind { return kindMedia }

// Dump implements ast.Node.
func (n *mediaNode) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

func registerMedia(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindMedia, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, err := w.WriteString(n.(*mediaNode).html)
			return ast.WalkSkipChildren, err
		}
		return ast.WalkContinue, nil
	})
}

// renderMaterial renders a page for a reader: videos that the reader may see are played in it, and what authors embed is
// offered if its host is on the list.
func (s *Server) renderMaterial(ctx context.Context, actor lms.Actor, m lms.Material, err error) (lms.Material, error) {
	if err != nil {
		return m, err
	}
	var videos []lms.Material
	var site lms.EmbedSite
	if strings.Contains(m.Body, lms.PageVideo) {
		if videos, err = s.store.Materials(ctx, actor, m.CourseID); err != nil {
			return m, err
		}
	}
	if strings.Contains(m.Body, lms.PageEmbed) {
		if site, err = s.store.Embeds(ctx); err != nil {
			return m, err
		}
	}
	m.BodyHTML = pageHTML(m.Body, videos, site)
	return m, nil
}

// pageHTML is safeHTML with videos and what is embedded.
func pageHTML(source string, videos []lms.Material, site lms.EmbedSite) string {
	if len(videos) == 0 && !strings.Contains(source, lms.PageEmbed) && !strings.Contains(source, lms.PageVideo) || lms.TooDenseForMarkdown(source) {
		return safeHTML(source)
	}
	src := []byte(source)
	doc := markdown.Parser().Parse(goldtext.NewReader(src))
	var images []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if img, ok := n.(*ast.Image); ok && entering {
			images = append(images, img)
		}
		return ast.WalkContinue, nil
	})
	for _, img := range images {
		title := string(plainText(img, src))
		if id, ok := strings.CutPrefix(string(img.Destination), lms.PageVideo); ok {
			img.Parent().ReplaceChild(img.Parent(), img, &mediaNode{html: videoHTML(id, title, videos)})
		} else if address, ok := strings.CutPrefix(string(img.Destination), lms.PageEmbed); ok {
			img.Parent().ReplaceChild(img.Parent(), img, &mediaNode{html: embedHTML(address, title, site)})
		}
	}
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, src, doc); err != nil {
		return safeHTML(source)
	}
	return focusable(sanitizer.SanitizeReader(&b).String())
}

func escaped(s string) string { return string(util.EscapeHTML([]byte(s))) }

// videoHTML plays a video of the course, with its captions.
func videoHTML(id, title string, videos []lms.Material) string {
	for _, m := range videos {
		if m.ID != id || !m.Video() {
			continue
		}
		if title == "" {
			title = m.Title
		}
		src, err := api.PathOf(api.FileContent, api.ContentPath{Course: m.CourseID, File: m.File.ID, Inline: true})
		if err != nil {
			break
		}
		html := `<video controls preload="metadata" src="` + escaped(src) + `" aria-label="` + escaped(title) + `">`
		if track, err := api.PathOf(api.MaterialCaptions, api.MaterialPath{Course: m.CourseID, Material: m.ID}); err == nil && m.CaptionsID != "" {
			html += `<track kind="captions" label="Captions" src="` + escaped(track) + `" default>`
		}
		return html + `</video>`
	}
	if title == "" {
		title = "A video"
	}
	return "<em>" + escaped(title) + ": this video is not available to you yet.</em>"
}

// embedHTML offers something of another site: nothing is asked of that site before the reader wants it. The browser's
// program puts a frame in its place then; without the program it is a link.
func embedHTML(address, title string, site lms.EmbedSite) string {
	u, ok, reason := site.Embed(address)
	if u == nil {
		return escaped(title+" "+address) + " <em>(not embedded: " + escaped(reason) + ")</em>"
	}
	if title == "" {
		title = u.Host
	}
	link := `<a href="` + escaped(u.String()) + `" title="` + escaped(title) + `">`
	if !ok {
		return link + escaped(title) + "</a> <em>(not embedded: " + escaped(reason) + ")</em>"
	}
	return `<span class="embed">` + link + "Load “" + escaped(title) + "” from " + u.Host + "</a> This tells " + u.Host +
		" your network address and that you come from this site, and it may set cookies.</span>"
}
