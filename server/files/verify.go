package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"time"

	"trivium/app/lms"
)

const (
	maxWhole     = 4096                   // files remembered as compared with their SHA-256
	settlingTime = 500 * time.Millisecond // how long Verify waits for nodes beyond a majority
)

// Missing lists the numbers of the chunks that have not arrived, neither here nor on a node that answers.
func (s *Files) Missing(ctx context.Context, f lms.File) ([]int, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	if !s.begin() {
		return nil, lms.ErrUnavailable
	}
	defer s.wg.Done()
	all := s.holds(f)
	if missing := lacking(all); len(missing) == 0 {
		return missing, nil
	}
	members, err := s.peers.list(ctx)
	if err != nil {
		return lacking(all), nil // what it asks for in vain is taken once more
	}
	for _, h := range s.peers.survey(ctx, s.askable(members), []lms.File{f}) {
		merge(all, h[0])
	}
	return lacking(all), nil
}

// askable are the other members without those that were silent a moment ago.
func (s *Files) askable(members []Member) []Member {
	var askable []Member
	for _, m := range s.peers.others(members) {
		if !s.peers.silent(m.ID) {
			askable = append(askable, m)
		}
	}
	return askable
}

// merge adds what one node holds to what others hold.
func merge(all, more []held) {
	for i := range all {
		all[i] |= more[i]
	}
}

// lacking lists the chunks that are not there with their marker.
func lacking(all []held) []int {
	missing := []int{}
	for i, h := range all {
		if h != heldBoth {
			missing = append(missing, i)
		}
	}
	return missing
}

// Replicas counts the nodes that answer and hold every byte of the file, and the nodes of the cluster.
func (s *Files) Replicas(ctx context.Context, f lms.File) (replicas, nodes int) {
	if check(f) != nil || !s.begin() {
		return 0, 0
	}
	defer s.wg.Done()
	members, err := s.peers.list(ctx)
	if err != nil {
		return 0, 0
	}
	return s.survey(ctx, f, members, s.askable(members)).replicas, len(members)
}

// standing is how the copies of a file stand.
type standing struct {
	replicas int               // nodes with every byte
	majority bool              // a majority of the voters is among them
	arrived  []held            // what is there on any node
	lacks    map[string][]int  // id of a voter that answers -> what it lacks
	voters   map[string]Member // the voters that answer and lack something
}

func (s *Files) survey(ctx context.Context, f lms.File, members, ask []Member) standing {
	found := s.peers.survey(ctx, ask, []lms.File{f})
	found[s.cfg.Self] = [][]held{s.holds(f)}
	st := standing{arrived: make([]held, len(f.Chunks)), lacks: map[string][]int{}, voters: map[string]Member{}}
	voters, whole := 0, 0
	for _, m := range members {
		if m.Voter {
			voters++
		}
		h, answered := found[m.ID]
		if !answered {
			continue
		}
		merge(st.arrived, h[0])
		lacks := lacking(h[0])
		if len(lacks) == 0 {
			st.replicas++
			if m.Voter {
				whole++
			}
		} else if m.Voter && m.ID != s.cfg.Self {
			st.lacks[m.ID], st.voters[m.ID] = lacks, m
		}
	}
	st.majority = whole >= voters/2+1
	return st
}

// Verify makes sure that a majority of the voters holds every byte of the file and that the bytes together have its SHA-256. It
// counts the nodes that hold every byte, and the nodes of the cluster. Refusals: chunks have not arrived, or the bytes are not
// the file (KindRule); no majority answers (KindUnavailable).
func (s *Files) Verify(ctx context.Context, f lms.File) (replicas, nodes int, err error) {
	if err := check(f); err != nil {
		return 0, 0, err
	}
	if !s.begin() {
		return 0, 0, lms.ErrUnavailable
	}
	defer s.wg.Done()
	ctx, cancel := s.hold(ctx)
	defer cancel()
	settled := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		members, err := s.peers.list(ctx)
		if err != nil {
			s.log.Warn("the members are not known", "err", err)
			return 0, 0, lms.ErrUnavailable
		}
		st := s.survey(ctx, f, members, s.peers.others(members))
		nodes = len(members)
		if err := s.compare(ctx, f, st.arrived); err != nil {
			return st.replicas, nodes, err
		}
		switch {
		case st.majority && (settled || len(st.lacks) == 0):
			return st.replicas, nodes, nil
		case st.majority: // a moment for the others; they follow in any case
			settled = true
			settle, cancel := context.WithTimeout(ctx, settlingTime)
			s.supply(settle, f, st)
			cancel()
		default:
			s.supply(ctx, f, st)
			if !sleep(ctx, pause) {
				return st.replicas, nodes, lms.ErrUnavailable
			}
		}
	}
}

// compare brings the whole file to this node and compares it with its SHA-256, once.
func (s *Files) compare(ctx context.Context, f lms.File, arrived []held) error {
	s.mu.Lock()
	known := s.whole[f.ID] == f.SHA256
	s.mu.Unlock()
	here := lacking(s.holds(f))
	if known && len(here) == 0 {
		return nil
	}
	if n := len(lacking(arrived)); n > 0 {
		return lms.Errorf(lms.KindRule, "%s is not complete: %d of its %d parts have not arrived. Send it again; only what is missing is sent.",
			f.Name, n, len(f.Chunks))
	}
	for _, number := range here {
		if err := s.obtain(ctx, f, number); err != nil {
			return err
		}
	}
	sum := sha256.New()
	r := s.reader(ctx, f)
	defer r.Close()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		s.log.Warn("a file is not what was announced", "file", f.ID, "announced", f.SHA256, "got", got)
		return lms.FieldErrorf(lms.KindRule, "sha256", "What arrived is not the file that was chosen: the content of %s changed while it was "+
			"sent, or was damaged. It was not handed in. Choose the file again.", f.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.whole) >= maxWhole {
		clear(s.whole)
	}
	s.whole[f.ID] = f.SHA256
	return nil
}

// supply pushes what this node holds to the voters that lack it, until ctx ends.
func (s *Files) supply(ctx context.Context, f lms.File, st standing) {
	var wg sync.WaitGroup
	for id, lacks := range st.lacks {
		m := st.voters[id]
		work := make(chan int, len(lacks))
		for _, number := range lacks {
			work <- number
		}
		close(work)
		for range min(4, len(lacks)) {
			wg.Go(func() {
				for number := range work {
					if ctx.Err() != nil || s.pushStored(ctx, m, f, number) != nil {
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

// pushStored pushes a chunk that this node holds.
func (s *Files) pushStored(ctx context.Context, m Member, f lms.File, number int) error {
	v, err := s.load(ctx, f, number)
	if err != nil {
		return err
	}
	defer v.close()
	err = s.peers.push(ctx, m, f.ID, number, f.Chunks[number], v, v.size)
	if err == nil {
		s.count.pushed.Add(1)
	}
	return err
}
