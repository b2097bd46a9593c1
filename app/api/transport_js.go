//go:build js

package api

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall/js"
)

// inBrowser is true in the browser's program.
const inBrowser = true

// pageOrigin is the origin of the page, which the client addresses as "".
func pageOrigin() string {
	loc := js.Global().Get("location")
	if !loc.Truthy() {
		return ""
	}
	return loc.Get("origin").String()
}

// Await blocks the calling goroutine until the promise settles. It must never run on the goroutine that handles the
// page's events: the promise could not settle then.
func Await(p js.Value) (js.Value, error) {
	type result struct {
		v   js.Value
		err error
	}
	done := make(chan result, 1)
	ok := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{v: args[0]}
		return nil
	})
	bad := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{err: errors.New(js.Global().Get("String").Invoke(args[0]).String())}
		return nil
	})
	defer ok.Release()
	defer bad.Release()
	p.Call("then", ok, bad)
	r := <-done
	return r.v, r.err
}

type fetchTransport struct{}

func newTransport() transport { return fetchTransport{} }

func (fetchTransport) do(ctx context.Context, r *wireRequest) (*wireResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	credentials := "same-origin"
	if strings.HasPrefix(r.url, "http") {
		credentials = "omit" // another node: the bearer token signs
	}
	headers := map[string]any{}
	for name, v := range r.header {
		headers[name] = v
	}
	abort := js.Global().Get("AbortController").New()
	opt := map[string]any{"method": r.method, "credentials": credentials, "headers": headers, "cache": "no-store",
		"signal": abort.Get("signal")}
	if r.body != nil {
		opt["body"] = bytesToJS(r.body)
	}
	stop := context.AfterFunc(ctx, func() { abort.Call("abort") })
	res, err := Await(js.Global().Call("fetch", r.url, opt))
	if err != nil {
		stop()
		return nil, errors.Join(ctx.Err(), err)
	}
	h := res.Get("headers")
	header := func(name string) string {
		if v := h.Call("get", name); v.Truthy() {
			return v.String()
		}
		return ""
	}
	body := &fetchBody{abort: abort, stop: stop}
	if b := res.Get("body"); b.Truthy() {
		body.reader = b.Call("getReader")
	}
	return &wireResponse{status: res.Get("status").Int(), header: header, body: body}, nil
}

func bytesToJS(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}

func bytesFromJS(a js.Value) []byte {
	b := make([]byte, a.Get("length").Int())
	js.CopyBytesToGo(b, a)
	return b
}

// fetchBody reads the body of an answer as it arrives.
type fetchBody struct {
	reader js.Value
	rest   []byte
	abort  js.Value
	stop   func() bool
	ended  bool
}

func (b *fetchBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.ended || !b.reader.Truthy() {
			return 0, io.EOF
		}
		r, err := Await(b.reader.Call("read"))
		if err != nil {
			return 0, err
		}
		if r.Get("done").Bool() {
			b.ended = true
			return 0, io.EOF
		}
		b.rest = bytesFromJS(r.Get("value"))
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *fetchBody) Close() error {
	b.stop()
	if !b.ended {
		b.abort.Call("abort")
	}
	return nil
}
