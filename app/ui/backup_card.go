package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// backupCard tells an administrator when the site was last saved elsewhere, and makes an archive to be downloaded.
type backupCard struct {
	app.Compo
	status    Remote[lms.BackupStatus]
	recipient string
	busy      bool
	problem   Problem
}

// OnMount loads the card and keeps it fresh.
func (c *backupCard) OnMount(ctx app.Context) {
	c.load(ctx)
	OnLive(ctx, 2*time.Second, func(ctx app.Context) {
		if !c.status.Loading() {
			c.load(ctx)
		}
	}, "cluster")
}

func (c *backupCard) load(ctx app.Context) {
	c.status.Load(ctx, Call(api.GetBackups, api.NoInput{}))
}

// Render draws the card.
func (c *backupCard) Render() app.UI {
	return Card("Backups", nil, c.status.View(2, c.load, c.view))
}

func (c *backupCard) view(s lms.BackupStatus) app.UI {
	return app.Div().Class("stack").Body(
		c.schedule(s),
		app.If(s.Job != nil, func() app.UI { return c.job(*s.Job) }),
		app.If(s.Job == nil || s.Job.State == lms.BackupDone || s.Job.State == lms.BackupFailed || s.Job.State == lms.BackupReady, c.form),
	)
}

// schedule says what is saved by itself.
func (c *backupCard) schedule(s lms.BackupStatus) app.UI {
	if s.Every == 0 {
		return app.P().Text("No backups are made by themselves. A copy on every node is no backup: what somebody deletes is deleted everywhere. " +
			"Start the nodes with --backup-every and --backup-to.")
	}
	words := fmt.Sprintf("Every %s to %s, %s.", Span(time.Duration(s.Every)*time.Second), s.To, cond(s.Encrypted, "encrypted", "not encrypted"))
	if s.Keep > 0 {
		words += fmt.Sprintf(" The newest %d are kept.", s.Keep)
	}
	last := app.UI(app.P().Class("muted").Text("The first one has not been made yet."))
	if l := s.Last; l != nil && l.State == lms.BackupFailed {
		good := "There is no good one yet."
		if !s.LastGood.IsZero() {
			good = "The last good one is of " + FormatTime(s.LastGood) + "."
		}
		last = Notice("bad", "The last backup failed on "+l.Node+", "+FormatTime(l.FinishedAt)+": "+strings.TrimSuffix(l.Error, ".")+". "+good+" It is tried again.")
	} else if l != nil {
		last = app.P().Text(fmt.Sprintf("The last one: %s, %s, made by %s.", FormatTime(l.FinishedAt), lms.FormatBytes(l.Total), l.Node))
		if l.Error != "" {
			last = Notice("warn", "The last backup can be restored, but: "+l.Error)
		}
	}
	return app.Div().Class("stack").Body(app.P().Text(words), last)
}

// job is the archive that somebody has asked for.
func (c *backupCard) job(j lms.Backup) app.UI {
	switch j.State {
	case lms.BackupPreparing:
		return app.P().Role("status").Text("The archive is being prepared …")
	case lms.BackupReady:
		return app.Div().Class("stack").Body(
			app.P().Role("status").Text(fmt.Sprintf("Ready: the site as it is after entry %d, %s. It waits for ten minutes.", j.Index, lms.FormatBytes(j.Total))),
			app.If(j.Error != "", func() app.UI { return Notice("warn", j.Error) }),
			app.Div().Class("actions").Body(
				app.A().Class("btn", "btn-primary").Href(strings.Replace(api.BackupContent.Path, ":backup", j.ID, 1)).Attr("download", j.Name).
					Body(Icon("download"), text("Download "+j.Name))))
	case lms.BackupRunning:
		return Progress("Being downloaded", j.Done, max(j.Total, 1))
	case lms.BackupFailed:
		return Notice("bad", "The backup failed: "+j.Error)
	}
	return app.P().Text(fmt.Sprintf("Downloaded %s: %s, the site after entry %d. %s", FormatTime(j.FinishedAt), j.Name, j.Index, j.Error))
}

func (c *backupCard) form() app.UI {
	return app.Form().Class("stack").OnSubmit(c.submit).Body(
		c.problem.Alert("recipients"),
		Input(Field{ID: "recipients", Label: "Encrypt for", Optional: true, Help: "A public key of age, age1…: only its owner can open the archive. Without one, whoever gets the file can read everything. The key of the tutor's service and the seeds of two-step sign-in come back only from backups of the operator.",
			Value: c.recipient, Error: c.problem.For("recipients"), On: c.ValueTo(&c.recipient)}),
		app.Div().Class("actions").Body(Submit("Make a backup", "Beginning", c.busy)),
	)
}

func (c *backupCard) submit(ctx app.Context, e app.Event) {
	var in api.BackupInput
	if r := strings.TrimSpace(c.recipient); r != "" {
		in.Recipients = []string{r}
	}
	SendForm(ctx, e, &c.busy, &c.problem, api.StartBackup, in, func(_ app.Context, s lms.BackupStatus) { c.status.Set(s) })
}
