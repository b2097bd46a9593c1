package ui

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
)

// handIn is one hand-in on its way. The order makes the moment of pressing the button count: hash the files, declare
// them, submit their hashes, and only then send the bytes. Fields are guarded by transfers.mu.
type handIn struct {
	course, assignment string
	id                 string // of the attempt
	text, url          string
	honour             bool
	items              []*transfer
	accepted           bool // a majority of the nodes has recorded the attempt
	complete           bool // and holds every byte
	running            bool
	err                error
	receipt            lms.Receipt
	stage              int // grows when the pages should read the attempts again
}

// handIns holds the latest hand-in of each assignment; transfers.mu guards it.
var handIns = map[string]*handIn{}

// handInOf copies the hand-in of an assignment for drawing.
func handInOf(assignment string) (handInView, bool) {
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	h := handIns[assignment]
	if h == nil {
		return handInView{}, false
	}
	v := handInView{id: h.id, text: h.text, accepted: h.accepted, complete: h.complete, running: h.running, err: h.err, receipt: h.receipt, stage: h.stage}
	for _, t := range h.items {
		v.items = append(v.items, *t)
		v.sent += t.sent
		v.size += t.size
	}
	return v, true
}

// handInView is a copy of a hand-in.
type handInView struct {
	id, text                    string
	items                       []transfer
	accepted, complete, running bool
	err                         error
	receipt                     lms.Receipt
	stage                       int
	sent, size                  int64
}

// startHandIn hands text, web address and files in as a new attempt. One for an assignment runs at a time.
func startHandIn(in api.SubmitInput, items []*transfer) {
	h := &handIn{course: in.Course, assignment: in.Assignment, id: lms.NewID(), text: in.Text, url: in.URL, honour: in.Honour, items: items}
	changeTransfers(func() { handIns[in.Assignment] = h })
	h.start()
}

// resumeHandIn sends the bytes of an attempt that was accepted before the page was reloaded. The files have been
// compared with what was declared.
func resumeHandIn(s lms.Submission, items []*transfer) {
	h := &handIn{course: s.CourseID, assignment: s.AssignmentID, id: s.ID, text: s.Text, items: items, accepted: true}
	changeTransfers(func() { handIns[s.AssignmentID] = h })
	h.start()
}

// retryHandIn goes on with a hand-in that has stopped, where it stopped.
func retryHandIn(assignment string) {
	transfers.mu.Lock()
	h := handIns[assignment]
	transfers.mu.Unlock()
	if h != nil && !h.running {
		h.start()
	}
}

// dropHandIn forgets a hand-in that does not run, so that the form can be used again.
func dropHandIn(assignment string) {
	changeTransfers(func() {
		if h := handIns[assignment]; h != nil && !h.running {
			delete(handIns, assignment)
		}
	})
}

func (h *handIn) start() {
	changeTransfers(func() { h.running, h.err = true, nil })
	startTransfer(h.run, func(err error) { h.running, h.err = false, err })
}

func (h *handIn) run(ctx context.Context) error {
	for _, t := range h.items {
		if err := t.prepare(ctx, h.course); err != nil {
			return err
		}
	}
	if !h.accepted {
		if err := h.submit(ctx); err != nil {
			return err
		}
	}
	for _, t := range h.items {
		if _, err := t.deliver(ctx); err != nil {
			return err
		}
	}
	receipt, err := api.Call(ctx, API, api.GetReceipt, api.SubmissionPath{Course: h.course, Submission: h.id})
	if err != nil {
		return err
	}
	changeTransfers(func() { h.receipt, h.complete, h.stage = receipt, true, h.stage+1 })
	return nil
}

func (h *handIn) submit(ctx context.Context) error {
	in := api.SubmitInput{Course: h.course, Assignment: h.assignment, ID: h.id, Text: h.text, URL: h.url, Honour: h.honour}
	for _, t := range h.items {
		in.Files = append(in.Files, t.file.ID)
	}
	receipt, err := api.Call(ctx, API, api.Submit, in)
	if err != nil {
		return err
	}
	changeTransfers(func() { h.accepted, h.receipt, h.stage = true, receipt, h.stage+1 })
	return nil
}

// matchFiles pairs chosen files with those of an attempt that are still missing, by size and content. It returns the
// transfers that can go on, and the names of the chosen files that fit none.
func matchFiles(ctx context.Context, missing []lms.File, blobs []api.Blob) (items []*transfer, strangers []string, err error) {
	taken := map[string]bool{}
	for _, b := range blobs {
		in, err := api.HashFile(ctx, b, nil)
		if err != nil {
			return nil, nil, err
		}
		found := false
		for _, f := range missing {
			if taken[f.ID] || f.Size != in.Size || f.SHA256 != in.SHA256 {
				continue
			}
			taken[f.ID], found = true, true
			f.Chunks = in.Chunks
			t := newTransfer(b)
			t.name, t.file, t.hashed = f.Name, f, f.Size
			items = append(items, t)
			break
		}
		if !found {
			strangers = append(strangers, b.Name())
		}
	}
	return items, strangers, nil
}

// missingFiles are those of an attempt whose bytes have not all arrived.
func missingFiles(s lms.Submission) []lms.File {
	var list []lms.File
	for _, f := range s.Files {
		if !f.Complete() {
			if f.CourseID == "" {
				f.CourseID = s.CourseID
			}
			list = append(list, f)
		}
	}
	return list
}
