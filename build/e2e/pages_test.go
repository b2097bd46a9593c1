//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

// everyPage names the pages of the program and who looks at them: an instructor, an assistant (t), a student, an observer, an
// administrator, somebody who has not signed in (n). The first one looks longest.
var everyPage = map[string]string{
	"/": "sitoa", "/signin": "n", "/setup": "n", "/register": "n", "/claim": "n", "/reset": "n", "/forgot": "n",
	"/courses": "ias", "/courses/new": "i", "/courses/import": "i", "/account": "sa", "/users": "a", "/audit": "a", "/tutor-settings": "a", "/cluster": "as",
	"/courses/:course": "sito", "/courses/:course/settings": "i", "/courses/:course/people": "its", "/courses/:course/sections": "i", "/courses/:course/roster": "i",
	"/courses/:course/materials": "isto", "/courses/:course/materials/new": "i", "/courses/:course/materials/:material": "si", "/courses/:course/materials/:material/edit": "i",
	"/courses/:course/questions": "sit", "/courses/:course/questions/:question": "is", "/courses/:course/faq": "is",
	"/courses/:course/search": "is",
	"/courses/:course/late":   "is", "/courses/:course/assignments": "sito", "/courses/:course/assignments/new": "i", "/courses/:course/assignments/:assignment": "sito",
	"/courses/:course/assignments/:assignment/edit": "i", "/courses/:course/assignments/:assignment/submissions": "it", "/courses/:course/assignments/:assignment/dates": "i",
	"/courses/:course/assignments/:assignment/tutor": "i", "/courses/:course/submissions/:submission": "is", "/courses/:course/rubrics": "it", "/courses/:course/rubrics/:rubric": "i",
	"/courses/:course/conversations": "i", "/courses/:course/tutor": "i", "/courses/:course/tutor/gaps": "i", "/courses/:course/tutor/flags": "i",
	"/courses/:course/grades": "isto", "/courses/:course/grades/statistics": "i", "/courses/:course/grades/files": "i", "/courses/:course/grades/setup": "i",
	"/courses/:course/grades/notes": "is", "/courses/:course/grades/students/:user": "i",
}

var pagePattern = regexp.MustCompile(`(?m)^\tpage\("([^"]+)"`)

// TestEveryPage opens every page with the data of the demo, as everybody who has something of their own there: wide and narrow,
// light and dark, each fit to be seen and used. The screenshots are in build/bin/shots.
func TestEveryPage(t *testing.T) {
	unnamed(t)
	d := startDemo(t)
	leader, secret := d.line(t, 120*time.Second, demoLeader), d.line(t, 20*time.Second, demoSecret)[1]
	ids := moreOfDemo(t, leader[2], secret)
	logins := map[rune]string{'i': "ines", 't': "tom", 's': "amara", 'o': "olga", 'a': "admin"}
	for _, who := range "nisato" {
		b := openTab(t, "pages of "+string(who))
		if who == 'n' {
			b.expect("/preview") // the pages that links lead to, without what the links bring
		}
		if login, ok := logins[who]; ok {
			b.enter(leader[2], login, secret)
		}
		for _, pattern := range sortedPages() {
			if at := strings.IndexRune(everyPage[pattern], who); at >= 0 {
				b.inspect(leader[2]+ids.Replace(pattern), pattern, who, at == 0)
			}
		}
	}
}

// unnamed fails for a page that nobody looks at.
func unnamed(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "app", "ui", "*routes.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pagePattern.FindAllSubmatch(source, -1) {
			if everyPage[string(m[1])] == "" {
				t.Errorf("nobody looks at %s: name it in everyPage", m[1])
			}
		}
	}
}

