package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// nodeDetails is what an expert wants to know of one node: folded until it is opened, live while it is open.
type nodeDetails struct {
	app.Compo
	Node string

	open   bool
	report Remote[lms.NodeReport]
	name   string // of the text that is shown; empty: none
	text   Remote[api.Page[string]]
}

// CompoID makes a new component of another node's.
func (d *nodeDetails) CompoID() string { return "node-details-" + d.Node }

// OnMount keeps it fresh while it is open.
func (d *nodeDetails) OnMount(ctx app.Context) {
	OnLive(ctx, 2*time.Second, func(ctx app.Context) {
		if d.open && !d.report.Loading() {
			d.load(ctx)
		}
	})
}

func (d *nodeDetails) load(ctx app.Context) {
	d.report.Load(ctx, Call(api.GetNode, api.NodePath{Node: d.Node}))
}

func (d *nodeDetails) toggle(ctx app.Context, _ app.Event) {
	d.open = ctx.JSSrc().Get("open").Bool()
	if d.open {
		d.load(ctx)
	}
}

// Render draws the details.
func (d *nodeDetails) Render() app.UI {
	return app.Elem("details").Class("node-details", "card").On("toggle", d.toggle).Body(
		app.Elem("summary").Class("node-summary").Body(Icon("chevron-right"), app.Strong().Text("Inside "+d.Node),
			app.Span().Class("muted").Text("load, messages, log")),
		app.If(d.open, func() app.UI {
			return app.Div().Class("card-body", "stack").Body(d.report.View(4, d.load, d.view), d.texts())
		}),
	)
}

func (d *nodeDetails) view(r lms.NodeReport) app.UI {
	return app.Div().Class("stack").Body(
		d.sparks(r),
		d.facts(r),
		app.Div().Class("grid-2").Body(d.messages(r), d.figures(r)),
		d.events(r),
	)
}

func (d *nodeDetails) sparks(r lms.NodeReport) app.UI {
	series := func(f func(lms.NodeSample) float64) []float64 {
		out := make([]float64, len(r.Samples))
		for i, s := range r.Samples {
			out[i] = f(s)
		}
		return out
	}
	return app.Div().Class("sparks").Body(
		sparkline("Entries applied", "per second", series(func(s lms.NodeSample) float64 { return s.Entries })),
		sparkline("Writes taken here", "per second", series(func(s lms.NodeSample) float64 { return s.Writes })),
		sparkline("Write, half are faster", "ms", series(func(s lms.NodeSample) float64 { return s.P50 })),
		sparkline("Write, 99 % are faster", "ms", series(func(s lms.NodeSample) float64 { return s.P99 })),
	)
}

func (d *nodeDetails) facts(r lms.NodeReport) app.UI {
	lease := "none: only the leader has one"
	if r.LeaseMs > 0 {
		lease = fmt.Sprintf("valid for %d ms more, renewed %d times", r.LeaseMs, r.Renewals)
	}
	disk := lms.FormatBytes(r.FreeBytes) + " free"
	if r.TotalBytes > 0 {
		disk += " of " + lms.FormatBytes(r.TotalBytes)
	}
	latency := func(l lms.Latency) string {
		if l.Count == 0 {
			return "none yet"
		}
		return fmt.Sprintf("half within %s ms, 95 %% within %s ms, 99 %% within %s ms (%d)", shortNumber(l.P50), shortNumber(l.P95), shortNumber(l.P99), l.Count)
	}
	return Facts(
		Fact{"Role", text(fmt.Sprintf("%s in term %d", r.State, r.Term))},
		Fact{"Log", text(fmt.Sprintf("committed %d, applied %d, %d to go", r.Commit, r.Applied, r.Commit-min(r.Commit, r.Applied)))},
		Fact{"Lease", text(lease)},
		Fact{"Elections", text(fmt.Sprintf("%d started, %d won, since its start", r.Candidacies, r.Elections))},
		Fact{"Last contact", AgoView(r.Contact)},
		Fact{"Writes since its start", text(latency(r.Write))},
		Fact{"Applying an entry", text(latency(r.Apply))},
		Fact{"Disk", app.Span().Class("row-flex").Body(text(disk), app.If(r.LowSpace, func() app.UI { return Badge("almost full", "warn") }))},
		Fact{"Memory", text(fmt.Sprintf("%s, %d goroutines", lms.FormatBytes(r.MemoryBytes), r.Goroutines))},
		Fact{"Running since", TimeView(r.Since)},
		Fact{"Program", text(r.Version + " (" + r.Runtime + ")")},
	)
}

// messageWords are the kinds of messages in words.
var messageWords = map[string]string{"heartbeat": "Heartbeats", "append": "Log entries", "vote": "Requests for a vote", "prevote": "Soundings before a vote",
	"snapshot": "Whole databases", "transfer": "Hand-overs", "forward": "Forwarded writes", "readindex": "Read checks", "member": "Changes of members", "status": "Questions how one stands"}

