package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

const searchHelp = `search finds pages, the text of files, assignments, questions and entries of the FAQ of a course, which is named by its code,
title or id. It finds what you may open and nothing else. The last word may be the beginning of one.`

func newSearch() *cobra.Command {
	var p personFlags
	var in api.SearchInput
	cmd := &cobra.Command{Use: "search <course> <words>", Short: "Search a course", Long: searchHelp, Args: cobra.MinimumNArgs(2)}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		in.Course, in.Query = course.ID, strings.Join(args[1:], " ")
		if err := in.Validate(); err != nil {
			return err
		}
		found, err := api.Call(ctx, c, api.SearchCourse, in)
		if err != nil {
			return err
		}
		if p.json {
			writeJSON(cmd.OutOrStdout(), found)
			return nil
		}
		printFound(cmd.OutOrStdout(), found)
		return nil
	})
	p.add(cmd)
	f := cmd.Flags()
	f.StringVar((*string)(&in.Kind), "kind", "", "only this: page, file, assignment, question or faq")
	f.IntVar(&in.Limit, "limit", 20, "how many to list, at most 200")
	f.StringVar(&in.After, "after", "", "go on behind the first results: the number that the list before ended with")
	return cmd
}

// printFound prints hits with the best place of each.
func printFound(w io.Writer, found lms.SearchResults) {
	if found.Loose {
		fmt.Fprintln(w, "Nothing has all of these words. This has some of them.")
	}
	if found.Total == 0 {
		fmt.Fprintln(w, "Nothing found. Try another word or fewer of them, or its beginning.")
	}
	for _, h := range found.Items {
		fmt.Fprintf(w, "%s: %s (%s)\n", h.Kind, h.Title, h.ID)
		if h.NotIndexed != "" {
			fmt.Fprintf(w, "    not indexed: %s\n", h.NotIndexed)
		}
		for _, at := range h.Places {
			fmt.Fprintf(w, "    %s%s\n", placeName(at), excerptText(at.Excerpt))
		}
	}
	if found.Next != "" {
		fmt.Fprintf(w, "%d were found. --after %s lists the next ones.\n", found.Total, found.Next)
	}
	if n := len(found.Unread); n > 0 {
		fmt.Fprintf(w, "Not indexed in this course: %d (--json lists them).\n", n)
	}
}

func placeName(at lms.SearchPlace) string {
	switch {
	case at.Page > 0:
		return fmt.Sprintf("page %d: ", at.Page)
	case at.Heading != "":
		return at.Heading + ": "
	}
	return ""
}

func excerptText(parts []lms.SearchPart) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
