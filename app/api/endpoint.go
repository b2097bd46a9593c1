package api

import (
	"reflect"
	"strings"

	"trivium/app/lms"
)

// Endpoint is one row of the table. In and Out are the types of the request and of the answer.
type Endpoint[In, Out any] struct {
	Method  string
	Path    string // with :name for parameters
	Access  lms.Access
	Summary string
}

// Raw is the output type of an endpoint that answers bytes or a stream, and the input body of one that takes bytes.
type Raw struct{}

// Empty is the output type of an endpoint that answers nothing but success.
type Empty struct{}

// Route is a row without its type parameters, for the router, the tests and OpenAPI.
type Route struct {
	Name    string // of the variable in this package, such as "CreateCourse"
	Method  string
	Path    string
	Access  lms.Access
	Summary string
	In, Out reflect.Type
}

// Route drops the type parameters.
func (e Endpoint[In, Out]) Route() Route {
	return Route{Method: e.Method, Path: e.Path, Access: e.Access, Summary: e.Summary, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out]()}
}

// Writes reports whether calls change state, so that they carry an idempotency key.
func (r Route) Writes() bool { return r.Method != "GET" }

// Params lists the names of the path's parameters in order.
func (r Route) Params() []string {
	var names []string
	for _, s := range strings.Split(r.Path, "/") {
		if strings.HasPrefix(s, ":") {
			names = append(names, s[1:])
		}
	}
	return names
}

// Validator is implemented by every input.
type Validator interface{ Validate() error }
