package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"trivium/app/lms"
)

const (
	memberAge      = 2 * time.Second  // how old the list of members may be
	staleMemberAge = 10 * time.Second // the same, while it is being renewed
	askTimeout     = 2 * time.Second  // of a question that moves no chunk
	fetchTimeout   = 15 * time.Second // of one chunk
	maxSuspicion   = 5 * time.Second  // how long a silent peer is passed over where another will do
	maxAnswer      = 4 << 20
)

// repeatable, without a value, tells net/http that it may send the request again when an idle connection turns out to be dead.
const repeatable = "X-Idempotency-Key"

var (
	errNoMajority = errors.New("no majority of the nodes answers")
	errSilent     = errors.New("no answer in time")
)

// peers are the other nodes.
type peers struct {
	client  *http.Client
	self    string
	members func(context.Context) ([]Member, error)

	goes func(func()) bool // runs in the background until Close

	mu       sync.Mutex
	cached   []Member
	cachedAt time.Time
	renewing bool
	states   map[string]*peerState
}

// peerState is what this node remembers of a peer.
type peerState struct {
	slots    chan struct{} // pushes under way
	failures int
	silent   time.Time // passed over until then
}

func newPeers(client *http.Client, c Config, goes func(func()) bool) *peers {
	return &peers{client: client, self: c.Self, members: c.Members, goes: goes, states: map[string]*peerState{}}
}

// list returns the members. Asking may take long while one does not answer, so a list that has just become old is still used
// while it is renewed.
func (p *peers) list(ctx context.Context) ([]Member, error) {
	p.mu.Lock()
	age, cached := time.Since(p.cachedAt), p.cached
	renew := age >= memberAge && age < staleMemberAge && !p.renewing
	p.renewing = p.renewing || renew
	p.mu.Unlock()
	switch {
	case renew:
		if !p.goes(func() { p.renew(context.Background()) }) {
			return nil, lms.ErrUnavailable
		}
		return cached, nil
	case age < staleMemberAge:
		return cached, nil
	}
	return p.renew(ctx)
}

func (p *peers) renew(ctx context.Context) ([]Member, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	members, err := p.members(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewing = false
	if err != nil {
		return nil, fmt.Errorf("list the members: %w", err)
	}
	p.cached, p.cachedAt = slices.Clone(members), time.Now()
	return p.cached, nil
}

func (p *peers) state(id string) *peerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.states[id]
	if st == nil {
		st = &peerState{slots: make(chan struct{}, maxPushing)}
		p.states[id] = st
	}
	return st
}

// silent reports whether the peer did not answer a moment ago.
func (p *peers) silent(id string) bool {
	st := p.state(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(st.silent)
}

func (p *peers) note(id string, answered bool) {
	st := p.state(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if answered {
		st.failures, st.silent = 0, time.Time{}
		return
	}
	st.failures = min(st.failures+1, 6)
	st.silent = time.Now().Add(min(maxSuspicion, 100*time.Millisecond<<st.failures))
}

// others returns the members that are not this node, in random order, those that were silent last.
func (p *peers) others(members []Member) []Member {
	others := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.ID == p.self })
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	slices.SortStableFunc(others, func(a, b Member) int { return rank(p.silent(a.ID)) - rank(p.silent(b.ID)) })
	return others
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// do sends a request and checks that the answer comes from the member that was meant: an address may have been given to another node.
func (p *peers) do(req *http.Request, m Member) (*http.Response, error) {
	res, err := p.client.Do(req)
	if err != nil {
		if !errors.Is(context.Cause(req.Context()), context.Canceled) {
			p.note(m.ID, false)
		}
		return nil, err
	}
	if got := res.Header.Get(nodeHeader); got != m.ID {
		res.Body.Close()
		p.note(m.ID, false)
		return nil, fmt.Errorf("node %q answers at the address of node %q", got, m.ID)
	}
	p.note(m.ID, true)
	return res, nil
}

func chunkURL(m Member, hash, file string, number int) string {
	u := url.URL{Scheme: "http", Host: m.Address, Path: "/chunk/" + hash}
	if file != "" {
		u.RawQuery = url.Values{"file": {file}, "number": {strconv.Itoa(number)}}.Encode()
	}
	return u.String()
}

// push sends a chunk with its marker and returns when it is on the peer's disk.
func (p *peers) push(ctx context.Context, m Member, file string, number int, hash string, src io.ReaderAt, length int) error {
	body := func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(src, 0, int64(length))), nil }
	first, _ := body()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, chunkURL(m, hash, file, number), first)
	if err != nil {
		return err
	}
	req.ContentLength, req.GetBody = int64(length), body
	req.Header[repeatable] = nil
	res, err := p.do(req, m)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusInsufficientStorage:
		return &fullError{m.ID}
	case http.StatusUnprocessableEntity:
		return fmt.Errorf("node %s: %w", m.ID, errDamaged)
	}
	return fmt.Errorf("node %s: %s", m.ID, res.Status)
}

