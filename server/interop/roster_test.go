package interop

import (
	"slices"
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestParseRoster(t *testing.T) {
	want := []lms.RosterRow{
		{Line: 2, Login: "ada", Mail: "ada@example.org", Name: "Ada King"},
		{Line: 3, Login: "bob", Mail: "bob@example.org", Name: "Bob, the \"Builder\", Ross"},
	}
	comma := "Login,E-Mail,Name\nada,ada@example.org,Ada King\nbob,bob@example.org,\"Bob, the \"\"Builder\"\", Ross\"\n"
	semicolon := "Login;E-Mail;Name\nada;ada@example.org;Ada King\nbob;bob@example.org;\"Bob, the \"\"Builder\"\", Ross\"\n"
	for name, file := range map[string]string{
		"comma":                   comma,
		"semicolon":               semicolon,
		"tab":                     strings.ReplaceAll(semicolon, ";", "\t"),
		"CRLF":                    strings.ReplaceAll(comma, "\n", "\r\n"),
		"byte order mark":         "\xef\xbb\xbf" + comma,
		"byte order mark, quoted": "\xef\xbb\xbf" + strings.Replace(comma, "Login", `"Login"`, 1),
		"no final line end":       strings.TrimSuffix(comma, "\n"),
		"quoted everywhere":       strings.Replace(comma, "ada,ada@example.org,Ada King", `"ada","ada@example.org","Ada King"`, 1),
		"space around fields":     strings.Replace(comma, "ada,ada@example.org,Ada King", "ada , ada@example.org , Ada King ", 1),
		"empty lines at the end":  comma + "\n,,\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseRoster([]byte(file), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want, got.Rows) {
				t.Errorf("got %+v, want %+v", got.Rows, want)
			}
		})
	}
}

func TestParseRosterColumns(t *testing.T) {
	got, err := ParseRoster([]byte("SIS ID,First name,Last name,Group,Course role,password,Remark\n7,Ada,King,Monday,TA,secret1,x\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (lms.RosterRow{Line: 2, ExternalID: "7", Name: "Ada King", Section: "Monday", Role: "TA"}); len(got.Rows) != 1 || got.Rows[0] != want {
		t.Errorf("got %+v, want %+v", got.Rows, want)
	}
	for _, c := range got.Columns {
		if strings.Contains(c.Sample, "secret1") {
			t.Errorf("a password is shown: %+v", c)
		}
	}
	got, err = ParseRoster([]byte("a,b\n\"King, Ada\",ada\n"), []lms.RosterField{lms.RosterName, lms.RosterLogin})
	if err != nil || got.Rows[0].Name != "Ada King" || got.Rows[0].Login != "ada" {
		t.Errorf("mapped by hand: %+v %v", got.Rows, err)
	}
	// A field with a line break counts its lines, and the next row has its own.
	got, err = ParseRoster([]byte("login,name\nada,\"Ada\nKing\"\nbob,Bob\n"), nil)
	if err != nil || got.Rows[0].Problem == "" || got.Rows[1].Line != 4 || got.Rows[1].Problem != "" {
		t.Errorf("a line break in a field: %+v %v", got.Rows, err)
	}
	got, err = ParseRoster([]byte("login,name\nada\nbob,Bob,more\n"), nil)
	if err != nil || got.Rows[0].Problem == "" || got.Rows[1].Problem == "" {
		t.Errorf("other numbers of fields: %+v %v", got.Rows, err)
	}
}

func TestParseRosterRefuses(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"empty", "", "empty"},
		{"only a byte order mark", "\xef\xbb\xbf", "empty"},
		{"only a header", "login,name\n", "no people"},
		{"UTF-16, little end first", "\xff\xfel\x00o\x00", "Line 1, byte 1: this file is UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00l", "Line 1, byte 1: this file is UTF-16"},
		{"Latin-1", "login,name\nada,Ad\xe4\n", "Line 2, byte 7: this is not UTF-8"},
		{"UTF-8 that breaks off", "login,name\nada,Ad\xc3", "Line 2, byte 7: this is not UTF-8"},
		{"spreadsheet", "PK\x03\x04...", "spreadsheet"},
		{"PDF", "%PDF-1.7\n%\xe2\xe3", "Line 2, byte 2: this is not UTF-8"},
		{"NUL", "login\na\x00b\n", "Line 2, byte 2: a control character"},
		{"control character", "login\nab\x07\n", "Line 2, byte 3: a control character"},
		{"carriage returns alone", "login,name\rada,Ada\r", "Line 1, byte 11: a line ends in a lone carriage return"},
		{"open quote", "login,name\nada,\"Ada\nbob,Bob\n", "begins in line 2"},
		{"quote in a field", "login,name\nada,Ad\"a\n", "Line 2, byte 7: a quote stands inside"},
		{"text behind a quote", "login,name\nada,\"Ada\" King\n", "Line 2, byte"},
		{"too many people", "login\n" + strings.Repeat("a\n", lms.MaxRosterRows+1), "more than 2000"},
		{"too many columns", strings.Repeat("a,", 80) + "\nx\n", "81 columns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseRoster([]byte(tt.file), nil)
			if lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		name   string
		fields []lms.RosterField
		want   string
	}{
		{"nobody can be found", []lms.RosterField{lms.RosterName, "", ""}, "by name"},
		{"twice the same", []lms.RosterField{lms.RosterLogin, lms.RosterLogin, ""}, "same meaning"},
		{"unknown field", []lms.RosterField{lms.RosterLogin, "shoe", ""}, "not a field"},
		{"another number", []lms.RosterField{lms.RosterLogin}, "3 columns"},
		{"the password", []lms.RosterField{"", "", lms.RosterLogin}, "passwords do not belong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseRoster([]byte("a,b,Password\nx,y,z\n"), tt.fields); lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzParseRoster(f *testing.F) {
	f.Add([]byte("login,name\nada,\"A\"\n"))
	f.Add([]byte("\xef\xbb\xbfa;b\r\n1;2\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRoster(data, nil)
		if err != nil && lms.KindOf(err) != lms.KindRule {
			t.Fatalf("%v", err)
		}
		if err == nil && len(r.Rows) == 0 {
			t.Fatal("no rows and no refusal")
		}
	})
}
