//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// record makes a second of video in the browser, which knows how.
const record = `(() => {
	const c = Object.assign(document.createElement("canvas"), { width: 320, height: 180 }), g = c.getContext("2d");
	let n = 0, size = 0;
	const draw = setInterval(() => { g.fillStyle = "hsl(" + (9 * ++n) + " 60% 40%)"; g.fillRect(n % 200, n % 90, 120, 90); }, 40);
	const r = new MediaRecorder(c.captureStream(25), { mimeType: "video/webm" }), parts = [];
	r.ondataavailable = (e) => {
		parts.push(e.data);
		size += e.data.size;
		if (n > 20 && size > 2000 && r.state === "recording") r.stop();
	};
	r.onstop = async () => {
		clearInterval(draw);
		const b = new Uint8Array(await new Blob(parts).arrayBuffer());
		let s = "";
		b.forEach((x) => { s += String.fromCharCode(x); });
		window.recorded = btoa(s);
	};
	r.start(200);
})()`

// upload adds a file as a material of the course.
func (s *school) upload(name string, data []byte, published bool) lms.Material {
	s.t.Helper()
	r, err := api.Upload(s.t.Context(), s.ines, s.course, api.NewBlob(name, int64(len(data)), bytes.NewReader(data)), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return call(s.t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: lms.NewID(), Title: name, Kind: lms.MaterialFile, FileID: r.File.ID, Published: published})
}

