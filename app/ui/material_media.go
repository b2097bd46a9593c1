package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// pageMedia is what an author adds to the text of a page: a picture, a video of the course, something of another site.
type pageMedia struct {
	dialog     string // which one is open: "picture", "video", "embed", or none
	blob       api.Blob
	alt        string // also the title of a video or an embed
	decorative bool
	address    string // also the id of a video
	sending    *transfer
	videos     []lms.Material
	site       lms.EmbedSite
	problem    Problem
}

const pictureTypes = "image/png,image/jpeg,image/gif,image/webp"

// loadMedia fetches what can be added.
func (p *materialForm) loadMedia(ctx app.Context) {
	Async(ctx, Call(api.ListMaterials, api.CoursePath{Course: p.id}), func(_ app.Context, page api.Page[lms.Material], _ error) {
		p.media.videos = nil
		for _, m := range page.Items {
			if m.Video() {
				p.media.videos = append(p.media.videos, m)
			}
		}
	})
	Async(ctx, Call(api.GetEmbeds, api.NoInput{}), func(_ app.Context, v lms.EmbedSite, _ error) { p.media.site = v })
}

// pageBody is the text with what can be added to it, and with what its readers would miss. Pictures may also be pasted and dropped.
func (p *materialForm) pageBody() app.UI {
	hints := lms.PageHints(p.draft.Body, p.media.site, p.media.videos)
	return app.Div().Class("stack").On("paste", p.onPaste).On("drop", p.onDrop).On("dragover", onDragOver).Body(
		TextArea(Field{ID: "body", Label: "Text", Rows: 18, Value: p.draft.Body, Error: p.problem.For("body"), On: p.onBody,
			Markdown: true, Help: "Headings are where citations of the tutor lead. Pictures can be pasted or dropped here."}),
		app.Div().Class("actions").Body(
			Button("Add a picture", "upload", p.open("picture")),
			Button("Add a video", "eye", p.open("video")),
			Button("Embed a page", "link", p.open("embed"))),
		app.Div().Role("status").Class("stack").Body(app.Range(hints).Slice(func(i int) app.UI { return Notice("warn", hints[i]) })),
	)
}

func (p *materialForm) open(dialog string) app.EventHandler {
	return func(app.Context, app.Event) {
		m := &p.media
		m.dialog, m.blob, m.alt, m.decorative, m.address, m.problem = dialog, nil, "", false, "", Problem{}
		if dialog == "video" && len(m.videos) > 0 {
			m.address = m.videos[0].ID
		}
	}
}

func (p *materialForm) closeMedia(app.Context) { p.media.dialog = "" }

func (p *materialForm) onPaste(ctx app.Context, e app.Event) { p.takePicture(ctx, e, "clipboardData") }

func (p *materialForm) onDrop(ctx app.Context, e app.Event) { p.takePicture(ctx, e, "dataTransfer") }

// takePicture opens the dialog with a file that was pasted or dropped.
func (p *materialForm) takePicture(ctx app.Context, e app.Event, from string) {
	if blobs := filesIn(e, from); len(blobs) > 0 {
		e.PreventDefault()
		p.open("picture")(ctx, e)
		p.choose(blobs[0])
	}
}

// onDragOver lets files be dropped on a text area; a text is dropped by the browser itself.
func onDragOver(_ app.Context, e app.Event) {
	if e.Get("dataTransfer").Get("types").Call("includes", "Files").Bool() {
		e.PreventDefault()
	}
}

func (p *materialForm) choose(b api.Blob) {
	switch (lms.File{Name: b.Name()}).Extension() {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp":
		p.media.blob, p.media.problem = b, Problem{}
	default:
		p.media.problem = ProblemOf(lms.Errorf(lms.KindUnsupported, "%s is no picture that every browser shows. Choose a PNG, JPEG, GIF or WebP file; other files are added under Materials.", b.Name()))
	}
}

// mediaDialog asks for what the text cannot say by itself.
func (p *materialForm) mediaDialog() app.UI {
	m := &p.media
	switch m.dialog {
	case "picture":
		return p.pictureDialog()
	case "video":
		if len(m.videos) == 0 {
			return NewDialog("add", "Add a video", p.closeMedia, app.P().Text("This course has no video yet. Add an MP4 or WebM file under Materials first, and a caption file for it."))
		}
		options := make([]Option, len(m.videos))
		captions := true
		for i, v := range m.videos {
			options[i] = Option{Value: v.ID, Label: v.Title + cond(v.CaptionsID == "", " (no captions)", "")}
			captions = captions && (v.ID != m.address || v.CaptionsID != "")
		}
		return NewDialog("add", "Add a video", p.closeMedia, DialogForm(p.onVideo, p.closeMedia, Submit("Add it", "Adding", false),
			Select(Field{ID: "video", Label: "Video", Value: m.address, On: func(ctx app.Context, _ app.Event) { m.address = ctx.JSSrc().Get("value").String() }}, options...),
			app.If(!captions, func() app.UI {
				return Notice("warn", "This video has no captions: who cannot hear it misses what is said. Its page has a field for a caption file.")
			})))
	}
	help := "No host is on this site's list yet; an administrator can add some on the cluster page."
	if len(m.site.Hosts) > 0 {
		help = "From " + strings.Join(m.site.Hosts, ", ") + ". Nothing is loaded from there before a reader asks for it."
	}
	return NewDialog("add", "Embed a page of another site", p.closeMedia, DialogForm(p.onEmbed, p.closeMedia, Submit("Add it", "Adding", false),
		Input(Field{ID: "address", Label: "Address", Placeholder: "https://…", Value: m.address, Help: help, Error: m.problem.For("address"), On: p.ValueTo(&m.address)}),
		Input(Field{ID: "alt", Label: "What it is", Value: m.alt, Error: m.problem.For("alt"), On: p.ValueTo(&m.alt)})))
}

