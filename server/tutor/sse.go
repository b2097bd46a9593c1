package tutor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// Limits of what an endpoint may send (TUTOR-35).
const (
	maxResponse  = 4 << 20 // bytes
	maxLine      = 1 << 20 // bytes
	maxErrorBody = 64 << 10
)

// Faults of a response.
var (
	errNotAStream = errors.New("the endpoint answered with something that is not a chat completion")
	errTooLong    = errors.New("the endpoint's answer is too long")
	errInStream   = errors.New("the endpoint reported an error in its stream")
)

// callInfo collects what go-openai does not tell about a call.
type callInfo struct {
	retryAfter string
	activity   func() // called for each piece of data; comments that only keep the connection alive do not count
}

type callInfoKey struct{}

// tolerant is a transport that turns what endpoints really send into the stream that go-openai expects: it drops comments,
// event names and blank lines, joins no lines, turns one JSON body into a stream, recognises errors with status 200, and
// bounds everything.
type tolerant struct{ next http.RoundTripper }

func (t tolerant) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	info, _ := req.Context().Value(callInfoKey{}).(*callInfo)
	if info == nil {
		info = &callInfo{}
	}
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		res.Body.Close()
		return nil, errors.New("the endpoint redirects, which is not followed")
	case res.StatusCode != http.StatusOK:
		info.retryAfter = res.Header.Get("Retry-After")
		res.Body = limitedBody{io.LimitReader(res.Body, maxErrorBody), res.Body}
		return res, nil
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind == "text/html" {
		res.Body.Close()
		return nil, errNotAStream
	}
	n := &normaliser{src: bufio.NewReaderSize(io.LimitReader(res.Body, maxResponse+1), 64<<10), body: res.Body, activity: info.activity}
	res.Body = n
	return res, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}

// normaliser reads an event stream, or one JSON body, and yields "data: ...\n" lines.
type normaliser struct {
	src      *bufio.Reader
	body     io.Closer
	activity func()
	total    int
	begun    bool
	out      []byte
	err      error
}

func (n *normaliser) Close() error { return n.body.Close() }

func (n *normaliser) Read(p []byte) (int, error) {
	for len(n.out) == 0 {
		if n.err != nil {
			return 0, n.err
		}
		n.fill()
	}
	k := copy(p, n.out)
	n.out = n.out[k:]
	return k, nil
}

// fill reads one line and appends what it means to out.
func (n *normaliser) fill() {
	line, err := n.line()
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	if err != nil {
		n.err = err
		if !errors.Is(err, io.EOF) {
			return
		}
	}
	data, isData := bytes.CutPrefix(line, []byte("data:"))
	data = bytes.TrimSpace(data)
	switch {
	case len(line) == 0 || line[0] == ':':
	case isData && len(data) > 0:
		n.begun = true
		n.data(data)
	case isData, bytes.HasPrefix(line, []byte("event:")), bytes.HasPrefix(line, []byte("id:")), bytes.HasPrefix(line, []byte("retry:")):
	case !n.begun && line[0] == '{':
		n.whole(line, err)
	default:
		n.err = errNotAStream
	}
}

// line reads up to a line feed within the limits. At the end of the stream it returns the rest with io.EOF.
func (n *normaliser) line() ([]byte, error) {
	var line []byte
	for {
		part, err := n.src.ReadSlice('\n')
		n.total += len(part)
		if n.total > maxResponse || len(line)+len(part) > maxLine {
			return nil, errTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// data passes one event on.
func (n *normaliser) data(data []byte) {
	if n.activity != nil {
		n.activity()
	}
	if string(data) != "[DONE]" {
		var probe struct{ Error json.RawMessage }
		if err := json.Unmarshal(data, &probe); err != nil {
			n.err = errNotAStream
			return
		}
		if len(probe.Error) > 0 && string(probe.Error) != "null" {
			n.err = errInStream
			return
		}
	}
	n.out = append(append(append(n.out, "data: "...), data...), '\n')
}

// whole turns one JSON body, whose first line is given, into a stream of one event.
func (n *normaliser) whole(first []byte, err error) {
	body := bytes.Clone(first)
	for err == nil {
		var line []byte
		line, err = n.line()
		body = append(body, line...)
	}
	if !errors.Is(err, io.EOF) {
		n.err = err
		return
	}
	var whole struct {
		Choices []struct {
			Message      json.RawMessage `json:"message"`
			FinishReason json.RawMessage `json:"finish_reason,omitempty"`
		} `json:"choices"`
		Usage json.RawMessage `json:"usage,omitempty"`
		Error json.RawMessage `json:"error,omitempty"`
	}
	if json.Unmarshal(body, &whole) != nil || len(whole.Choices) == 0 && len(whole.Error) == 0 {
		n.err = errNotAStream
		return
	}
	if len(whole.Error) > 0 && string(whole.Error) != "null" {
		n.err = errInStream
		return
	}
	event := map[string]any{"choices": []any{map[string]any{"index": 0, "delta": whole.Choices[0].Message,
		"finish_reason": whole.Choices[0].FinishReason}}}
	if len(whole.Usage) > 0 {
		event["usage"] = whole.Usage
	}
	text, merr := json.Marshal(event)
	if merr != nil {
		n.err = errNotAStream
		return
	}
	n.data(text)
	n.out = append(n.out, "data: [DONE]\n"...)
	n.err = io.EOF
}
