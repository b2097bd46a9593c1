package files

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"trivium/app/lms"
)

// grace is how long a node that was whole still counts as such when it finds that it lacks something: usually that is on its way
// already, and was handed in a moment ago.
const grace = 10 * time.Second

// lack is what a node lacks of the complete files and another one may have.
type lack struct{ chunks, bytes int64 }

// add counts what the job would bring.
func (l *lack) add(j job) {
	l.chunks++
	l.bytes += j.bytes()
}

// owner is a file that a chunk is part of.
type owner struct{ file, course string }

// progress is how far this node's copy of the files is.
type progress struct {
	mu     sync.Mutex
	looked bool // at every row, since the start: before that nothing is known to be missing
	lack   lack
	whole  time.Time        // when it last was; zero: not since the start
	gone   map[string]owner // chunks of complete files that no member has, as the last pass has found, by hash
}

// found notes what the node lacks; full, after a look at every row.
func (p *progress) found(l lack, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked && p.lack.chunks == 0 {
		p.whole = time.Now()
	}
	p.looked, p.lack = p.looked || full, l
}

// lost notes the chunks that no member has, and returns those that are new among them.
func (p *progress) lost(gone map[string]owner) (news map[string]owner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	news = maps.Clone(gone)
	for hash := range p.gone {
		delete(news, hash)
	}
	p.gone = gone
	return news
}

// back notes that a member has a chunk again that was gone: until it is copied, this node is not whole.
func (p *progress) back(j job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hash := j.file.Chunks[j.number]
	if _, gone := p.gone[hash]; gone {
		delete(p.gone, hash)
		p.lack.add(j)
		p.whole = time.Time{}
	}
}

// isGone reports whether no member has the chunk.
func (p *progress) isGone(hash string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, gone := p.gone[hash]
	return gone
}

// arrived notes that a job is done. That it was the last one is for the end of the pass to say.
func (p *progress) arrived(j job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lack.chunks > 1 {
		p.lack = lack{p.lack.chunks - 1, max(0, p.lack.bytes-j.bytes())}
	}
}

func (p *progress) copy() lms.FileCopy {
	p.mu.Lock()
	defer p.mu.Unlock()
	whole := p.looked && p.lack.chunks == 0 || !p.whole.IsZero() && time.Since(p.whole) < grace
	return lms.FileCopy{Whole: whole, Missing: p.lack.chunks, Bytes: p.lack.bytes, Gone: int64(len(p.gone))}
}

// Gone reports whether no member had the chunk of a complete file when all were asked last: it was lost with a disk or a machine.
func (s *Files) Gone(hash string) bool { return s.progress.isGone(hash) }

// Copies asks nodes at the same time how complete their copies of the files are. It takes their addresses by id; a node that does not
// answer is not in the result.
func (s *Files) Copies(ctx context.Context, nodes map[string]string) map[string]lms.FileCopy {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	copies := map[string]lms.FileCopy{}
	for id, address := range nodes {
		wg.Go(func() {
			c, err := s.copyOf(ctx, Member{ID: id, Address: address})
			if err != nil {
				s.log.Debug("a node does not tell how complete its files are", "peer", id, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			copies[id] = c
		})
	}
	wg.Wait()
	return copies
}

func (s *Files) copyOf(ctx context.Context, m Member) (lms.FileCopy, error) {
	if m.ID == s.cfg.Self {
		return s.progress.copy(), nil
	}
	return s.peers.copy(ctx, m)
}

// copy asks another member how complete its files are. One of the version before cannot tell, and counts as whole as it did there.
func (p *peers) copy(ctx context.Context, m Member) (c lms.FileCopy, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Address+"/copy", nil)
	if err != nil {
		return c, err
	}
	res, err := p.do(req, m)
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&c)
	case http.StatusNotFound:
		c.Whole = true
	default:
		err = fmt.Errorf("node %s: %s", m.ID, res.Status)
	}
	return c, err
}

func (s *Files) answerCopy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.progress.copy())
}
