package tutor

import "strings"

func wordSet(lists ...string) map[string]bool {
	set := map[string]bool{}
	for _, l := range lists {
		for _, w := range strings.Fields(l) {
			set[w] = true
		}
	}
	return set
}

// stopWords carry no subject, in English, German, French and Spanish. Words that programming gives a meaning ("while") are missing on
// purpose.
var stopWords = wordSet(
	`a about above after again against all also am an and any are aren as at be because been before being below between both but by can
	cannot could couldn did didn do does doesn doing don down during each either else ever few for from further get gets got had hadn has
	hasn have haven having he her here hers herself him himself his how however i if in into is isn it its itself just let lot
	ll many may me might more most much must my myself no nor not now of off on once only onto or other our ours out over own please
	re s same shall she should so some such t than that the their theirs them then there these they this those though through to too
	under until up upon us ve very via was wasn we were weren what when where whether which who whom whose why will with within
	without won would wouldn yes you your yours yourself im isnt dont doesnt cant whats hows`,
	`aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim bin bis bist da damit dann das dass dein deine
	dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er
	es etwas euch euer für gegen gibt hab habe haben hat hatte hier hin hinter ich ihm ihn ihnen ihr ihre im in ist ja jede jedem
	jeden jeder jedes jetzt kann kannst kein keine können könnte man manche mein meine mich mir mit muss müssen nach nicht nichts noch nun
	nur ob oder ohne sehr sein seine sich sie sind so solche soll sollte sondern über um und uns unser unter viel vom von vor war
	waren warum was weil welche welchem welchen welcher welches wenn wer werde werden wie wieder will wir wird wo woher wohin
	wurde würde zu zum zur zwar zwischen bitte weshalb wieso`,
	`à ai aie aux avec avez c ce ceci cela celle celui ces cet cette ceux chez ci comme comment d dans de des donc dont du elle elles en
	encore entre es est et étais était été être eu fait fais il ils j je l la là le les leur leurs lui ma mais me même mes moi mon n ne ni
	nos notre nous on ont ou où par parce pas peu peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi sa sans se
	sera ses si son sont sous suis sur ta te tes toi ton tous tout toute toutes très tu un une vos votre vous y`,
	`ما ماذا هو هي هم هذا هذه ذلك تلك الذي التي من في على إلى عن مع أو و لا لم لن هل كيف لماذا متى أين أي كل بعض كان كانت يكون أن إن قد ثم لكن أنا أنت نحن لي لك
	بين بعد قبل عند غير حتى إذا`,
	`al algo algún alguna como cómo con cual cuál cuales cuáles cuando cuándo de del desde donde dónde el él ella ellas ellos en entre era eres
	es esa ese eso esta está están estas este esto estos ha hace hacer hacia han hasta hay la las le les lo los más me mi mis mucho muy
	nada ni no nos nosotros o os otra otro para pero poco por porque qué que quien quién se según ser si sí sin sobre son soy su sus
	también tan te tiene todo todos tu tus un una uno unos usted y ya yo`,
	`alla alle anche che chi ci con così cosa cui da dal dalla dei del della delle di dove e gli ho hanno il io la le lo loro ma mi nel nella non
	noi per perché più quale quali quando quanto questa questo se sei si sono su sul sulla tra uno vi voi è`,
	`ao aos das dela dele depois do dos ela eles em entre essa esse isso isto mais mas meu minha na nas nem no nos não o onde ou para pela pelo por
	porque quais qual quando quem se sem ser seu seus sua são também tem um uma você`,
	`aan bij dan dat de deze die dit door een en er had heb heeft het hij hoe ik in is jij kan maar met mijn naar niet nog om op over te tot uit van
	voor waar waarom wanneer wat wel welke wie wordt zijn zo`,
	`а без бы в вы для до его ее если есть же за и из или им их к как какая какие какой когда кто ли мне мы на не но о об он она они от по почему при
	с со так там то только у что чтобы чем это этот эта эти я`,
	`إلى أن أو أي أين الذي التي الذين إن إذا ب بعد بين تلك ثم حتى حول ذلك عن عند عندما على غير ف في فيه فيها قبل قد ك كان كانت كل كم كما كيف ل لا لكن لم لماذا
	له لها ليس ما ماذا متى مع من منذ منه منها نحن هذا هذه هل هم هو هي هنا هناك و وهو وهي يكون يا أنا أنت`)

