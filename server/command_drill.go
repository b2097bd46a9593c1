package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"trivium/server/drill"
)

const drillHelp = `drill makes a cluster of its own on this machine, breaks it on purpose and says whether it stood it, step by step. It never
touches a real site: its nodes run in a temporary folder, on the loopback or on a simulated network, and are gone afterwards.
It ends with status 0 when every step has passed.`

func newDrill() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a cluster on purpose, and see that it stands it",
		Long:  drillHelp,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var o drill.Options
	f := cmd.PersistentFlags()
	f.StringVar(&o.Dir, "dir", "", "where the temporary folder is made")
	f.BoolVar(&o.Keep, "keep", false, "leave the folder, with what the nodes have logged")
	for _, d := range drill.Drills() {
		one := &cobra.Command{
			Use:   d.Name,
			Short: d.About,
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return runDrill(cmd, d, o) },
		}
		if d.Name == "network" || d.Name == "split-brain" {
			one.Flags().Uint64Var(&o.Seed, "seed", 0, "what becomes of each message (default: another one each time)")
		}
		if d.Name == "network" {
			one.Flags().IntVar(&o.Nodes, "nodes", 5, "number of nodes, 3 to 21")
			one.Flags().DurationVar(&o.Phase, "phase", 4*time.Second, "length of each phase")
		}
		cmd.AddCommand(one)
	}
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
