package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"trivium/app/lms"
)

// Blob is a file that a person chose. Slice returns chunk i, of lms.ChunkSize bytes or, at the end, fewer.
type Blob interface {
	Name() string
	Size() int64
	Slice(i int) ([]byte, error)
}

// sliceHasher is a Blob that hashes its chunks faster than Go does.
type sliceHasher interface {
	hashSlice(i int) (data []byte, hash string, err error)
}

// Limits of an upload.
const (
	chunkTimeout  = 60 * time.Second // of one attempt to send one chunk: a thin line needs a while for 1 MiB
	uploadStall   = 10 * time.Minute // without any chunk acknowledged, after which the upload is given up
	chunkSenders  = 2                // chunks under way at a time
	completeTries = 3
)

// ErrFileChanged is returned when the bytes of a file are not those that were declared.
var ErrFileChanged = lms.FieldErrorf(lms.KindConflict, "files", "The file on this device is not the one that was handed in: its content differs. Choose the same file again, or hand in a new attempt.")

// HashFile reads the file once and returns its description with the hashes of the whole and of each chunk. Progress
// may be nil.
func HashFile(ctx context.Context, b Blob, progress func(done, total int64)) (DeclareFileInput, error) {
	in := DeclareFileInput{ID: lms.NewID(), Name: b.Name(), Size: b.Size(), Chunks: []string{}}
	if err := lms.CheckFileName(in.Name); err != nil {
		return in, err
	}
	if in.Size > lms.MaxFileSize {
		return in, lms.FieldErrorf(lms.KindTooLarge, "size", "%s has %s; the limit is %s.", in.Name, lms.FormatBytes(in.Size), lms.FormatBytes(lms.MaxFileSize))
	}
	whole := sha256.New()
	var done int64
	for i := range lms.ChunkCount(in.Size) {
		if err := ctx.Err(); err != nil {
			return in, err
		}
		data, hash, err := readSlice(b, i)
		if err != nil {
			return in, err
		}
		whole.Write(data)
		in.Chunks = append(in.Chunks, hash)
		done += int64(len(data))
		report(progress, done, in.Size)
	}
	in.SHA256 = hex.EncodeToString(whole.Sum(nil))
	return in, nil
}

// readSlice reads and hashes one chunk. A file that shrank or grew meanwhile is refused.
func readSlice(b Blob, i int) (data []byte, hash string, err error) {
	if h, ok := b.(sliceHasher); ok {
		data, hash, err = h.hashSlice(i)
	} else if data, err = b.Slice(i); err == nil {
		sum := sha256.Sum256(data)
		hash = hex.EncodeToString(sum[:])
	}
	if err != nil {
		return nil, "", lms.FieldErrorf(lms.KindRule, "files", "%s could not be read. It may have been moved or changed; choose it again.", b.Name())
	}
	if len(data) != lms.ChunkLen(b.Size(), i) {
		return nil, "", lms.FieldErrorf(lms.KindRule, "files", "%s changed while it was read. Save it and choose it again.", b.Name())
	}
	return data, hash, nil
}

func report(progress func(done, total int64), done, total int64) {
	if progress != nil {
		progress(done, total)
	}
}

// Upload declares, sends and completes a file. Callers that must be recorded before the bytes have arrived take the
// steps themselves: HashFile, DeclareFile, then what names the file, then SendFile.
func Upload(ctx context.Context, c *Client, course string, b Blob, progress func(sent, total int64)) (FileReceipt, error) {
	in, err := HashFile(ctx, b, nil)
	if err != nil {
		return FileReceipt{}, err
	}
	in.Course = course
	file, err := Call(ctx, c, DeclareFile, in)
	if err != nil {
		return FileReceipt{}, err
	}
	file.Chunks = in.Chunks
	return SendFile(ctx, c, file, b, progress)
}

// SendFile sends the missing bytes of a declared file and completes it.
func SendFile(ctx context.Context, c *Client, file lms.File, b Blob, progress func(sent, total int64)) (FileReceipt, error) {
	for try := 1; ; try++ {
		if err := SendChunks(ctx, c, file, b, progress); err != nil {
			return FileReceipt{}, err
		}
		receipt, err := Call(ctx, c, CompleteFile, FilePath{Course: file.CourseID, File: file.ID})
		if err == nil || try == completeTries || lms.KindOf(err) == lms.KindForbidden || lms.KindOf(err) == lms.KindNotFound {
			return receipt, err
		}
	}
}

// SendChunks sends the chunks that no node has yet. It goes on after any failure, on any node, until every chunk is
// acknowledged, ctx ends, a node refuses a chunk, or nothing has been acknowledged for ten minutes.
func SendChunks(ctx context.Context, c *Client, file lms.File, b Blob, progress func(sent, total int64)) error {
	if b.Size() != file.Size {
		return ErrFileChanged
	}
	u := &sender{client: c, file: file, blob: b, progress: progress, moved: time.Now()}
	for {
		missing, err := Call(ctx, c, MissingChunks, FilePath{Course: file.CourseID, File: file.ID})
		if err == nil {
			u.start(missing.Numbers)
			if len(missing.Numbers) == 0 {
				return nil
			}
			err = u.sendAll(ctx, missing.Numbers)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case !retryable(err), u.stalled():
			return err
		default:
			if !sleep(ctx, time.Second) {
				return ctx.Err()
			}
		}
	}
}

type sender struct {
	client   *Client
	file     lms.File
	blob     Blob
	progress func(sent, total int64)

	mu    sync.Mutex
	sent  int64
	moved time.Time // when a chunk was acknowledged last
}

// start counts what has arrived.
func (u *sender) start(missing []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent = u.file.Size
	for _, n := range missing {
		u.sent -= int64(lms.ChunkLen(u.file.Size, n))
	}
	report(u.progress, u.sent, u.file.Size)
}

func (u *sender) stalled() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Since(u.moved) > uploadStall
}

// sendAll sends the chunks with a few senders and stops at the first failure.
func (u *sender) sendAll(parent context.Context, missing []int) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range min(chunkSenders, len(missing)) {
		wg.Go(func() {
			for n := range numbers {
				if err := u.sendOne(ctx, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, n := range missing {
		if ctx.Err() != nil {
			break
		}
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	if ctx.Err() == nil {
		return nil
	}
	return errors.Join(parent.Err(), context.Cause(ctx))
}

func (u *sender) sendOne(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n < 0 || n >= lms.ChunkCount(u.file.Size) {
		return lms.Errorf(lms.KindInternal, "The node asked for a part of %s that does not exist.", u.file.Name)
	}
	data, hash, err := readSlice(u.blob, n)
	if err != nil {
		return err
	}
	if len(u.file.Chunks) > n && u.file.Chunks[n] != hash {
		return ErrFileChanged
	}
	r, err := newRequest(PutChunk.Route(), ChunkPath{Course: u.file.CourseID, File: u.file.ID, Number: n})
	if err != nil {
		return err
	}
	r.body, r.raw, r.timeout, r.patience = data, true, chunkTimeout, u.client.patience
	if _, err := u.client.send(ctx, r); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock() // reports come in order, never two at once
	u.sent += int64(len(data))
	u.moved = time.Now()
	report(u.progress, u.sent, u.file.Size)
	return nil
}
