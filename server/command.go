package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootHelp = `Trivium is a learning management system that keeps working when a machine dies.

Try it on this machine:      trivium demo
Start the first node:        trivium serve -h

Every flag can also be given as an environment variable (--public-origin is TRIVIUM_PUBLIC_ORIGIN) or as a line
"public-origin = https://lms.example.edu" in the file that --config names. A flag wins over a variable, a variable over the file.
A flag that takes a list, such as --join, may take several lines there.`

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "trivium",
		Short:         "A learning management system that keeps working when a machine dies",
		Long:          rootHelp,
		SilenceErrors: true, // run tells about them, once
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fillFlags(cmd)
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\n%q shows what it takes", err, cmd.CommandPath()+" -h")
	})
	root.PersistentFlags().String("config", "", "`file` with one \"name = value\" a line, for flags that are not given otherwise")
	group := func(id, title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: id, Title: title})
		for _, c := range commands {
			c.GroupID = id
		}
		root.AddCommand(commands...)
	}
	group("cluster", "Run a cluster:", newServe(), newJoinToken(), newStatus(), newNodes(), newTransfer(), newRemove(), newUser(), newBackup(),
		newRestore(), newRecover(), newDump())
	group("course", "Study and teach:", newLogin(), newLogout(), newCourses(), newMaterials(), newAssignments(), newSubmit(), newSubmissions(),
		newGrade(), newSearch(), newAsk(), newQuestions(), newAnswer(), newCourse())
	group("try", "Try, measure and break it:", newDemo(), newDrill(), newBench(), newKVUDP())
	root.AddCommand(newKV(), newVersion(), newExtract())
	return root
}

// envName is the environment variable of a flag.
func envName(flag string) string {
	return "TRIVIUM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// testVariables (and TRIVIUM_FAULT…, which only a program built with faults reads) belong to the project's own tests, whose environment the nodes inherit that they start.
var testVariables = []string{"TRIVIUM_BINARY", "TRIVIUM_CHROMIUM"}

// fillFlags sets the flags that the command line leaves out from the environment, then from the file.
func fillFlags(cmd *cobra.Command) error {
	known := knownFlags(cmd.Root())
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "TRIVIUM_") && !strings.HasPrefix(name, "TRIVIUM_FAULT") && !slices.Contains(testVariables, name) && !slices.ContainsFunc(known, func(f string) bool { return envName(f) == name }) {
			return fmt.Errorf("the environment variable %s is not a setting of Trivium; check for a typing error", name)
		}
	}
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		v, ok := os.LookupEnv(envName(f.Name))
		if !ok || f.Changed || err != nil {
			return
		}
		if e := cmd.Flags().Set(f.Name, v); e != nil {
			err = fmt.Errorf("%s: %w", envName(f.Name), e)
		}
	})
	if err != nil {
		return err
	}
	path, _ := cmd.Flags().GetString("config")
	if path == "" {
		return nil
	}
	return fillFromFile(cmd, path, known)
}

// fillFromFile sets the flags that neither the command line nor the environment has set. Only lists may stand in several
// lines: of anything else one line would silently count for nothing.
func fillFromFile(cmd *cobra.Command, path string, known []string) error {
	settings, err := readSettings(path)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { given[f.Name] = f.Changed }) // before the first line changes it
	seen := map[string]int{}
	for _, s := range settings {
		source := fmt.Sprintf("%s, line %d", path, s.line)
		if !slices.Contains(known, s.name) || s.name == "config" || s.name == "help" {
			return fmt.Errorf("%s: %q is not a setting of Trivium", source, s.name)
		}
		f := cmd.Flags().Lookup(s.name)
		if f == nil {
			continue // the file serves several commands
		}
		_, list := f.Value.(pflag.SliceValue)
		if line := seen[s.name]; line > 0 && !list {
			return fmt.Errorf("%s: %q stands in line %d already and takes one value; delete one of the two lines", source, s.name, line)
		}
		seen[s.name] = s.line
		if given[s.name] {
			continue
		}
		if err := cmd.Flags().Set(f.Name, s.value); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	return nil
}

// knownFlags lists the flags of all commands.
func knownFlags(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) { names = append(names, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	for _, c := range cmd.Commands() {
		names = append(names, knownFlags(c)...)
	}
	return names
}

type setting struct {
	name, value string
	line        int
}

func readSettings(path string) ([]setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []setting
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%s, line %d: write name = value", path, n)
		}
		all = append(all, setting{strings.TrimSpace(name), strings.TrimSpace(value), n})
	}
	return all, lines.Err()
}
