package interop

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"trivium/app/lms"
)

// maxRosterColumns is more than any register writes.
const maxRosterColumns = 60

// headers are the names that registers and other systems give to a column, without spaces, dashes and case. A column with
// a password has no field: it is never read.
var headers = map[string]lms.RosterField{
	"externalid": lms.RosterExternalID, "sisid": lms.RosterExternalID, "userid": lms.RosterExternalID, "studentid": lms.RosterExternalID, "id": lms.RosterExternalID,
	"idnumber": lms.RosterExternalID, "sourcedid": lms.RosterExternalID, "matriculationnumber": lms.RosterExternalID, "matrikelnummer": lms.RosterExternalID,
	"login": lms.RosterLogin, "loginid": lms.RosterLogin, "username": lms.RosterLogin, "user": lms.RosterLogin, "account": lms.RosterLogin,
	"mail": lms.RosterMail, "email": lms.RosterMail, "emailaddress": lms.RosterMail, "mailaddress": lms.RosterMail,
	"name": lms.RosterName, "fullname": lms.RosterName, "displayname": lms.RosterName, "student": lms.RosterName,
	"firstname": lms.RosterFirstName, "givenname": lms.RosterFirstName, "vorname": lms.RosterFirstName,
	"lastname": lms.RosterLastName, "familyname": lms.RosterLastName, "surname": lms.RosterLastName, "nachname": lms.RosterLastName,
	"role": lms.RosterRole, "courserole": lms.RosterRole,
	"section": lms.RosterSection, "sectionname": lms.RosterSection, "group": lms.RosterSection, "class": lms.RosterSection,
}

// Roster is a roster file as it was read.
type Roster struct {
	Columns []lms.RosterColumn
	Rows    []lms.RosterRow
}

// ParseRoster reads a roster in CSV: UTF-8 with or without a byte order mark, lines that end in CRLF or LF, fields
// separated by comma, semicolon or tab, quoted where needed. fields says what each column means; nil: as the headers
// suggest. A file that is no such thing is refused with line and byte; what is wrong with one line is that row's Problem.
func ParseRoster(data []byte, fields []lms.RosterField) (Roster, error) {
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := checkText(text); err != nil {
		return Roster{}, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return Roster{}, refuse("The file is empty.")
	} else if err != nil {
		return Roster{}, csvError(err)
	}
	var roster Roster
	if roster.Columns, err = columns(header, fields); err != nil {
		return Roster{}, err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Roster{}, csvError(err)
		}
		if !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		if len(roster.Rows) == lms.MaxRosterRows {
			return Roster{}, refuse("The file has more than %d people. Split it.", lms.MaxRosterRows)
		}
		line, _ := r.FieldPos(0)
		roster.Rows = append(roster.Rows, row(roster.Columns, record, line))
	}
	if len(roster.Rows) == 0 {
		return Roster{}, refuse("The file has a header and no people below it.")
	}
	return roster, nil
}

func refuse(format string, args ...any) error {
	return lms.FieldErrorf(lms.KindRule, "file", format, args...)
}

// checkText refuses what is no text in UTF-8, with line and byte.
func checkText(text []byte) error {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return refuse("Line 1, byte 1: this file is UTF-16. Save it as CSV in UTF-8 and choose it again.")
		}
	}
	if bytes.HasPrefix(text, []byte("PK\x03\x04")) {
		return refuse("Line 1, byte 1: this is a spreadsheet or an archive, not a CSV file. Save it as CSV in UTF-8 and choose it again.")
	}
	line, begin := 1, 0
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			return refuse("Line %d, byte %d: this is not UTF-8. Save the file as CSV in UTF-8 and choose it again.", line, i-begin+1)
		case c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			return refuse("Line %d, byte %d: a line ends in a lone carriage return. Save the file with ordinary line ends.", line, i-begin+1)
		case c < ' ' && c != '\t' && c != '\r' && c != '\n', c == 0x7f:
			return refuse("Line %d, byte %d: a control character. This is not a CSV file.", line, i-begin+1)
		case c == '\n':
			line, begin = line+1, i+1
		}
		i += size
	}
	return nil
}

