// Package web is a node's HTTP surface: the endpoint table of app/api bound to the store, the files and the tutor,
// the live streams, and the pages.
//
// Every endpoint takes the same way (serve in bind.go), so that no handler can forget a step:
//
//  1. the header that only a program sends, on writes (second layer against cross-site requests);
//  2. wait until this node has applied what the client has already seen;
//  3. who asks (cookie, bearer token, operator token), in which role in the course of the path, and lms.Can;
//  4. decode path, query and body strictly, and Validate;
//  5. the idempotency key and the digest of the request, for the store;
//  6. the handler, which knows no HTTP: func(ctx, actor, in) (out, error);
//  7. the answer with the headers of the contract, or the one mapping from lms.Kind to a status.
//
// Invariants: nothing changes state on GET; a refusal changes nothing; an error that is not an *lms.Error is answered
// as "internal" and told in full only to the log, under the request's id; logs carry ids, never what people typed.
package web
