package store

import (
	"slices"
	"testing"
)

// A restored site must not mail what the site that it was may have mailed since; an archive from before has no outbox.
func TestARestoredSiteHasNoMails(t *testing.T) {
	const erase = `DELETE FROM outbox`
	if !slices.Contains(NewCluster(SchemaVersion()), erase) || !slices.Contains(NewCluster(outboxSchema()), erase) {
		t.Error("mails that wait stay")
	}
	if slices.Contains(NewCluster(outboxSchema()-1), erase) {
		t.Error("an archive from before the outbox cannot be restored")
	}
	if outboxSchema() < 26 {
		t.Errorf("schema %d", outboxSchema())
	}
}