func sortedPages() []string {
	var list []string
	for p := range everyPage {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// moreOfDemo adds to the demo what its pages would lack, and returns what stands for the parts of paths.
func moreOfDemo(t *testing.T, origin, secret string) *strings.Replacer {
	t.Helper()
	as := func(login string) *api.Client {
		in := api.SignInInput{Login: login, Password: secret, Bearer: true}
		return api.NewClient(origin, api.WithBearer(call(t, api.NewClient(origin), api.SignIn, in).Token))
	}
	admin, ines := as("admin"), as("ines")
	const course, assignment = "demo-course-distributed", "demo-assignment-quorums"
	amara := call(t, ines, api.ListMembers, api.ListMembersInput{Course: course, Query: "amara"}).Items[0].UserID
	for _, p := range []struct {
		login, name string
		role        lms.Role
	}{{"tom", "Tom Assist", lms.RoleTA}, {"olga", "Olga Okafor", lms.RoleObserver}} {
		u := call(t, admin, api.CreateUser, api.CreateUserInput{ID: lms.NewID(), Login: p.login, Name: p.name, Password: secret})
		call(t, ines, api.AddMember, api.AddMemberInput{Course: course, Login: p.login, Role: lms.RoleTA})
		if p.role == lms.RoleObserver {
			call(t, ines, api.UpdateMember, api.UpdateMemberInput{Course: course, User: u.ID, Role: &p.role, Linked: &amara})
		}
	}
	call(t, ines, api.CreateSection, api.SectionInput{Course: course, ID: "monday", Title: "Monday"})
	call(t, ines, api.CreateRubric, api.RubricInput{Course: course, ID: "proof", Title: "A proof on paper", Criteria: []lms.Criterion{
		{ID: "argument", Title: "Argument", Points: 1200, Levels: []lms.CriterionLevel{{ID: "full", Title: "Convincing", Description: "Every step has its reason.", Points: 1200}, {ID: "none", Title: "Missing"}}}}})
	call(t, ines, api.GrantOverrides, api.OverridesInput{Course: course, Assignment: "demo-assignment-logs", Targets: []string{"student/" + amara}, IDs: []string{lms.NewID()},
		DueAt: time.Now().AddDate(0, 0, 20).UTC().Truncate(time.Second)})
	return strings.NewReplacer(":course", course, ":assignment", assignment, ":material", "demo-material-glossary", ":question", "demo-question-amara",
		":rubric", "proof", ":submission", "demo-work-amara-quorums", ":user", amara)
}

// inspect opens a page at both widths, looks at it, and uses what can be used with the keyboard. A short look is at light and
// wide, and at dark and narrow.
func (b *tab) inspect(url, pattern string, who rune, long bool) {
	b.t.Helper()
	name := "page-" + string(who) + strings.NewReplacer("/:", "-", "/", "-").Replace(pattern)
	for _, v := range []struct {
		width   int64
		schemes []string
	}{{1280, []string{"light", "dark"}}, {360, []string{"dark", "light"}}} {
		b.run("resize", emulation.SetDeviceMetricsOverride(v.width, 900, 1, v.width < 500))
		b.open(url)
		b.complete()
		for i, scheme := range v.schemes {
			if i > 0 && !long {
				break
			}
			b.scheme(scheme)
			b.shot(fmt.Sprintf("%s-%d-%s", name, v.width, scheme))
			b.noSideScroll(name, v.width)
			b.axe(fmt.Sprintf("%s, %d px, %s", name, v.width, scheme))
		}
	}
	var faults []string
	b.keys("the keyboard's ring", kb.Tab)
	b.eval(tidyPage, &faults)
	for _, f := range faults {
		b.t.Errorf("%s: %s", name, f)
	}
}

// tidyPage lists what axe does not look for: one main heading, ids that are unique, and a ring around whatever has the keyboard.
const tidyPage = `(() => {
	const faults = [], seen = new Set();
	const shown = e => e.getClientRects().length > 0;
	if ([...document.querySelectorAll("h1")].filter(shown).length !== 1) faults.push("main headings: " + [...document.querySelectorAll("h1")].map(h => h.innerText).join(", "));
	for (const e of document.querySelectorAll("[id]")) { if (seen.has(e.id)) faults.push("two elements have the id " + e.id); seen.add(e.id); }
	const look = e => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.backgroundColor, s.borderColor].join(); };
	const parts = e => [e, e.parentElement, ...(e.labels || [])];
	for (const e of [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter(shown).slice(0, 150)) {
		if (e.disabled) continue;
		document.activeElement.blur();
		const before = parts(e).map(look);
		e.focus();
		if (document.activeElement === e && parts(e).map(look).join() === before.join()) faults.push("no sign of the keyboard at " + e.outerHTML.slice(0, 160));
	}
	return faults;
})()`
