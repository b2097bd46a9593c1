package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// AuditPage searches the audit log, for an administrator.
type AuditPage struct {
	app.Compo
	session  lms.Session
	filter   api.AuditFilter
	list     Paged[lms.AuditRecord]
	check    *lms.AuditCheck
	checking bool
	problem  Problem
}

// auditWords are the actions in words.
var auditWords = map[lms.AuditAction]string{
	lms.AuditSetup: "Set up the site", lms.AuditSignInLocked: "Sign-in blocked after failures", lms.AuditConfirmed: "Gave the password again",
	lms.AuditUserCreate: "Created an account", lms.AuditUserRegister: "Registered", lms.AuditUserUpdate: "Changed an account",
	lms.AuditPassword: "Changed the own password", lms.AuditMemberAdd: "Enrolled a member", lms.AuditMemberUpdate: "Changed a member",
	lms.AuditMemberJoin: "Joined a course", lms.AuditInviteCreate: "Made an invite code", lms.AuditInviteRevoke: "Withdrew an invite code",
	lms.AuditMemberImport: "Imported a roster", lms.AuditMemberUndo: "Took an import back", lms.AuditMemberSection: "Put members into a section", lms.AuditSection: "Changed a section",
	lms.AuditCourseState: "Archived or restored a course", lms.AuditClaimIssue: "Made links for new accounts", lms.AuditClaim: "Chose the first password",
	lms.AuditViewStart: "Began a student view", lms.AuditViewEnd: "Ended a student view",
	lms.AuditGradeSave: "Saved a grade", lms.AuditGradePost: "Posted grades", lms.AuditSubmissionRead: "Read a submission", lms.AuditExport: "Exported data", lms.AuditCourseImport: "Imported a course",
	lms.AuditGradeHide: "Hid grades", lms.AuditMarking: "Changed how work is marked", lms.AuditReveal: "Revealed the identities of a blind marking",
	lms.AuditOverrideGrant: "Gave other dates", lms.AuditOverrideRemove: "Took other dates back", lms.AuditLatePolicy: "Changed the late rule", lms.AuditDates: "Changed dates or points of work",
	lms.AuditReturn: "Returned an attempt to draft", lms.AuditChoose: "Chose the attempt that is graded",
	lms.AuditJoinToken: "Made a join token", lms.AuditNodeJoin: "A node joined", lms.AuditNodeRemove: "Removed a node", lms.AuditTransfer: "Handed over leadership",
	lms.AuditDrill: "Ran a drill", lms.AuditRecover: "Gave up a node to recover", lms.AuditQuarantine: "Left out an entry of the log", lms.AuditNodeRead: "Read a node's logs", lms.AuditBackup: "Made a backup", lms.AuditRestore: "Restored a backup", lms.AuditSQL: "Wrote to the database in SQL", lms.AuditSQLRead: "Read the database in SQL",
	lms.AuditSessionEnd: "Signed out other devices", lms.AuditSessionReuse: "An old token was used again", lms.AuditAccountSite: "Changed the rules of accounts",
	lms.AuditEmbeds:     "Changed which sites pages may embed",
	lms.AuditResetIssue: "Made a link for a new password", lms.AuditReset: "Set a password with a link", lms.AuditTOTPOn: "Turned two-step sign-in on",
	lms.AuditTOTPOff: "Turned two-step sign-in off", lms.AuditRecoveryMade: "Made recovery codes", lms.AuditRecoveryUse: "Signed in with a recovery code",
	lms.AuditPasskeyAdd: "Added a passkey", lms.AuditPasskeyRemove: "Removed a passkey", lms.AuditPasskeyCopied: "Refused a passkey that may be copied",
	lms.AuditKVTokenCreate: "Made an API token", lms.AuditKVTokenRevoke: "Withdrew an API token", lms.AuditRefused: "Was refused",
	lms.AuditTutorSite: "Changed the tutor's rules of the site", lms.AuditTutorModel: "Changed the language model", lms.AuditTutorTrial: "Accepted a check of the language model",
}

// auditGroups are what one would look for.
var auditGroups = []Option{{Value: "", Label: "Everything"}, {Value: "grade.", Label: "Grades"}, {Value: "submission.", Label: "Reading of submissions"},
	{Value: "account.", Label: "Accounts"}, {Value: "member.", Label: "Members of courses"}, {Value: "invite.", Label: "Invite codes"}, {Value: "view.", Label: "Student views"},
	{Value: "signin.", Label: "Sign-in"}, {Value: "cluster.", Label: "The cluster"}, {Value: "backup.", Label: "Backups"}, {Value: "export", Label: "Exports"},
	{Value: "kv.", Label: "API tokens"}, {Value: "access.refused", Label: "Refused access"}}

// OnMount loads the page.
func (p *AuditPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
}

func (p *AuditPage) load(ctx app.Context) {
	in := api.AuditInput{AuditFilter: p.filter, Limit: 50}
	if err := in.Validate(); err != nil {
		p.problem = ProblemOf(err)
		return
	}
	p.problem = Problem{}
	p.list.Load(ctx, Call(api.ListAudit, in))
}

func (p *AuditPage) loadMore(ctx app.Context, _ app.Event) {
	p.list.Next(ctx, func(after string) work[api.Page[lms.AuditRecord]] {
		return Call(api.ListAudit, api.AuditInput{AuditFilter: p.filter, Limit: 50, After: after})
	})
}

