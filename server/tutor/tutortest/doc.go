// Package tutortest is a language model for tests: an OpenAI-compatible server that records what it is sent, counts its calls and
// connections, and plays what the test has scripted, failures included. It also writes small documents to read.
//
//	m := tutortest.New(t, tutortest.Says("A majority [1]."))
//	tutor.New(tutor.Config{Endpoint: m.URL, Model: "scripted", ...})
package tutortest
