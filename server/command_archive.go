package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

func newCourse() *cobra.Command {
	var p personFlags
	cmd := &cobra.Command{
		Use:   "course",
		Short: "The content of a course as an archive: export, import",
		Long:  "An archive holds modules, pages, files, assignments and what instructors have decided, but no people and none of their work.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p.add(cmd)
	export := &cobra.Command{Use: "export <course> <file>", Short: "Write the archive of a course", Args: cobra.ExactArgs(2)}
	export.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		return exportCourse(ctx, c, cmd.OutOrStdout(), args[0], args[1])
	})
	take := &cobra.Command{Use: "import <file>", Short: "Make a new course, which is not published, of an archive", Args: cobra.ExactArgs(1)}
	take.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		report, err := importCourse(ctx, c, take.ErrOrStderr(), args[0])
		if err == nil && p.json {
			writeJSON(take.OutOrStdout(), report)
		} else if err == nil {
			fmt.Fprintf(take.OutOrStdout(), "%s is here, not published yet (%s).\n", report.Course.Title, report.Course.ID)
			for _, n := range report.Imported {
				fmt.Fprintf(take.OutOrStdout(), "  %d %s\n", n.N, n.What)
			}
			for _, s := range report.Skipped {
				fmt.Fprintln(take.OutOrStdout(), "  left out: "+s)
			}
		}
		return err
	})
	cmd.AddCommand(export, take)
	return cmd
}

const maxArchive = 2 << 30 // bytes that export holds

func exportCourse(ctx context.Context, c *api.Client, w io.Writer, name, path string) error {
	course, err := courseNamed(ctx, c, name)
	if err != nil {
		return err
	}
	from, err := api.PathOf(api.ExportCourse, api.CoursePath{Course: course.ID})
	if err != nil {
		return err
	}
	data, err := c.Bytes(ctx, from, maxArchive)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists; name another file", path)
	} else if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s, %s, is in %s.\n", course.Title, lms.FormatBytes(int64(len(data))), path)
	return nil
}

// importCourse makes a course, uploads the archive into it and lets the nodes take it in.
func importCourse(ctx context.Context, c *api.Client, progress io.Writer, path string) (lms.ImportReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return lms.ImportReport{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return lms.ImportReport{}, err
	}
	title := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".zip"), ".trivium")
	in := api.CourseInput{ID: lms.NewID(), Code: "import", Title: title, Zone: "UTC", State: lms.CourseUnpublished}
	course, err := api.Call(ctx, c, api.CreateCourse, in)
	if err != nil {
		return lms.ImportReport{}, err
	}
	report, err := takeIn(ctx, c, progress, course.ID, api.NewBlob(filepath.Base(path), info.Size(), f))
	if err != nil { // nothing is in it, so it is put away
		in.State = lms.CourseArchived
		api.Call(ctx, c, api.UpdateCourse, api.UpdateCourseInput{Course: course.ID, CourseInput: in, Version: course.Version})
	}
	return report, err
}

func takeIn(ctx context.Context, c *api.Client, progress io.Writer, course string, b api.Blob) (lms.ImportReport, error) {
	receipt, err := api.Upload(ctx, c, course, b, nil)
	if err != nil {
		return lms.ImportReport{}, err
	}
	for {
		step, err := api.Call(ctx, c, api.ImportCourse, api.ImportInput{Course: course, FileID: receipt.File.ID})
		if err != nil {
			return lms.ImportReport{}, err
		}
		if step.Report != nil {
			return *step.Report, nil
		}
		fmt.Fprintf(progress, "%s of %s are on the nodes\n", lms.FormatBytes(step.Done), lms.FormatBytes(step.Total))
	}
}
