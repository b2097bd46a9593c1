//go:build !js

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestStreamContinuesOnAnotherNode(t *testing.T) {
	first := node(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, ": hello\n\nid: 1\ndata: one\n\nid: 2\ndata: tw\ndata: o\n\ndata: cut")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	second := node(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "id: 3\r\ndata: after %s\r\n\r\n", r.Header.Get("Last-Event-ID"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := NewClient(first.URL)
	c.SetNodes([]string{second.URL})
	var got []string
	opened := 0
	ctx := WithOnOpen(t.Context(), func() { opened++ })
	err := Stream(ctx, c, Events.Path, "", func(e []byte) error {
		got = append(got, string(e))
		if strings.HasPrefix(string(e), "after") {
			return ErrEndStream
		}
		return nil
	})
	if err != nil || strings.Join(got, "|") != "one|tw\no|after 2" || opened != 2 {
		t.Errorf("got %q, opened %d, %v", got, opened, err)
	}
}

func TestStreamEnds(t *testing.T) {
	refuse := node(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 404, lms.ErrNotFound) })
	if err := Stream(t.Context(), NewClient(refuse.URL), "/x", "", nil); !errors.Is(err, lms.ErrNotFound) {
		t.Errorf("refused: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := node(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "data: x\n\n") })
	n := 0
	err := Stream(ctx, NewClient(endless.URL), "/x", "", func([]byte) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
