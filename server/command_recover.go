package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/consensus"
	"trivium/server/cluster"
)

const recoverHelp = `recover makes a cluster of one out of this node when the majority of the nodes is lost for ever: burnt, stolen, erased.
Use it only then. If one more node can be started, start that one instead: nothing is lost and nothing needs to be done.

What is lost: whatever only the other nodes had. This node may have missed the last entries before the disaster, and parts
of files that had not arrived here. Whatever people save on the other nodes should they still run is lost as well, so they
must be off, and stay off: a node that is given up and meets this cluster again stops and says so.

Run it on the node that has the most ("last entry"), with the node stopped. Afterwards start it as always, and let new
machines, or the old ones with empty directories and new names, join:
  trivium recover --data /var/lib/trivium
  trivium serve --data /var/lib/trivium …
  trivium join-token --data /var/lib/trivium`

func newRecover() *cobra.Command {
	var data string
	var yes bool
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Go on with this node alone when the majority is lost for ever",
		Long:  recoverHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return recoverNode(cmd.Context(), data, yes, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "directory of the node, which must not run")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

var errNotConfirmed = errors.New("stopped; nothing was changed")

func recoverNode(ctx context.Context, data string, yes bool, in io.Reader, out, stderr io.Writer) error {
	self, err := cluster.Load(data)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--data %s: there is no node in this directory", data)
	} else if err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(data, "lock"))
	if err != nil {
		return fmt.Errorf("--data %s: %w; stop the node first", data, err)
	}
	defer lock.Close()
	log, err := newLogger(stderr, "error", "text")
	if err != nil {
		return err
	}
	var done consensus.Recovery
	confirm := func(r consensus.Recovery) error {
		done = r
		if len(r.Lost) == 0 {
			return fmt.Errorf("node %s is the only member of its cluster: there is nothing to recover", r.Node)
		}
		fmt.Fprintf(out, recoverWarning, r.Node, r.Index, r.Stamp.Local().Format("2006-01-02 15:04:05"), strings.Join(r.Lost, ", "), r.Doubt)
		if yes {
			return nil
		}
		fmt.Fprintf(out, "To go on, type the name of this node (%s): ", r.Node)
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && err != io.EOF || strings.TrimSpace(line) != r.Node {
			return errNotConfirmed
		}
		return nil
	}
	start := time.Now()
	c := consensus.Config{ID: self.ID(), Dir: filepath.Join(data, "db"), Address: self.Address(), Logger: log}
	if err := consensus.Recover(ctx, c, confirm); errors.Is(err, errNotConfirmed) {
		return errNotConfirmed
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Done in %s: %s is a cluster of its own. Start it as always: trivium serve --data %s\nThen refuse the certificates of the others:%s\n",
		time.Since(start).Round(time.Millisecond), done.Node, data, removeCommands(done.Lost, data))
	return err
}

func removeCommands(ids []string, data string) (lines string) {
	for _, id := range ids {
		lines += fmt.Sprintf("\n  trivium remove %s --data %s", id, data)
	}
	return lines
}

const recoverWarning = `Node %s will be the only member of its cluster.
  its last entry       %d, of %s
  given up for ever    %s
  in doubt             %d entries that it had not heard to be confirmed; they are kept

Whatever the nodes that are given up had and this one has not is lost, without a trace. They must be off now, and must not
be started again with their data.
`