func (p *AuditPage) verify(ctx app.Context, _ app.Event) {
	p.checking = true
	Async(ctx, Call(api.VerifyAudit, api.NoInput{}), func(ctx app.Context, c lms.AuditCheck, err error) {
		p.checking = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.check = &c
	})
}

// Render draws the page.
func (p *AuditPage) Render() app.UI {
	return &Shell{Title: "Audit log", Lead: "Who did what, when and from where. Records are only ever added, and each one seals the one before.", Active: "audit", Wide: true,
		Actions: Busy(Button("Verify the chain", "shield", p.verify), p.checking),
		Content: app.Div().Class("stack").Body(
			app.If(p.check != nil, p.checked),
			p.form(),
			p.list.View(8, p.load, p.rows),
		)}
}

func (p *AuditPage) checked() app.UI {
	c := *p.check
	return app.Div().Role("status").Body(app.If(c.Broken > 0, func() app.UI {
		return Notice("bad", fmt.Sprintf("The chain breaks at record %d. %s", c.Broken, c.Reason),
			app.P().Text("Compare with another node and with an earlier export, and find out who had access to the database."))
	}).Else(func() app.UI {
		return Notice("good", fmt.Sprintf("All %d records are in order.", c.Records),
			app.P().Class("fine").Text("Seal of the newest record (note it down: a later check must show it again in an export): "),
			app.P().Class("mono", "break").Text(c.Head))
	}))
}

func (p *AuditPage) form() app.UI {
	return app.Form().Class("filter").Role("search").OnSubmit(func(ctx app.Context, e app.Event) { e.PreventDefault(); p.load(ctx) }).Body(
		p.problem.Alert("from", "to", "q"),
		Input(Field{ID: "q", Label: "Search", Type: "search", Placeholder: "Person, address, object", Value: p.filter.Query, Error: p.problem.For("q"), On: p.ValueTo(&p.filter.Query)}),
		Select(Field{ID: "action", Label: "What", Value: p.filter.Action, On: func(ctx app.Context, _ app.Event) {
			p.filter.Action = ctx.JSSrc().Get("value").String()
			p.load(ctx)
		}}, auditGroups...),
		Input(Field{ID: "from", Label: "From", Type: "date", Value: p.filter.From, Error: p.problem.For("from"), On: p.ValueTo(&p.filter.From)}),
		Input(Field{ID: "to", Label: "To", Type: "date", Value: p.filter.To, Error: p.problem.For("to"), On: p.ValueTo(&p.filter.To)}),
		app.Div().Class("actions").Body(
			app.Button().Type("submit").Class("btn").Body(Icon("search"), text("Search")),
			p.download("CSV", "csv"), p.download("JSONL", "jsonl")),
	)
}

func (p *AuditPage) download(label, format string) app.UI {
	path, err := api.PathOf(api.ExportAudit, api.ExportAuditInput{AuditFilter: p.filter, Format: format})
	return app.If(err == nil, func() app.UI {
		return app.A().Class("btn", "btn-quiet").Href(path).Attr("download", "").Aria("label", "Download as "+label).Body(Icon("download"), text(label))
	})
}

func (p *AuditPage) rows(v api.Page[lms.AuditRecord]) app.UI {
	if len(v.Items) == 0 {
		return Empty("shield", "Nothing recorded", "No record matches. Take a wider search.")
	}
	head := func(s string) app.UI { return app.Th().Scope("col").Text(s) }
	return app.Div().Class("stack").Body(
		app.P().Class("fine").Role("status").Text(fmt.Sprintf("%d of %d records, newest first", len(v.Items), v.Total)),
		app.Div().Class("table-wrap").TabIndex(0).Role("region").Aria("label", "Records").Body(app.Elem("table").Class("table", "table-audit").Body(
			app.Elem("thead").Body(app.Elem("tr").Body(head("No."), head("Time"), head("Who"), head("What"), head("Object"), head("Details"), head("Address"))),
			app.Elem("tbody").Body(app.Range(v.Items).Slice(func(i int) app.UI { return auditRow(v.Items[i]) })),
		)),
		p.list.MoreButton(p.loadMore),
	)
}

func auditRow(r lms.AuditRecord) app.UI {
	who := r.Actor
	if who == "" {
		who = "nobody signed in"
		if strings.HasPrefix(string(r.Action), "cluster.") {
			who = "a node"
		}
	}
	words := auditWords[r.Action]
	if words == "" {
		words = string(r.Action)
	}
	return app.Elem("tr").Body(
		app.Th().Scope("row").Class("num").Text(fmt.Sprint(r.ID)),
		app.Td().Body(TimeView(r.At)),
		app.Td().Text(who),
		app.Td().Body(Badge(words, auditTone(r.Action))),
		app.Td().Class("mono", "break").Text(r.Object),
		app.Td().Text(auditDetails(r.Details)),
		app.Td().Class("mono").Text(r.Address),
	)
}

func auditTone(a lms.AuditAction) string {
	switch a {
	case lms.AuditRefused, lms.AuditSignInLocked:
		return "warn"
	case lms.AuditNodeRemove, lms.AuditRestore, lms.AuditRecover, lms.AuditQuarantine, lms.AuditUserUpdate:
		return "info"
	}
	return ""
}

// auditDetails lists the details in the order of their names.
func auditDetails(d map[string]string) string {
	var parts []string
	for k, v := range d {
		parts = append(parts, k+" "+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
