package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"trivium/app/api"
	"trivium/app/lms"
)

const loginHelp = `login signs in for the commands that students and staff use: courses, materials, assignments, submit, submissions,
grade, ask, questions and answer. The password is asked for, or read from standard input when that is no terminal;
so is the code of those who sign in in two steps, unless it is given with --code.

The session is kept in a file that only you can read, with the addresses of all nodes: when one dies, the commands go on
with another. "trivium logout" ends it.`

func newLogin() *cobra.Command {
	var p personFlags
	var code string
	cmd := &cobra.Command{
		Use:   "login <name>",
		Short: "Sign in on the command line",
		Long:  loginHelp,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			nodes := strings.Split(p.url, ",")
			if p.url == "" {
				old, err := p.load()
				if err != nil {
					return errors.New("say where: trivium login --url https://lms.example.edu NAME")
				}
				nodes = old.Nodes
			}
			password, err := readPassword(cmd)
			if err != nil {
				return err
			}
			c := personClient(savedSession{Nodes: nodes})
			in := api.SignInInput{Login: args[0], Password: password, Code: code, Bearer: true}
			session, err := api.Call(cmd.Context(), c, api.SignIn, in)
			var refusal *lms.Error
			if errors.As(err, &refusal) && refusal.Field == "code" && code == "" {
				if in.Code, err = readCode(cmd); err == nil {
					session, err = api.Call(cmd.Context(), c, api.SignIn, in)
				}
			}
			if err != nil {
				return unreachable(c, err)
			}
			c.SetBearer(session.Token)
			s := savedSession{Login: session.User.Login, Token: session.Token, Nodes: withOrigins(cmd.Context(), c, nodes)}
			if err := p.save(s); err != nil {
				return fmt.Errorf("you are signed in, but the login cannot be kept: %w", err)
			}
			if p.json {
				session.Token = ""
				writeJSON(cmd.OutOrStdout(), session)
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Signed in as %s on %s.\n", session.User.Name, strings.Join(s.Nodes, ", "))
			return nil
		},
	}
	p.add(cmd)
	cmd.Flags().StringVar(&code, "code", "", "for accounts with two-step sign-in: the authenticator app's code, or a recovery code (default: asked for)")
	return cmd
}

// withOrigins adds the public addresses of the other nodes. Without them the login works as well, as long as this node does.
func withOrigins(ctx context.Context, c *api.Client, nodes []string) []string {
	if cl, err := api.Call(ctx, c, api.GetCluster, api.NoInput{}); err == nil {
		for _, n := range cl.Nodes {
			if n.Origin != "" {
				nodes = append(nodes, n.Origin)
			}
		}
	}
	known := map[string]bool{}
	var unique []string
	for _, n := range nodes {
		if n = strings.TrimRight(strings.TrimSpace(n), "/"); n != "" && !known[n] {
			known[n] = true
			unique = append(unique, n)
		}
	}
	return unique
}

// readCode asks for the second step of a sign-in.
func readCode(cmd *cobra.Command) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("this account signs in in two steps: give the code of the authenticator app with --code")
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Code of your authenticator app, or a recovery code: ")
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// readPassword asks at a terminal without showing what is typed, and otherwise reads a line.
func readPassword(cmd *cobra.Command) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(cmd.ErrOrStderr(), "Password: ")
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(b), err
	}
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 2*lms.MaxPassword)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func newLogout() *cobra.Command {
	var p personFlags
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "End the session of the command line",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			_, err = api.Call(cmd.Context(), c, api.SignOut, api.NoInput{})
			if err != nil && lms.KindOf(err) != lms.KindSignIn { // it had ended already
				return unreachable(c, err)
			}
			path, err := p.path()
			if err == nil {
				err = os.Remove(path)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Signed out.")
			return nil
		},
	}
	p.add(cmd)
	return cmd
}
