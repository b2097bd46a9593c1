package sql

import (
	"fmt"
	"strings"
	"time"

	"github.com/rqlite/rqlite/v8/command/proto"

	"trivium/consensus"
)

// arguments brings the parameters of a statement into the order of its placeholders.
func arguments(s *proto.Statement) ([]any, error) {
	named := false
	for _, p := range s.Parameters {
		named = named || p.GetName() != ""
	}
	if !named {
		args := make([]any, len(s.Parameters))
		for i, p := range s.Parameters {
			args[i] = value(p)
		}
		return args, nil
	}
	byName := map[string]any{}
	var unnamed []any
	for _, p := range s.Parameters {
		if p.GetName() == "" {
			unnamed = append(unnamed, value(p))
		} else {
			byName[p.GetName()] = value(p)
		}
	}
	var args []any
	for i, name := range placeholders(s.Sql) {
		switch v, known := byName[name]; {
		case known:
			args = append(args, v)
		case name == "" && i < len(unnamed):
			args = append(args, unnamed[i])
		default:
			return nil, fmt.Errorf("there is no parameter for placeholder %d (%s)", i+1, name)
		}
	}
	return args, nil
}

func value(p *proto.Parameter) any {
	switch v := p.GetValue().(type) {
	case *proto.Parameter_I:
		return v.I
	case *proto.Parameter_D:
		return v.D
	case *proto.Parameter_B:
		return v.B
	case *proto.Parameter_Y:
		return v.Y
	case *proto.Parameter_S:
		return v.S
	}
	return nil
}

// queryRows brings rows into rqlite's form. Columns that are declared without a type, and expressions, have that of
// the first row's value.
func queryRows(r consensus.Rows) *proto.QueryRows {
	q := &proto.QueryRows{Columns: r.Columns, Types: make([]string, len(r.Columns))}
	for i := range q.Types {
		if i < len(r.Types) {
			q.Types[i] = strings.ToLower(r.Types[i])
		}
	}
	for n, row := range r.Values {
		v := &proto.Values{Parameters: make([]*proto.Parameter, len(row))}
		for i, x := range row {
			if n == 0 && q.Types[i] == "" {
				q.Types[i] = typeOf(x)
			}
			if ms, ok := x.(int64); ok && dated(q.Types[i]) {
				x = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) // the driver reads times of such columns, whatever is stored
			}
			v.Parameters[i] = parameter(x)
		}
		q.Values = append(q.Values, v)
	}
	return q
}

func dated(declared string) bool {
	return declared == "date" || declared == "datetime" || declared == "timestamp"
}

func parameter(x any) *proto.Parameter {
	switch x := x.(type) {
	case int64:
		return &proto.Parameter{Value: &proto.Parameter_I{I: x}}
	case float64:
		return &proto.Parameter{Value: &proto.Parameter_D{D: x}}
	case string:
		return &proto.Parameter{Value: &proto.Parameter_S{S: x}}
	case []byte:
		return &proto.Parameter{Value: &proto.Parameter_Y{Y: x}}
	}
	return nil
}

func typeOf(x any) string {
	switch x.(type) {
	case int64:
		return "integer"
	case float64:
		return "real"
	case string:
		return "text"
	case []byte:
		return "blob"
	}
	return ""
}
