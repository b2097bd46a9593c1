package lms_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trivium/app/lms"
)

func TestPointsAreExactDecimals(t *testing.T) {
	for in, want := range map[string]lms.Points{"0": 0, "87.5": 8750, "87,5": 8750, " 100 ": 10000, "0.01": 1, "12.30": 1230} {
		if got, err := lms.ParsePoints(in); err != nil || got != want {
			t.Errorf("ParsePoints(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "1.234", "1.", ".5", "1e3", "ten", "1 0", "+3", "99999999999999999999", "1.2.3"} {
		if got, err := lms.ParsePoints(in); lms.KindOf(err) != lms.KindRule {
			t.Errorf("ParsePoints(%q) = %d, %v; want a refusal", in, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := lms.Points(rapid.Int64Range(0, int64(lms.MaxPoints)).Draw(t, "points"))
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back lms.Points
		if err := json.Unmarshal(b, &back); err != nil || back != p {
			t.Fatalf("%d became %s became %d, %v", p, b, back, err)
		}
	})
}

func TestAssignmentDatesInOrder(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 9, 4, h, 0, 0, 0, time.UTC) }
	for name, tc := range map[string]struct {
		opens, due, cutoff time.Time
		field              string
	}{
		"no dates":           {},
		"all in order":       {at(1), at(2), at(3), ""},
		"all equal":          {at(1), at(1), at(1), ""},
		"opens after due":    {at(3), at(2), time.Time{}, "opensAt"},
		"due after cutoff":   {time.Time{}, at(3), at(2), "cutoffAt"},
		"opens after cutoff": {at(3), time.Time{}, at(2), "cutoffAt"},
	} {
		a := lms.Assignment{ID: "a", Title: "Essay", AllowText: true, OpensAt: tc.opens, DueAt: tc.due, CutoffAt: tc.cutoff}
		var e *lms.Error
		switch err := a.Validate(); {
		case tc.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.field != "" && (!errors.As(err, &e) || e.Field != tc.field || e.Kind != lms.KindRule):
			t.Errorf("%s: got %v, want a refusal of %s", name, err, tc.field)
		}
	}
}

func TestExactlyAtTheDueDateIsOnTime(t *testing.T) {
	due := time.Date(2026, 9, 4, 23, 59, 0, 0, time.UTC)
	a := lms.Assignment{DueAt: due, CutoffAt: due.Add(time.Hour)}
	for d, want := range map[time.Duration]time.Duration{-time.Millisecond: 0, 0: 0, time.Millisecond: time.Millisecond} {
		if got := a.Late(due.Add(d)); got != want {
			t.Errorf("handed in %v after due: late by %v, want %v", d, got, want)
		}
	}
	if err := a.CheckOpen(due.Add(time.Hour)); err != nil {
		t.Errorf("exactly at the cut-off: %v", err)
	}
	if err := a.CheckOpen(due.Add(time.Hour + time.Millisecond)); !errors.Is(err, lms.ErrClosed) {
		t.Errorf("just after the cut-off: %v", err)
	}
}

func TestFileNames(t *testing.T) {
	for _, ok := range []string{"essay.txt", `my "best" essay's.pdf`, "Лабораторная работа №1.docx", "课程 作业.pdf", "📝.md", "no extension", "..hidden"} {
		if err := lms.CheckFileName(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "  ", ".", "..", "../etc/passwd", `..\boot.ini`, "a/b.txt", "nul\x00.txt", "line\nbreak", "\xff\xfe", strings.Repeat("a", 256)} {
		if err := lms.CheckFileName(bad); lms.KindOf(err) != lms.KindInvalid {
			t.Errorf("%q: %v, want a refusal", bad, err)
		}
	}
}

func TestChunksCoverAFileExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, lms.MaxFileSize).Draw(t, "size")
		var sum int64
		for i := range lms.ChunkCount(size) {
			n := lms.ChunkLen(size, i)
			if n <= 0 || n > lms.ChunkSize {
				t.Fatalf("chunk %d of %d bytes has %d bytes", i, size, n)
			}
			sum += int64(n)
		}
		if sum != size {
			t.Fatalf("chunks of %d bytes hold %d", size, sum)
		}
	})
}

func TestSubmissionFilesMayFollowWithinTheGrace(t *testing.T) {
	at := time.Date(2026, 9, 4, 12, 0, 0, 0, time.UTC)
	waiting := lms.Submission{SubmittedAt: at, Files: []lms.File{{CompleteAt: at}, {}}}
	for after, want := range map[time.Duration]lms.SubmissionState{0: lms.SubmissionWaiting, lms.UploadGrace: lms.SubmissionWaiting,
		lms.UploadGrace + time.Second: lms.SubmissionIncomplete} {
		if got := waiting.StateAt(at.Add(after)); got != want {
			t.Errorf("%v after: %s, want %s", after, got, want)
		}
	}
	if got := (lms.Submission{SubmittedAt: at}).StateAt(at.Add(time.Hour)); got != lms.SubmissionReceived {
		t.Errorf("text only: %s", got)
	}
}

