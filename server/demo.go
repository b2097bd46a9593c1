package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

const demoHelp = `demo starts a cluster on this machine, three processes with a directory each, and loads a site to try out: courses, people,
material, assignments. It prints where to open it, who to sign in as, and how to kill a node and watch what happens.

With TRIVIUM_TUTOR_ENDPOINT and TRIVIUM_TUTOR_MODEL set, its tutor uses that language model.
Ctrl-C or "trivium demo stop" stops it; started again, it continues where it was. "trivium demo clean" erases it.`

// demoFlags describe a demonstration cluster.
type demoFlags struct {
	nodes, basePort int
	dir, password   string
	restart         time.Duration
}

// demoState is kept in the directory of the demonstration.
type demoState struct {
	Nodes    int    `json:"nodes"`
	BasePort int    `json:"basePort"`
	Password string `json:"password"` // of every demo account
	PID      int    `json:"pid"`      // of the process that runs it
}

const demoStateFile = "demo.json"

func newDemo() *cobra.Command {
	var d demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it out: a cluster with a demo site on this machine",
		Long:  demoHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), d, cmd.Flags().Changed("nodes"), cmd.OutOrStdout())
		},
	}
	cmd.PersistentFlags().StringVar(&d.dir, "dir", "demo", "directory of the demonstration")
	f := cmd.Flags()
	f.IntVar(&d.nodes, "nodes", 3, "number of nodes: 3 or 5")
	f.IntVar(&d.basePort, "base-port", 4001, "port of the first node for people; the others follow, the cluster ports lie 100 higher")
	f.DurationVar(&d.restart, "restart", 30*time.Second, "how long a node that was killed stays dead; 0: until the demo is started again")
	f.StringVar(&d.password, "password", "", "password of the demo accounts (default: made once and kept)")
	var yes bool
	clean := &cobra.Command{
		Use:   "clean",
		Short: "Stop the demo and erase its directory",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cleanDemo(cmd.Context(), d.dir, yes, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	clean.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.AddCommand(clean, &cobra.Command{
		Use:   "stop",
		Short: "Stop the demo; it continues with the next \"trivium demo\"",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stopDemo(cmd.Context(), d.dir, cmd.OutOrStdout())
		},
	})
	cmd.AddCommand(newDemoLoad(&d), newDemoMeasure(&d))
	return cmd
}

// runDemo runs the cluster until ctx ends.
func runDemo(ctx context.Context, d demoFlags, nodesGiven bool, out io.Writer) error {
	if d.nodes != 3 && d.nodes != 5 {
		return fmt.Errorf("--nodes %d: choose 3 or 5", d.nodes)
	}
	if d.basePort < 1 || d.basePort > 65_000 {
		return fmt.Errorf("--base-port %d: choose between 1 and 65000", d.basePort)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(d.dir, "lock"))
	if err != nil {
		return fmt.Errorf("--dir %s: the demo runs already; \"trivium demo stop\" stops it", d.dir)
	}
	defer lock.Close()
	state, err := openDemo(d, nodesGiven)
	if err != nil {
		return err
	}
	c := newDemoCluster(d.dir, state, d.restart, out)
	defer c.stop()
	fmt.Fprintf(out, "Starting %d nodes in %s …\n", state.Nodes, d.dir)
	if err := c.start(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if err := c.load(ctx); err != nil {
		return interrupted(ctx, fmt.Errorf("load the demo site: %w", err))
	}
	if err := c.describe(ctx); err != nil {
		return interrupted(ctx, err)
	}
	c.supervise(ctx)
	fmt.Fprintln(out, "\nStopping …")
	return nil
}

// interrupted is no error when a person has stopped the demo.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// openDemo reads the state of the directory, or makes it.
func openDemo(d demoFlags, nodesGiven bool) (demoState, error) {
	s, err := readDemo(d.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s = demoState{Nodes: d.nodes, Password: readablePassword()}
	case err != nil:
		return s, err
	case nodesGiven && s.Nodes != d.nodes:
		return s, fmt.Errorf("the demo in %s has %d nodes; \"trivium demo clean\" erases it", d.dir, s.Nodes)
	case d.password != "" && d.password != s.Password:
		return s, fmt.Errorf("the accounts in %s have another password; \"trivium demo clean\" erases them", d.dir)
	}
	if d.password != "" {
		s.Password = d.password
	}
	s.BasePort, s.PID = d.basePort, os.Getpid()
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, err
	}
	return s, ownerFile(filepath.Join(d.dir, demoStateFile), string(data)+"\n")
}

func readDemo(dir string) (s demoState, err error) {
	data, err := os.ReadFile(filepath.Join(dir, demoStateFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s is damaged: %w", filepath.Join(dir, demoStateFile), err)
	}
	return s, nil
}

// readablePassword is easy to copy from a screen. It protects a site on this machine's loopback that holds nothing real.
func readablePassword() string {
	words := strings.Fields("amber birch cedar delta ember fjord grove harbor island jasper kernel lagoon meadow nickel orchid pepper quartz river saddle timber umbra velvet willow zephyr")
	return fmt.Sprintf("%s-%s-%04d", words[rand.IntN(len(words))], words[rand.IntN(len(words))], rand.IntN(10_000))
}

// running reports whether a process holds the directory.
func running(dir string) bool {
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return true
	}
	lock.Close()
	return false
}

func stopDemo(ctx context.Context, dir string, out io.Writer) error {
	s, err := readDemo(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no demo in %s; name its directory with --dir", dir)
	} else if err != nil {
		return err
	}
	if !running(dir) {
		fmt.Fprintln(out, "The demo does not run.")
		return nil
	}
	// The lock is held, so the process that wrote its id lives.
	if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", s.PID, err)
	}
	for deadline := time.Now().Add(30 * time.Second); running(dir); {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d has not stopped within 30 s", s.PID)
		}
		if !wait(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	fmt.Fprintln(out, "Stopped. \"trivium demo\" continues where it was.")
	return nil
}

func cleanDemo(ctx context.Context, dir string, yes bool, in io.Reader, out io.Writer) error {
	if _, err := readDemo(dir); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "There is no demo in %s.\n", dir)
		return nil
	} // a damaged state is a reason to clean, not to refuse
	if !yes {
		fmt.Fprintf(out, "Erase the demo in %s with everything in it? Type yes: ", dir)
		answer, _ := bufio.NewReader(in).ReadString('\n')
		if strings.TrimSpace(answer) != "yes" {
			return errors.New("nothing was erased")
		}
	}
	if running(dir) {
		if err := stopDemo(ctx, dir, out); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	fmt.Fprintf(out, "Erased %s.\n", dir)
	return nil
}
