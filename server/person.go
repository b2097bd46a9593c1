package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

// personFlags tell a command who of the course's people uses it: whoever signed in with "trivium login".
type personFlags struct {
	url, token, file string
	json             bool
}

// savedSession is a session on the command line. It is kept in a file that only its owner can read.
type savedSession struct {
	Login string   `json:"login"`
	Nodes []string `json:"nodes"` // where the cluster serves people; the first is the one that was signed in to
	Token string   `json:"token"`
}

func (p *personFlags) add(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&p.url, "url", "", "where nodes serve people, separated by commas (default: as at login)")
	f.StringVar(&p.token, "token", "", "session token (default: that of the login)")
	f.StringVar(&p.file, "session", "", "`file` of the login (default: trivium/session.json in the user's configuration directory)")
	f.BoolVar(&p.json, "json", false, "print JSON")
}

func (p *personFlags) path() (string, error) {
	if p.file != "" {
		return p.file, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no place to keep a login (%w); name a file with --session", err)
	}
	return filepath.Join(dir, "trivium", "session.json"), nil
}

func (p *personFlags) load() (savedSession, error) {
	var s savedSession
	path, err := p.path()
	if err != nil {
		return s, err
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, errors.New("nobody is signed in; begin with: trivium login --url https://lms.example.edu NAME")
	case err != nil:
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil || s.Token == "" || len(s.Nodes) == 0 {
		return s, fmt.Errorf("%s is no login; remove it and sign in again", path)
	}
	return s, nil
}

// save replaces the file as a whole, readable for its owner only.
func (p *personFlags) save(s savedSession) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	next := path + ".new"
	if err := os.WriteFile(next, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// client makes a client of the cluster that goes on at another node when one dies.
func (p *personFlags) client() (*api.Client, error) {
	s := savedSession{Token: p.token}
	if p.url != "" {
		s.Nodes = strings.Split(p.url, ",")
	}
	var kept savedSession // the login that a renewed token belongs to
	if p.token == "" || p.url == "" {
		saved, err := p.load()
		if err != nil {
			return nil, err
		}
		if p.token == "" {
			kept = saved
		}
		if s.Token == "" {
			s.Token = saved.Token
		}
		if p.url == "" {
			s.Nodes = saved.Nodes
		}
	}
	return personClient(s, api.WithHooks(api.Hooks{OnToken: func(token string) {
		if kept.Token != "" {
			kept.Token = token
			_ = p.save(kept) // the command goes on; the next one must sign in again
		}
	}})), nil
}

func personClient(s savedSession, more ...api.Option) *api.Client {
	c := api.NewClient(s.Nodes[0], append(more, api.WithBearer(s.Token), api.WithTimeouts(10*time.Second, time.Minute))...)
	c.SetNodes(s.Nodes[1:])
	return c
}

// with runs a command as the person who is signed in.
func (p *personFlags) with(do func(ctx context.Context, c *api.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := p.client()
		if err != nil {
			return err
		}
		if err = do(cmd.Context(), c, args); lms.KindOf(err) == lms.KindSignIn {
			return errors.New("the login has ended; sign in again with: trivium login")
		} else if err != nil {
			return unreachable(c, err)
		}
		return nil
	}
}

// courseNamed finds a course of the person by its id, code or title.
func courseNamed(ctx context.Context, c *api.Client, name string) (lms.Course, error) {
	page, err := api.Call(ctx, c, api.ListCourses, api.NoInput{})
	if err != nil {
		return lms.Course{}, err
	}
	return named("course", name, page.Items, func(c lms.Course) []string { return []string{c.ID, c.Code, c.Title} })
}

func assignmentNamed(ctx context.Context, c *api.Client, course, name string) (lms.Assignment, error) {
	page, err := api.Call(ctx, c, api.ListAssignments, api.CoursePath{Course: course})
	if err != nil {
		return lms.Assignment{}, err
	}
	return named("assignment", name, page.Items, func(a lms.Assignment) []string { return []string{a.ID, a.Title} })
}

// named finds the only thing with the name, whatever its case; the first of its names is the id, which is always unique.
func named[T any](what, name string, all []T, names func(T) []string) (T, error) {
	var found []T
	var known []string
	for _, item := range all {
		list := names(item)
		if list[0] == name {
			return item, nil
		}
		known = append(known, fmt.Sprintf("%s (%s)", list[len(list)-1], list[0]))
		for _, n := range list {
			if strings.EqualFold(n, name) {
				found = append(found, item)
				break
			}
		}
	}
	var none T
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return none, fmt.Errorf("%d of the %ss are called %q; use the id: %s", len(found), what, name, strings.Join(known, ", "))
	case len(all) == 0:
		return none, fmt.Errorf("there is no %s %q: you can see none", what, name)
	}
	return none, fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(known, ", "))
}
