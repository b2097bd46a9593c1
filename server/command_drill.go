package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/drill"
)

const drillHelp = `drill makes a cluster of its own on this machine, breaks it on purpose and says whether it stood it, step by step. Its nodes
run in a temporary folder, on the loopback or on a simulated network, and are gone afterwards. It ends with status 0 when
every step has passed.

Only "drill suspend" acts on a real cluster: on nodes that were started with --drills.`

func newDrill() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a cluster on purpose, and see that it stands it",
		Long:  drillHelp,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var o drill.Options
	for _, d := range drill.Drills() {
		one := &cobra.Command{
			Use:   d.Name,
			Short: d.About,
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return runDrill(cmd, d, o) },
		}
		one.Flags().StringVar(&o.Dir, "dir", "", "where the temporary folder is made")
		one.Flags().BoolVar(&o.Keep, "keep", false, "leave the folder, with what the nodes have logged")
		if d.Name == "network" || d.Name == "split-brain" {
			one.Flags().Uint64Var(&o.Seed, "seed", 0, "what becomes of each message (default: another one each time)")
		}
		if d.Name == "network" {
			one.Flags().IntVar(&o.Nodes, "nodes", 5, "number of nodes, 3 to 21")
			one.Flags().DurationVar(&o.Phase, "phase", 4*time.Second, "length of each phase")
		}
		cmd.AddCommand(one)
	}
	cmd.AddCommand(newSuspend())
	cmd.AddCommand(&cobra.Command{
		Use:    "node",
		Short:  "A node of a drill; the drill starts it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return drill.Child(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	})
	return cmd
}

func runDrill(cmd *cobra.Command, d drill.Drill, o drill.Options) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o.Command, o.Out = []string{program, "drill", "node"}, cmd.OutOrStdout()
	if o.Seed == 0 {
		o.Seed = rand.Uint64N(1e9) + 1
	}
	fmt.Fprintf(o.Out, "%s: %s\n", d.Name, d.About)
	return drill.Run(cmd.Context(), d, o)
}

func newSuspend() *cobra.Command {
	var c clientFlags
	var in api.SuspendNodeInput
	cmd := &cobra.Command{
		Use:   "suspend",
		Short: "Make a node of a running cluster silent for a while",
		Long: `suspend makes a node neither answer nor vote for some seconds; then it goes on as a follower and catches up. The node must have
been started with --drills. What would end the majority has to be confirmed once more, with --yes or on the terminal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return suspend(cmd, &c, in)
		},
	}
	c.add(cmd)
	cmd.Flags().StringVar(&in.Node, "node", "", "the node")
	cmd.Flags().IntVar(&in.Seconds, "seconds", 10, "how long, 1 to 600")
	cmd.Flags().BoolVar(&in.Force, "yes", false, "even if nothing can be saved meanwhile")
	return cmd
}

func suspend(cmd *cobra.Command, c *clientFlags, in api.SuspendNodeInput) error {
	done := func(w io.Writer, _ api.Empty) {
		fmt.Fprintf(w, "%s is silent for %d seconds.\n", in.Node, in.Seconds)
	}
	err := call(cmd, c, api.SuspendNode, in, done)
	if in.Force || lms.KindOf(err) != lms.KindConflict {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\nType yes to go on: ", explain(err))
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was done")
	}
	in.Force = true
	return call(cmd, c, api.SuspendNode, in, done)
}
