package lms

import (
	"strings"
	"testing"
	"time"
)

func TestPlanRoster(t *testing.T) {
	state := RosterState{
		Users: []RosterUser{
			{ID: "u1", Login: "ina", Name: "Ina", Member: true, Role: RoleInstructor, Active: true},
			{ID: "u2", Login: "sue", Name: "Sue", ExternalID: "7", Mail: "sue@x.org", Member: true, Role: RoleStudent, Active: true, SectionID: "x1"},
			{ID: "u3", Login: "sam", Name: "Sam", Member: true, Role: RoleStudent, Active: false},
			{ID: "u4", Login: "ned", Name: "Ned", Mail: "ned@x.org"},
			{ID: "u5", Login: "dis", Name: "Dis", Disabled: true},
			{ID: "u6", Login: "tim", Name: "Tim", Member: true, Role: RoleStudent, Active: true},
		},
		Sections: []Section{{ID: "x1", Title: "Monday"}, {ID: "x2", Title: "Old", ArchivedAt: time.Now()}},
	}
	tests := []struct {
		name string
		row  RosterRow
		want string // kind and part of the detail
	}{
		{"by external id", RosterRow{ExternalID: "7"}, "same"},
		{"by login, in any case", RosterRow{Login: "SUE"}, "same"},
		{"by mail, in any case", RosterRow{Mail: "Sue@X.org"}, "same"},
		{"external id goes before an unknown login", RosterRow{ExternalID: "7", Login: "susan"}, "same"},
		{"never by name", RosterRow{Name: "Sue"}, "error: Nobody is found by name"},
		{"two accounts", RosterRow{ExternalID: "7", Login: "sam"}, "error: means two accounts"},
		{"another external id", RosterRow{ExternalID: "8", Login: "sue"}, "error: another external id"},
		{"mail of another login", RosterRow{Login: "susan", Mail: "sue@x.org"}, "error: belongs to the account sue"},
		{"disabled", RosterRow{Login: "dis"}, "error: disabled"},
		{"no mail address", RosterRow{Mail: "sue at home"}, "error: not a mail address"},
		{"no login", RosterRow{Login: "su e"}, "error: user name"},
		{"no role", RosterRow{Login: "sue", Role: "boss"}, "error: is not a role"},
		{"instructor by a file", RosterRow{Login: "ina", Role: "student"}, "error: not by a file"},
		{"the parser's problem", RosterRow{Login: "sue", Problem: "odd"}, "error: odd"},
		{"archived section", RosterRow{Login: "sue", Section: "OLD"}, "error: is archived"},
		{"same section", RosterRow{Login: "sue", Section: " monday "}, "same"},
		{"new section", RosterRow{Login: "sue", Section: "Tuesday"}, "change: comes into Tuesday"},
		{"other role", RosterRow{Login: "sue", Role: "TA"}, "change: ta instead of student"},
		{"active again", RosterRow{Login: "sam"}, "change: active again"},
		{"known account joins", RosterRow{Mail: "ned@x.org", Role: "observer"}, "add: joins as observer"},
		{"new account", RosterRow{Login: "new", Name: "New"}, "add: with a new account"},
		{"new account by mail", RosterRow{Mail: "new@x.org", Name: "New"}, "add: with a new account"},
		{"new account by external id", RosterRow{ExternalID: "s-100", Name: "New"}, "add: with a new account"},
		{"new account without a name", RosterRow{Login: "new"}, "error: without a name"},
		{"new account without a possible login", RosterRow{ExternalID: "№ 9", Name: "New"}, "error: needs a user name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.row.Line = 2
			plan, writes := PlanRoster([]RosterRow{tt.row}, state, RosterOptions{Actor: "u1"})
			got := "same"
			for kind, lines := range map[string][]RosterLine{"error": plan.Errors, "add": plan.Adds, "change": plan.Changes} {
				if len(lines) == 1 && lines[0].Line == 2 {
					got = kind + ": " + lines[0].Detail
				}
			}
			kind, detail, _ := strings.Cut(tt.want, ": ")
			if !strings.HasPrefix(got, kind) || !strings.Contains(got, detail) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(plan.Errors)+len(plan.Adds)+len(plan.Changes)+plan.Same != 1 || len(writes) != len(plan.Adds)+len(plan.Changes) {
				t.Errorf("a line counts not once: %+v", plan)
			}
		})
	}
	t.Run("repeated lines", func(t *testing.T) {
		rows := []RosterRow{{Line: 2, Login: "sue"}, {Line: 3, Login: "Sue"}, {Line: 4, ExternalID: "7"}, {Line: 5, Login: "new", Name: "N"}, {Line: 6, Mail: "new", Name: "N"}}
		rows[4] = RosterRow{Line: 6, ExternalID: "new", Name: "N"}
		plan, _ := PlanRoster(rows, state, RosterOptions{})
		if len(plan.Errors) != 3 || plan.Errors[0].Line != 3 || plan.Errors[1].Line != 4 || plan.Errors[2].Line != 6 {
			t.Errorf("got %+v", plan.Errors)
		}
	})
	t.Run("drops", func(t *testing.T) {
		rows := []RosterRow{{Line: 2, Login: "sue"}}
		if plan, _ := PlanRoster(rows, state, RosterOptions{}); len(plan.Drops) != 0 {
			t.Errorf("dropped without being asked: %+v", plan.Drops)
		}
		plan, writes := PlanRoster(rows, state, RosterOptions{Drop: true})
		if len(plan.Drops) != 1 || plan.Drops[0].Login != "tim" || !writes[0].Drop || writes[0].User.Active {
			t.Errorf("got %+v", plan.Drops)
		}
	})
	t.Run("identities are an administrator's", func(t *testing.T) {
		row := []RosterRow{{Line: 2, Login: "tim", ExternalID: "9", Mail: "tim@x.org"}}
		if plan, _ := PlanRoster(row, state, RosterOptions{}); plan.Same != 1 {
			t.Errorf("an instructor changes %+v", plan.Changes)
		}
		_, writes := PlanRoster(row, state, RosterOptions{Identities: true})
		if len(writes) != 1 || writes[0].User.ExternalID != "9" || writes[0].User.Mail != "tim@x.org" {
			t.Errorf("an administrator changes %+v", writes)
		}
	})
}

func TestMail(t *testing.T) {
	for mail, want := range map[string]bool{"a@b.org": true, "a+b@x.y.z": true, "a@localhost": true, "": false, "a": false, "@b.org": false, "a@": false, "a@b": false,
		"a b@c.org": false, "a@b@c.org": false, "a@.org": false, "a@b..org": false, "a@b.org.": false, "<a@b.org>": false, "a\n@b.org": false} {
		if ValidMail(mail) != want {
			t.Errorf("%q: %v", mail, !want)
		}
	}
}

func TestCourseLanguage(t *testing.T) {
	for tag, want := range map[string]bool{"": true, "en": true, "pt-BR": true, "zh-Hant-TW": true, "e": false, "english": false, "en-": false, "en_US": false, "<b>": false} {
		if validLanguage(tag) != want {
			t.Errorf("%q: %v", tag, !want)
		}
	}
}
