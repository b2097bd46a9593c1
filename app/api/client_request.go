package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"trivium/app/lms"
)

// request is one call, whichever nodes it is sent to.
type request struct {
	method   string
	path     string // with parameters and query
	body     []byte
	raw      bool // body is bytes instead of JSON
	access   lms.Access
	key      string // idempotency key of a write
	timeout  time.Duration
	patience time.Duration
	limit    int64 // of the answer in bytes; 0: maxAnswer
}

// maxAnswer bounds the answers that are read as a whole.
const maxAnswer = 64 << 20

func newRequest(route Route, in any) (*request, error) {
	path, err := fill(route.Path, in)
	if err != nil {
		return nil, err
	}
	r := &request{method: route.Method, path: path, access: route.Access}
	if route.Writes() && hasBody(reflect.TypeOf(in)) {
		if r.body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("encode %s: %w", route.Path, err)
		}
	}
	return r, nil
}

// PathOf is the path with the query of a call, for a stream or a link.
func PathOf[In, Out any](e Endpoint[In, Out], in In) (string, error) { return fill(e.Path, in) }

// fill puts the fields tagged `param` and `query` into a path.
func fill(path string, in any) (string, error) {
	params, query := map[string]string{}, url.Values{}
	if err := collect(reflect.ValueOf(in), params, query); err != nil {
		return "", err
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		name, ok := strings.CutPrefix(p, ":")
		if !ok {
			continue
		}
		v := params[name]
		if v == "" || v == "." || v == ".." {
			return "", lms.FieldErrorf(lms.KindInvalid, name, "The %s is missing in this request.", name)
		}
		parts[i] = url.PathEscape(v)
	}
	path = strings.Join(parts, "/")
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, nil
}

func collect(v reflect.Value, params map[string]string, query url.Values) error {
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		f, value := v.Type().Field(i), v.Field(i)
		if f.Anonymous {
			if err := collect(value, params, query); err != nil {
				return err
			}
			continue
		}
		param, name := f.Tag.Get("param"), f.Tag.Get("query")
		if param == "" && name == "" {
			continue
		}
		text, err := format(value)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if param != "" {
			params[param] = text
		} else if !value.IsZero() {
			query.Set(name, text)
		}
	}
	return nil
}

func format(v reflect.Value) (string, error) {
	switch {
	case v.Kind() == reflect.String:
		return v.String(), nil
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	}
	return "", fmt.Errorf("a %s cannot be part of a path", v.Type())
}

// hasBody reports whether the type has a field for the JSON body.
func hasBody(t reflect.Type) bool {
	if t == nil || t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && hasBody(f.Type) || !f.Anonymous && f.Tag.Get("json") != "-" {
			return true
		}
	}
	return false
}

// digest identifies a write by its content.
func (r *request) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", r.method, r.path)
	h.Write(r.body)
	return hex.EncodeToString(h.Sum(nil))
}

func (r *request) writes() bool { return r.method != "GET" }

// headers of the call. The index makes a node wait until it knows what this client has already seen.
func (c *Client) headers(r *request, token string) map[string]string {
	h := map[string]string{HeaderClient: ClientName}
	if i := c.Index(); i > 0 {
		h[HeaderIndex] = strconv.FormatUint(i, 10)
	}
	if r.key != "" {
		h[HeaderKey] = r.key
	}
	if token != "" {
		h["Authorization"] = "Bearer " + token
	}
	switch {
	case r.raw:
		h["Content-Type"] = "application/octet-stream"
	case r.body != nil:
		h["Content-Type"] = "application/json"
	}
	return h
}
