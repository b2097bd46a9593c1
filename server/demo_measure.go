package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

const demoMeasureHelp = `measure opens the pages of a site that "trivium demo load" has made big, as people do, and then makes a deadline: many
students hand in within a minute, text and files. It prints how long each took, from the moment at which the person
clicked to the acknowledgement, and what was refused or lost. Name the same numbers as for load.`

// pace is what measure does.
type pace struct {
	scaleSite
	rounds    int // of each page
	handIns   int
	within    time.Duration
	fileShare int   // percent of the hand-ins with a file
	fileSize  int64 // bytes
}

func newDemoMeasure(d *demoFlags) *cobra.Command {
	p := &pace{fileSize: 2 << 20}
	cmd := &cobra.Command{
		Use:   "measure",
		Short: "Open the pages of a big site and make a deadline, and say how long it took",
		Long:  demoMeasureHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err = p.validate(); err == nil {
				p.out = cmd.OutOrStdout()
				p.site, err = openDemoSite(d.dir)
			}
			if err != nil {
				return err
			}
			return p.run(cmd.Context())
		},
	}
	p.add(cmd)
	f := cmd.Flags()
	f.IntVar(&p.rounds, "rounds", 100, "times each page is opened")
	f.IntVar(&p.handIns, "hand-ins", 2000, "how many hand in before the deadline")
	f.DurationVar(&p.within, "within", time.Minute, "length of the rush")
	f.IntVar(&p.fileShare, "files", 10, "percent of the hand-ins with a file of 2 MB")
	return cmd
}

// latencies are those of what succeeded.
type latencies struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
	first  error
}

func (l *latencies) note(d time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if l.failed++; l.first == nil {
			l.first = err
		}
		return
	}
	l.took = append(l.took, d)
}

func (l *latencies) print(w io.Writer, what string, over time.Duration) {
	slices.Sort(l.took)
	at := func(share float64) float64 {
		if len(l.took) == 0 {
			return 0
		}
		return float64(l.took[int(share*float64(len(l.took)-1))].Microseconds()) / 1000
	}
	fmt.Fprintf(w, "%-34s %6d ok %4d failed  p50 %7.1f ms  p95 %7.1f ms  p99 %7.1f ms", what, len(l.took), l.failed, at(0.5), at(0.95), at(0.99))
	if over > 0 {
		fmt.Fprintf(w, "  %.0f a second", float64(len(l.took))/over.Seconds())
	}
	fmt.Fprintln(w)
	if l.first != nil {
		fmt.Fprintf(w, "    the first that failed: %s\n", explain(l.first))
	}
}

func (p *pace) run(ctx context.Context) error {
	p.began = time.Now()
	teacher, err := p.as(ctx, scaleTeacher(0))
	if err != nil {
		return fmt.Errorf("is this site loaded with the same numbers? %w", err)
	}
	if err := p.each(ctx, "people sign in", p.students, func(ctx context.Context, i int) error {
		_, err := p.as(ctx, scaleStudent(i))
		return err
	}); err != nil {
		return err
	}
	course, assignment := p.id("course", 0), p.id("assignment", 0, 0)
	if err := p.pages(ctx, teacher, course, assignment); err != nil {
		return err
	}
	return p.storm(ctx, course, assignment)
}

// pages opens each page often, one after the other.
func (p *pace) pages(ctx context.Context, teacher *api.Client, course, assignment string) error {
	list, err := api.Call(ctx, teacher, api.ListSubmissions, api.ListSubmissionsInput{Course: course, Assignment: assignment, Limit: 1})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("nobody has handed in; load the site first, with the same numbers")
	}
	work := list.Items[0].ID
	pages := []struct {
		what string
		open func(c *api.Client) error
	}{
		{"submissions of an assignment, staff", func(*api.Client) error {
			_, err := api.Call(ctx, teacher, api.ListSubmissions, api.ListSubmissionsInput{Course: course, Assignment: assignment, Limit: api.MaxPage})
			return err
		}},
		{"next student, staff", func(*api.Client) error {
			_, err := api.Call(ctx, teacher, api.GetSubmission, api.SubmissionPath{Course: course, Submission: work})
			return err
		}},
		{"gradebook, staff", func(*api.Client) error {
			_, err := api.Call(ctx, teacher, api.GetGradebook, api.GradebookInput{Course: course})
			return err
		}},
		{"assignments with counts, staff", func(*api.Client) error {
			_, err := api.Call(ctx, teacher, api.ListAssignments, api.CoursePath{Course: course})
			return err
		}},
		{"home, student", func(c *api.Client) error {
			_, err := api.Call(ctx, c, api.GetHome, api.NoInput{})
			return err
		}},
		{"course home, student", func(c *api.Client) error {
			_, err := api.Call(ctx, c, api.ListAssignments, api.CoursePath{Course: course})
			return err
		}},
		{"search, student of the demo", nil},
	}
	emi, err := p.as(ctx, "emi")
	if err != nil {
		return err
	}
	words := strings.Fields("quorum leader index normalisation thesis variance snapshot")
	for _, page := range pages {
		l := &latencies{}
		for i := range p.rounds {
			c, err := p.as(ctx, scaleStudent(i%p.students))
			if err != nil {
				return err
			}
			begin := time.Now()
			if page.open != nil {
				err = page.open(c)
			} else {
				_, err = api.Call(ctx, emi, api.SearchCourse, api.SearchInput{Course: demoDistributed.id, Query: words[i%len(words)]})
			}
			l.note(time.Since(begin), err)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		l.print(p.out, page.what, 0)
	}
	return nil
}

// storm lets people hand in at random moments of the rush. Each is measured from that moment on, so that waiting for a slow
// cluster counts.
func (p *pace) storm(ctx context.Context, course, assignment string) error {
	all, files := &latencies{}, &latencies{}
	data := make([]byte, p.fileSize)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range p.handIns {
		c, err := p.as(ctx, scaleStudent(i%p.students))
		if err != nil {
			return err
		}
		at := begin.Add(time.Duration(float64(p.within) * (float64(i) + p.chance(11, i)) / float64(p.handIns)))
		if !wait(ctx, time.Until(at)) {
			return ctx.Err()
		}
		wg.Go(func() {
			in := api.SubmitInput{Course: course, Assignment: assignment, ID: lms.NewID(), Text: fmt.Sprintf("Handed in at the deadline, number %d.", i)}
			if p.chance(12, i) >= float64(p.fileShare)/100 {
				_, err := api.Call(ctx, c, api.Submit, in)
				all.note(time.Since(at), err)
				return
			}
			own := slices.Clone(data)
			copy(own, in.ID)
			receipt, err := api.Upload(ctx, c, course, memoryFile{"work.bin", own}, nil)
			if err == nil {
				in.Files = []string{receipt.File.ID}
				_, err = api.Call(ctx, c, api.Submit, in)
			}
			files.note(time.Since(at), err)
		})
	}
	wg.Wait()
	over := time.Since(begin)
	all.print(p.out, "deadline: text", over)
	files.print(p.out, "deadline: with 2 MB", over)
	if all.failed+files.failed > 0 {
		return errors.New("not everybody could hand in")
	}
	return nil
}
