package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strings"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// binding is an endpoint with what serves it.
type binding struct {
	route   api.Route
	handler string // name of the method, for routes.golden
	rawBody bool   // the body is bytes for the handler
	anyAge  bool   // answered without a majority for however long
	serve   func(*Server, *request) error
}

// bind makes a binding of a handler that knows no HTTP.
func bind[In api.Validator, Out any](e api.Endpoint[In, Out], h func(context.Context, lms.Actor, In) (Out, error)) binding {
	b := bindRequest(e, func(q *request, in In) (Out, error) { return h(q.ctx, q.actor, in) })
	b.handler = nameOf(h)
	return b
}

// bindRequest makes a binding of a handler that needs the request: for cookies and addresses.
func bindRequest[In api.Validator, Out any](e api.Endpoint[In, Out], h func(*request, In) (Out, error)) binding {
	b := bindRaw(e, func(q *request, in In) error {
		out, err := h(q, in)
		if err != nil {
			return err
		}
		return q.answer(out)
	})
	b.handler = nameOf(h)
	return b
}

// bindRaw makes a binding of a handler that writes the answer itself, or takes the body as bytes.
func bindRaw[In api.Validator, Out any](e api.Endpoint[In, Out], h func(*request, In) error) binding {
	r := e.Route()
	return binding{route: r, handler: nameOf(h), serve: func(s *Server, q *request) error {
		if err := s.admit(q); err != nil {
			return err
		}
		end := func() {}
		if q.r.Method != http.MethodGet {
			end = q.bodyDeadline()
			defer end()
		}
		in, err := input[In](s, q)
		if err != nil {
			return err
		}
		if !q.rawBody {
			end()
		}
		err = h(q, in)
		if q.operator() && errors.Is(err, lms.ErrSignIn) {
			err = errOperator
		}
		return err
	}}
}

// errOperator is what the operator gets where a person must act: the operator token is no account.
var errOperator = lms.Errorf(lms.KindForbidden, "The operator token manages nodes, accounts and keys. For courses, sign in as an administrator.")

// nameOf is the name of a handler's method.
func nameOf(h any) string {
	name := runtime.FuncForPC(reflect.ValueOf(h).Pointer()).Name()
	return strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "-fm")
}

// input decodes and validates the request, and gives the store its key and digest.
func input[In api.Validator](s *Server, q *request) (in In, err error) {
	limit := int64(maxBody)
	if q.route.Access == lms.KeyValue {
		limit = maxLargeBody
	}
	var body []byte
	if q.rawBody {
		query, err := url.ParseQuery(q.r.URL.RawQuery)
		if err != nil {
			return in, lms.Errorf(lms.KindInvalid, "The address has a malformed query.")
		}
		if err := setFields(reflect.ValueOf(&in).Elem(), q.param, query); err != nil {
			return in, err
		}
	} else if body, err = decode(&in, q.r, q.param, limit); err != nil {
		return in, err
	}
	if err := in.Validate(); err != nil {
		return in, err
	}
	if q.r.Method != http.MethodGet {
		return in, q.identify(in, body)
	}
	return in, nil
}

// identify puts the idempotency key and the digest of the request into the context of the handler's writes. Keys of
// different users never meet.
func (q *request) identify(in any, body []byte) error {
	key := q.r.Header.Get(api.HeaderKey)
	if key == "" {
		return nil
	}
	if len(key) > 100 || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return lms.Errorf(lms.KindInvalid, "The header %s has at most 100 printable ASCII characters.", api.HeaderKey)
	}
	h := sha256.New()
	h.Write([]byte(q.r.Method + "\n" + q.r.URL.EscapedPath() + "\n"))
	h.Write(withoutSecrets(in, body))
	q.ctx = store.WithRequest(q.ctx, store.Request{Key: q.actor.UserID + ":" + key, Digest: h.Sum(nil)})
	return nil
}

// withoutSecrets returns what of a body goes into the digest. Digests are kept in the database, where a fast hash over
// a password would be as good as the password.
func withoutSecrets(in any, body []byte) []byte {
	switch v := in.(type) {
	case api.SetupInput:
		v.Password, v.Token = "", ""
		in = v
	case api.RegisterInput:
		v.Password = ""
		in = v
	case api.ClaimInput:
		v.Password, v.Token = "", ""
		in = v
	case api.ResetInput:
		v.Password, v.Token = "", ""
		in = v
	case api.ResetTokenInput, api.CodeOfApp:
		return nil
	case api.CreateUserInput:
		v.Password = ""
		in = v
	case api.UpdateUserInput:
		if v.Password != nil {
			v.Password = new(string)
		}
		in = v
	case api.PasswordInput:
		v.Old, v.New = "", ""
		in = v
	case api.ModelInput:
		v.FirstKey, v.SecondKey = withoutKey(v.FirstKey), withoutKey(v.SecondKey)
		in = v
	case api.ModelTestInput:
		v.Key = withoutKey(v.Key)
		in = v
	case api.SignInInput, api.ConfirmInput:
		return nil
	default:
		return body
	}
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain structs of strings
	}
	return b
}
