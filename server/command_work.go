package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

const submitHelp = `submit hands in text and files for an assignment, which is named by its title or id.

What counts for the deadline is the moment at which the cluster accepts the hashes of the files; their bytes follow. The
command ends with 0 only when a majority of the nodes holds every byte, and prints the receipt. If it is interrupted
after "Accepted", run it again with the same files within 15 minutes, or open the assignment in the browser.`

func newSubmit() *cobra.Command {
	var p personFlags
	var text string
	cmd := &cobra.Command{
		Use:   "submit <course> <assignment> [file]...",
		Short: "Hand in text and files; returns when a majority of the nodes holds them",
		Long:  submitHelp,
		Args:  cobra.MinimumNArgs(2),
	}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		a, err := assignmentNamed(ctx, c, course.ID, args[1])
		if err != nil {
			return err
		}
		if text == "-" {
			b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), lms.MaxBody+1))
			if err != nil {
				return err
			}
			text = string(b)
		}
		receipt, err := handIn(ctx, c, cmd.ErrOrStderr(), a, text, args[2:])
		if err != nil {
			return err
		}
		if p.json {
			writeJSON(cmd.OutOrStdout(), receipt)
			return nil
		}
		printReceipt(cmd.OutOrStdout(), a, receipt)
		return nil
	})
	p.add(cmd)
	cmd.Flags().StringVar(&text, "text", "", "text to hand in; - reads it from standard input")
	return cmd
}

// handIn declares the files, hands in by their hashes, and then sends the bytes.
func handIn(ctx context.Context, c *api.Client, progress io.Writer, a lms.Assignment, text string, paths []string) (lms.Receipt, error) {
	in := api.SubmitInput{Course: a.CourseID, Assignment: a.ID, ID: lms.NewID(), Text: text}
	var files []lms.File
	var blobs []api.Blob
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return lms.Receipt{}, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return lms.Receipt{}, err
		}
		if !info.Mode().IsRegular() {
			return lms.Receipt{}, fmt.Errorf("%s is not a file", path)
		}
		blob := api.NewBlob(filepath.Base(path), info.Size(), f)
		if err := a.CheckFile(lms.File{Name: blob.Name(), Size: blob.Size()}); err != nil {
			return lms.Receipt{}, err
		}
		declared, err := api.HashFile(ctx, blob, nil)
		if err != nil {
			return lms.Receipt{}, err
		}
		declared.Course = a.CourseID
		file, err := api.Call(ctx, c, api.DeclareFile, declared)
		if err != nil {
			return lms.Receipt{}, err
		}
		file.Chunks = declared.Chunks
		files, blobs, in.Files = append(files, file), append(blobs, blob), append(in.Files, file.ID)
	}
	receipt, err := api.Call(ctx, c, api.Submit, in)
	if err != nil || len(files) == 0 {
		return receipt, err
	}
	fmt.Fprintf(progress, "Accepted at %s; sending the files.\n", when(receipt.Submission.SubmittedAt))
	for i, file := range files {
		last := int64(-1)
		_, err := api.SendFile(ctx, c, file, blobs[i], func(sent, total int64) {
			if percent := 100 * sent / max(total, 1); percent/10 != last/10 || last < 0 {
				last = percent
				fmt.Fprintf(progress, "%s: %d %%\n", file.Name, percent)
			}
		})
		if err != nil {
			return receipt, fmt.Errorf("the attempt was accepted in time, but %s has not arrived completely: %w", file.Name, err)
		}
	}
	receipt, err = api.Call(ctx, c, api.GetReceipt, api.SubmissionPath{Course: a.CourseID, Submission: in.ID})
	if err == nil && receipt.Submission.State != lms.SubmissionReceived {
		err = errors.New("the attempt was accepted in time, but not all of its files have arrived; open the assignment in the browser and send them again")
	}
	return receipt, err
}

