//go:build !js

package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// inBrowser is false in programs other than the browser's.
const inBrowser = false

// pageOrigin is the origin of the page; there is none outside of a browser.
func pageOrigin() string { return "" }

type httpTransport struct{ client *http.Client }

func newTransport() transport { return httpTransport{http.DefaultClient} }

// WithHTTPClient sends through the given client, for instance one that trusts a private certificate.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) { c.transport = httpTransport{h} }
}

func (t httpTransport) do(ctx context.Context, r *wireRequest) (*wireResponse, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, err
	}
	for name, v := range r.header {
		req.Header.Set(name, v)
	}
	res, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	return &wireResponse{status: res.StatusCode, header: res.Header.Get, body: res.Body}, nil
}
