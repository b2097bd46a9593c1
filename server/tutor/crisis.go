package tutor

import "strings"

// concern is what a message makes somebody look at (TUTOR-28).
type concern struct {
	kind   string // self_harm, violence or abuse
	severe bool
}

// Phrases of distress, in folded words, in the languages of stopWords. The list errs on the side of showing help once too
// often: the text is kind to everybody, and a person decides about the rest. Phrases are taken from public lists of warning
// signs; words that courses use in other senses ("suicide" in sociology, "kill a process") are no phrase by themselves.
var (
	selfHarm = phrases(`kill myself; killing myself; end my life; ending my life; take my own life; taking my own life; want to die; wanna die; wish i was dead;
		wish i were dead; better off dead; no reason to live; dont want to live; don t want to live; do not want to live; cant go on living; hurt myself;
		hurting myself; harm myself; harming myself; cut myself; cutting myself; i am suicidal; im suicidal; i m suicidal; feel suicidal; feeling suicidal; suicidal thoughts;
		thinking about suicide; thinking of suicide; commit suicide tonight; i will commit suicide; going to commit suicide; kms;
		mich umbringen; umbringe mich; bringe mich um; mir das leben nehmen; nicht mehr leben; will sterben; mochte sterben; mich ritzen; mich selbst verletzen; selbstmordgedanken;
		suizidgedanken; lebensmude;
		me suicider; me tuer; envie de mourir; veux mourir; plus envie de vivre; me faire du mal; pensees suicidaires; idees suicidaires;
		suicidarme; matarme; quitarme la vida; quiero morir; quiero morirme; no quiero vivir; hacerme dano; cortarme; pensamientos suicidas`)
	violence = phrases(`kill him; kill her; kill them all; kill my teacher; kill my professor; kill my classmates; kill everyone; shoot up the school; shoot everyone; shoot my;
		bring a gun; bomb the school; blow up the school; stab him; stab her; stab my; going to hurt him; going to hurt her; going to hurt them; going to kill you; i will kill you;
		bringe ihn um; bringe sie um; bringe euch um; umbringen will; amoklauf; erschiesse;
		vais le tuer; vais la tuer; vais les tuer; vais te tuer; poser une bombe;
		voy a matarlo; voy a matarla; voy a matarlos; voy a matarte; poner una bomba`)
	abuse = phrases(`he hits me; she hits me; they hit me; he beats me; she beats me; my father hits; my mother hits; my dad hits; my mom hits; being abused; is abusing me;
		abuses me; was raped; raped me; molested me; touches me; sexually assaulted; sexually harassed; afraid to go home; scared to go home; bullying me; being bullied;
		schlagt mich; werde geschlagen; misshandelt mich; vergewaltigt; missbraucht mich; werde gemobbt; mobben mich;
		me frappe; me bat; m a violee; m a viole; me harcele; on me harcele;
		me pega; me golpea; me violo; abusa de mi; me acosan; me acosa`)
)

// phrases reads phrases that are divided by semicolons into folded words.
func phrases(list string) [][]string {
	var out [][]string
	for _, p := range strings.Split(list, ";") {
		if ws := words(p); len(ws) > 0 {
			out = append(out, ws)
		}
	}
	return out
}

// concernOf looks for phrases of distress in a message. It is decided here, with no model, so that it works when nothing
// else does.
func concernOf(message string) *concern {
	ws := words(message)
	holds := func(list [][]string) bool {
		for _, p := range list {
			if containsRun(ws, p) {
				return true
			}
		}
		return false
	}
	switch {
	case holds(selfHarm):
		return &concern{"self_harm", true}
	case holds(violence):
		return &concern{"violence", true}
	case holds(abuse):
		return &concern{"abuse", true}
	}
	return nil
}

// defaultCrisisText is shown at once when the site has set no text of its own.
const defaultCrisisText = "This sounds serious, and it matters more than any course. You do not have to deal with it alone.\n\n" +
	"- If you or somebody else is in danger now, call your local emergency number (112 in Europe, 911 in North America, 999 in the UK).\n" +
	"- To talk to somebody at any hour: https://findahelpline.com lists free, confidential lines for every country. In the USA and Canada call or text 988; in the UK and Ireland call 116 123.\n" +
	"- Talk to somebody you trust: a friend, family, your teacher, or your school's counselling service.\n\n" +
	"A person who is responsible at your school has been told about this message, so that somebody can help."
