package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
)

const (
	maxSums      = 4096                   // files whose SHA-256 is remembered
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
	if len(lacking(all)) == 0 || f.Complete() {
		return []int{}, nil
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
	return s.survey(ctx, f, members, false).replicas, countVoters(members)
}

// standing is how the copies of a file stand.
type standing struct {
	replicas int               // voters with every byte
	majority bool              // a majority of the voters is among them
	answered int               // voters that told what they hold
	arrived  []held            // what is there on any node
	lacks    map[string][]int  // id of a voter that answers -> what it lacks
	voters   map[string]Member // the voters that answer and lack something
}

// survey asks what the members hold: those that were silent a moment ago only if the others do not suffice and thorough is set.
func (s *Files) survey(ctx context.Context, f lms.File, members []Member, thorough bool) standing {
	ask := s.askable(members)
	found := s.peers.survey(ctx, ask, []lms.File{f})
	found[s.cfg.Self] = [][]held{s.holds(f)}
	st := stand(s.cfg.Self, f, members, found)
	silent := slices.DeleteFunc(s.peers.others(members), func(m Member) bool { return slices.Contains(ask, m) })
	if !thorough || len(silent) == 0 || st.majority && len(lacking(st.arrived)) == 0 {
		return st
	}
	maps.Copy(found, s.peers.survey(ctx, silent, []lms.File{f}))
	return stand(s.cfg.Self, f, members, found)
}

// stand sums up what the members hold that answered.
func stand(self string, f lms.File, members []Member, found map[string][][]held) standing {
	st := standing{arrived: make([]held, len(f.Chunks)), lacks: map[string][]int{}, voters: map[string]Member{}}
	for _, m := range members {
		h, answered := found[m.ID]
		if !answered {
			continue
		}
		merge(st.arrived, h[0])
		if m.Voter {
			st.answered++
		}
		lacks := lacking(h[0])
		if len(lacks) == 0 {
			if m.Voter {
				st.replicas++
			}
		} else if m.Voter && m.ID != self {
			st.lacks[m.ID], st.voters[m.ID] = lacks, m
		}
	}
	st.majority = st.replicas >= countVoters(members)/2+1
	return st
}

// conclusive reports whether what nobody has shown is on no majority: then it was never acknowledged. A smaller part of the
// voters may have been passed over by the majority that acknowledged it.
func (st standing) conclusive(members []Member) bool {
	n := countVoters(members)
	return st.answered > n-(n/2+1)
}

func countVoters(members []Member) int {
	n := 0
	for _, m := range members {
		if m.Voter {
			n++
		}
	}
	return n
}

// Verify makes sure that a majority of the voters holds every byte of the file and that the bytes together have its SHA-256. It
// counts the voters that hold every byte, and the voters of the cluster: a read replica protects nothing. Refusals: chunks have not arrived, or the bytes are not
// the file (KindRule); no majority answers (KindUnavailable). A repeat continues.
func (s *Files) Verify(ctx context.Context, f lms.File) (replicas, nodes int, err error) {
	if err := check(f); err != nil {
		return 0, 0, err
	}
	if !s.begin() {
		return 0, 0, lms.ErrUnavailable
	}
	defer s.wg.Done()
	held, cancel := s.hold(ctx)
	defer cancel()
	replicas, nodes, err = s.verify(held, f)
	if err != nil && held.Err() != nil && ctx.Err() == nil {
		s.log.Warn("a file is not verified in time", "file", f.ID, "err", err)
		err = lms.ErrUnavailable
	}
	return replicas, nodes, err
}

func (s *Files) verify(ctx context.Context, f lms.File) (replicas, nodes int, err error) {
	settled := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		members, err := s.peers.list(ctx)
		if err != nil {
			s.log.Warn("the members are not known", "err", err)
			return 0, 0, lms.ErrUnavailable
		}
		st := s.survey(ctx, f, members, true)
		nodes = countVoters(members)
		if len(lacking(st.arrived)) > 0 && !f.Complete() && !st.conclusive(members) {
			if !sleep(ctx, pause) {
				return st.replicas, nodes, errNoMajority
			}
			continue
		}
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
				return st.replicas, nodes, errNoMajority
			}
		}
	}
}

// compare brings the file to this node and compares it as a whole with its SHA-256.
func (s *Files) compare(ctx context.Context, f lms.File, arrived []held) error {
	if n := len(lacking(arrived)); n > 0 && !f.Complete() {
		return lms.Errorf(lms.KindRule, "%s is not complete: %d of its %d parts have not arrived. Send it again; only what is missing is sent.",
			f.Name, n, len(f.Chunks))
	}
	var jobs []job
	for number, h := range s.holds(f) {
		if h != heldBoth {
			jobs = append(jobs, job{file: f, number: number, have: h&heldChunk != 0})
		}
	}
	s.work(ctx, jobs) // where this fails, the disk being full, reading fetches once more, or says what is wrong
	if f.Complete() {
		return nil
	}
	got, err := s.sum(ctx, f)
	if err == nil && got != f.SHA256 {
		s.log.Warn("a file is not what was announced", "file", f.ID, "announced", f.SHA256, "got", got)
		err = lms.FieldErrorf(lms.KindRule, "sha256", "What arrived is not the file that was chosen: the content of %s changed while it was "+
			"sent, or was damaged. It was not handed in. Choose the file again.", f.Name)
	}
	return err
}

// sum is the SHA-256 of the content of a file, which its chunks determine.
func (s *Files) sum(ctx context.Context, f lms.File) (string, error) {
	key := hashOf([]byte(strings.Join(f.Chunks, "")))
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	s.mu.Lock()
	known := s.sums[key]
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	h := sha256.New()
	r := s.reader(ctx, f)
	defer r.Close()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sums) >= maxSums {
		clear(s.sums)
	}
	s.sums[key] = hex.EncodeToString(h.Sum(nil))
	return s.sums[key], nil
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
