package consensus

import (
	"fmt"
	"reflect"
	"time"
)

// Rows is a result in memory. Values are nil, int64, float64, string or []byte.
type Rows struct {
	Columns []string
	Types   []string // of Query: as the columns' tables declare them; empty for expressions
	Values  []Row
}

// Row is one row of a result.
type Row []any

// Scan copies the row into dest, one pointer a column: *string, *int64, *int, *bool, *float64, *[]byte, *time.Time (from
// Unix milliseconds; NULL is the zero time), pointers to types based on int64 or string, or *any. NULL becomes the zero
// value. It fails when the number of columns or a type does not fit.
func (r Row) Scan(dest ...any) error {
	if len(dest) != len(r) {
		return fmt.Errorf("consensus: %d columns scanned into %d values", len(r), len(dest))
	}
	for i, d := range dest {
		if err := scanValue(r[i], d); err != nil {
			return fmt.Errorf("consensus: column %d: %w", i, err)
		}
	}
	return nil
}

func scanValue(v, dest any) error {
	if d, ok := dest.(*time.Time); ok {
		switch v := v.(type) {
		case nil:
			*d = time.Time{}
		case int64:
			*d = time.UnixMilli(v).UTC()
		default:
			return fmt.Errorf("%T is not a time in milliseconds", v)
		}
		return nil
	}
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("destination %T is not a pointer", dest)
	}
	d := p.Elem()
	if v == nil {
		d.SetZero()
		return nil
	}
	switch {
	case d.Kind() == reflect.Interface:
		d.Set(reflect.ValueOf(v))
		return nil
	case d.CanInt():
		if n, ok := v.(int64); ok && !d.OverflowInt(n) {
			d.SetInt(n)
			return nil
		}
	case d.CanUint():
		if n, ok := v.(int64); ok && n >= 0 && !d.OverflowUint(uint64(n)) {
			d.SetUint(uint64(n))
			return nil
		}
	case d.Kind() == reflect.Bool:
		if n, ok := v.(int64); ok {
			d.SetBool(n != 0)
			return nil
		}
	case d.CanFloat():
		switch n := v.(type) {
		case float64:
			d.SetFloat(n)
			return nil
		case int64:
			d.SetFloat(float64(n))
			return nil
		}
	case d.Kind() == reflect.String:
		switch s := v.(type) {
		case string:
			d.SetString(s)
			return nil
		case []byte:
			d.SetString(string(s))
			return nil
		}
	case d.Kind() == reflect.Slice && d.Type().Elem().Kind() == reflect.Uint8:
		switch s := v.(type) {
		case []byte:
			d.SetBytes(s)
			return nil
		case string:
			d.SetBytes([]byte(s))
			return nil
		}
	}
	return fmt.Errorf("%T does not fit into %T", v, dest)
}

// bindKind reduces a named type to the kind that SQLite stores.
func bindKind(a any) (any, error) {
	switch v := reflect.ValueOf(a); {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint() && v.Uint() < 1<<63:
		return int64(v.Uint()), nil
	case v.Kind() == reflect.String:
		return v.String(), nil
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			return int64(1), nil
		}
		return int64(0), nil
	}
	return nil, fmt.Errorf("consensus: parameter of type %T", a)
}