func printReceipt(w io.Writer, a lms.Assignment, r lms.Receipt) {
	s := r.Submission
	fmt.Fprintf(w, "Handed in: %s, attempt %d\n  receipt  %s\n  time     %s\n", a.Title, s.Attempt, s.ID, s.SubmittedAt.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	for _, f := range s.Files {
		fmt.Fprintf(w, "  file     %s, %s, SHA-256 %s\n", f.Name, lms.FormatBytes(f.Size), f.SHA256)
	}
	if s.LateSeconds > 0 {
		fmt.Fprintf(w, "  late     by %d s\n", s.LateSeconds)
	}
	fmt.Fprintf(w, "  held by  %d of %d nodes, entry %d of the log\n", r.Replicas, r.Nodes, r.Index)
}

func newSubmissions() *cobra.Command {
	var p personFlags
	in := api.ListSubmissionsInput{Limit: api.MaxPage}
	cmd := &cobra.Command{Use: "submissions <course> <assignment>", Short: "List the latest attempts, ungraded first (staff)", Args: cobra.ExactArgs(2)}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		a, err := assignmentNamed(ctx, c, course.ID, args[1])
		if err != nil {
			return err
		}
		in.Course, in.Assignment = course.ID, a.ID
		page, err := api.Call(ctx, c, api.ListSubmissions, in)
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if p.json {
			writeJSON(w, page)
			return nil
		}
		table(w, "STUDENT\tATTEMPT\tHANDED IN\tGRADE\tID", len(page.Items), func(w io.Writer, i int) {
			s, grade := page.Items[i], "-"
			if s.Grade != nil {
				grade = s.Grade.Points.String()
				if s.Grade.PostedAt.IsZero() {
					grade += " (draft)"
				}
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", s.UserName, s.Attempt, when(s.SubmittedAt), grade, s.ID)
		})
		if page.Next != "" {
			fmt.Fprintf(w, "%d of %d; go on with --after %s\n", len(page.Items), page.Total, page.Next)
		}
		return nil
	})
	p.add(cmd)
	cmd.Flags().StringVar(&in.Filter, "filter", "", "only ungraded, late or unposted ones")
	cmd.Flags().StringVar(&in.After, "after", "", "go on after this place")
	return cmd
}

const gradeHelp = `grade saves a draft grade for an attempt, which is named by its id (see "trivium submissions"). The student sees it
only after it has been posted: with --post at once, or for the whole assignment in the browser.

If somebody else has graded the attempt meanwhile, nothing is changed and their grade is shown.`

func newGrade() *cobra.Command {
	var p personFlags
	var feedback string
	var post, above bool
	cmd := &cobra.Command{
		Use:   "grade <course> <submission> <points>",
		Short: "Grade an attempt (staff)",
		Long:  gradeHelp,
		Args:  cobra.ExactArgs(3),
	}
	cmd.RunE = p.with(func(ctx context.Context, c *api.Client, args []string) error {
		course, err := courseNamed(ctx, c, args[0])
		if err != nil {
			return err
		}
		points, err := lms.ParsePoints(args[2])
		if err != nil {
			return err
		}
		s, err := api.Call(ctx, c, api.GetSubmission, api.SubmissionPath{Course: course.ID, Submission: args[1]})
		if err != nil {
			return err
		}
		in := api.GradeInput{Course: course.ID, Submission: s.ID, Points: points, Feedback: feedback, AllowAbove: above}
		if s.Grade != nil {
			in.Version = s.Grade.Version
			if !cmd.Flags().Changed("feedback") {
				in.Feedback = s.Grade.Feedback
			}
		}
		g, err := api.Call(ctx, c, api.SaveGrade, in)
		if err != nil {
			return err
		}
		if post {
			_, err = api.Call(ctx, c, api.PostGrades, api.PostGradesInput{Course: course.ID, Assignment: s.AssignmentID, Submissions: []string{s.ID}})
			if err != nil {
				return fmt.Errorf("the grade is saved as a draft, but it could not be posted: %w", err)
			}
		}
		if p.json {
			writeJSON(cmd.OutOrStdout(), g)
			return nil
		}
		state := "as a draft; --post shows it to the student"
		if post {
			state = "and posted"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s points for %s, attempt %d, saved %s.\n", g.Points, s.UserName, s.Attempt, state)
		return nil
	})
	p.add(cmd)
	f := cmd.Flags()
	f.StringVar(&feedback, "feedback", "", "feedback in Markdown (default: as it is)")
	f.BoolVar(&post, "post", false, "show the grade to the student at once")
	f.BoolVar(&above, "above", false, "more than the assignment is worth is meant")
	return cmd
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
