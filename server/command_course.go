package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

// table prints rows with aligned columns.
func table(w io.Writer, head string, rows int, row func(w io.Writer, i int)) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	for i := range rows {
		row(t, i)
	}
	t.Flush()
}

// when is a time on the command line; "-" is none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04 MST")
}

func newCourses() *cobra.Command {
	var p personFlags
	cmd := &cobra.Command{Use: "courses", Short: "List the own courses", Args: cobra.NoArgs}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, _ []string) error {
		page, err := api.Call(ctx, c, api.ListCourses, api.NoInput{})
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if p.json {
			writeJSON(w, page.Items)
			return nil
		}
		table(w, "CODE\tTITLE\tROLE\tID", len(page.Items), func(w io.Writer, i int) {
			course := page.Items[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", course.Code, course.Title, course.MyRole, course.ID)
		})
		return nil
	})
	p.add(cmd)
	return cmd
}

func newMaterials() *cobra.Command {
	var p personFlags
	var folder string
	cmd := &cobra.Command{
		Use:   "materials <course>",
		Short: "List the materials of a course, or download its files",
		Long:  "materials lists the pages and files of a course, which is named by its code, title or id. --download fetches the files into a folder; files that are there already, with the same content, are left alone.",
		Args:  cobra.ExactArgs(1),
	}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		page, err := api.Call(ctx, c, api.ListMaterials, api.CoursePath{Course: course.ID})
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		switch {
		case folder != "":
			return download(ctx, c, w, page.Items, folder)
		case p.json:
			writeJSON(w, page.Items)
			return nil
		}
		table(w, "TITLE\tKIND\tSIZE\tID", len(page.Items), func(w io.Writer, i int) {
			m, size := page.Items[i], "-"
			if m.File != nil {
				size = lms.FormatBytes(m.File.Size)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Title, m.Kind, size, m.ID)
		})
		return nil
	})
	p.add(cmd)
	cmd.Flags().StringVar(&folder, "download", "", "folder that the files go to")
	return cmd
}

// download fetches the files of the materials. It never replaces a file that has another content.
func download(ctx context.Context, c *api.Client, w io.Writer, materials []lms.Material, folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	var failed []error
	for _, m := range materials {
		if m.File == nil {
			continue
		}
		path := filepath.Join(folder, filepath.Base(m.File.Name))
		if sum, err := fileHash(path); err == nil && sum == m.File.SHA256 {
			fmt.Fprintf(w, "%s is there already.\n", path)
			continue
		}
		if err := fetchFile(ctx, c, *m.File, path); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.Title, err))
			continue
		}
		fmt.Fprintf(w, "%s (%s)\n", path, lms.FormatBytes(m.File.Size))
	}
	return errors.Join(failed...)
}

func fetchFile(ctx context.Context, c *api.Client, f lms.File, path string) error {
	from, err := api.PathOf(api.FileContent, api.ContentPath{Course: f.CourseID, File: f.ID})
	if err != nil {
		return err
	}
	data, err := c.Bytes(ctx, from, lms.MaxFileSize+1)
	if err != nil {
		return err
	}
	if hashOf(data) != f.SHA256 {
		return errors.New("the bytes that arrived are not those of the file; try again")
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists with another content; move it away", path)
	} else if err != nil {
		return err
	}
	_, err = out.Write(data)
	return errors.Join(err, out.Close())
}

func newAssignments() *cobra.Command {
	var p personFlags
	cmd := &cobra.Command{Use: "assignments <course>", Short: "List the assignments of a course", Args: cobra.ExactArgs(1)}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		page, err := api.Call(ctx, c, api.ListAssignments, api.CoursePath{Course: course.ID})
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if p.json {
			writeJSON(w, page.Items)
			return nil
		}
		table(w, "TITLE\tPOINTS\tDUE\tSTANDS\tID", len(page.Items), func(w io.Writer, i int) {
			a := page.Items[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Title, a.Points, when(a.DueAt), standing(a), a.ID)
		})
		return nil
	})
	p.add(cmd)
	return cmd
}

// standing is where the student, or for staff the class, is in an assignment.
func standing(a lms.Assignment) string {
	switch {
	case a.Stats != nil:
		return fmt.Sprintf("%d of %d handed in, %d to grade", a.Stats.Submitted, a.Stats.Students, a.Stats.Ungraded)
	case a.Mine == nil:
		return "-"
	case a.Mine.Grade != nil:
		return fmt.Sprintf("%s of %s points", a.Mine.Grade.Points, a.Points)
	case a.Mine.Attempts > 0:
		return fmt.Sprintf("attempt %d handed in", a.Mine.Attempts)
	}
	return "not handed in"
}