// genericWords say what a person wants, not about what. They are searched, but they do not make a question relevant.
var genericWords = wordSet(
	`answer ask call called chapter come course define definition describe detail details difference different discuss do example examples
	exam explain explanation explained find first give go good help idea important know known last learn lecture lesson like make
	makes material mean meaning means need new next one page part people point possible question questions read really say second see show
	simple simply slide slides something stuff sum summarise summarize summary take tell test thing things think topic topics try
	two understand understanding use used using want way well word words work works better best hard easy confused stuck
	today tomorrow yesterday recommend mine sure maybe actually kind sort long short quick quickly fast year years day days time times
	cause happen happens happened role reason world much big small old high low many name names number list write writes written`,
	`aufgabe bedeutet bedeutung beispiel beispiele beschreib beschreibe definition erklär erkläre erklären erklärung frage fragen gut hilf hilfe kapitel
	kurs machen macht heißt hilfst thema themen unterschied verstehe verstehen wissen zeig zeige zusammenfassung wichtig einfach genau besser zweite erste
	brauche braucht tun sagen sag gerade heute morgen gestern`,
	`aide aider chapitre comprendre comprends cours décrire définition différence donne donner exemple exemples explication explique expliquer
	expliquez faire question questions résumé savoir signifie veut dire simple mieux bien demain aujourd hui hier`,
	`ok okay pls plz please`,
	`اشرح شرح فسر مثال أمثلة سؤال أسئلة وضح توضيح المزيد معنى تعريف فهمت أفهم أريد اعطني أعطني درس الدرس فصل مهم`,
	`ayuda ayudar capítulo curso definición define diferencia ejemplo ejemplos entender entiendo explica explicación explicar hacer pregunta preguntas
	quiere decir resumen saber significa mejor simple bien hoy mañana ayer dame`,
	`aiuto capitolo corso definizione differenza domanda esempio esempi spiega spiegami spiegare significa riassunto ajuda aula diferença exemplo explica
	explicar resumo betekent uitleg uitleggen verschil voorbeeld les vraag`,
	`объясни объяснить означает значит пример примеры разница вопрос помощь такое урок`,
	`اشرح شرح معنى تعريف عرف الفرق فرق مثال أمثلة سؤال أريد ساعدني درس الدرس ملخص لخص تحدث اذكر وضح`)

// pointing words refer to what was said before or to the page that is open.
var pointing = wordSet(
	`this that these those it its they them he she one ones second third first last former latter previous above below same again more why
	other another example else continue further`,
	`das dies diese dieser dieses es sie ihn ihm davon dazu damit darauf warum nochmal weiter mehr beispiel zweite dritte letzte`,
	`ça ceci cela ce cette ces il elle pourquoi encore plus exemple deuxième suite`,
	`هذا هذه ذلك تلك لماذا المزيد مثال الثاني الثانية أكثر`,
	`esto eso esta este ese esa lo la por otra otro más segundo segunda ejemplo`)

// overviewWords together with nothing else ask what the course is about.
var overviewWords = wordSet(
	`course class subject about cover covers covered overview content contents syllabus outline material materials topic topics summary summarise summarize learn
	taught teach lecture lectures`,
	`kurs inhalt inhalte überblick übersicht thema themen vorlesung geht worum handelt stoff lernen lerne`,
	`cours contenu sujet sujets thèmes aperçu parle programme apprendre matière`,
	`curso contenido tema temas trata resumen programa aprender asignatura`)

// greetings need no search.
var greetings = wordSet(
	`hi hello hey hiya howdy greetings good morning afternoon evening day there tutor`,
	`hallo guten tag morgen abend moin servus grüß gott hi grüezi`,
	`bonjour bonsoir salut coucou`,
	`hola buenos buenas días dias tardes noches`)

var thanks = wordSet(
	`thanks thank you thx ty very much so a lot many cheers great perfect ok okay cool nice got it bye goodbye that helps helped awesome for your help`,
	`danke dankeschön vielen dank sehr schön super tschüss alles klar`,
	`merci beaucoup bien au revoir parfait`,
	`gracias muchas adiós perfecto vale`)

// thanksCore and greetingCore must occur: "ok" alone is thanks, "very much" alone is not.
var (
	thanksCore   = wordSet(`thanks thank thx ty cheers bye goodbye ok okay danke dankeschön dank tschüss merci gracias adiós great perfect cool awesome super perfecto vale parfait`)
	greetingCore = wordSet(`hi hello hey hiya howdy greetings morning afternoon evening hallo guten moin servus grüß grüezi bonjour bonsoir salut coucou hola buenos buenas`)
)