func TestCanFollowsTheRole(t *testing.T) {
	anonymous := lms.Actor{}
	user := lms.Actor{UserID: "u"}
	creator := lms.Actor{UserID: "u", MayCreateCourses: true}
	student := lms.Actor{UserID: "u", Role: lms.RoleStudent}
	ta := lms.Actor{UserID: "u", Role: lms.RoleTA}
	instructor := lms.Actor{UserID: "u", Role: lms.RoleInstructor}
	admin := lms.Actor{UserID: "u", Admin: true}
	for _, tc := range []struct {
		access                                                   lms.Access
		anonymous, user, creator, student, ta, instructor, admin error
	}{
		{lms.Public, nil, nil, nil, nil, nil, nil, nil},
		{lms.AnyUser, lms.ErrSignIn, nil, nil, nil, nil, nil, nil},
		{lms.CourseCreator, lms.ErrSignIn, lms.ErrForbidden, nil, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, nil},
		{lms.MemberOfCourse, lms.ErrSignIn, lms.ErrNotYourCourse, lms.ErrNotYourCourse, nil, nil, nil, nil},
		{lms.StudentOfCourse, lms.ErrSignIn, lms.ErrNotYourCourse, lms.ErrNotYourCourse, nil, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden},
		{lms.StaffOfCourse, lms.ErrSignIn, lms.ErrNotYourCourse, lms.ErrNotYourCourse, lms.ErrForbidden, nil, nil, nil},
		{lms.InstructorOfCourse, lms.ErrSignIn, lms.ErrNotYourCourse, lms.ErrNotYourCourse, lms.ErrForbidden, lms.ErrForbidden, nil, nil},
		{lms.Admin, lms.ErrSignIn, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, nil},
		{lms.AdminConfirmed, lms.ErrSignIn, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrConfirm},
		{lms.Access(0), lms.ErrSignIn, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden, lms.ErrForbidden},
	} {
		for _, c := range []struct {
			name  string
			actor lms.Actor
			want  error
		}{{"anonymous", anonymous, tc.anonymous}, {"user", user, tc.user}, {"creator", creator, tc.creator}, {"student", student, tc.student},
			{"ta", ta, tc.ta}, {"instructor", instructor, tc.instructor}, {"admin", admin, tc.admin}} {
			if got := lms.Can(c.actor, tc.access); !errors.Is(got, c.want) {
				t.Errorf("%s, %s: %v, want %v", tc.access, c.name, got, c.want)
			}
		}
	}
}

func TestNobodyGrantsARoleAboveTheirOwn(t *testing.T) {
	if lms.RoleTA.MayGrant(lms.RoleInstructor) || lms.RoleStudent.MayGrant(lms.RoleStudent) || lms.Role("").MayGrant(lms.RoleStudent) {
		t.Error("a role above one's own, or a role granted by somebody who is no staff")
	}
	if !lms.RoleInstructor.MayGrant(lms.RoleInstructor) || !lms.RoleTA.MayGrant(lms.RoleStudent) {
		t.Error("a role that should be granted is refused")
	}
}

func TestHealthInPlainWords(t *testing.T) {
	for _, tc := range []struct {
		voters, up int
		level      lms.HealthLevel
		summary    string
	}{
		{1, 1, lms.HealthWarn, "1 of 1: no protection"},
		{3, 3, lms.HealthGood, "3 of 3 healthy: any one may fail"},
		{3, 2, lms.HealthWarn, "2 of 3 up: work continues, replace the missing node"},
		{3, 1, lms.HealthBad, "2 of 3 nodes down: read only, nothing lost"},
		{5, 5, lms.HealthGood, "5 of 5 healthy: any 2 may fail"},
		{5, 4, lms.HealthWarn, "4 of 5 up: work continues, 1 more may fail"},
		{2, 2, lms.HealthWarn, "2 of 2 healthy: none may fail"},
	} {
		if h := lms.HealthOf(tc.voters, tc.up); h.Level != tc.level || h.Summary != tc.summary {
			t.Errorf("%d of %d: %s %q, want %s %q", tc.up, tc.voters, h.Level, h.Summary, tc.level, tc.summary)
		}
	}
}

func TestIDsAreURLSafeAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := lms.NewID()
		if !lms.ValidID(id) || seen[id] {
			t.Fatalf("%q is no id, or not new", id)
		}
		seen[id] = true
	}
	for _, bad := range []string{"", "A", "../x", "a b", strings.Repeat("a", 65), "é"} {
		if lms.ValidID(bad) {
			t.Errorf("%q passes as an id", bad)
		}
	}
}

func TestInviteSaysWhyItIsRefused(t *testing.T) {
	now := time.Date(2026, 9, 4, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		invite lms.Invite
		want   error
	}{
		{lms.Invite{}, nil},
		{lms.Invite{MaxUses: 2, Uses: 1, ExpiresAt: now}, nil},
		{lms.Invite{RevokedAt: now, MaxUses: 1, Uses: 1}, lms.ErrInviteRevoked},
		{lms.Invite{ExpiresAt: now.Add(-time.Second)}, lms.ErrInviteExpired},
		{lms.Invite{MaxUses: 1, Uses: 1}, lms.ErrInviteUsedUp},
	} {
		if got := tc.invite.Check(now); !errors.Is(got, tc.want) {
			t.Errorf("%+v: %v, want %v", tc.invite, got, tc.want)
		}
	}
}

func TestClockMessage(t *testing.T) {
	for _, tt := range []struct {
		skew time.Duration
		want string
	}{
		{0, ""},
		{lms.MaxClockSkew, ""},
		{-lms.MaxClockSkew, ""},
		{2600 * time.Millisecond, "The clock of n2 is 3 seconds ahead. "},
		{-59 * time.Second, "The clock of n2 is 59 seconds behind. "},
		{70 * time.Second, "The clock of n2 is 1 minute ahead. "},
		{5*time.Minute + time.Second, "The clock of n2 is 5 minutes ahead. "},
		{-time.Hour, "The clock of n2 is 1 hour behind. "},
		{50 * time.Hour, "The clock of n2 is 2 days ahead. "},
	} {
		got := lms.ClockMessageOf("n2", tt.skew)
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") || got != "" && !strings.Contains(got, "NTP") {
			t.Errorf("%v: %q, want %q", tt.skew, got, tt.want)
		}
	}
}