func (p *materialForm) pictureDialog() app.UI {
	m := &p.media
	if m.blob == nil {
		return NewDialog("add", "Add a picture", p.closeMedia, app.Div().Class("stack").Body(m.problem.Alert(),
			FilePicker("picture", "Choose a picture, or drop it here", "PNG, JPEG, GIF or WebP", false, pictureTypes, func(app.Context, app.Event) {
				if picked := pickedFiles("picture"); len(picked) > 0 {
					p.choose(picked[0])
				}
			})))
	}
	return NewDialog("add", "Add a picture", p.closeMedia, DialogForm(p.onPicture, p.closeMedia, Submit("Add it", "Sending", m.sending != nil),
		m.problem.Alert("alt"),
		app.P().Class("muted").Text(m.blob.Name()+", "+lms.FormatBytes(m.blob.Size())),
		Input(Field{ID: "alt", Label: "What it shows", Help: "Read aloud to people who cannot see the picture, and all that the tutor knows of it. Say what one should learn from it, as in “The leader sends entries to two followers”.",
			Value: m.alt, Optional: m.decorative, Error: m.problem.For("alt"), Autofocus: true, On: p.ValueTo(&m.alt)}),
		Checkbox(Field{ID: "decorative", Label: "It only adorns the page and needs no description", On: func(ctx app.Context, _ app.Event) { m.decorative = Checked(ctx) }}, m.decorative)))
}

// onPicture sends the picture and writes it into the text.
func (p *materialForm) onPicture(ctx app.Context, e app.Event) {
	e.PreventDefault()
	m, course := &p.media, p.id
	if m.sending != nil {
		return
	}
	if strings.TrimSpace(m.alt) == "" && !m.decorative {
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "alt", "Describe the picture, or say below that it only adorns."), &m.problem)
		return
	}
	u := newTransfer(m.blob)
	m.sending, m.problem = u, Problem{}
	Async(ctx, func(c context.Context) (api.FileReceipt, error) {
		if err := u.prepare(c, course); err != nil {
			return api.FileReceipt{}, err
		}
		return u.deliver(c)
	}, func(ctx app.Context, r api.FileReceipt, err error) {
		m.sending = nil
		switch address := contentPath(r.File, true); {
		case err != nil:
			Fail(ctx, err, &m.problem)
		case m.decorative:
			p.insert(ctx, "", address+` "`+lms.PageDecorative+`"`)
		default:
			p.insert(ctx, m.alt, address)
		}
	})
}

func (p *materialForm) onVideo(ctx app.Context, e app.Event) {
	e.PreventDefault()
	for _, v := range p.media.videos {
		if v.ID == p.media.address {
			p.insert(ctx, v.Title, lms.PageVideo+v.ID)
			return
		}
	}
}

func (p *materialForm) onEmbed(ctx app.Context, e app.Event) {
	e.PreventDefault()
	m := &p.media
	u, ok, reason := m.site.Embed(m.address)
	switch {
	case !ok:
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "address", "This cannot be embedded: %s. A link is always possible.", reason), &m.problem)
	case strings.TrimSpace(m.alt) == "":
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "alt", "Say what it is: this is what readers see before they load it."), &m.problem)
	default:
		p.insert(ctx, m.alt, lms.PageEmbed+u.String())
	}
}

var altText = strings.NewReplacer("[", "(", "]", ")", "\n", " ", "\\", " ")

// insert writes Markdown where the person was writing.
func (p *materialForm) insert(ctx app.Context, alt, address string) {
	p.media.dialog = ""
	if el := app.Window().GetElementByID("body"); el.Truthy() {
		el.Call("setRangeText", "\n!["+altText.Replace(strings.TrimSpace(alt))+"]("+address+")\n", el.Get("selectionStart"), el.Get("selectionEnd"), "end")
		p.draft.Body = el.Get("value").String()
		p.keep(ctx)
	}
}
