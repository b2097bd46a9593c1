package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

func newStatus() *cobra.Command {
	var c clientFlags
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the cluster stands, in plain words",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if watch {
				return watchStatus(cmd, &c)
			}
			return call(cmd, &c, api.GetCluster, api.NoInput{}, func(w io.Writer, s lms.Cluster) {
				printStatus(w, s)
				printBackups(cmd.Context(), w, &c)
			})
		},
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "look again every second and print what has changed, until Ctrl-C")
	return cmd
}

// watchStatus prints the status whenever it changes. It follows the cluster to another node when its own dies; a time
// without answer is part of what it shows, not an error.
func watchStatus(cmd *cobra.Command, c *clientFlags) error {
	url, token, err := c.reach()
	if err != nil {
		return err
	}
	client := api.NewClient(url, api.WithBearer(token), api.WithTimeouts(3*time.Second, 3*time.Second))
	last := ""
	for ctx := cmd.Context(); ; {
		var text strings.Builder
		state, err := api.Call(ctx, client, api.GetCluster, api.NoInput{})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			fmt.Fprintln(&text, explain(unreachable(client, err)))
		case c.json:
			writeJSON(&text, state)
		default:
			printStatus(&text, state)
		}
		// What moves with every write is no change worth a new picture.
		if key := statusKey(state, err); key != last {
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", time.Now().Format(time.TimeOnly), text.String())
			last = key
		}
		if !wait(ctx, time.Second) {
			return nil
		}
	}
}

func statusKey(s lms.Cluster, err error) string {
	key := fmt.Sprint(s.Health.Summary, s.Leader, s.Term, s.Warnings, err)
	for _, n := range s.Nodes {
		key += fmt.Sprint(n.ID, n.Up, n.Voter, n.Lag > 100, n.ClockMessage != "", n.LowSpace, n.Copying())
	}
	return key
}

func printStatus(w io.Writer, s lms.Cluster) {
	fmt.Fprintf(w, "%s\n%s\n\n", s.Health.Summary, s.Health.Detail)
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "Warning: %s\n\n", warning)
	}
	printNodes(w, s)
}

// printBackups says when the schedule last made a backup. Not everybody who may see the cluster may see that.
func printBackups(ctx context.Context, w io.Writer, c *clientFlags) {
	client, err := c.client()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // a node that has no majority for long tells only the rest
	defer cancel()
	if s, err := api.Call(ctx, client, api.GetBackups, api.NoInput{}); err == nil {
		fmt.Fprintf(w, "\n%s\n", backupLine(s, time.Now()))
	}
}

// backupLine is a sentence on the backups that are made by themselves.
func backupLine(s lms.BackupStatus, now time.Time) string {
	every := time.Duration(s.Every) * time.Second
	switch {
	case every == 0 && s.LastGood.IsZero():
		return "Backups: none are made by themselves; see --backup-every of \"trivium serve\"."
	case s.LastGood.IsZero():
		return fmt.Sprintf("Backups: every %s to %s; none has been made yet.", every, s.To)
	}
	line := fmt.Sprintf("Last backup: %s, %s ago", s.LastGood.Local().Format(time.DateTime), now.Sub(s.LastGood).Round(time.Minute))
	if s.To != "" {
		line += ", to " + s.To
	}
	if s.Overdue(now) {
		line += "; the next one is overdue"
	}
	if s.Last != nil && s.Last.State == lms.BackupFailed {
		line += "; the newest attempt has failed: " + s.Last.Error
	}
	return line + "."
}

func newNodes() *cobra.Command {
	var c clientFlags
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the nodes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return call(cmd, &c, api.GetCluster, api.NoInput{}, printNodes)
		},
	}
	c.add(cmd)
	return cmd
}

func printNodes(w io.Writer, s lms.Cluster) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tSTATE\tENTRIES\tBEHIND\tCLUSTER ADDRESS\tPEOPLE")
	for _, n := range s.Nodes {
		state := "follower"
		switch {
		case !n.Up:
			state = "down"
		case n.Leader:
			state = "leader"
		case n.Replica:
			state = "replica"
		case !n.Voter:
			state = "joining"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", n.ID, state, n.Applied, n.Lag, n.Address, n.Origin)
	}
	t.Flush()
	for _, n := range s.Nodes {
		if n.ClockMessage != "" {
			fmt.Fprintf(w, "\n%s\n", n.ClockMessage)
		}
		if n.SpaceMessage != "" {
			fmt.Fprintf(w, "\n%s\n", n.SpaceMessage)
		}
		if n.Copying() {
			fmt.Fprintf(w, "\n%s\n", n.FilesMessage())
		}
	}
}

func newJoinToken() *cobra.Command {
	var c clientFlags
	cmd := &cobra.Command{
		Use:   "join-token",
		Short: "Make a token that lets one new node join (single use, 1 h)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return call(cmd, &c, api.CreateJoinToken, api.NoInput{}, func(w io.Writer, t api.JoinToken) {
				fmt.Fprintln(w, t.Token)
				fmt.Fprintf(cmd.ErrOrStderr(), "Valid for one node until %s. On the new machine:\n  %s\n", t.ExpiresAt.Local().Format("15:04"), t.Command)
			})
		},
	}
	c.add(cmd)
	return cmd
}

func newTransfer() *cobra.Command {
	var c clientFlags
	cmd := &cobra.Command{
		Use:   "transfer [node]",
		Short: "Hand leadership to a node, or to the most advanced one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var in api.TransferInput
			if len(args) == 1 {
				in.Node = args[0]
			}
			return call(cmd, &c, api.TransferLeader, in, printStatus)
		},
	}
	c.add(cmd)
	return cmd
}

func newRemove() *cobra.Command {
	var c clientFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "remove <node>",
		Short: "Remove a node for ever; its certificate is refused from then on",
		Long: `remove takes a node out of the cluster and refuses its certificate from then on. The machine can come back as a new node:
with an empty directory, another --id and a new join token. A removal after which no majority would answer is refused, and one while
files are still being copied to a node that stays; --force overrides that.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, &c, api.RemoveNode, api.RemoveNodeInput{Node: args[0], Force: force}, printStatus)
		},
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "remove it even if the cluster can save nothing afterwards, or files are lost")
	return cmd
}

// wait reports whether the time has passed without ctx ending.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
