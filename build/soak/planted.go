//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// planted is a bug that the gate must find: a patch with a head of lines "Name: value".
type planted struct {
	name, path string
	bug        string
	faults     []string // that show it
	caughtBy   []string // invariants that must be violated
}

const plantedDir = "build/soak/planted"

// plantedBugs reads the patches below the root of the source tree.
func plantedBugs(root string) ([]planted, error) {
	paths, err := filepath.Glob(filepath.Join(root, plantedDir, "*.patch"))
	if err != nil {
		return nil, err
	}
	var bugs []planted
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p := planted{name: strings.TrimSuffix(filepath.Base(path), ".patch"), path: path}
		head, _, _ := strings.Cut(string(b), "\ndiff ")
		for _, line := range strings.Split(head, "\n") {
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "Bug":
				p.bug = value
			case "Faults":
				p.faults = strings.Fields(value)
			case "Caught-by":
				p.caughtBy = strings.Fields(value)
			}
		}
		if p.bug == "" || len(p.faults) == 0 || len(p.caughtBy) == 0 {
			return nil, fmt.Errorf("%s: its head must have Bug, Faults and Caught-by", path)
		}
		bugs = append(bugs, p)
	}
	return bugs, nil
}

// plant applies the patch to copies of the files that it changes, in dir, and writes a go build overlay that puts them in the
// place of the originals. The source tree itself is not touched.
func (p planted) plant(root, dir string) (overlay string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(p.path)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		name, ok := strings.CutPrefix(line, "+++ b/")
		if !ok {
			continue
		}
		to := filepath.Join(dir, name)
		replace[filepath.Join(root, name)] = to
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		src, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // the patch makes it
		}
		if err == nil {
			err = os.WriteFile(to, src, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	abs, err := filepath.Abs(p.path)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("git", "apply", "--whitespace=nowarn", abs)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s does not apply any more: %w: %s", p.name, err, out)
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o644)
}

// hunt is how long a planted bug may live: the faults that show it come one after the other.
const hunt = 100 * time.Second

// runPlanted builds the program with each of the bugs and requires that a run with the faults that show it fails for the
// stated reason.
func (o *options) runPlanted(ctx context.Context) int {
	bugs, err := plantedBugs(".")
	if err == nil && o.planted != "all" {
		names := strings.Split(o.planted, ",")
		bugs = slices.DeleteFunc(bugs, func(p planted) bool { return !slices.Contains(names, p.name) })
	}
	if err != nil || len(bugs) == 0 {
		fmt.Fprintln(o.log, "soak: no such planted bug", err)
		return 2
	}
	caught := 0
	var lines []string
	for _, p := range bugs {
		found, err := o.huntFor(ctx, p)
		if err == nil {
			caught++
		}
		lines = append(lines, fmt.Sprintf("  %-28s %s", p.name, found+errorText(err)))
		fmt.Fprintln(o.log, lines[len(lines)-1])
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Fprintf(o.log, "\nplanted bugs caught: %d of %d\n%s\n", caught, len(bugs), strings.Join(lines, "\n"))
	if caught == len(bugs) {
		os.RemoveAll(o.dir)
		return 0
	}
	return 1
}

// huntFor returns what the run found, or an error if it did not find what it should have.
func (o *options) huntFor(ctx context.Context, p planted) (string, error) {
	dir := filepath.Join(o.dir, p.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	overlay, err := p.plant(".", filepath.Join(dir, "src"))
	if err != nil {
		return "", err
	}
	c := o.settings
	c.dir, c.binary, c.faults = dir, filepath.Join(dir, "trivium"), p.faults
	if err := build(ctx, ".", c.binary, o.race, "-overlay", overlay); err != nil {
		return "", err
	}
	c.duration, c.every, c.verify, c.atLeast, c.check = hunt, 8*time.Second, 15*time.Second, 0, 300
	c.enough = func(v violation) bool { return slices.Contains(p.caughtBy, v.Invariant) }
	fmt.Fprintf(o.log, "\n%s: %s\n", p.name, p.bug)
	s, err := soak(ctx, c, c.possible())
	if err != nil {
		return "", err
	}
	if err := s.write(filepath.Join(dir, "scorecard.json")); err != nil {
		return "", err
	}
	if i := slices.IndexFunc(s.Violations, c.enough); i >= 0 {
		os.RemoveAll(filepath.Join(dir, "n1"))
		return fmt.Sprintf("caught after %3.0f s by %s: %.200s", s.Violations[i].At, s.Violations[i].Invariant, s.Violations[i].What), nil
	}
	return "", fmt.Errorf("NOT CAUGHT: verdict %s %s, wanted a violation of %s", s.Verdict, s.Reason, strings.Join(p.caughtBy, " or "))
}
