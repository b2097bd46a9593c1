package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus/consensustest"
	"trivium/server/mail"
	"trivium/server/mail/mailtest"
	"trivium/server/outbox"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// cluster is three nodes with a course; those of with have the mail server.
type cluster struct {
	t        *testing.T
	set      *consensustest.Set
	stores   []*store.Store
	services []*outbox.Service
	site     *storetest.Site
	server   *mailtest.Server
}

func newCluster(t *testing.T, with ...int) *cluster {
	t.Helper()
	c := &cluster{t: t, set: consensustest.Cluster(t, 3), server: mailtest.New(t), stores: make([]*store.Store, 3), services: make([]*outbox.Service, 3)}
	for i := range c.stores {
		c.open(i)
	}
	c.site = storetest.Fill(t, c.stores[0])
	c.address(c.site.Alice, "alice@example.edu")
	for _, i := range with {
		c.start(i, nil)
	}
	t.Cleanup(func() {
		for i := range c.services {
			c.end(i)
		}
	})
	if len(with) > 0 {
		c.mailers(len(with))
	}
	return c
}

func (c *cluster) open(i int) {
	c.t.Helper()
	var err error
	c.stores[i], err = store.Open(context.Background(), c.set.Nodes[i].DB)
	c.check(err)
}

// start starts the service of a node with a mail server, or with another deliverer.
func (c *cluster) start(i int, d outbox.Deliverer) {
	c.t.Helper()
	if d == nil {
		sender, err := mail.New(mail.Config{Server: c.server.Addr, From: "lms@example.edu", Plain: true})
		c.check(err)
		d = sender
	}
	c.services[i] = outbox.New(outbox.Config{Store: c.stores[i], Mail: d, Node: c.set.Nodes[i].ID, Origin: fmt.Sprintf("https://lms%d.example.edu", i+1),
		IsLeader: c.stores[i].DB().IsLeader, Logger: slog.New(slog.DiscardHandler), Lease: 2 * time.Second, Deadline: time.Second, Poll: 50 * time.Millisecond,
		Behind: 300 * time.Millisecond, Retry: 200 * time.Millisecond})
}

func (c *cluster) end(i int) {
	if c.services[i] != nil {
		c.services[i].Close()
		c.services[i] = nil
	}
}

// mailers waits until the cluster knows of so many nodes that send mail.
func (c *cluster) mailers(n int) {
	c.t.Helper()
	c.until("the nodes that send mail to be known", func() bool {
		rows, err := c.stores[0].DB().Query(c.t.Context(), 0, `SELECT count(*) FROM mailers`)
		c.check(err)
		var have int
		c.check(rows.Values[0].Scan(&have))
		return have == n
	})
}

func (c *cluster) address(who lms.Actor, address string) {
	c.t.Helper()
	u, err := c.stores[0].User(c.t.Context(), who.UserID)
	c.check(err)
	_, err = c.stores[0].UpdateUser(c.t.Context(), c.site.Admin, u.ID, u.Version, store.UserPatch{Mail: &address})
	c.check(err)
}

func (c *cluster) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			_, bodies := c.server.Mails()
			c.t.Fatalf("waited in vain for %s; %d mails: %q", what, len(bodies), bodies)
		}
	}
}

// mailed waits for the state of the receipt's mail, as a node has it.
func (c *cluster) mailed(node int, who lms.Actor, id string, want lms.MailState) *lms.Mailed {
	c.t.Helper()
	var m *lms.Mailed
	c.until("the mail of "+id+" to be "+string(want), func() bool {
		var err error
		m, err = c.stores[node].ReceiptMailed(c.t.Context(), who, id)
		c.check(err)
		return m != nil && m.State == want
	})
	return m
}

// ids are the receipt ids in the mails that the server has, with how often each came.
func (c *cluster) ids() map[string]int {
	count := map[string]int{}
	_, bodies := c.server.Mails()
	for _, b := range bodies {
		for line := range strings.Lines(b) {
			if id, ok := strings.CutPrefix(line, "Receipt id:"); ok {
				count[strings.TrimSpace(id)]++
			}
		}
	}
	return count
}

