// Package api is the contract between a node and its clients: a typed table of endpoints (Routes) and the client that
// calls them (Client, Call), which works in a browser (fetch) and natively (net/http).
//
// A request is a struct: fields tagged `param` fill the path, fields tagged `query` the query string, everything else
// is the JSON body. An answer below 400 is the output as JSON; an answer from 400 on is an *lms.Error.
//
// Headers: Idempotency-Key makes a write repeatable on any node; X-Trivium-Index carries the highest log index that
// the client has seen, so that it never reads older state; X-Trivium-Leader names the leader in every answer. A client with numbered requests makes
// the key of its id and the number.
package api

// Names of headers.
const (
	HeaderKey        = "Idempotency-Key"
	HeaderIndex      = "X-Trivium-Index"
	HeaderLeader     = "X-Trivium-Leader"
	HeaderNode       = "X-Trivium-Node"
	HeaderStale      = "X-Trivium-Stale"   // Unix milliseconds: the answer is read-only and as of this time
	HeaderForward    = "X-Trivium-Forward" // false (as the query's forward): a node that does not lead answers 307 or 503
	HeaderAppVersion = "X-App-Version"     // version of the browser program that this node serves
	HeaderClient     = "X-Requested-With"  // required on writes; proves that no plain HTML form sent them
	HeaderRequestID  = "X-Request-Id"
	ClientName       = "trivium" // value of HeaderClient
)
