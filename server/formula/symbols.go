package formula

import "strings"

// pairs reads a table: names and what they stand for, in turn.
func pairs(text string) map[string]string {
	f := strings.Fields(text)
	m := make(map[string]string, len(f)/2)
	for i := 0; i+1 < len(f); i += 2 {
		m[f[i]] = f[i+1]
	}
	return m
}

// letters stand for a letter, or for something that is used as one.
var letters = pairs(`alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν xi ξ
	omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
	Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
	infty ∞ partial ∂ nabla ∇ hbar ℏ ell ℓ Re ℜ Im ℑ wp ℘ aleph ℵ beth ℶ emptyset ∅ varnothing ∅ imath ı jmath ȷ angle ∠ measuredangle ∡ triangle △
	square □ Box □ blacksquare ■ diamondsuit ♢ heartsuit ♡ clubsuit ♣ spadesuit ♠ top ⊤ bot ⊥ degree ° prime ′ backprime ‵ complement ∁ flat ♭ natural ♮ sharp ♯
	ldots … dots … dotsc … dotso … cdots ⋯ dotsb ⋯ dotsm ⋯ dotsi ⋯ vdots ⋮ ddots ⋱ % % $ $ # # _ _ & & pounds £ euro € checkmark ✓ lozenge ◊ Diamond ◊ mho ℧ hslash ℏ eth ð`)

// upright are letters that are not slanted.
var upright = map[string]bool{"Gamma": true, "Delta": true, "Theta": true, "Lambda": true, "Xi": true, "Pi": true, "Sigma": true, "Upsilon": true, "Phi": true,
	"Psi": true, "Omega": true, "infty": true, "partial": true, "nabla": true, "emptyset": true, "varnothing": true}

// operators stand for operators and relations.
var operators = pairs(`pm ± mp ∓ times × div ÷ cdot ⋅ ast ∗ star ⋆ circ ∘ bullet ∙ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ cap ∩ cup ∪ sqcap ⊓ sqcup ⊔ uplus ⊎
	setminus ∖ wr ≀ amalg ⨿ wedge ∧ land ∧ vee ∨ lor ∨ neg ¬ lnot ¬ dagger † ddagger ‡ forall ∀ exists ∃ nexists ∄ triangleleft ◃ triangleright ▹ bigtriangleup △
	leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ ll ≪ gg ≫ approx ≈ approxeq ≊ sim ∼ simeq ≃ cong ≅ equiv ≡ propto ∝ prec ≺ succ ≻ preceq ⪯ succeq ⪰ leqslant ⩽ geqslant ⩾ lesssim ≲ gtrsim ≳
	subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋ nsubseteq ⊈ nsupseteq ⊉ sqsubseteq ⊑ sqsupseteq ⊒ in ∈ notin ∉ ni ∋ owns ∋
	perp ⊥ parallel ∥ nparallel ∦ mid ∣ nmid ∤ vdash ⊢ dashv ⊣ models ⊨ vDash ⊨ Vdash ⊩ asymp ≍ doteq ≐ smile ⌣ frown ⌢ bowtie ⋈ triangleq ≜ coloneqq ≔ because ∵ therefore ∴
	to → rightarrow → gets ← leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺ mapsto ↦ longmapsto ⟼ longrightarrow ⟶ longleftarrow ⟵
	longleftrightarrow ⟷ Longrightarrow ⟹ Longleftarrow ⟸ Longleftrightarrow ⟺ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕ nearrow ↗ searrow ↘ swarrow ↙
	nwarrow ↖ hookrightarrow ↪ hookleftarrow ↩ rightharpoonup ⇀ rightharpoondown ⇁ leftharpoonup ↼ leftharpoondown ↽ rightleftharpoons ⇌ leftrightarrows ⇆ rightrightarrows ⇉ leadsto ⇝
	nrightarrow ↛ nleftarrow ↚ nRightarrow ⇏ nLeftarrow ⇍ twoheadrightarrow ↠ rightsquigarrow ⇝ circlearrowleft ↺ circlearrowright ↻ colon : ltimes ⋉ rtimes ⋊ boxplus ⊞ boxtimes ⊠ surd √`)

