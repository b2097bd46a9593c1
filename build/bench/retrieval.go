package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"trivium/app/lms"
	"trivium/assets/demo"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/tutor"
	"trivium/server/tutor/quality"
)

// retrievalData are the texts and labelled questions that the retrieval of the tutor is measured on, beside those of the demo course.
//
//go:embed testdata/retrieval
var retrievalData embed.FS

// questionSet is a course with questions about it.
type questionSet struct {
	name, title string
	files       []string
	passages    []lms.Passage
	questions   []quality.Question
}

func questionSets() []*questionSet {
	return []*questionSet{
		{name: "demo", title: "Distributed Systems", files: []string{"lecture-notes.pdf", "handout.docx", "quorums-by-hand.md", "glossary.md"}},
		{name: "statistics", title: "Introduction to statistics", files: []string{"statistics.md"}},
		{name: "cells", title: "Cell biology", files: []string{"cells.md"}},
		{name: "strom", title: "Elektrizität", files: []string{"strom.md"}},
		{name: "water", title: "دورة الماء", files: []string{"water.md"}},
	}
}

// retrievalSite is a store of one node in this process, with its tutor.
type retrievalSite struct {
	db      *consensus.DB
	store   *store.Store
	tutor   *tutor.Tutor
	author  lms.Actor
	network *consensus.Network
}

