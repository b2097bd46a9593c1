package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// Limits of a JSON body.
const (
	maxBody      = 1 << 20
	maxLargeBody = 7 << 20 // a key's value of 1 MiB with every byte escaped
)

// decode fills in from the path's parameters, the query and, when the type has body fields, from the JSON body. It
// returns the body for the digest. Parameters are set last, so nothing in the body can take their place.
func decode(in any, r *http.Request, params func(name string) (string, error), limit int64) ([]byte, error) {
	v := reflect.ValueOf(in).Elem()
	var body []byte
	if r.Method != http.MethodGet {
		var err error
		if body, err = readBody(r, limit); err != nil {
			return nil, err
		}
		if hasBody(v.Type()) || len(body) > 0 {
			if err := decodeBody(r, body, in); err != nil {
				return nil, err
			}
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, lms.Errorf(lms.KindInvalid, "The address has a malformed query.")
	}
	return body, setFields(v, params, query)
}

// setFields sets the fields tagged param and query, also those of embedded structs.
func setFields(v reflect.Value, params func(string) (string, error), query url.Values) error {
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i)
		if tag.Anonymous {
			if err := setFields(f, params, query); err != nil {
				return err
			}
			continue
		}
		if name := tag.Tag.Get("param"); name != "" {
			s, err := params(name)
			if err != nil {
				return err
			}
			if err := setField(f, name, s); err != nil {
				return err
			}
		} else if name := tag.Tag.Get("query"); name != "" && query.Has(name) {
			if err := setField(f, name, query.Get(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func setField(f reflect.Value, name, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return lms.FieldErrorf(lms.KindInvalid, name, "The address is not valid UTF-8.")
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return lms.FieldErrorf(lms.KindInvalid, name, "%q is neither true nor false.", s)
		}
		f.SetBool(b)
	default: // int and int64: TestInputs holds the inputs to these kinds
		n, err := strconv.ParseInt(s, 10, f.Type().Bits())
		if err != nil {
			return lms.FieldErrorf(lms.KindInvalid, name, "%q is not a whole number.", s)
		}
		f.SetInt(n)
	}
	return nil
}

// hasBody reports whether the input type has a field that comes from the body.
func hasBody(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && hasBody(f.Type) || !f.Anonymous && f.Tag.Get("json") != "-" {
			return true
		}
	}
	return false
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, lms.Errorf(lms.KindInvalid, "The request broke off before its end.")
	}
	return body, nil
}

func decodeBody(r *http.Request, body []byte, in any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(body) == 0:
		return lms.Errorf(lms.KindInvalid, "The request has no body; a JSON object is expected.")
	case err != nil || kind != "application/json":
		return lms.Errorf(lms.KindUnsupported, "The body must be JSON, with Content-Type: application/json.")
	case !utf8.Valid(body):
		return lms.Errorf(lms.KindInvalid, "The request is not valid UTF-8.")
	case !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")):
		return lms.Errorf(lms.KindInvalid, "The body must be a JSON object.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return bodyError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return lms.Errorf(lms.KindInvalid, "There is something after the end of the JSON object.")
	}
	return nil
}

// bodyError says in plain words what is wrong with a body.
func bodyError(err error) error {
	var refusal *lms.Error
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &kind):
		field := kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
		return lms.FieldErrorf(lms.KindInvalid, field, "This field cannot be a %s.", kind.Value)
	case errors.As(err, &syntax):
		return lms.Errorf(lms.KindInvalid, "The JSON is malformed at byte %d.", syntax.Offset)
	}
	// The package has no type for this one.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name, _ = strconv.Unquote(name)
		return lms.FieldErrorf(lms.KindInvalid, name, "There is no field of this name here.")
	}
	return lms.Errorf(lms.KindInvalid, "The JSON is malformed or incomplete.")
}
