package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/files"
	"trivium/server/seal"
	"trivium/server/store"
	"trivium/server/store/storetest"
	"trivium/server/tutor"
)

const testPassword = "four unrelated words"

// site is a server over a real one-node store, with a base address.
type site struct {
	t      testing.TB
	server *Server
	store  *store.Store
	base   string
	log    *logBuffer
}

// logBuffer collects the log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// oneNode is the membership of a test. What it refuses is told in its fields.
type oneNode struct {
	*consensus.DB
	removeErr error
}

func (oneNode) JoinToken(context.Context) (api.JoinToken, error) {
	return api.JoinToken{Token: "K10aa::secret", ExpiresAt: time.Now().Add(time.Hour), Command: "trivium serve"}, nil
}

func (n oneNode) Remove(context.Context, string, bool) error { return n.removeErr }

func (oneNode) Transfer(context.Context, string) error { return nil }

func (oneNode) Suspend(context.Context, string, time.Duration) error { return nil }

// newSite starts a server over a database of its own. change may alter its configuration.
func newSite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	t.Cleanup(func() { network.Close() })
	st := storetest.Open(t)
	self := files.Member{ID: st.DB().Status().ID, Address: network.Addr().String(), Voter: true}
	members := func(context.Context) ([]files.Member, error) { return []files.Member{self}, nil }
	return serve(t, st, network, members, change)
}