func (d *nodeDetails) messages(r lms.NodeReport) app.UI {
	var kinds []string
	for k := range r.Sent {
		kinds = append(kinds, k)
	}
	for k := range r.Received {
		if _, ok := r.Sent[k]; !ok {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return figureTable("Messages between nodes", d.Node, []string{"Kind", "Sent", "Received"}, kinds, func(k string) []string {
		label := messageWords[k]
		if label == "" {
			label = k
		}
		return []string{label, fmt.Sprint(r.Sent[k]), fmt.Sprint(r.Received[k])}
	})
}

func (d *nodeDetails) figures(r lms.NodeReport) app.UI {
	var names []string
	for n := range r.Figures {
		names = append(names, n)
	}
	slices.Sort(names)
	return figureTable("Counted since its start", d.Node, []string{"What", "Number"}, names, func(n string) []string {
		label := strings.ReplaceAll(n, "_", " ")
		return []string{strings.ToUpper(label[:1]) + label[1:], shortNumber(r.Figures[n])}
	})
}

// figureTable has a row of texts for each key; all columns but the first are numbers.
func figureTable(title, node string, heads, keys []string, row func(string) []string) app.UI {
	cell := func(i int, s string) app.UI {
		if i == 0 {
			return app.Th().Scope("row").Text(s)
		}
		return app.Td().Class("num").Text(s)
	}
	return app.Div().Body(
		app.H3().Text(title),
		app.Div().Class("table-wrap").TabIndex(0).Role("region").Aria("label", title+" of "+node).Body(app.Elem("table").Class("table").Body(
			app.Elem("thead").Body(app.Elem("tr").Body(app.Range(heads).Slice(func(i int) app.UI {
				return app.Th().Scope("col").Class(cond(i == 0, "", "num")).Text(heads[i])
			}))),
			app.Elem("tbody").Body(app.Range(keys).Slice(func(i int) app.UI {
				cells := row(keys[i])
				return app.Elem("tr").Body(app.Range(cells).Slice(func(j int) app.UI { return cell(j, cells[j]) }))
			})),
		)),
	)
}

func (d *nodeDetails) events(r lms.NodeReport) app.UI {
	return app.Div().Class("stack").Body(
		app.H3().Text("Last warnings and errors"),
		app.If(len(r.Events) == 0, func() app.UI {
			return app.P().Class("muted").Text("None since this node was started.")
		}).Else(func() app.UI {
			return app.Ul().Class("node-events").Body(app.Range(r.Events).Slice(func(i int) app.UI {
				e := r.Events[i]
				return app.Li().Body(Badge(strings.ToLower(e.Level), cond(e.Level == "ERROR", "bad", "warn")), AgoView(e.At), app.Span().Class("break").Text(e.Message))
			}))
		}),
	)
}

// tailLines is how much of a text is shown; all of it can be downloaded.
const tailLines = 200

var textWords = map[string]string{"logs.txt": "the commands of its log, newest last", "metadata.txt": "what it keeps beside the log",
	"dump.txt": "what it saw and did, newest last"}

// texts is the viewer of the node's texts.
func (d *nodeDetails) texts() app.UI {
	return app.Div().Class("stack").Body(
		app.H3().Text("Texts"),
		app.Div().Class("actions").Body(app.Range(lms.NodeTexts).Slice(func(i int) app.UI {
			name := lms.NodeTexts[i]
			return Button(name, "file-text", func(ctx app.Context, _ app.Event) {
				d.name = name
				d.text.Reset()
				d.loadText(ctx)
			}, Each(name, d.Node)).Aria("pressed", fmt.Sprint(d.name == name))
		})),
		app.If(d.name != "", func() app.UI {
			return app.Div().Class("stack").Body(
				app.P().Class("fine").Text(d.name+" of "+d.Node+": "+textWords[d.name]+"."),
				d.text.View(4, d.loadText, d.lines))
		}),
	)
}

func (d *nodeDetails) loadText(ctx app.Context) {
	d.text.Load(ctx, Call(api.NodeLines, api.NodeTextInput{Node: d.Node, Name: d.name, Tail: tailLines}))
}

func (d *nodeDetails) lines(v api.Page[string]) app.UI {
	path, _ := api.PathOf(api.NodeText, api.NodeTextInput{Node: d.Node, Name: d.name})
	return app.Div().Class("stack").Body(
		app.If(len(v.Items) == 0, func() app.UI { return app.P().Class("muted").Text("It is empty so far.") }).Else(func() app.UI {
			return app.Pre().Class("log-view").TabIndex(0).Role("region").Aria("label", d.name+" of "+d.Node).Text(strings.Join(v.Items, "\n"))
		}),
		app.Div().Class("actions").Body(
			Button("Load again", "refresh-cw", func(ctx app.Context, _ app.Event) { d.loadText(ctx) }),
			app.A().Class("btn", "btn-quiet").Href(path).Attr("download", d.Node+"-"+d.name).Body(Icon("download"), text("Download all of it"))),
	)
}