// separator is the one that the header uses most, outside of quotes.
func separator(text []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range string(text) {
		if c == '"' {
			quoted = !quoted
		} else if c == '\n' && !quoted {
			break
		} else if !quoted {
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// csvError says in plain words where a file stops being CSV.
func csvError(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	what := "the quotes are not in order"
	switch {
	case errors.Is(p.Err, csv.ErrBareQuote):
		what = "a quote stands inside of a field that does not begin with one"
	case errors.Is(p.Err, csv.ErrQuote) && p.StartLine != p.Line:
		return refuse("Line %d, byte %d: a quote is not closed. The field begins in line %d.", p.Line, p.Column, p.StartLine)
	case errors.Is(p.Err, csv.ErrQuote):
		what = "a quote is not closed, or something stands behind the closing one"
	}
	return refuse("Line %d, byte %d: %s.", p.Line, p.Column, what)
}

// columns gives each column its field.
func columns(header []string, fields []lms.RosterField) ([]lms.RosterColumn, error) {
	if len(header) > maxRosterColumns {
		return nil, refuse("Line 1: the file has %d columns; at most %d are read.", len(header), maxRosterColumns)
	}
	if fields != nil && len(fields) != len(header) {
		return nil, lms.FieldErrorf(lms.KindRule, "fields", "The file has %d columns, and %d were named. Choose the file again.", len(header), len(fields))
	}
	out := make([]lms.RosterColumn, len(header))
	used := map[lms.RosterField]string{}
	for i, name := range header {
		out[i].Header = shorten(strings.TrimSpace(name))
		if fields != nil {
			out[i].Field = fields[i]
		} else if f := headers[normalHeader(name)]; used[f] == "" {
			out[i].Field = f
		}
		f := out[i].Field
		if f == lms.RosterIgnore {
			continue
		}
		if secret(name) {
			return nil, lms.FieldErrorf(lms.KindRule, "fields", "The column %s is never read: passwords do not belong into a roster.", out[i].Header)
		}
		if !slices.Contains(lms.RosterFields, f) {
			return nil, lms.FieldErrorf(lms.KindRule, "fields", "%q is not a field of a roster.", string(f))
		}
		if used[f] != "" {
			return nil, lms.FieldErrorf(lms.KindRule, "fields", "The columns %s and %s have the same meaning. Choose one.", used[f], out[i].Header)
		}
		used[f] = cmp.Or(out[i].Header, "without a name")
	}
	if used[lms.RosterExternalID]+used[lms.RosterLogin]+used[lms.RosterMail] == "" && fields != nil {
		return nil, lms.FieldErrorf(lms.KindRule, "fields", "Say which column has the external id, the user name or the mail address. Nobody is found by name.")
	}
	return out, nil
}

func normalHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// row makes a person of a record, and a sample of each column of the first.
func row(cols []lms.RosterColumn, record []string, line int) lms.RosterRow {
	r := lms.RosterRow{Line: line}
	if len(record) != len(cols) {
		r.Problem = "This line has another number of fields than the header."
	}
	var first, last string
	for i := range min(len(cols), len(record)) {
		v := strings.TrimSpace(record[i])
		if cols[i].Sample == "" && !secret(cols[i].Header) {
			cols[i].Sample = shorten(v)
		}
		if strings.ContainsFunc(v, unicode.IsControl) && cols[i].Field != lms.RosterIgnore {
			r.Problem = "A field goes over several lines or has a control character."
		}
		switch cols[i].Field {
		case lms.RosterExternalID:
			r.ExternalID = v
		case lms.RosterLogin:
			r.Login = v
		case lms.RosterMail:
			r.Mail = v
		case lms.RosterName:
			r.Name = v
		case lms.RosterFirstName:
			first = v
		case lms.RosterLastName:
			last = v
		case lms.RosterRole:
			r.Role = v
		case lms.RosterSection:
			r.Section = v
		}
	}
	if r.Name == "" {
		r.Name = strings.TrimSpace(first + " " + last)
	}
	if family, given, ok := strings.Cut(r.Name, ","); ok && !strings.Contains(given, ",") {
		r.Name = strings.TrimSpace(strings.TrimSpace(given) + " " + strings.TrimSpace(family))
	}
	return r
}

// secret reports whether a column has passwords: they are neither read nor shown.
func secret(header string) bool {
	h := normalHeader(header)
	return strings.Contains(h, "passw") || h == "pwd" || h == "pin"
}

// shorten keeps a preview small.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
