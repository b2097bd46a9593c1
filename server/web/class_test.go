package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/files"
	"trivium/server/store"
	"trivium/server/tutor"
	"trivium/server/tutor/tutortest"
)

// The tutor's acceptance tests through the API, on one real node or on three, against a scripted language model:
//
//	 1  TestAcceptance01NoEndpoint
//	 2  TestAcceptance02Citations
//	 3  TestAcceptance03NothingHiddenInThePrompt; 10,000 questions: server/tutor TestAcceptance03TenThousandQuestionsLeakNothing
//	 4  TestAcceptance04WhatThePromptHolds
//	 5  server/tutor TestAcceptance05QuestionsOfRealisticShape
//	 6  TestAcceptance06Gate; server/tutor TestAcceptance06GateOnTheLabelledSet
//	 7  TestAcceptance07GradedWork
//	 8  server/tutor TestAcceptance08SecretsInOneChunkOrManyAreNeverStored, TestAcceptance08GivenAwayHintsAreHeldBack, TestAcceptance08OrdinaryAnswersAreChecked
//	 9  TestAcceptance09InjectedText
//	10  TestAcceptance10Levels
//	11  comes with quizzes
//	12  TestAcceptance12QuotasOverALeaderChange, TestAcceptance12RefundAndTokens
//	13  TestAcceptance13OtherRequestsAreUnaffected; server/tutor TestAcceptance13FailingEndpoints
//	14  server/tutor TestAcceptance14LoadingModel
//	15  TestAcceptance15Deaths; with killed processes and a browser: build/e2e TestTutorModel
//	16  TestAcceptance16SlowReply
//	17  TestAcceptance17LongMessages
//	18  server/tutor TestEndpointItem01... to 11...
//	19  server/tutor TestAcceptance19EndpointFormsMakeNoConnection, TestAcceptance19RedirectsAreNotFollowed
//	20  TestAcceptance20AskHumanOnceAndEndorsedFirst; server/tutor TestAcceptance20EndorsedIsFoundFirst
//	21  TestAcceptance21TranscriptsAndErasure
//	22  TestAcceptance22CrisisWithTheEndpointDown
//	23  TestAcceptance23StreamsAndAFloodOfQuestions
//
// What a browser shows of 1, 2, 6, 15, 17, 20 and 22 is in build/e2e.

// class is a course c1 of ina's with the TA tom and the students sue and sam, and a course c2 of ira's with ned; the tutor asks a
// scripted model. It runs on one node or on several.
type class struct {
	t     *testing.T
	model *tutortest.Model
	set   *consensustest.Set // nil: one node

	mu      sync.Mutex
	sites   []*site
	tutors  []*tutor.Tutor
	stops   []func() // ends the tutor of a node as a death of the process does
	configs []Config
	peers   map[string]string
	change  func(*tutor.Config)
	posted  int
	network *consensus.Network // of one node
	single  *store.Store
}

var quickTutor = tutor.Limits{Connect: 2 * time.Second, FirstToken: 20 * time.Second, Idle: 20 * time.Second, Total: time.Minute, Queue: time.Minute,
	Heartbeat: 200 * time.Millisecond, Stale: 3 * time.Second, Poll: 40 * time.Millisecond, Extract: 20 * time.Second}