func openRetrievalSite(ctx context.Context, dir string) (*retrievalSite, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &retrievalSite{network: consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})}
	quiet := slog.New(slog.DiscardHandler)
	s.db, err = consensus.Open(consensus.Config{ID: "n1", Dir: dir, Network: s.network, Bootstrap: true, Logger: quiet,
		Fatal: func(err error) { slog.Error("the database stopped", "error", err) }})
	if err != nil {
		s.network.Close()
		return nil, err
	}
	if s.store, err = store.Open(ctx, s.db); err == nil {
		err = s.fill(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.tutor = tutor.New(tutor.Config{Store: s.store, Node: "n1", Logger: quiet})
	return s, nil
}

func (s *retrievalSite) close() {
	if s.tutor != nil {
		s.tutor.Close()
	}
	s.db.Close()
	s.network.Close()
}

// fill makes the person who asks.
func (s *retrievalSite) fill(ctx context.Context) error {
	token := []byte("0123456789abcdef0123456789abcdef")
	if err := s.store.SetSetupToken(ctx, token, time.Now().Add(time.Hour)); err != nil {
		return err
	}
	u, err := s.store.Setup(ctx, token, lms.User{ID: "u-bench", Login: "bench", Name: "Bench"}, "none")
	s.author = lms.Actor{UserID: u.ID, Login: u.Login, Name: u.Name, Admin: true, MayCreateCourses: true, Role: lms.RoleInstructor}
	return err
}

// course makes a course with one material for each list of passages.
func (s *retrievalSite) course(ctx context.Context, id, title string, materials ...[]lms.Passage) error {
	_, err := s.store.CreateCourse(ctx, s.author, lms.Course{ID: id, Code: "B", Title: title, Zone: "UTC", State: lms.CoursePublished})
	if err != nil {
		return err
	}
	for i, ps := range materials {
		m := lms.Material{ID: fmt.Sprintf("%s-%d", id, i+1), CourseID: id, Title: ps[0].Title, Kind: lms.MaterialPage, Body: "-", Published: true}
		if m, err = s.store.CreateMaterial(ctx, s.author, m); err == nil {
			err = s.store.ReplacePassages(ctx, m, ps, lms.IndexReady, "")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

// add makes the course of a set and reads its questions.
func (s *retrievalSite) add(ctx context.Context, set *questionSet) error {
	var materials [][]lms.Passage
	for _, name := range set.files {
		data, err := retrievalData.ReadFile("testdata/retrieval/" + name)
		if err != nil {
			data, err = demo.Files.ReadFile(name)
		}
		if err != nil {
			return err
		}
		ps, err := tutor.Extract(ctx, name, "", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for i := range ps {
			ps[i].Title = strings.ReplaceAll(strings.TrimSuffix(name, filepath.Ext(name)), "-", " ")
		}
		materials, set.passages = append(materials, ps), append(set.passages, ps...)
	}
	text, err := retrievalData.ReadFile("testdata/retrieval/" + set.name + ".txt")
	if err != nil {
		return err
	}
	if set.questions, err = quality.Parse(string(text)); err != nil {
		return err
	}
	var wrong []error
	for _, q := range set.questions {
		wrong = append(wrong, q.Answerable(set.passages))
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("%s: %w", set.name, err)
	}
	return s.course(ctx, set.name, set.title, materials...)
}

// plainSearch is what a search engine without further thought does: all words of the question, ranked by FTS5's own bm25.
func (s *retrievalSite) plainSearch(ctx context.Context, courseID, question string) ([]lms.Passage, error) {
	const q = `
		SELECT p.material_id, p.ordinal, p.heading, p.text
		FROM passages_search
		JOIN passages p ON p.passage_id = passages_search.rowid
		WHERE passages_search MATCH ?1 AND p.course_id = ?2
		ORDER BY bm25(passages_search), p.passage_id
		LIMIT ?3`
	var parts []string
	for w := range strings.FieldsSeq(strings.Map(letterOrSpace, question)) {
		parts = append(parts, `"`+w+`"`)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := s.db.Query(ctx, consensus.Local, q, strings.Join(parts, " OR "), courseID, quality.Depth)
	if err != nil {
		return nil, err
	}
	out := make([]lms.Passage, len(rows.Values))
	for i, row := range rows.Values {
		p := &out[i]
		if err := row.Scan(&p.MaterialID, &p.Ordinal, &p.Heading, &p.Text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pair is the score of one set, of both.
type pair struct {
	name        string
	ours, plain quality.Score
	passed      int // questions that the gate lets through
}

// measureQuality asks every question of every set of both.
func (s *retrievalSite) measureQuality(ctx context.Context, sets []*questionSet, verbose bool) ([]pair, error) {
	var list []pair
	follow := pair{name: "follow-ups of all sets"}
	for _, set := range sets {
		p := pair{name: fmt.Sprintf("%s (%d passages)", set.name, len(set.passages))}
		for _, q := range set.questions {
			ours, passes, err := s.tutor.Rank(ctx, s.author, set.name, q.Text, q.Previous, quality.Depth)
			if err != nil {
				return nil, err
			}
			plain, err := s.plainSearch(ctx, set.name, q.Text)
			if err != nil {
				return nil, err
			}
			into := &p
			if len(q.Previous) > 0 {
				into = &follow
			}
			into.ours.Add(q, ours, set.passages)
			into.plain.Add(q, plain, set.passages)
			if passes {
				into.passed++
			}
			if verbose && (len(ours) == 0 || q.Gain(ours[0]) == 0) {
				fmt.Printf("%s: %s %q passes=%v\n", set.name, q.Text, q.Previous, passes)
				for _, o := range ours[:min(3, len(ours))] {
					fmt.Printf("    %d %s: %.100q\n", q.Gain(o), o.Heading, o.Text)
				}
			}
		}
		list = append(list, p)
	}
	return append(list, follow), nil
}

// printQuality prints the table of both, and whether ours is nowhere worse.
func printQuality(w io.Writer, list []pair) (worse []string) {
	fmt.Fprintln(w, "Retrieval of the tutor beside plain FTS5 BM25 (all words, default weights) on the same index. Places that answer are labelled by hand.")
	fmt.Fprintln(w, "\n| set | questions | | hit@1 | hit@5 | MRR | nDCG@10 | pass the gate |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	all := pair{name: "all"}
	row := func(p pair) {
		for i, s := range []quality.Score{p.ours, p.plain} {
			side, gate := "ours", fmt.Sprint(p.passed)
			if i == 1 {
				side, gate = "BM25", ""
			}
			fmt.Fprintf(w, "| %s | %d | %s | %.3f | %.3f | %.3f | %.3f | %s |\n", p.name, s.Questions, side, s.Hit1(), s.Hit5(), s.MRR(), s.NDCG(), gate)
		}
	}
	for _, p := range list {
		row(p)
		all.ours.Merge(p.ours)
		all.plain.Merge(p.plain)
		all.passed += p.passed
		const rounding = 1e-9
		o, b := p.ours, p.plain
		if o.Hit1()+rounding < b.Hit1() || o.Hit5()+rounding < b.Hit5() || o.MRR()+rounding < b.MRR() || o.NDCG()+rounding < b.NDCG() {
			worse = append(worse, p.name)
		}
	}
	row(all)
	return worse
}

// runRetrieval measures the quality of retrieval, then its time on many passages.
func runRetrieval(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp(o.dir, "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := openRetrievalSite(ctx, dir)
	if err != nil {
		return err
	}
	defer site.close()
	sets := questionSets()
	for _, set := range sets {
		if err := site.add(ctx, set); err != nil {
			return err
		}
	}
	list, err := site.measureQuality(ctx, sets, o.verbose)
	if err != nil {
		return err
	}
	worse := printQuality(os.Stdout, list)
	if o.passages > 0 {
		t, err := site.measureTime(ctx, sets, o.passages)
		if err != nil {
			return err
		}
		t.print(os.Stdout)
	}
	if len(worse) > 0 {
		return fmt.Errorf("worse than plain BM25 on: %s", strings.Join(worse, ", "))
	}
	return nil
}

func letterOrSpace(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) {
		return r
	}
	return ' '
}