// drawPicture writes a small picture to a file.
func drawPicture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 240, 120))
	for x := range 240 {
		for y := range 120 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(2 * y), 120, 255})
		}
	}
	name := filepath.Join(t.TempDir(), "graph.png")
	f, err := os.Create(name)
	if err == nil {
		err = png.Encode(f, img)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

const formulas = "# Gauß\n\nThe sum $\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$ costs $5 or $10, and $\\lim_{x\\to 0}\\frac{\\sin x}{x} = 1$ nothing.\n\n" +
	"$$\nf(x) = \\begin{cases} \\int_0^\\infty e^{-t^2}\\,dt & x > 0 \\\\ \\sqrt[3]{\\mathbf{v}\\cdot\\vec{w}} & \\text{else} \\end{cases} \\qquad " +
	"A = \\begin{pmatrix} a_{11} & \\cdots & a_{1n} \\\\ \\vdots & \\ddots & \\vdots \\\\ a_{m1} & \\cdots & a_{mn} \\end{pmatrix} \\in \\mathbb{R}^{m\\times n}\n$$\n\n" +
	"Unknown: $\\nonsense{x}$.\n\n```go\nfunc wide() string { return \"a line of code that is wider than the page of a phone, and wider than a desk, too\" }\n```\n"

// TestPageMedia is an author who writes a page with formulas, a picture, a video with captions and something of another
// site, and a student who reads it.
func TestPageMedia(t *testing.T) {
	s := openSchool(t, startSiteIn(t, []string{newDir(t)}))
	s.enrol("sue", "Sue Student")
	n := s.nodes[0]
	call(t, s.admin, api.UpdateEmbeds, api.EmbedInput{EmbedSite: lms.EmbedSite{Hosts: []string{"video.example.org"}}})
	b := s.tabOf(t, "ines", n)
	b.eval(record, nil)
	b.waitFor(30*time.Second, "a recording", `typeof window.recorded === "string"`)
	var recorded string
	b.eval(`window.recorded`, &recorded)
	data, err := base64.StdEncoding.DecodeString(recorded)
	if err != nil {
		t.Fatal(err)
	}
	video := s.upload("talk.webm", data, true)
	s.upload("talk.srt", []byte("1\n00:00:00,000 --> 00:00:09,000\nGood morning.\n"), false)

	// The video has no captions, which its page says, and then it has.
	b.open(n.origin() + s.page("materials", video.ID))
	b.see("This video has no captions")
	b.waitFor(30*time.Second, "the video", `document.querySelector("video")?.readyState >= 1`)
	b.eval(`(e => { e.selectedIndex = 1; e.dispatchEvent(new Event("change", { bubbles: true })); })(document.querySelector("#captions"))`, nil)
	b.see("The captions are part of the video now.")

	// The page.
	b.open(n.origin() + s.page("materials", "new"))
	b.fill("#title", "Sums")
	b.fill("#body", formulas+"\n![](https://example.org/remote.png)\n")
	b.see("A picture of another site is shown as a link")
	b.see("A picture has no description")
	b.fill("#body", formulas)
	b.click("Add a picture")
	b.attach("#picture", drawPicture(t))
	b.see("graph.png")
	b.click("Add it")
	b.see("Describe the picture, or say below that it only adorns.")
	b.look("page-media-picture")
	b.fill("#alt", "Colours from dark to light")
	b.click("Add it")
	b.waitFor(30*time.Second, "the picture in the text", `/!\[Colours from dark to light\]\(\/api\/v1\/.*inline=true\)/.test(document.querySelector("#body").value)`)
	b.click("Add a video")
	b.click("Add it")
	b.waitFor(10*time.Second, "the video in the text", `document.querySelector("#body").value.includes("](video:`+video.ID+`)")`)
	b.click("Embed a page")
	b.fill("#address", "https://evil.example.com/x")
	b.fill("#alt", "A talk")
	b.click("Add it")
	b.see("evil.example.com is not on this site's list of hosts")
	b.fill("#address", "https://video.example.org/talk")
	b.click("Add it")
	b.waitFor(10*time.Second, "the embed in the text", `document.querySelector("#body").value.includes("](embed:https://video.example.org/talk)")`)
	b.look("page-media-form")
	b.click("Add the page")
	b.see("Gauß")

	// What the student sees, wide and narrow, light and dark (look does both).
	student := s.tabOf(t, "sue", n)
	var path string
	b.waitFor(20*time.Second, "the page", `/materials\/(?!new)/.test(location.pathname)`)
	b.eval(`location.pathname`, &path)
	student.open(n.origin() + path)
	student.see("Gauß")
	student.waitFor(30*time.Second, "the formulas", `document.querySelectorAll(".prose math").length === 3 && document.querySelector(".prose mfrac") !== null`)
	student.see("costs $5 or $10")
	student.waitFor(10*time.Second, "the source of what cannot be read", `[...document.querySelectorAll(".prose code")].some(c => c.textContent === "$\\nonsense{x}$")`)
	student.waitFor(30*time.Second, "the picture", `(i => i && i.complete && i.naturalWidth === 240 && i.alt === "Colours from dark to light")(document.querySelector(".prose img"))`)
	student.waitFor(30*time.Second, "the video", `document.querySelector(".prose video")?.readyState >= 1`)
	student.waitFor(30*time.Second, "the captions", `document.querySelector(".prose video").textTracks[0].cues?.[0]?.text === "Good morning."`)
	student.waitFor(10*time.Second, "no frame before it is wanted", `document.querySelector("iframe") === null && document.querySelector(".embed a") !== null`)
	student.look("page-media")
	student.noSideScroll("page-media", 360)
	student.expect("video.example.org") // there is no such host
	student.expect("ERR_NAME_NOT_RESOLVED")
	student.expect("ERR_")
	student.eval(`document.querySelector(".embed a").click()`, nil)
	student.waitFor(10*time.Second, "the frame", `(f => f && f.src === "https://video.example.org/talk" && f.title === "A talk" && f.sandbox.value.startsWith("allow-scripts") && f.referrerPolicy === "strict-origin")(document.querySelector(".embed iframe"))`)

	// The administrator's list.
	admin := s.tabOf(t, "ada", n)
	admin.open(n.origin() + "/cluster")
	admin.see("Content of other sites")
	admin.fill("#hosts", "https://video.example.org")
	admin.click("Save the list")
	admin.see("is no name of a host")
	admin.look("page-media-hosts")
}
