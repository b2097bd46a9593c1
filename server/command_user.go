package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

func newUser() *cobra.Command {
	var c clientFlags
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Accounts: list, create, disable, enable, set-password, end-two-step, setup-link",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.add(cmd)
	cmd.AddCommand(newUserList(&c), newUserCreate(&c), newUserDisable(&c, true), newUserDisable(&c, false), newUserPassword(&c), newUserEndTwoStep(&c), newSetupLink(&c))
	return cmd
}

func newUserList(c *clientFlags) *cobra.Command {
	var in api.ListInput
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List accounts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return call(cmd, c, api.ListUsers, in, func(w io.Writer, p api.Page[lms.User]) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "LOGIN\tNAME\tMAY\tID")
				for _, u := range p.Items {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", u.Login, u.Name, rights(u), u.ID)
				}
				t.Flush()
				if p.Next != "" {
					fmt.Fprintf(w, "%d of %d; go on with --after %s\n", len(p.Items), p.Total, p.Next)
				}
			})
		},
	}
	cmd.Flags().StringVar(&in.Query, "query", "", "only accounts whose name or login contains this")
	cmd.Flags().StringVar(&in.After, "after", "", "go on after this place")
	return cmd
}

func rights(u lms.User) string {
	switch {
	case u.Disabled:
		return "not sign in"
	case u.Admin:
		return "administer"
	case u.MayCreateCourses:
		return "create courses"
	}
	return "sign in"
}

func newUserCreate(c *clientFlags) *cobra.Command {
	var in api.CreateUserInput
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "create <login>",
		Short: "Create an account; prints a password unless one is given on standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.ID, in.Login = lms.NewID(), args[0]
			if in.Name == "" {
				in.Name = in.Login
			}
			password, err := choosePassword(cmd, fromStdin)
			if err != nil {
				return err
			}
			in.Password = password
			return call(cmd, c, api.CreateUser, in, func(w io.Writer, u lms.User) {
				fmt.Fprintf(w, "Created %s (%s).\n", u.Login, u.Name)
				if !fromStdin {
					fmt.Fprintln(w, "Password: "+password)
				}
			})
		},
	}
	cmd.Flags().StringVar(&in.Name, "name", "", "name as others see it (default: the login)")
	cmd.Flags().BoolVar(&in.MayCreateCourses, "instructor", false, "may create courses")
	cmd.Flags().BoolVar(&in.Admin, "admin", false, "is an administrator")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

// choosePassword reads one line, or makes a password: it never stands on a command line, which others can see.
func choosePassword(cmd *cobra.Command, fromStdin bool) (string, error) {
	if !fromStdin {
		s := lms.NewSecret()
		return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16], nil
	}
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 2*lms.MaxPassword)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// findUser finds the account with exactly this login.
func findUser(cmd *cobra.Command, c *clientFlags, login string) (lms.User, error) {
	client, err := c.client()
	if err != nil {
		return lms.User{}, err
	}
	for after := ""; ; {
		page, err := api.Call(cmd.Context(), client, api.ListUsers, api.ListInput{Query: lms.NormalLogin(login), After: after})
		if err != nil {
			return lms.User{}, unreachable(client, err)
		}
		for _, u := range page.Items {
			if lms.NormalLogin(u.Login) == lms.NormalLogin(login) {
				return u, nil
			}
		}
		if after = page.Next; after == "" {
			return lms.User{}, lms.Errorf(lms.KindNotFound, "There is no account %q. \"trivium user list\" lists them.", login)
		}
	}
}

func newUserDisable(c *clientFlags, disable bool) *cobra.Command {
	use, short, done := "disable", "Disable an account and end its sessions; its work is kept", "Disabled"
	if !disable {
		use, short, done = "enable", "Enable a disabled account", "Enabled"
	}
	return &cobra.Command{
		Use:   use + " <login>",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := findUser(cmd, c, args[0])
			if err != nil {
				return err
			}
			in := api.UpdateUserInput{User: u.ID, Version: u.Version, Disabled: &disable}
			return call(cmd, c, api.UpdateUser, in, func(w io.Writer, u lms.User) { fmt.Fprintf(w, "%s %s.\n", done, u.Login) })
		},
	}
}

func newUserPassword(c *clientFlags) *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "set-password <login>",
		Short: "Set a new password and end the account's sessions; prints it unless it is given on standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := choosePassword(cmd, fromStdin)
			if err != nil {
				return err
			}
			u, err := findUser(cmd, c, args[0])
			if err != nil {
				return err
			}
			in := api.UpdateUserInput{User: u.ID, Version: u.Version, Password: &password}
			return call(cmd, c, api.UpdateUser, in, func(w io.Writer, u lms.User) {
				fmt.Fprintf(w, "%s has a new password.\n", u.Login)
				if !fromStdin {
					fmt.Fprintln(w, "Password: "+password)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func newUserEndTwoStep(c *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "end-two-step <login>",
		Short: "Turn two-step sign-in off for somebody who has neither the app's codes nor a recovery code; the password stays",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := findUser(cmd, c, args[0])
			if err != nil {
				return err
			}
			return call(cmd, c, api.RemoveTwoStep, api.UserPath{User: u.ID}, func(w io.Writer, _ api.Empty) {
				fmt.Fprintf(w, "%s signs in with the password alone, until two-step sign-in is set up again.\n", u.Login)
			})
		},
	}
}

func newSetupLink(c *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "setup-link",
		Short: "Make a new link that claims the first administrator (single use, 1 h)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var link setupLink
			if err := c.askOperator(cmd.Context(), setupLinkPath, &link); err != nil {
				return err
			}
			if c.json {
				writeJSON(cmd.OutOrStdout(), link)
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), link.Link)
			return nil
		},
	}
}
