package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

func newDump() *cobra.Command {
	var c clientFlags
	var node, out string
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Write the nodes' logs.txt, metadata.txt and dump.txt into a directory",
		Long: `dump fetches from every node of the cluster, through the one it asks, what people read to understand it:
  logs.txt       the commands of its log: NO-OP {term}, SET {key} {value} {term}, CMD {name} {term}
  metadata.txt   commitLength, Term and votedFor
  dump.txt       what it saw and did: heartbeats, elections, votes, entries
  report.json    its figures
Each node gets a directory of its own. A node that does not answer is left out and named; its dump.txt lies in its own
data directory, written up to the moment of its death.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dumpNodes(cmd, &c, node, out)
		},
	}
	c.add(cmd)
	cmd.Flags().StringVar(&node, "node", "", "only this node")
	cmd.Flags().StringVar(&out, "out", "trivium-dump", "directory to write to; it is made if need be")
	return cmd
}

func dumpNodes(cmd *cobra.Command, c *clientFlags, node, out string) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	nodes := []string{node}
	if node == "" {
		cluster, err := api.Call(cmd.Context(), client, api.GetCluster, api.NoInput{})
		if err != nil {
			return unreachable(client, err)
		}
		nodes = nil
		for _, n := range cluster.Nodes {
			nodes = append(nodes, n.ID)
		}
	}
	var missing []error
	for _, id := range nodes {
		dir := filepath.Join(out, id)
		if err := dumpNode(cmd.Context(), c, client, id, dir); err != nil {
			missing = append(missing, fmt.Errorf("%s: %s", id, explain(err)))
			continue
		}
		fmt.Fprintln(cmd.OutOrStdout(), dir)
	}
	return errors.Join(missing...)
}

// dumpNode writes one node's files. They are for their owner alone: keys and values stand in them.
func dumpNode(ctx context.Context, c *clientFlags, client *api.Client, node, dir string) error {
	report, err := api.Call(ctx, client, api.GetNode, api.NodePath{Node: node})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "report.json"), func(w io.Writer) error { writeJSON(w, report); return nil }); err != nil {
		return err
	}
	for _, name := range lms.NodeTexts {
		path, err := api.PathOf(api.NodeText, api.NodeTextInput{Node: node, Name: name})
		if err != nil {
			return err
		}
		err = writeFile(filepath.Join(dir, name), func(w io.Writer) error { return c.fetch(ctx, path, w) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// writeFile replaces a file as a whole or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
