package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

const kvHelp = `kv reads and writes the replicated key-value store. A program has the keys of its API token (--token, made with
"trivium kv token create NAME"); without one, the operator of the node has a scope of its own.

Give several nodes as --url http://a,http://b: what one does not answer is sent to the next for half a minute, and is never
done twice. --request makes a write safe to run again by hand: the same request is done once, whatever happens.

It ends with 0 when the thing was done or the key found, else with 1.`

// kvFlags are the flags of all kv commands.
type kvFlags struct {
	clientFlags
	consistency, request string
	ttl                  time.Duration
}

func newKV() *cobra.Command {
	c := &kvFlags{}
	cmd := &cobra.Command{
		Use:   "kv",
		Short: "The replicated key-value store: get, put, delete, cas, list, mget, mput",
		Long:  kvHelp,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.add(cmd)
	cmd.AddCommand(kvGet(c), kvPut(c), kvDelete(c), kvCompareAndSet(c), kvList(c), kvMultiGet(c), kvMultiPut(c), kvToken(c))
	return cmd
}

func (c *kvFlags) reading(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.consistency, "consistency", api.KVLease,
		"how fresh: lease, linearizable (a majority is asked), session (what this client has seen) or stale (whatever the node has)")
}

func (c *kvFlags) writing(cmd *cobra.Command, ttl bool) {
	cmd.Flags().StringVar(&c.request, "request", "", "id of this request, such as CLIENT/NUMBER: it is done once, however often it is sent (default: a new one)")
	if ttl {
		cmd.Flags().DurationVar(&c.ttl, "ttl", 0, "time after which the key goes by itself (default: it stays)")
	}
}

// kvCall makes one call to whichever of the nodes answers. The answer is also filled when a comparison fails.
func kvCall[In api.Validator, Out any](cmd *cobra.Command, c *kvFlags, e api.Endpoint[In, Out], in In) (Out, error) {
	var out Out
	urls := strings.Split(c.url, ",")
	one := c.clientFlags
	one.url = urls[0]
	client, err := one.client()
	if err != nil {
		return out, err
	}
	client.SetNodes(urls[1:])
	if err := in.Validate(); err != nil {
		return out, err
	}
	out, err = api.Call(api.WithKey(cmd.Context(), c.request), client, e, in)
	if err != nil {
		err = unreachable(client, err)
	}
	return out, err
}

// show prints an answer: as JSON if that is asked for, also with an error that comes with one, else in words.
func (c *kvFlags) show(cmd *cobra.Command, out any, err error, words func(io.Writer)) error {
	var refused *lms.Error
	if c.json && (err == nil || errors.As(err, &refused) && (refused.Kind == lms.KindConflict || refused.Kind == lms.KindNotFound)) {
		writeJSON(cmd.OutOrStdout(), out)
	} else if err == nil {
		words(cmd.OutOrStdout())
	}
	return err
}

func noKey(key string) error { return lms.Errorf(lms.KindNotFound, "There is no key %q.", key) }

func kvGet(c *kvFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get <key>",
		Short: "Print the value of a key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := kvCall(cmd, c, api.KVGet, api.KVGetInput{Key: args[0], Consistency: c.consistency})
			if err == nil && !v.Found {
				err = noKey(args[0])
			}
			return c.show(cmd, v, err, func(w io.Writer) { fmt.Fprintln(w, v.Data) })
		},
	}
	c.reading(cmd)
	return cmd
}

func kvPut(c *kvFlags) *cobra.Command {
	fast := false
	cmd := &cobra.Command{
		Use:   "put <key> <value>",
		Short: "Write a key; returns when a majority holds it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := kvCall(cmd, c, api.KVPut, api.KVPutInput{Key: args[0], Value: &args[1], TTL: c.ttl.Milliseconds(), Fast: fast})
			return c.show(cmd, v, err, func(w io.Writer) {
				if v.Pending {
					fmt.Fprintln(w, "Stored; the version is not known yet.")
				} else {
					fmt.Fprintf(w, "Stored, version %d.\n", v.Version)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&fast, "fast", false, "experimental: acknowledge before the write has its place in the log, where all nodes run with --kv-fast-writes")
	c.writing(cmd, true)
	return cmd
}

func kvDelete(c *kvFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete <key>",
		Short: "Delete a key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := kvCall(cmd, c, api.KVDelete, api.KVKey{Key: args[0]})
			if err == nil && !v.Found {
				err = noKey(args[0])
			}
			return c.show(cmd, v, err, func(w io.Writer) { fmt.Fprintln(w, "Deleted.") })
		},
	}
	c.writing(cmd, false)
	return cmd
}

func kvCompareAndSet(c *kvFlags) *cobra.Command {
	var value string
	var version int64
	cmd := &cobra.Command{
		Use:   "cas <key> <value> (--if-value V | --if-version N)",
		Short: "Write a key if it has the value or the version; else print what it has",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := api.KVCompareInput{Key: args[0], Value: &args[1], TTL: c.ttl.Milliseconds()}
			if cmd.Flags().Changed("if-value") {
				in.IfValue = &value
			}
			if cmd.Flags().Changed("if-version") {
				in.IfVersion = &version
			}
			v, err := kvCall(cmd, c, api.KVCompareAndSet, in)
			if lms.KindOf(err) == lms.KindConflict && !c.json && v.Found {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", v.Data)
			}
			return c.show(cmd, v, err, func(w io.Writer) { fmt.Fprintf(w, "Stored, version %d.\n", v.Version) })
		},
	}
	cmd.Flags().StringVar(&value, "if-value", "", "write only if the key has this value")
	cmd.Flags().Int64Var(&version, "if-version", 0, "write only if the key has this version; 0: only if there is no such key")
	c.writing(cmd, true)
	return cmd
}

