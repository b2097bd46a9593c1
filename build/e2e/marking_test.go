//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

// keys presses keys where the keyboard is.
func (b *tab) keys(what string, keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.run("press "+what, chromedp.KeyEvent(k))
	}
}

// shortcut presses a letter as a keyboard does: what the page does not want of it never becomes a character. chromedp's own
// key events send the character in any case.
func (b *tab) shortcut(key string) {
	b.t.Helper()
	b.run("press "+key, input.DispatchKeyEvent(input.KeyRawDown).WithKey(key), input.DispatchKeyEvent(input.KeyUp).WithKey(key))
}

// focused waits until the element has the keyboard.
func (b *tab) focused(selector string) {
	b.t.Helper()
	b.waitFor(10*time.Second, selector+" to have the keyboard", fmt.Sprintf(`document.activeElement && document.activeElement.matches(%s)`, quote(selector)))
}

// handInFile hands a file in as a student.
func (s *school) handInFile(login, name string, content []byte, text string) {
	s.t.Helper()
	c := s.signedIn(login)
	in := api.SubmitInput{Course: s.course, Assignment: s.assignment, ID: lms.NewID(), Text: text}
	if content != nil {
		up, err := api.Upload(s.t.Context(), c, s.course, api.NewBlob(name, int64(len(content)), bytes.NewReader(content)), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		in.Files = []string{up.File.ID}
	}
	call(s.t, c, api.Submit, in)
}

func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 400, 240))
	for i := range 400 * 240 {
		img.Set(i%400, i/400, color.RGBA{uint8(i % 400 / 2), uint8(i / 400), 160, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// markingSchool has three students who have handed in a text, code and a picture, and a rubric.
func markingSchool(t *testing.T) *school {
	one := startSiteIn(t, []string{newDir(t)}) // one node: this is about the page
	eventually(t, 10*time.Second, "the setup link", func() error {
		_, err := os.Stat(filepath.Join(one.nodes[0].dir, "setup-link"))
		return err
	})
	s := openSchool(t, one)
	for login, name := range map[string]string{"amara": "Amara Okafor", "ben": "Ben Novak", "chen": "Chen Li"} {
		s.enrol(login, name)
	}
	s.handInFile("amara", "", nil, "Any two majorities of five nodes have three members each.\nSix is more than five, so they share one.\n")
	s.handInFile("ben", "quorum.go", []byte("package main\n\nfunc quorum(n int) int {\n\treturn n / 2 // is this right?\n}\n"), "")
	s.handInFile("chen", "sketch.png", picture(t), "My sketch.")
	levels := func(full, half lms.Points) []lms.CriterionLevel {
		return []lms.CriterionLevel{{ID: "full", Title: "Convincing", Description: "Every step has its reason.", Points: full}, {ID: "half", Title: "Partly", Points: half}, {ID: "none", Title: "Missing"}}
	}
	call(t, s.ines, api.CreateRubric, api.RubricInput{Course: s.course, ID: "r1", Title: "Proof", Criteria: []lms.Criterion{
		{ID: "argument", Title: "Argument", Points: 1200, Levels: levels(1200, 600)}, {ID: "clarity", Title: "Clarity", Points: 800, Levels: levels(800, 400)}}})
	call(t, s.ines, api.UpdateMarking, api.MarkingInput{Course: s.course, Assignment: s.assignment, Posting: lms.PostingManual, RubricID: "r1"})
	return s
}

// TestMarking grades three submissions by keyboard alone, posts and hides; the student sees it then and only then.
func TestMarking(t *testing.T) {
	s := markingSchool(t)
	origin := s.nodes[0].origin()
	amara := s.tabOf(t, "amara", s.nodes[0])
	b := s.tabOf(t, "ines", s.nodes[0])
	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.see("3 to grade")
	b.look("marking-list")
	b.run("focus the first work", chromedp.Evaluate(`document.querySelector(".rows .row-link").focus()`, nil))
	b.keys("Enter", kb.Enter)
	b.see("share one")
	b.see("No grade yet")
	b.look("marking-open")
	var preset int
	b.eval(`document.querySelectorAll("input[type=radio]:checked").length + document.querySelector("#points").value.length`, &preset)
	if preset != 0 {
		t.Error("something is preset before the marker has chosen")
	}

	b.shortcut("?")
	b.see("Annotate what is marked")
	b.keys("Escape", kb.Escape)
	b.waitFor(5*time.Second, "the list to close", `document.querySelector("dialog[open]") === null`)
	b.shortcut("r")
	b.focused("#rubric-argument input")
	b.keys("a level", " ")
	b.keys("Tab", kb.Tab)
	b.focused("#rubric-argument-comment")
	b.keys("a comment on the criterion", "Every step counts")
	b.keys("Tab", kb.Tab, kb.ArrowDown)
	b.waitFor(5*time.Second, "the sum of the rubric", `document.querySelector("#points").value === "16"`)
	b.shortcut("f")
	b.focused("#feedback")
	b.keys("feedback", "Well argued.")
	b.see("Draft saved")
	b.keys("Escape", kb.Escape)
	b.shortcut("a")
	b.focused("#from")
	b.keys("the line", "1", kb.Tab, kb.Tab)
	b.focused("#note-body")
	b.keys("an annotation", "Nice step", kb.Tab, kb.Tab)
	b.keys("Save", kb.Enter)
	b.see("“Any two majorities")
	b.shortcut("c")
	b.focused("#comment")
	b.keys("a comment", "See me after class", kb.Tab, kb.Tab)
	b.focused("form button[type=submit]")
	b.keys("Send", kb.Enter)
	b.waitFor(10*time.Second, "the comment", `document.querySelector(".thread .comment") !== null`)
	b.see("Not posted")
	b.look("marking-marked")

	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("Attempt 1 handed in")
	amara.click("Attempt 1")
	amara.click("Comments and annotations")
	amara.see("No comments yet")
	for _, hidden := range []string{"Well argued", "Nice step", "See me after class", "Every step counts", "16 of 20"} {
		amara.absent(hidden)
	}

	b.shortcut("p")
	b.waitFor(5*time.Second, "the question", `document.querySelector("dialog[open]") !== null`)
	b.keys("Post", kb.Tab, kb.Tab, kb.Enter)
	b.see("the student sees it")
	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("16 of 20 points")
	amara.click("Attempt 1")
	amara.click("Comments and annotations")
	for _, shown := range []string{"Well argued", "Nice step", "See me after class", "Every step counts", "16 of 20"} {
		amara.see(shown)
	}
	amara.waitFor(5*time.Second, "the marked words", `[...document.querySelectorAll(".note-mark")].map(e => e.textContent).join("").startsWith("Any two majorities")`)
	amara.look("marking-student")
	amara.fill("#comment", "Thank you!")
	amara.click("Send")
	amara.see("Thank you!")
	b.seeWithin(20*time.Second, "Thank you!")

	s.markRest(b)

	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.see("0 to grade, 2 to post")
	b.click("Post grades (2)")
	b.confirm("Post")
	b.see("0 to post")
	b.click("More")
	b.click("Hide grades")
	b.confirm("Hide")
	b.see("3 grades hidden")
	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("Attempt 1 handed in")
	amara.absent("16 of 20")
	amara.open(origin + "/")
	amara.see("DS 1")
	amara.absent("16 / 20")
}

// markRest goes on to the code and the picture. The next work is there already: it shows without a request.
func (s *school) markRest(b *tab) {
	s.t.Helper()
	var took float64
	b.eval(`new Promise(done => {
		const start = performance.now();
		const look = () => document.body.innerText.includes("is this right?") ? done(performance.now() - start) : requestAnimationFrame(look);
		document.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}));
		look();
	})`, &took)
	s.t.Logf("the next student showed after %.0f ms", took)
	b.see("5 lines")
	b.shortcut("a")
	b.focused("#from")
	b.keys("line 4", "4", kb.Tab, kb.Tab)
	b.keys("an annotation", "No: one more", kb.Tab, kb.Tab, kb.Enter)
	b.see("return n / 2 // is this right?”")
	b.look("marking-code")
	b.shortcut("g")
	b.focused("#points")
	b.keys("points", "7,5")
	b.see("Draft saved")
	b.keys("Escape", kb.Escape)
	b.shortcut("j")
	b.see("My sketch.")
	b.waitFor(10*time.Second, "the picture", `document.querySelector(".page-area img")?.complete === true`)
	b.shortcut("a")
	b.waitFor(5*time.Second, "the form", `document.querySelector("#note-file") !== null`)
	b.set("#note-file", b.fileID("sketch.png"))
	b.waitFor(5*time.Second, "the fields of an area", `document.querySelector("#area-0") !== null`)
	b.fill("#note-body", "This corner")
	b.click("Save")
	b.waitFor(10*time.Second, "the area", `document.querySelector(".area") !== null`)
	b.look("marking-picture")
	b.shortcut("g")
	b.focused("#points")
	b.keys("points", "20")
	b.see("Draft saved")
}

// fileID is the value of an option of the form.
func (b *tab) fileID(label string) (id string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`[...document.querySelectorAll("#note-file option")].find(o => o.textContent === %s).value`, quote(label)), &id)
	return id
}

// TestRubricAndMarkedFiles makes a rubric in the form, shows it to a student, and hands marked files back as a zip.
func TestRubricAndMarkedFiles(t *testing.T) {
	s := markingSchool(t)
	origin := s.nodes[0].origin()
	b := s.tabOf(t, "ines", s.nodes[0])
	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.click("Marking")
	b.see("Students see them")
	b.look("marking-dialog")
	b.click("Make or change rubrics")
	b.see("Proof")
	b.click("New rubric")
	b.fill("#title", "Sketches")
	b.fill("#c-0", "Lines")
	b.click("Add a criterion")
	b.fill("#c-1", "Colours")
	b.fill("#c-1-points", "5")
	b.fill("#c-1-0-points", "7")
	b.click("Save the rubric")
	b.see("the points of a level lie between 0 and the 5")
	b.fill("#c-1-0-points", "5")
	b.look("marking-rubric")
	b.click("Save the rubric")
	b.see("2 criteria, 15 points")
	b.look("marking-rubrics")
	b.click("Archive Sketches")
	b.see("is archived")
	b.click("Undo")
	b.waitFor(20*time.Second, "the rubric again", `!document.body.innerText.includes("is archived") && document.body.innerText.includes("2 criteria, 15 points")`)

	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.click("Marking")
	b.waitFor(10*time.Second, "the rubrics", `document.querySelectorAll("#rubricId option").length === 3`)
	b.set("#rubricShown", true)
	b.click("Save")
	b.see("Saved.")
	amara := s.tabOf(t, "amara", s.nodes[0])
	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("How it is marked")
	amara.see("Every step has its reason.")

	path := filepath.Join(t.TempDir(), "marked.zip")
	if err := os.WriteFile(path, markedZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	b.click("More")
	b.click("Upload marked files")
	b.see("without changing their names")
	b.attach("#feedback-file", path)
	b.see("1 file will be attached, 1 skipped.")
	b.see("No handed-in file has this name.")
	b.look("marking-feedback")
	b.click("Attach 1 file")
	b.see("Attached to 1 work.")
	b.click("Undo")
	b.see("taken away")
	s.postedOnTheWay(b, amara)
}

// postedOnTheWay marks with automatic posting: the student sees the grade when the marker goes on, not while it is typed.
func (s *school) postedOnTheWay(b, amara *tab) {
	origin := s.nodes[0].origin()
	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.click("Marking")
	b.waitFor(10*time.Second, "the choice", `document.querySelector("#posting-automatic") !== null`)
	b.set("#posting-automatic", true)
	b.click("Save")
	b.see("Grades are posted as soon as the marker goes on.")
	// The rubric comes while the marker types already: what is typed is saved all the same.
	b.run("hold the rubric back", chromedp.Evaluate(`(f => {
		const typed = new Promise(done => { window.typed = done; });
		window.fetch = (...a) => String(a[0].url ?? a[0]).endsWith("/marking") ? typed.then(() => f(...a)) : f(...a);
	})(window.fetch)`, nil))
	b.click("Amara")
	b.see("share one")
	b.fill("#points", "13")
	b.absent("Convincing")
	b.run("let the rubric come", chromedp.Evaluate(`window.typed()`, nil))
	b.see("Convincing")
	b.see("Draft saved")
	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("Attempt 1 handed in")
	amara.absent("13 of 20")
	b.click("Next student")
	b.see("is this right?")
	amara.see("13 of 20 points")
	b.click("Previous student")
	b.see("the student sees it")
}

func markedZip(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"ben_1_quorum.go", "notes.txt"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte("// one more is needed"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
