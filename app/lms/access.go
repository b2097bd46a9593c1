package lms

import "time"

// Role is a member's role in one course.
type Role string

// The roles of a course. The empty role means "not a member".
const (
	RoleInstructor Role = "instructor"
	RoleTA         Role = "ta"
	RoleStudent    Role = "student"
	RoleObserver   Role = "observer"
)

// Valid reports whether r is one of the four roles.
func (r Role) Valid() bool {
	return r == RoleInstructor || r == RoleTA || r == RoleStudent || r == RoleObserver
}

// Staff reports whether r is instructor or TA.
func (r Role) Staff() bool { return r == RoleInstructor || r == RoleTA }

// rank orders the roles by what they may grant.
func (r Role) rank() int {
	return map[Role]int{RoleObserver: 1, RoleStudent: 1, RoleTA: 2, RoleInstructor: 3}[r]
}

// MayGrant reports whether a member with role r may give the role to somebody else: never one above their own.
func (r Role) MayGrant(role Role) bool { return r.Staff() && role.Valid() && role.rank() <= r.rank() }

// Access says who may call an endpoint. The zero value is invalid, so that a forgotten access never means "everybody".
type Access int

// The access values of the endpoint table. Administrators may do what staff of any course may, but are never students.
const (
	Public             Access = iota + 1 // anybody, without a session
	AnyUser                              // a valid session
	CourseCreator                        // a user who may create courses, or an administrator
	MemberOfCourse                       // any role in the course of the path
	StudentOfCourse                      // student in the course of the path
	StaffOfCourse                        // instructor or TA in the course of the path
	InstructorOfCourse                   // instructor in the course of the path
	Admin                                // site administrator
	AdminConfirmed                       // site administrator who has given the password within ConfirmLife
	KeyValue                             // a program with an API token, in the token's own scope; administrators in theirs
	UserConfirmed                        // a valid session whose user has given the password within ConfirmLife
)

// ConfirmLife is how long a given password counts for AdminConfirmed. A sign-in is a given password.
const ConfirmLife = 10 * time.Minute

var accessNames = [...]string{"", "Public", "AnyUser", "CourseCreator", "MemberOfCourse", "StudentOfCourse", "StaffOfCourse",
	"InstructorOfCourse", "Admin", "AdminConfirmed", "KeyValue", "UserConfirmed"}

func (a Access) String() string {
	if a <= 0 || int(a) >= len(accessNames) {
		return "invalid access"
	}
	return accessNames[a]
}

// OfCourse reports whether the access depends on the course in the path.
func (a Access) OfCourse() bool { return a >= MemberOfCourse && a <= InstructorOfCourse }

// Actor is who makes a request: the user, and the role in the course that the request names.
type Actor struct {
	UserID           string `json:"userId"`
	Login            string `json:"login"`
	Name             string `json:"name"`
	Admin            bool   `json:"admin,omitempty"`
	MayCreateCourses bool   `json:"mayCreateCourses,omitempty"`
	Role             Role   `json:"role,omitempty"` // in the course of the request; empty: not a member
	SessionID        string `json:"-"`
	Confirmed        bool   `json:"-"` // has given the password within ConfirmLife, or is the operator
	MustEnrol        bool   `json:"-"` // the site wants two-step sign-in of the actor, who has not set it up: nothing else is allowed
	Viewing          string `json:"-"` // course that the actor views as its test student; UserID is that one's
	ViewerID         string `json:"-"` // then the user who does so, whose session it is
	ViewerLogin      string `json:"-"`
	Scope            string `json:"-"` // id of the API token that a program acts with: it may use the key-value store and nothing else
}

// Account is the id of the user whose session it is, also while a course is viewed as its test student.
func (a Actor) Account() string {
	if a.ViewerID != "" {
		return a.ViewerID
	}
	return a.UserID
}

// AccountLogin is the login that belongs to Account.
func (a Actor) AccountLogin() string {
	if a.ViewerID != "" {
		return a.ViewerLogin
	}
	return a.Login
}

// SignedIn reports whether the actor has a session.
func (a Actor) SignedIn() bool { return a.UserID != "" }

// Staff reports whether the actor acts as staff of the course of the request.
func (a Actor) Staff() bool { return a.Admin || a.Role.Staff() }

// Can decides whether the actor passes the access. It returns nil, ErrSignIn, ErrNotYourCourse, ErrForbidden or ErrConfirm.
// It is the coarse decision; what depends on one object is decided by that object's methods (for instance
// Submission.ReadableBy) and, at commit time, by the guards of the batch.
func Can(actor Actor, access Access) error {
	if access == Public {
		return nil
	}
	if !actor.SignedIn() {
		return ErrSignIn
	}
	if actor.Scope != "" && access != KeyValue {
		return ErrForbidden
	}
	ok := false
	switch access {
	case AnyUser:
		ok = true
	case CourseCreator:
		ok = actor.Admin || actor.MayCreateCourses
	case MemberOfCourse:
		ok = actor.Admin || actor.Role != ""
	case StudentOfCourse:
		ok = actor.Role == RoleStudent
	case StaffOfCourse:
		ok = actor.Staff()
	case InstructorOfCourse:
		ok = actor.Admin || actor.Role == RoleInstructor
	case Admin:
		ok = actor.Admin
	case AdminConfirmed:
		if actor.Admin && !actor.Confirmed {
			return ErrConfirm
		}
		ok = actor.Admin
	case UserConfirmed:
		if !actor.Confirmed {
			return ErrConfirm
		}
		ok = true
	case KeyValue:
		ok = actor.Admin || actor.Scope != ""
	}
	if ok {
		return nil
	}
	if access.OfCourse() && actor.Role == "" && !actor.Admin {
		return ErrNotYourCourse
	}
	return ErrForbidden
}
