package api

import "trivium/app/lms"

// Sessions of one's own, and how accounts are signed in to.
var (
	RenewSession     = Endpoint[NoInput, lms.Session]{"POST", "/api/v1/session/renew", lms.Public, "Exchange the session's token, whose access may be over, for the next one"}
	ListSessions     = Endpoint[NoInput, Page[lms.SessionInfo]]{"GET", "/api/v1/sessions", lms.AnyUser, "List the own sessions, the latest used first"}
	EndSession       = Endpoint[SessionPath, Empty]{"DELETE", "/api/v1/sessions/:session", lms.AnyUser, "End one of the own sessions"}
	EndOtherSessions = Endpoint[NoInput, Empty]{"DELETE", "/api/v1/sessions", lms.AnyUser, "End all own sessions but this one"}

	GetDoor           = Endpoint[NoInput, lms.Door]{"GET", "/api/v1/door", lms.Public, "Show how one can sign in and register here"}
	GetAccountSite    = Endpoint[NoInput, lms.AccountSite]{"GET", "/api/v1/accounts/site", lms.Admin, "Show the site's rules of accounts"}
	UpdateAccountSite = Endpoint[AccountSiteInput, lms.AccountSite]{"PUT", "/api/v1/accounts/site", lms.AdminConfirmed, "Change who may register, who must sign in in two steps, and how long passwords are"}

	IssueReset    = Endpoint[UserPath, lms.ResetLink]{"POST", "/api/v1/users/:user/reset", lms.AdminConfirmed, "Make a link with which somebody chooses a new password (24 h); older links end"}
	PreviewReset  = Endpoint[ResetTokenInput, lms.ResetPreview]{"POST", "/api/v1/resets/preview", lms.Public, "Show whose password a link resets"}
	ResetPassword = Endpoint[ResetInput, Empty]{"POST", "/api/v1/resets", lms.Public, "Choose a new password with a link; all sessions of the account end"}
	AskReset      = Endpoint[AskResetInput, Empty]{"POST", "/api/v1/resets/mail", lms.Public, "Ask for such a link by mail (1 h); the answer does not tell whether there is an account"}

	GetTwoStep        = Endpoint[NoInput, lms.TwoStep]{"GET", "/api/v1/session/twostep", lms.AnyUser, "Show whether one signs in in two steps, and with which passkeys"}
	BeginTwoStep      = Endpoint[NoInput, lms.TwoStepSetup]{"POST", "/api/v1/session/twostep", lms.UserConfirmed, "Begin to set up two-step sign-in with an authenticator app"}
	ConfirmTwoStep    = Endpoint[CodeOfApp, lms.TwoStep]{"PUT", "/api/v1/session/twostep", lms.UserConfirmed, "Turn two-step sign-in on with the app's first code"}
	EndTwoStep        = Endpoint[NoInput, lms.TwoStep]{"DELETE", "/api/v1/session/twostep", lms.UserConfirmed, "Turn the codes of the authenticator app off"}
	MakeRecoveryCodes = Endpoint[NoInput, lms.RecoveryCodes]{"POST", "/api/v1/session/twostep/codes", lms.UserConfirmed, "Make recovery codes, which are shown once; older ones end"}
	RemoveTwoStep     = Endpoint[UserPath, Empty]{"DELETE", "/api/v1/users/:user/twostep", lms.AdminConfirmed, "Turn two-step sign-in off for somebody who has lost the app or the passkeys"}

	AskPasskey    = Endpoint[NoInput, PasskeyChallenge]{"POST", "/api/v1/session/challenge", lms.Public, "Get a challenge that a passkey answers to sign in (5 min, once)"}
	BeginPasskey  = Endpoint[NoInput, PasskeyChallenge]{"POST", "/api/v1/session/passkeys/challenge", lms.UserConfirmed, "Get a challenge for a new passkey of the own account (5 min, once)"}
	AddPasskey    = Endpoint[PasskeyInput, lms.TwoStep]{"POST", "/api/v1/session/passkeys", lms.UserConfirmed, "Add the passkey that was made for a challenge"}
	RemovePasskey = Endpoint[PasskeyPath, lms.TwoStep]{"DELETE", "/api/v1/session/passkeys/:passkey", lms.UserConfirmed, "Remove one of the own passkeys"}
)
