package web

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"trivium/app/api"
	"trivium/app/lms"
)

type object = map[string]any

// openAPI describes the routes as an OpenAPI 3.1 document, by reflection over their types.
func openAPI(routes []api.Route, version string) ([]byte, error) {
	g := &generator{schemas: object{}}
	paths := map[string]object{}
	for _, r := range routes {
		path := openAPIPath(r.Path)
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(r.Method)] = g.operation(r)
	}
	if version == "" {
		version = "dev"
	}
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "Trivium", "version": version,
			"description": "Every write may carry " + api.HeaderKey + "; a repeat on any node returns the first answer. " +
				"Send the highest " + api.HeaderIndex + " you have seen, so that no node shows you older state."},
		"paths": paths,
		"components": object{"schemas": g.schemas, "securitySchemes": object{
			"session": object{"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
			"bearer":  object{"type": "http", "scheme": "bearer"},
		}},
	}, "", "  ")
}

// openAPIPath writes {name} for :name.
func openAPIPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// generator collects the schemas of named types.
type generator struct{ schemas object }

func (g *generator) operation(r api.Route) object {
	op := object{"operationId": lowerFirst(r.Name), "summary": r.Summary, "x-access": r.Access.String(),
		"responses": object{
			"200":     object{"description": "Done", "content": g.output(r)},
			"default": object{"description": "Refused; nothing was changed", "content": g.json(reflect.TypeFor[lms.Error]())},
		}}
	if r.Access == lms.Public {
		op["security"] = []object{}
	} else {
		op["security"] = []object{{"session": []string{}}, {"bearer": []string{}}}
	}
	params := g.parameters(r.In)
	if r.Writes() {
		params = append(params,
			object{"name": api.HeaderClient, "in": "header", "required": true, "schema": object{"const": api.ClientName}},
			object{"name": api.HeaderKey, "in": "header", "schema": object{"type": "string", "maxLength": 100}})
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	switch {
	case r.Name == "PutChunk":
		op["requestBody"] = object{"required": true, "content": object{typeUnknown: object{"schema": object{"type": "string", "format": "binary"}}}}
	case r.Writes() && hasBody(r.In):
		op["requestBody"] = object{"required": true, "content": g.json(r.In)}
	}
	return op
}

// output is the content of a success.
func (g *generator) output(r api.Route) object {
	switch r.Name {
	case "Events":
		return object{"text/event-stream": object{"schema": g.schema(reflect.TypeFor[api.Event]())}}
	case "StreamReply":
		return object{"text/event-stream": object{"schema": g.schema(reflect.TypeFor[api.ReplyEvent]())}}
	case "MaterialCaptions":
		return object{"text/vtt": object{"schema": object{"type": "string"}}}
	case "FileContent":
		return object{typeUnknown: object{"schema": object{"type": "string", "format": "binary"}}}
	}
	return g.json(r.Out)
}

func (g *generator) json(t reflect.Type) object {
	return object{"application/json": object{"schema": g.schema(t)}}
}

// parameters lists the fields that come from the path and the query.
func (g *generator) parameters(t reflect.Type) []object {
	var params []object
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			params = append(params, g.parameters(f.Type)...)
		} else if name := f.Tag.Get("param"); name != "" {
			params = append(params, object{"name": name, "in": "path", "required": true, "schema": g.schema(f.Type)})
		} else if name := f.Tag.Get("query"); name != "" {
			params = append(params, object{"name": name, "in": "query", "schema": g.schema(f.Type)})
		}
	}
	return params
}

func (g *generator) schema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[lms.Points]():
		return object{"type": "number", "minimum": 0, "multipleOf": 0.01}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Slice:
		return object{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Struct:
		name := schemaName(t)
		if g.schemas[name] == nil {
			g.schemas[name] = object{} // ends recursion
			g.schemas[name] = g.structSchema(t)
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	panic(fmt.Sprintf("web: no schema for %s", t))
}

func (g *generator) structSchema(t reflect.Type) object {
	properties, required := object{}, []string{}
	g.fields(t, properties, &required)
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (g *generator) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			g.fields(f.Type, properties, required)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		properties[name] = g.schema(f.Type)
		if options == "" {
			*required = append(*required, name)
		}
	}
}

// schemaName is the type's name; Page[lms.User] is PageOfUser.
func schemaName(t reflect.Type) string {
	name, of, generic := strings.Cut(t.Name(), "[")
	if generic {
		of = strings.TrimSuffix(of, "]")
		return name + "Of" + of[strings.LastIndexByte(of, '.')+1:]
	}
	return name
}

func lowerFirst(s string) string {
	for i, r := range s {
		if i > 0 && !unicode.IsUpper(r) {
			if i == 1 {
				return strings.ToLower(s[:1]) + s[1:]
			}
			return strings.ToLower(s[:i-1]) + s[i-1:]
		}
	}
	return strings.ToLower(s)
}
