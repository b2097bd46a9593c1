package ui

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// API is the client that all pages call. The browser's main sets it before the first page.
var API *api.Client

// States that pages may observe.
const (
	stateSession = "session" // lms.Session; the zero value: nobody is signed in, or it is not known yet
	stateReauth  = "reauth"  // bool: the session ended while a page was open
	stateNews    = "news"    // connection: what the answers said beside their content
	actionLive   = "live"    // api.Event
)

// connection is what the answers of the nodes say beside their content.
type connection struct {
	AsOf    time.Time // answers are as of this time: the cluster has no majority
	Node    string    // the other node that answers; "" is the page's own
	Trouble bool      // no node answers
	Version string    // of the browser program that the node serves
}

// known is the session as the UI goroutine knows it. It is a variable beside the state, so that Render, which has no
// context, can ask who is signed in. The node never writes it.
var known lms.Session

// Me is the signed-in user; the zero value if nobody is.
func Me() lms.User { return known.User }

// MyCourses are the user's courses, as of the sign-in or the last RefreshSession.
func MyCourses() []lms.Course { return known.Courses }

// ActorIn is the user as lms.Can and the ...By methods take it, with the role in the course.
func ActorIn(course string) lms.Actor {
	u := known.User
	a := lms.Actor{UserID: u.ID, Login: u.Login, Name: u.Name, Admin: u.Admin, MayCreateCourses: u.MayCreateCourses}
	if i := slices.IndexFunc(known.Courses, func(c lms.Course) bool { return c.ID == course }); i >= 0 {
		a.Role = known.Courses[i].MyRole
	}
	return a
}

// knownCourse finds a course of the user.
func knownCourse(id string) (lms.Course, bool) {
	i := slices.IndexFunc(known.Courses, func(c lms.Course) bool { return c.ID == id })
	if i < 0 {
		return lms.Course{ID: id}, false
	}
	return known.Courses[i], true
}

func setSession(ctx app.Context, s lms.Session) {
	if app.IsServer {
		return
	}
	s.Token = ""
	known = s
	ctx.SetState(stateSession, s)
	ctx.SetState(stateReauth, false)
}

// RefreshSession reads the user and the courses again, after something about them has changed, and then calls then.
func RefreshSession(ctx app.Context, then func(app.Context)) {
	Async(ctx, func(c context.Context) (lms.Session, error) {
		return api.Call(c, API, api.CurrentSession, api.NoInput{})
	}, func(ctx app.Context, s lms.Session, err error) {
		if err == nil {
			setSession(ctx, s)
		}
		if then != nil {
			then(ctx)
		}
	})
}

// signedOut reacts to an answer "please sign in": a page that was in use stays and asks for the password above itself,
// so that nothing typed is lost; a page that was opened without a session leads to the sign-in page.
func signedOut(ctx app.Context) {
	if known.User.ID != "" {
		ctx.SetState(stateReauth, true)
		return
	}
	u := ctx.Page().URL()
	if isPublic(u.Path) {
		return
	}
	next := u.Path
	if u.RawQuery != "" {
		next += "?" + u.RawQuery
	}
	ctx.Navigate(signInPath(next))
}

// hub carries what the client's hooks say, on any goroutine, to the shell that is on screen.
var hub struct {
	sync.Mutex
	news   connection
	notify func(connection)
}

func tell(change func(*connection)) {
	hub.Lock()
	change(&hub.news)
	news, notify := hub.news, hub.notify
	hub.Unlock()
	if notify != nil {
		notify(news)
	}
}

// Hooks returns the callbacks that keep the shell informed; pass them to api.NewClient.
func Hooks() api.Hooks {
	return api.Hooks{
		OnAppVersion: func(v string) { tell(func(c *connection) { c.Version = v }) },
		OnStale:      func(asOf time.Time) { tell(func(c *connection) { c.AsOf = asOf }) },
		OnNode:       func(origin string) { tell(func(c *connection) { c.Node = origin }) },
		OnTrouble:    func(err error) { tell(func(c *connection) { c.Trouble = err != nil }) },
	}
}
