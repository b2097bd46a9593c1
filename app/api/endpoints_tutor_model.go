package api

import "trivium/app/lms"

// The language model of the site.
var (
	GetTutorModel    = Endpoint[NoInput, lms.ModelState]{"GET", "/api/v1/tutor/model", lms.Admin, "Show the language model's settings, how it does on each node, and what is used of the month's tokens"}
	UpdateTutorModel = Endpoint[ModelInput, lms.ModelState]{"PUT", "/api/v1/tutor/model", lms.AdminConfirmed, "Change the language model's settings; another model waits until a check of it is accepted, once one was accepted before"}
	TestTutorModel   = Endpoint[ModelTestInput, ModelTest]{"POST", "/api/v1/tutor/model/test", lms.AdminConfirmed, "Test an endpoint and say in plain words what works"}
	StartTutorTrial  = Endpoint[TrialInput, lms.ModelState]{"POST", "/api/v1/tutor/trials", lms.AdminConfirmed, "Begin the check of the language model that waits, or else of the one in force, in the background"}
	AcceptTutorTrial = Endpoint[TrialPath, lms.ModelState]{"POST", "/api/v1/tutor/trials/:trial/accept", lms.AdminConfirmed, "Accept a check, also a worse one; the change that it is about comes into force"}
)