// large stand for operators that are drawn larger; those that are no integrals have limits above and below.
var large = pairs(`sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ oiint ∯ bigcup ⋃ bigcap ⋂ bigsqcup ⨆ bigvee ⋁ bigwedge ⋀ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ biguplus ⨄`)

// brackets may also stand after \left and \right.
var brackets = pairs(`{ { } } lbrace { rbrace } lbrack [ rbrack ] langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ | ‖ vert | Vert ‖ lvert | rvert | lVert ‖ rVert ‖ backslash \
	lgroup ⟮ rgroup ⟯ lmoustache ⎰ rmoustache ⎱ ulcorner ⌜ urcorner ⌝ llcorner ⌞ lrcorner ⌟`)

// functions are set upright, with room for their argument.
var functions = pairs(`sin sin cos cos tan tan cot cot sec sec csc csc arcsin arcsin arccos arccos arctan arctan sinh sinh cosh cosh tanh tanh coth coth
	log log ln ln lg lg exp exp deg deg dim dim hom hom ker ker arg arg`)

// limitFunctions have what is below them there in displayed formulas.
var limitFunctions = pairs(`lim lim limsup lim␣sup liminf lim␣inf max max min min sup sup inf inf det det gcd gcd Pr Pr argmax arg␣max argmin arg␣min`)

// spaces are widths.
var spaces = map[string]string{",": "0.17em", "thinspace": "0.17em", ":": "0.22em", ">": "0.22em", "medspace": "0.22em", ";": "0.28em", "thickspace": "0.28em",
	"!": "-0.17em", "negthinspace": "-0.17em", " ": "0.25em", "space": "0.25em", "enspace": "0.5em", "quad": "1em", "qquad": "2em", "\n": "0.25em"}

// letterStyles are the styles of the letters of an argument.
var letterStyles = pairs(`mathrm rm mathbf bf mathbb bb mathcal cal mathscr cal mathfrak frak mathsf sf mathtt tt mathit it boldsymbol bi bm bi textsf sf texttt tt`)

// accents stand above their argument.
var accents = pairs(`hat ^ widehat ^ bar ¯ vec → dot ˙ ddot ¨ tilde ~ widetilde ~ check ˇ breve ˘ acute ´ grave ` + "`" + ` mathring ˚ overrightarrow → overleftarrow ← overleftrightarrow ↔`)

// sizes are those of single brackets.
var sizes = map[string]string{}

// characters stand for something else than their code: brackets that do not grow, signs instead of the keys for them.
var characters = map[string]func() *node{
	"(": func() *node { return fence("(", "prefix", false) }, "[": func() *node { return fence("[", "prefix", false) },
	")": func() *node { return closing(fence(")", "postfix", false)) }, "]": func() *node { return closing(fence("]", "postfix", false)) },
	"|": func() *node { return leaf("mo", "|").with(`stretchy="false"`) }, "-": func() *node { return leaf("mo", "−") }, "*": func() *node { return leaf("mo", "∗") },
	"~": func() *node { return space("0.25em") }, "/": func() *node { return leaf("mo", "/").with(`lspace="0em" rspace="0em"`) },
	":": func() *node { return leaf("mo", ":") },
}

func init() {
	for _, c := range []string{"+", "=", "<", ">", ",", ";", "!", "?", ".", "@", `"`} {
		characters[c] = func() *node { return leaf("mo", c) }
	}
	for name, size := range map[string]string{"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"} {
		for _, side := range []string{"", "l", "r", "m"} {
			sizes[name+side] = size
		}
	}
	for name, text := range limitFunctions {
		limitFunctions[name] = strings.ReplaceAll(text, "␣", "\u2009")
	}
}