// newClass starts the nodes. change, which may be nil, alters the settings of every tutor, opts those of the database.
func newClass(t *testing.T, nodes int, play tutortest.Play, change func(*tutor.Config), opts ...consensustest.Option) *class {
	t.Helper()
	c := &class{t: t, model: tutortest.New(t, play), peers: map[string]string{}, change: change,
		sites: make([]*site, nodes), tutors: make([]*tutor.Tutor, nodes), stops: make([]func(), nodes), configs: make([]Config, nodes)}
	if nodes > 1 {
		c.set = consensustest.Cluster(t, nodes, append([]consensustest.Option{func(cc *consensus.Config) { cc.HoldTimeout = 2 * time.Second }}, opts...)...)
	} else {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.network = consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
		t.Cleanup(func() { c.network.Close() })
		if c.single, err = store.Open(t.Context(), consensustest.Open(t)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range nodes {
		c.open(i)
	}
	s := c.sites[0]
	s.user("root", true, true)
	s.user("ina", false, true)
	s.user("ira", false, true)
	for _, login := range []string{"tom", "sue", "sam", "ned"} {
		s.user(login, false, false)
	}
	for id, owner := range map[string]string{"c1": "ina", "c2": "ira"} {
		call(s, owner, api.CreateCourse, api.CourseInput{ID: id, Code: "X " + id, Title: "Replicated Systems " + id, Zone: "UTC", State: lms.CoursePublished})
	}
	for login, role := range map[string]lms.Role{"tom": lms.RoleTA, "sue": lms.RoleStudent, "sam": lms.RoleStudent} {
		call(s, "ina", api.AddMember, api.AddMemberInput{Course: "c1", Login: login, Role: role})
	}
	call(s, "ira", api.AddMember, api.AddMemberInput{Course: "c2", Login: "ned", Role: lms.RoleStudent})
	for _, login := range []string{"sue", "sam", "ned", "ina"} {
		call(s, login, api.AcceptTutorNotice, api.TutorNoticeInput{Notice: lms.TutorNotice})
	}
	return c
}

// open starts the server and the tutor of a node over its database.
func (c *class) open(i int) {
	c.t.Helper()
	st, network := c.single, c.network
	if c.set != nil {
		var err error
		if st, err = store.Open(c.t.Context(), c.set.Nodes[i].DB); err != nil {
			c.t.Fatal(err)
		}
		network = c.set.Nodes[i].Network
	}
	members := func(ctx context.Context) ([]files.Member, error) {
		nodes, err := st.DB().Nodes(ctx)
		var all []files.Member
		for _, m := range nodes {
			all = append(all, files.Member{ID: m.ID, Address: m.Address, Voter: m.Voter})
		}
		return all, err
	}
	if c.set == nil {
		self := files.Member{ID: st.DB().Status().ID, Address: network.Addr().String(), Voter: true}
		members = func(context.Context) ([]files.Member, error) { return []files.Member{self}, nil }
	}
	c.sites[i] = serve(c.t, st, network, members, func(cc *Config) {
		cc.Tutor = c.openTutor(i, st, cc)
		c.configs[i] = *cc
	})
}

// reopen starts the server and the tutor of a node anew, with the settings of the tutor as they are now.
func (c *class) reopen(i int) {
	c.t.Helper()
	c.stops[i]()
	old := c.sites[i]
	config := c.configs[i]
	config.Tutor = c.openTutor(i, old.store, &config)
	server, err := New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	h := httptest.NewServer(server.Handler())
	c.t.Cleanup(func() {
		server.Close()
		h.CloseClientConnections()
		h.Close()
	})
	c.sites[i] = &site{t: c.t, server: server, store: old.store, base: h.URL, log: old.log}
}

func (c *class) openTutor(i int, st *store.Store, cc *Config) *tutor.Tutor {
	tc := tutor.Config{Store: st, Node: cc.NodeID, Logger: slog.New(slog.DiscardHandler), Endpoint: c.model.URL, Model: "scripted", Limits: quickTutor,
		OpenFile: cc.Files.(*files.Files).Open, IsLeader: st.DB().IsLeader}
	tc.Peers = func(_ context.Context, node string) (*http.Client, string, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.peers[node] == "" {
			return nil, "", errors.New("no such node")
		}
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, c.peers[node], nil
	}
	if c.change != nil {
		c.change(&tc)
	}
	tu := tutor.New(tc)
	srv := httptest.NewServer(tu.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { tu.Resume(ctx) })
	loops.Go(func() { tu.IndexLoop(ctx) })
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			srv.CloseClientConnections()
			srv.Close()
			tu.Close()
			loops.Wait()
		})
	}
	c.t.Cleanup(stop)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tutors[i], c.stops[i], c.peers[cc.NodeID] = tu, stop, srv.URL
	return tu
}

// kill ends a node as a death of its process does: nothing is handed over, and what was being written is not stored.
func (c *class) kill(i int) {
	c.t.Helper()
	c.stops[i]()
	c.set.Stop(i)
}

// restart starts a node again over its disk.
func (c *class) restart(i int) {
	c.t.Helper()
	c.set.Restart(i)
	c.set.WaitReady(i)
	c.open(i)
}

// page adds a page and waits until it can be found.
func (c *class) page(course, author, id, title, body string, published bool) {
	c.t.Helper()
	call(c.sites[0], author, api.CreateMaterial, api.MaterialInput{Course: course, ID: id, Title: title, Kind: lms.MaterialPage, Body: body, Published: published})
	c.indexed(course, author, id)
}

