package tutortest

import (
	"context"
	"net/http"
)

type requestKey struct{}

func withRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf is the call that a Play answers.
func RequestOf(r *http.Request) Request {
	req, _ := r.Context().Value(requestKey{}).(Request)
	return req
}