func TestAReceiptIsMailedOnce(t *testing.T) {
	c := newCluster(t, 0, 1, 2)
	c.site.Post(t, "a1", func(a *lms.Assignment) { a.Title = "Übung: Quorums" })
	f := c.site.Upload(t, c.site.Alice, "f1", "essay.pdf", 5, false)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			ctx := store.WithRequest(t.Context(), store.Request{Key: fmt.Sprint("click-", i), Digest: []byte("x")})
			if _, _, err := c.stores[i%3].Submit(ctx, c.site.Alice, c.site.Course.ID, "a1", "s1", "My work.", []string{"f1"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c.site.HandIn(t, c.site.Bob, "a1", "s2", "Bob has no address.")
	if m := c.mailed(0, c.site.Alice, "s1", lms.MailWaiting); m.To != "a…@example.edu" || !strings.Contains(m.Sentence(), "will be mailed to a…@example.edu") {
		t.Errorf("while the file is on its way: %+v", m)
	}
	if n := c.server.Calls(); n != 0 {
		t.Errorf("%d calls before a majority has the file", n)
	}
	_, err := c.stores[1].CompleteFile(t.Context(), c.site.Alice, c.site.Course.ID, "f1")
	c.check(err)
	m := c.mailed(2, c.site.Alice, "s1", lms.MailSent)
	if m.To != "a…@example.edu" || m.At.IsZero() {
		t.Errorf("%+v", m)
	}
	for i := range c.stores { // a repeat, as a browser sends it that has lost the answer
		_, _, err := c.stores[i].Submit(t.Context(), c.site.Alice, c.site.Course.ID, "a1", "s1", "My work.", []string{"f1"})
		c.check(err)
	}
	c.site.HandIn(t, c.site.Alice, "a1", "s3", "Again.")
	c.mailed(0, c.site.Alice, "s3", lms.MailSent)
	if got := c.ids(); len(got) != 2 || got["s1"] != 1 || got["s3"] != 1 {
		t.Errorf("mails %v", got)
	}
	mails, bodies := c.server.Mails()
	first := bodies[0]
	for _, part := range []string{"Alice Example", "CS 1 Systems", "Übung: Quorums", "Attempt:     1", "essay.pdf", "5 bytes", f.SHA256, "CET", "/courses/c-one/assignments/a1"} {
		if !strings.Contains(first, part) {
			t.Errorf("%q is missing in\n%s", part, first)
		}
	}
	if strings.Contains(first, "My work") || mailtest.Subject(mails[0]) != "Receipt: Übung: Quorums, attempt 1" || mails[0].Header.Get("To") != "<alice@example.edu>" {
		t.Errorf("%v\n%s", mails[0].Header, first)
	}
	if m, err := c.stores[0].ReceiptMailed(t.Context(), c.site.Bob, "s2"); m != nil || err != nil {
		t.Errorf("without an address: %+v %v", m, err)
	}
	c.set.WaitEqual()
}

// dying is a deliverer that a node dies in: it waits for the end of the node.
type dying struct {
	begun chan mail.Message
}

func (d dying) Deliver(ctx context.Context, m mail.Message) error {
	d.begun <- m
	<-ctx.Done()
	return ctx.Err()
}

func TestAnotherNodeSendsForOneThatDied(t *testing.T) {
	c := newCluster(t)
	leader := c.set.Index(c.set.Leader())
	other := (leader + 1) % 3
	d := dying{make(chan mail.Message, 1)}
	// The deadline is far, so that the node sits on its claim until it ends.
	c.services[leader] = outbox.New(outbox.Config{Store: c.stores[leader], Mail: d, Node: "dying", Origin: "https://lms.example.edu", IsLeader: func() bool { return true },
		Logger: slog.New(slog.DiscardHandler), Lease: 3 * time.Second, Deadline: 2 * time.Second, Poll: 50 * time.Millisecond})
	c.mailers(1)
	c.site.Post(t, "a1")
	c.site.HandIn(t, c.site.Alice, "a1", "s1", "My work.")
	begun := <-d.begun
	c.set.Stop(leader) // with the claim: what it would record comes nowhere
	c.start(other, nil)
	c.mailed(other, c.site.Alice, "s1", lms.MailSent)
	mails, _ := c.server.Mails()
	if len(mails) != 1 || mails[0].Header.Get("Message-Id") != "<"+begun.ID+">" || begun.ID == "" {
		t.Errorf("%d mails, the first try had %q", len(mails), begun.ID)
	}
}

func TestAMailServerThatIsDown(t *testing.T) {
	c := newCluster(t, 0, 1, 2)
	c.server.SetDown(true)
	c.site.Post(t, "a1")
	for i := range 3 {
		c.site.HandIn(t, c.site.Alice, "a1", fmt.Sprint("s", i), "My work.") // waits for nothing
	}
	c.until("tries", func() bool { return c.server.Calls() > 3 })
	c.until("a warning", func() bool {
		for _, s := range c.services {
			if strings.Contains(s.Warning(), "--smtp-server") {
				return true
			}
		}
		return false
	})
	if o, err := c.stores[0].OutboxState(t.Context()); err != nil || o.Waiting != 3 || o.Failed != 0 || o.Error == "" || strings.Contains(o.Error, "alice@") {
		t.Errorf("%+v %v", o, err)
	}
	leader := c.set.Index(c.set.Leader())
	c.end(leader)
	c.set.Stop(leader)
	c.server.SetDown(false)
	running := c.set.Index(c.set.Leader())
	for i := range 3 {
		c.mailed(running, c.site.Alice, fmt.Sprint("s", i), lms.MailSent)
	}
	if got := c.ids(); len(got) != 3 || got["s0"] != 1 || got["s1"] != 1 || got["s2"] != 1 {
		t.Errorf("mails %v", got)
	}
	c.until("the end of the warnings", func() bool {
		return c.services[running].Warning() == "" || c.services[3-running-leader].Warning() == ""
	})
}

// The only node with a mail server sends, also while it does not lead, and after the leader has changed.
func TestOneNodeHasMail(t *testing.T) {
	c := newCluster(t)
	leader := c.set.Index(c.set.Leader())
	sender := (leader + 1) % 3
	c.site.Post(t, "a1")
	c.site.HandIn(t, c.site.Alice, "a1", "s0", "Before mail is set up.")
	c.start(sender, nil)
	c.mailers(1)
	c.site.HandIn(t, c.site.Alice, "a1", "s1", "My work.")
	c.mailed(leader, c.site.Alice, "s1", lms.MailSent)
	c.server.Hold() // the leader changes while a mail is on its way
	c.site.HandIn(t, c.site.Alice, "a1", "s2", "My work.")
	c.until("a mail on its way", func() bool { return c.server.Held() == 1 })
	c.check(c.stores[leader].DB().Transfer(t.Context(), c.set.Nodes[sender].ID))
	c.server.Release()
	c.mailed(leader, c.site.Alice, "s2", lms.MailSent)
	if got := c.ids(); len(got) != 2 || got["s1"] != 1 || got["s2"] != 1 {
		t.Errorf("mails %v", got)
	}
}

func TestAMailboxThatDoesNotExist(t *testing.T) {
	c := newCluster(t, 0)
	c.address(c.site.Bob, "bob@example.edu")
	c.server.Refuse("bob@example.edu")
	c.site.Post(t, "a1")
	c.site.HandIn(t, c.site.Bob, "a1", "s1", "My work.")
	c.site.HandIn(t, c.site.Alice, "a1", "s2", "My work.")
	c.mailed(0, c.site.Alice, "s2", lms.MailSent)
	if m := c.mailed(0, c.site.Bob, "s1", lms.MailFailed); !strings.Contains(m.Sentence(), "could not be mailed to b…@example.edu") {
		t.Errorf("%+v", m)
	}
	if w := c.services[0].Warning(); !strings.Contains(w, "no such mailbox") || strings.Contains(w, "bob@") {
		t.Errorf("administrators read %q", w)
	}
	if c.server.Calls() != 2 {
		t.Errorf("%d calls: a refusal for good is tried again", c.server.Calls())
	}
}

func TestADraftHandedInAtTheCutoffIsMailed(t *testing.T) {
	c := newCluster(t, 0)
	now := c.stores[0].Now()
	c.site.Post(t, "a1", func(a *lms.Assignment) {
		a.HandInDrafts, a.DueAt, a.CutoffAt = true, now.Add(time.Second), now.Add(time.Second)
	})
	_, err := c.stores[0].SaveDraft(t.Context(), c.site.Alice, c.site.Course.ID, "a1", lms.Draft{Text: "Not finished."}, nil)
	c.check(err)
	c.until("the cut-off", func() bool {
		n, err := c.stores[0].HandInDrafts(t.Context())
		c.check(err)
		return n == 1
	})
	items, err := c.stores[0].MySubmissions(t.Context(), c.site.Alice, c.site.Course.ID, "a1")
	if err != nil || len(items) != 1 {
		t.Fatalf("%v %v", items, err)
	}
	c.mailed(0, c.site.Alice, items[0].ID, lms.MailSent)
	if _, bodies := c.server.Mails(); len(bodies) != 1 || !strings.Contains(bodies[0], "draft was handed in at the cut-off") {
		t.Errorf("%q", bodies)
	}
}