// fullError tells whose disk is full.
type fullError struct{ node string }

func (e *fullError) Error() string { return "the disk of node " + e.node + " is full" }

// get asks a peer for a chunk. The caller closes the body and verifies the bytes. errAbsent when the peer does not have it.
func (p *peers) get(ctx context.Context, m Member, hash string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, chunkURL(m, hash, "", 0), nil)
	if err != nil {
		return nil, err
	}
	res, err := p.do(req, m)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, errAbsent
	}
	return nil, fmt.Errorf("node %s: %s", m.ID, res.Status)
}

// whichRequest asks which chunks and markers of files a node holds.
type whichRequest struct {
	Files []whichFile `json:"files"`
}

type whichFile struct {
	ID     string   `json:"id"`
	Size   int64    `json:"size"`
	Chunks []string `json:"chunks"`
}

// whichAnswer has one string per file with one character per chunk: see held.
type whichAnswer struct {
	Files []string `json:"files"`
}

// held is what a node holds of one chunk: '0' to '3'.
type held byte

const (
	heldChunk  held = 1
	heldMarker held = 2
	heldBoth   held = heldChunk | heldMarker
)

// which asks a member what it holds of files.
func (p *peers) which(ctx context.Context, m Member, files []lms.File) ([][]held, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var in whichRequest
	for _, f := range files {
		in.Files = append(in.Files, whichFile{f.ID, f.Size, f.Chunks})
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.Address+"/which", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header[repeatable] = nil
	res, err := p.do(req, m)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("node %s: %s", m.ID, res.Status)
	}
	var out whichAnswer
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&out); err != nil {
		p.note(m.ID, false)
		return nil, fmt.Errorf("node %s: %w", m.ID, err)
	}
	return parseHeld(out, files)
}

func parseHeld(a whichAnswer, files []lms.File) ([][]held, error) {
	if len(a.Files) != len(files) {
		return nil, fmt.Errorf("an answer for %d files, not %d", len(a.Files), len(files))
	}
	all := make([][]held, len(files))
	for i, s := range a.Files {
		if len(s) != len(files[i].Chunks) {
			return nil, fmt.Errorf("an answer for %d chunks, not %d", len(s), len(files[i].Chunks))
		}
		all[i] = make([]held, len(s))
		for j := range len(s) {
			all[i][j] = held(s[j]-'0') & heldBoth
		}
	}
	return all, nil
}

// survey asks members at the same time what they hold. Members that do not answer are not in the result.
func (p *peers) survey(ctx context.Context, members []Member, files []lms.File) map[string][][]held {
	var mu sync.Mutex
	var wg sync.WaitGroup
	found := map[string][][]held{}
	for _, m := range members {
		wg.Go(func() {
			if h, err := p.which(ctx, m, files); err == nil {
				mu.Lock()
				defer mu.Unlock()
				found[m.ID] = h
			}
		})
	}
	wg.Wait()
	return found
}