// document adds an uploaded file and waits until it can be found.
func (c *class) document(id, title, name string, content []byte) {
	c.t.Helper()
	f := c.sites[0].upload("ina", "c1", name, string(content))
	call(c.sites[0], "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: id, Title: title, Kind: lms.MaterialFile, FileID: f.ID, Published: true})
	c.indexed("c1", "ina", id)
}

func (c *class) indexed(course, author, id string) {
	c.t.Helper()
	until(c.t, "the text of "+id, func() bool {
		m := call(c.sites[0], author, api.GetMaterial, api.MaterialPath{Course: course, Material: id})
		if m.Index == lms.IndexFailed {
			c.t.Fatalf("%s: %s", id, m.IndexNote)
		}
		return m.Index == lms.IndexReady
	})
}

// until polls until the condition holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

const quorums = "# Quorums\n\nA quorum is a set of nodes that is large enough to decide. Any two majorities of a cluster share at least one node.\n\n" +
	"# Leases\n\nA lease is a promise with an expiry time: the leader may serve reads while it holds.\n\n# Snapshots\n\nA snapshot is the state as of one index; it replaces the log up to there."

// asked is one message to the tutor.
type asked struct{ question, reply string }

// ask asks on a node.
func (c *class) ask(node int, user, text string) asked {
	c.t.Helper()
	a, err := c.tryAsk(node, user, text)
	if err != nil {
		c.t.Fatalf("ask %q: %v", text, err)
	}
	return a
}

func (c *class) tryAsk(node int, user, text string) (asked, error) {
	c.mu.Lock()
	c.posted++
	a := asked{fmt.Sprintf("q-%d", c.posted), fmt.Sprintf("r-%d", c.posted)}
	c.mu.Unlock()
	in := api.QuestionInput{Course: "c1", ID: a.question, ReplyID: a.reply, To: lms.ToTutor, Title: text, Visibility: lms.VisibleStaff}
	if len([]rune(text)) > 80 {
		in.Title, in.Body = string([]rune(text)[:60])+"…", text
	}
	_, err := api.Call(c.t.Context(), c.sites[node].as(user), api.AskQuestion, in)
	return a, err
}

// further posts a further message in a thread.
func (c *class) further(user, text string, a asked) asked {
	c.t.Helper()
	c.mu.Lock()
	c.posted++
	id := fmt.Sprintf("r-%d", c.posted)
	c.mu.Unlock()
	call(c.sites[0], user, api.AddReply, api.ReplyInput{Course: "c1", Question: a.question, ID: "m" + id, TutorReplyID: id, Body: text})
	return asked{a.question, id}
}

// answer waits for the final reply on a node, as the asker sees it.
func (c *class) answer(node int, user string, a asked) lms.Reply {
	c.t.Helper()
	client := c.sites[node].as(user)
	var r lms.Reply
	until(c.t, "an answer to "+a.reply, func() bool {
		q, err := api.Call(c.t.Context(), client, api.GetQuestion, api.QuestionPath{Course: "c1", Question: a.question})
		if err != nil {
			return false // the node may be behind, or without a leader for a moment
		}
		i := slices.IndexFunc(q.Replies, func(r lms.Reply) bool { return r.ID == a.reply })
		if i >= 0 {
			r = q.Replies[i]
		}
		return i >= 0 && r.State.Final()
	})
	return r
}

// say asks sue's question on the first node and returns the answer.
func (c *class) say(text string) lms.Reply {
	c.t.Helper()
	return c.answer(0, "sue", c.ask(0, "sue", text))
}

// stream reads an answer on a node to its end and returns the text.
func (c *class) stream(node int, user string, a asked) (text string, final lms.Reply) {
	c.t.Helper()
	events := c.sites[node].stream(streamPath(a), c.sites[node].token(user, time.Hour))
	for {
		e, ok := next[api.ReplyEvent](c.t, events)
		if !ok {
			return text, final
		}
		text += e.Text
		if e.Reply != nil {
			final = *e.Reply
		}
	}
}

func streamPath(a asked) string {
	return "/api/v1/courses/c1/questions/" + a.question + "/replies/" + a.reply + "/stream"
}

// policy changes what ina has decided about the tutor of c1.
func (c *class) policy(change func(*lms.TutorPolicy)) {
	c.t.Helper()
	p := call(c.sites[0], "ina", api.GetTutorPolicy, api.CoursePath{Course: "c1"})
	change(&p)
	call(c.sites[0], "ina", api.UpdateTutorPolicy, api.TutorPolicyInput{Course: "c1", TutorPolicy: p})
}

func (c *class) quota(user string) lms.TutorQuota {
	c.t.Helper()
	return call(c.sites[0], user, api.TutorInfo, api.CoursePath{Course: "c1"}).Quota
}

// assignment posts an assignment with hidden notes.
func (c *class) assignment(id, title, text, notes, answer string) {
	c.t.Helper()
	call(c.sites[0], "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: id, Title: title, Description: text, Points: 100_00, AllowText: true,
		MaxFiles: 3, MaxFileSize: 1 << 20, Published: true})
	if notes != "" {
		call(c.sites[0], "ina", api.UpdateTutorItem, api.TutorItemInput{Course: "c1", Assignment: id, ItemPolicy: lms.ItemPolicy{AssignmentID: id, Notes: notes, Answer: answer}})
	}
}

func holdsAny(text string, parts ...string) string {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return p
		}
	}
	return ""
}