func kvList(c *kvFlags) *cobra.Command {
	in := api.KVListInput{}
	cmd := &cobra.Command{
		Use:   "list [prefix]",
		Short: "List keys and values in the order of the keys",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Prefix, in.Consistency = strings.Join(args, ""), c.consistency; in.Limit != 0 {
				v, err := kvCall(cmd, c, api.KVList, in)
				return c.show(cmd, v, err, func(w io.Writer) { printItems(w, v.Items) })
			}
			for {
				v, err := kvCall(cmd, c, api.KVList, in)
				if err := c.show(cmd, v, err, func(w io.Writer) { printItems(w, v.Items) }); err != nil || v.Next == "" {
					return err
				}
				in.After = v.Next
			}
		},
	}
	cmd.Flags().StringVar(&in.After, "after", "", "begin behind this key")
	cmd.Flags().IntVar(&in.Limit, "limit", 0, "print one page of so many keys (default: all)")
	c.reading(cmd)
	return cmd
}

func printItems(w io.Writer, items []api.KVItem) {
	for _, i := range items {
		if i.Found {
			fmt.Fprintf(w, "%s\t%s\n", i.Key, i.Data)
		}
	}
}

func kvMultiGet(c *kvFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mget <key>...",
		Short: "Print several keys as they are at one moment",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := kvCall(cmd, c, api.KVMultiGet, api.KVMultiGetInput{Keys: args, Consistency: c.consistency})
			missing := ""
			for _, i := range v.Items {
				if !i.Found && missing == "" {
					missing = i.Key
				}
			}
			if err := c.show(cmd, v, err, func(w io.Writer) { printItems(w, v.Items) }); err != nil || missing == "" {
				return err
			}
			return noKey(missing)
		},
	}
	c.reading(cmd)
	return cmd
}

func kvMultiPut(c *kvFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mput [<key>=<value>...]",
		Short: "Write several keys, all or none; without arguments, one \"key<TAB>value\" a line from standard input",
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := kvPairs(args, cmd.InOrStdin())
			if err != nil {
				return err
			}
			for i := range entries {
				entries[i].TTL = c.ttl.Milliseconds()
			}
			v, err := kvCall(cmd, c, api.KVMultiPut, api.KVMultiPutInput{Entries: entries})
			return c.show(cmd, v, err, func(w io.Writer) { fmt.Fprintf(w, "Stored, %d keys.\n", len(v.Items)) })
		},
	}
	c.writing(cmd, true)
	return cmd
}

// kvPairs reads the pairs of the arguments, or of the lines of in.
func kvPairs(args []string, in io.Reader) ([]api.KVEntry, error) {
	separator := "="
	if len(args) == 0 {
		separator = "\t"
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, api.MaxKVKey+api.MaxKVValue+2)
		for lines.Scan() {
			args = append(args, lines.Text())
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	var entries []api.KVEntry
	for _, a := range args {
		key, value, ok := strings.Cut(a, separator)
		if !ok {
			return nil, fmt.Errorf("%.80q is no pair; write key=value, or on standard input the key, a tab and the value", a)
		}
		entries = append(entries, api.KVEntry{Key: key, Value: &value})
	}
	return entries, nil
}

func kvToken(c *kvFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "API tokens of programs: create, list, revoke",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	create := &cobra.Command{
		Use:   "create <name of the program>",
		Short: "Make a token with a scope of its own and print it, once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := kvCall(cmd, c, api.CreateAPIToken, api.APITokenInput{ID: lms.NewID(), Name: args[0]})
			return c.show(cmd, t, err, func(w io.Writer) { fmt.Fprintln(w, t.Secret) })
		},
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the tokens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := kvCall(cmd, c, api.ListAPITokens, api.NoInput{})
			return c.show(cmd, p, err, func(w io.Writer) {
				for _, t := range p.Items {
					state := "valid"
					if !t.RevokedAt.IsZero() {
						state = "revoked " + t.RevokedAt.Local().Format(time.DateTime)
					}
					fmt.Fprintf(w, "%s\t%s\tmade %s\t%s\n", t.ID, t.Name, t.CreatedAt.Local().Format(time.DateTime), state)
				}
			})
		},
	}
	revoke := &cobra.Command{
		Use:   "revoke <id>",
		Short: "Revoke a token on every node; its keys stay",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := kvCall(cmd, c, api.RevokeAPIToken, api.APITokenPath{Token: args[0]})
			return c.show(cmd, t, err, func(w io.Writer) { fmt.Fprintf(w, "Revoked %s.\n", t.Name) })
		},
	}
	cmd.AddCommand(create, list, revoke)
	return cmd
}
