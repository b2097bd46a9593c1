package api

import "trivium/app/lms"

// Sessions of one's own, and how accounts are signed in to.
var (
	RenewSession     = Endpoint[NoInput, lms.Session]{"POST", "/api/v1/session/renew", lms.Public, "Exchange the session's token, whose access may be over, for the next one"}
	ListSessions     = Endpoint[NoInput, Page[lms.SessionInfo]]{"GET", "/api/v1/sessions", lms.AnyUser, "List the own sessions, the latest used first"}
	EndSession       = Endpoint[SessionPath, Empty]{"DELETE", "/api/v1/sessions/:session", lms.AnyUser, "End one of the own sessions"}
	EndOtherSessions = Endpoint[NoInput, Empty]{"DELETE", "/api/v1/sessions", lms.AnyUser, "End all own sessions but this one"}
)
