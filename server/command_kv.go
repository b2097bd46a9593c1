package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

func newKV() *cobra.Command {
	var c clientFlags
	cmd := &cobra.Command{
		Use:   "kv",
		Short: "The replicated key-value store: get, put, delete",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.add(cmd)
	var level string
	get := &cobra.Command{
		Use:   "get <key>",
		Short: "Print the value of a key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found := false
			err := call(cmd, &c, api.KVGet, api.KVKey{Key: args[0], Level: level}, func(w io.Writer, v api.KVValue) {
				if found = v.Found; found {
					fmt.Fprintln(w, v.Value)
				}
			})
			if err == nil && !found && !c.json {
				return lms.Errorf(lms.KindNotFound, "There is no key %q.", args[0])
			}
			return err
		},
	}
	get.Flags().StringVar(&level, "level", "session", "how fresh: none (what this node has), session (what this client has seen), linearizable (everything acknowledged)")
	put := &cobra.Command{
		Use:   "put <key> <value>",
		Short: "Write a key; returns when a majority holds it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, &c, api.KVPut, api.KVPutInput{Key: args[0], Value: args[1]}, func(w io.Writer, v api.KVValue) {
				fmt.Fprintf(w, "Stored, version %d.\n", v.Version)
			})
		},
	}
	del := &cobra.Command{
		Use:   "delete <key>",
		Short: "Delete a key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, &c, api.KVDelete, api.KVKey{Key: args[0]}, func(w io.Writer, v api.KVValue) {
				if v.Found {
					fmt.Fprintln(w, "Deleted.")
				} else {
					fmt.Fprintln(w, "There was no such key.")
				}
			})
		},
	}
	cmd.AddCommand(get, put, del)
	return cmd
}
