package fast

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"trivium/consensus"
)

// call asks the node at the address.
func call[Out any](ctx context.Context, n *Node, address, name string, in any) (out Out, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/"+name, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	res, err := n.client.Do(r)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxMessage))
	if err != nil {
		return out, err
	}
	if res.StatusCode != http.StatusOK {
		return out, fmt.Errorf("%w by %s: %s", errMessage, address, bytes.TrimSpace(data))
	}
	return out, json.Unmarshal(data, &out)
}

// each calls f for all nodes at once and returns the answers of those that gave one, as they come, until enough says so or
// all have answered.
func each[Out any](ctx context.Context, nodes []consensus.Node, f func(context.Context, consensus.Node) (Out, error), enough func([]Out) bool) []Out {
	type answer struct {
		out Out
		err error
	}
	answers := make(chan answer, len(nodes))
	for _, m := range nodes {
		go func() {
			out, err := f(ctx, m)
			answers <- answer{out, err}
		}()
	}
	var got []Out
	for range nodes {
		a := <-answers
		if a.err == nil {
			got = append(got, a.out)
		}
		if enough(got) {
			break
		}
	}
	return got
}
