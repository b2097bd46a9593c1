package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"trivium/app/lms"
)

// ErrEndStream is returned by a reader of a stream that has read enough; Stream then returns nil.
var ErrEndStream = errors.New("end of stream")

// quietLimit is how long a stream may be silent before it is read from elsewhere. Nodes send a comment every 15 s.
const quietLimit = 45 * time.Second

// maxEvent bounds one event of a stream.
const maxEvent = 4 << 20

type onOpen struct{}

// WithOnOpen makes Stream call f each time that a node begins to answer, before the first event. A reader whose first
// event repeats the whole state clears its own there.
func WithOnOpen(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, onOpen{}, f)
}

// Stream reads the server-sent events at the path and calls f with the data of each. When the node goes away or the
// stream ends, it continues on the next node after the last event it has seen (lastSeen: that of an earlier call). It
// returns when ctx ends, when f returns an error (nil for ErrEndStream), or when a node refuses the request.
func Stream(ctx context.Context, c *Client, path, lastSeen string, f func(event []byte) error) error {
	s := &stream{client: c, path: path, last: lastSeen, handle: f}
	pause := firstPause
	for {
		for _, origin := range c.order() {
			s.events = 0
			err := s.read(ctx, origin)
			var stop *handlerError
			switch {
			case errors.As(err, &stop):
				if errors.Is(stop.err, ErrEndStream) {
					return nil
				}
				return stop.err
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && !retryable(err):
				return err
			case s.events > 0:
				pause = firstPause
			}
		}
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return ctx.Err()
		}
		pause = min(2*pause, lastPause)
	}
}

// handlerError is the verdict of the reader's own function.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }

type stream struct {
	client *Client
	path   string
	last   string
	handle func([]byte) error
	events int
}

// read reads from one node until it ends.
func (s *stream) read(parent context.Context, origin string) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	c := s.client
	quiet := time.AfterFunc(quietLimit, cancel)
	defer quiet.Stop()

	token, err := c.pass(ctx, lms.AnyUser, origin)
	if err != nil {
		return err
	}
	r := &request{method: "GET", path: s.path, access: lms.AnyUser}
	h := c.headers(r, token)
	h["Accept"] = "text/event-stream"
	if s.last != "" {
		h["Last-Event-ID"] = s.last
	}
	res, err := c.transport.do(ctx, &wireRequest{method: "GET", url: origin + s.path, header: h})
	if err != nil {
		return err
	}
	defer res.body.Close()
	if res.status != 200 {
		body, _ := io.ReadAll(io.LimitReader(res.body, 1<<20))
		err := decodeError(res.status, body)
		if lms.KindOf(err) == lms.KindSignIn && token != "" && c.renew(parent, origin, token) != token {
			return errRenewed
		}
		if err != nil && !retryable(err) {
			c.noteSession(r, origin, err)
		}
		return errors.Join(err, errStatus(res.status))
	}
	c.noteAnswer(origin, res.header)
	c.noteTrouble(nil)
	if f, ok := parent.Value(onOpen{}).(func()); ok {
		f()
	}
	return s.parse(res.body, func() { quiet.Reset(quietLimit) })
}

// errRenewed makes the stream be opened again.
var errRenewed = errors.New("the token was renewed")

// errStatus keeps an answer such as 204, which is no stream, from being taken for one.
func errStatus(status int) error {
	if status < 400 {
		return lms.Errorf(lms.KindInternal, "The node answered without a stream.")
	}
	return nil
}

// parse reads events: lines "id:", "data:" and an empty line that ends the event. Other fields are left out.
func (s *stream) parse(body io.Reader, alive func()) error {
	sc := bufio.NewScanner(body)
	sc.Buffer(make([]byte, 0, 16<<10), maxEvent)
	var data bytes.Buffer
	has := false
	for sc.Scan() {
		alive()
		line := sc.Text()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && has:
			s.events++
			if err := s.handle(bytes.Clone(data.Bytes())); err != nil {
				return &handlerError{err}
			}
			data.Reset()
			has = false
		case field == "id":
			s.last = value
		case field == "data":
			if has {
				data.WriteByte('\n')
			}
			data.WriteString(value)
			has = true
		}
	}
	return sc.Err()
}
