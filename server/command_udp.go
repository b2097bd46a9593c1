package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/server/kv/udp"
)

const kvUDPHelp = `kv-udp runs one replica of a key-value store that speaks JSON datagrams, through a network simulator on the UDP port of
this machine. Ids are four hexadecimal digits; FFFF is everybody, or no leader known. The replica says hello first, and answers
a client's get and put with ok, fail or redirect under the same MID.

  trivium kv-udp 4200 00A0 00A1 00A2

It is a store of its own, with nothing of the site in it. Without --data it forgets everything when it ends: then it must not
come back under the same id.`

func newKVUDP() *cobra.Command {
	var c udp.Config
	cmd := &cobra.Command{
		Use:   "kv-udp <port> <id> <peers>...",
		Short: "Run a replica of a key-value store over datagrams, for a network simulator",
		Long:  kvUDPHelp,
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c.Port, err = strconv.Atoi(args[0])
			if err != nil || c.Port < 1 || c.Port > 65535 {
				return fmt.Errorf("%q is not a port between 1 and 65535", args[0])
			}
			c.ID = args[1]
			for _, a := range args[2:] {
				c.Peers = append(c.Peers, strings.Split(a, ",")...)
			}
			if c.Dir == "" {
				if c.Dir, err = os.MkdirTemp("", "trivium-kv-udp-"); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, os.RemoveAll(c.Dir)) }()
			}
			w := newLogWriter(cmd.ErrOrStderr(), "text")
			defer w.Close()
			if c.Logger, err = newLogger(w, "error", "text"); err != nil {
				return err
			}
			failed := make(chan error, 1)
			c.Fatal = func(err error) { failed <- err }
			r, err := udp.Open(c)
			if err != nil {
				return err
			}
			select {
			case <-cmd.Context().Done():
			case err = <-failed:
			}
			s := r.Stats()
			fmt.Fprintf(cmd.ErrOrStderr(), "%d datagrams sent, %d received, %d malformed.\n", s.Sent, s.Received, s.Malformed)
			return errors.Join(err, r.Close())
		},
	}
	cmd.Flags().StringVar(&c.Dir, "data", "", "directory of this replica alone; with it, it may come back (default: a temporary one)")
	cmd.Flags().DurationVar(&c.Timing, "heartbeat-timeout", 300*time.Millisecond, "silence of the leader after which a replica stands for election")
	return cmd
}