// serve starts the server of a node.
func serve(t testing.TB, st *store.Store, network *consensus.Network, members func(context.Context) ([]files.Member, error), change func(*Config)) *site {
	t.Helper()
	log := &logBuffer{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	self := st.DB().Status().ID
	f, err := files.Open(files.Config{Dir: t.TempDir(), Network: network, Self: self, List: st.FilesAfter, Logger: logger, Members: members,
		HoldTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tu := tutor.New(tutor.Config{Store: st, Node: self, Logger: logger, OpenFile: f.Open})
	t.Cleanup(func() { tu.Close() })
	c := Config{Store: st, Files: f, Tutor: tu, Cluster: oneNode{DB: st.DB()}, Backup: oneBackup{}, Models: tu, Keys: seal.New(), NodeID: self, Version: "test", AppVersion: "app-1",
		OperatorToken: "operator-token-of-the-test", Logger: logger, StaleReads: lms.StaleReads}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Close()
		h.CloseClientConnections()
		h.Close()
	})
	return &site{t: t, server: s, store: st, base: h.URL, log: log}
}

// user makes an account without the cost of a password hash.
func (s *site) user(login string, admin, creator bool) lms.User {
	s.t.Helper()
	u := lms.User{ID: login, Login: login, Name: strings.ToUpper(login[:1]) + login[1:], Admin: admin, MayCreateCourses: creator}
	var err error
	if admin && s.needsSetup() {
		hash := digest("setup")
		if err = s.store.SetSetupToken(s.t.Context(), hash, time.Now().Add(time.Hour)); err == nil {
			u, err = s.store.Setup(s.t.Context(), hash, u, "-")
		}
	} else {
		u, err = s.store.CreateUser(s.t.Context(), lms.Actor{UserID: "root", Admin: true}, u, "-")
	}
	s.check(err)
	return u
}

func (s *site) needsSetup() bool {
	needed, err := s.store.NeedsSetup(s.t.Context())
	s.check(err)
	return needed
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// token makes a session of the user.
func (s *site) token(user string, life time.Duration) string {
	s.t.Helper()
	token := lms.NewSecret()
	s.check(s.store.CreateSession(s.t.Context(), store.SessionRecord{ID: lms.NewID(), UserID: user, TokenHash: digest(token), TwoStep: true,
		ExpiresAt: time.Now().Add(life)}))
	return token
}

// as is a client with a session of the user; "" has none.
func (s *site) as(user string) *api.Client {
	s.t.Helper()
	if user == "" {
		return api.NewClient(s.base)
	}
	return api.NewClient(s.base, api.WithBearer(s.token(user, time.Hour)))
}

// call makes a call that must succeed.
func call[In, Out any](s *site, user string, e api.Endpoint[In, Out], in In) Out {
	s.t.Helper()
	out, err := api.Call(s.t.Context(), s.as(user), e, in)
	if err != nil {
		s.t.Fatalf("%s %s as %q: %v", e.Method, e.Path, user, err)
	}
	return out
}

// refused makes a call that must be refused.
func refused[In, Out any](s *site, user string, e api.Endpoint[In, Out], in In, want lms.Kind) *lms.Error {
	s.t.Helper()
	_, err := api.Call(s.t.Context(), s.as(user), e, in)
	if got := lms.KindOf(err); got != want {
		s.t.Fatalf("%s %s as %q: %v, want %s", e.Method, e.Path, user, err, want)
	}
	return refusalOf(err)
}

// reply is what a plain request got.
type reply struct {
	status int
	header http.Header
	body   string
	error  lms.Error
}

// send makes a plain request with the headers of a program; header adds "Name: value" lines, an empty value takes one away.
func (s *site) send(method, path, token, body string, header ...string) reply {
	s.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, r)
	s.check(err)
	req.Header.Set(api.HeaderClient, api.ClientName)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	res, err := noRedirects.Do(req)
	s.check(err)
	defer res.Body.Close()
	out := reply{status: res.StatusCode, header: res.Header}
	if res.Header.Get("Content-Type") == "text/event-stream" {
		return out
	}
	b, err := io.ReadAll(res.Body)
	s.check(err)
	out.body = string(b)
	if res.StatusCode >= 400 {
		_ = json.Unmarshal(b, &out.error) // pages answer text
	}
	return out
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// fileOf describes content as a client does.
func fileOf(course, name, content string) api.DeclareFileInput {
	in := api.DeclareFileInput{Course: course, ID: lms.NewID(), Name: name, Size: int64(len(content)), SHA256: hash(content), Chunks: []string{}}
	for i := range lms.ChunkCount(in.Size) {
		in.Chunks = append(in.Chunks, hash(content[i*lms.ChunkSize:][:lms.ChunkLen(in.Size, i)]))
	}
	return in
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// upload declares, sends and completes a file.
func (s *site) upload(user, course, name, content string) lms.File {
	s.t.Helper()
	in := fileOf(course, name, content)
	call(s, user, api.DeclareFile, in)
	token := s.token(user, time.Hour)
	path := "/api/v1/courses/" + course + "/files/" + in.ID
	for i := range in.Chunks {
		chunk := content[i*lms.ChunkSize:][:lms.ChunkLen(in.Size, i)]
		if r := s.send("PUT", path+"/chunks/"+strconv.Itoa(i), token, chunk, "Content-Type: application/octet-stream"); r.status != 200 {
			s.t.Fatalf("chunk %d: %d %s", i, r.status, r.body)
		}
	}
	return call(s, user, api.CompleteFile, api.FilePath{Course: course, File: in.ID}).File
}

// course is a course c1 with staff, students, work and questions, and a course c2 elsewhere.
type course struct {
	*site
	material, draft     string // published and not
	file                lms.File
	assignment          string
	submission          string
	question, toTutor   string
	tutorReply          string
	program             string // secret of an API token
	invite, otherInvite lms.Invite
	disabled, expired   string // tokens
}

// Users of newCourse: root (admin), ina (instructor), tom (TA), sue and sam (students), obi (observer), ira (instructor of c2),
// ned (student of c2), dis (disabled student of c1).
func newCourse(t testing.TB, change func(*Config)) *course {
	t.Helper()
	s := newSite(t, change)
	s.user("root", true, true)
	s.user("ina", false, true)
	s.user("ira", false, true)
	for _, login := range []string{"tom", "sue", "sam", "obi", "ned", "dis"} {
		s.user(login, false, false)
	}
	c := &course{site: s}
	for id, owner := range map[string]string{"c1": "ina", "c2": "ira"} {
		call(s, owner, api.CreateCourse, api.CourseInput{ID: id, Code: "X " + id, Title: "Course " + id, Zone: "Europe/Berlin", State: lms.CoursePublished})
	}
	for login, role := range map[string]lms.Role{"tom": lms.RoleTA, "sue": lms.RoleStudent, "sam": lms.RoleStudent, "obi": lms.RoleObserver, "dis": lms.RoleStudent} {
		call(s, "ina", api.AddMember, api.AddMemberInput{Course: "c1", Login: login, Role: role})
	}
	call(s, "ira", api.AddMember, api.AddMemberInput{Course: "c2", Login: "ned", Role: lms.RoleStudent})
	c.invite = call(s, "ina", api.CreateInvite, api.CreateInviteInput{Course: "c1", ID: "i1", Role: lms.RoleStudent})
	for _, id := range []string{"d1", "d2"} {
		call(s, "ina", api.CreateModule, api.ModuleInput{Course: "c1", ID: id, Title: "Module " + id, Published: true})
	}
	call(s, "ina", api.CreateItem, api.ItemInput{Course: "c1", Module: "d1", ID: "h1", Kind: lms.ItemHeader, Title: "Read first", Published: true})
	c.material, c.draft = "m1", "m2"
	for id, published := range map[string]bool{c.material: true, c.draft: false} {
		call(s, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: id, Title: "Page " + id, Kind: lms.MaterialPage,
			Body: "Raft *elects* a leader.", Published: published})
	}
	c.assignment = "a1"
	call(s, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "a1", Title: "Essay", Description: "Write **well**.", Points: 1000,
		AllowText: true, MaxFiles: 3, MaxFileSize: 1 << 20, Published: true})
	c.file = s.upload("sue", "c1", "essay.txt", "My essay.")
	c.submission = "s1"
	call(s, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s1", Text: "Here.", Files: []string{c.file.ID}})
	c.question = "q1"
	call(s, "sue", api.AskQuestion, api.QuestionInput{Course: "c1", ID: "q1", To: lms.ToStaff, Title: "When?", Visibility: lms.VisibleStaff})
	c.toTutor, c.tutorReply = "q2", "r2"
	for _, u := range []string{"sue", "sam"} {
		call(s, u, api.AcceptTutorNotice, api.TutorNoticeInput{Notice: lms.TutorNotice})
	}
	call(s, "sue", api.AskQuestion, api.QuestionInput{Course: "c1", ID: "q2", ReplyID: "r2", To: lms.ToTutor, Title: "Who elects a leader?", Visibility: lms.VisibleStaff})
	c.waitReply("q2", "r2")
	return c
}

// waitReply waits until the tutor has answered.
func (s *site) waitReply(question, id string) lms.Reply {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		r, err := s.store.Reply(s.t.Context(), lms.Actor{UserID: "root", Admin: true}, "c1", question, id)
		s.check(err)
		if r.State.Final() {
			return r
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the tutor has not answered: %+v", r)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// disable disables an account.
func (s *site) disable(user string) {
	s.t.Helper()
	u, err := s.store.User(s.t.Context(), user)
	s.check(err)
	yes := true
	call(s, "root", api.UpdateUser, api.UpdateUserInput{User: user, Version: u.Version, Disabled: &yes})
}

func decodeJSON(t testing.TB, s string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
}
