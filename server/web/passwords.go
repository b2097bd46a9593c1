package web

import (
	"context"
	_ "embed"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"

	"trivium/app/lms"
)

// commonText lists the 6,000 commonest passwords of at least lms.MinPassword characters, in lower case, a line each: an excerpt of the
// frequency list of zxcvbn (MIT licence, Dropbox).
//
//go:embed passwords.txt
var commonText string

var commonPasswords = sync.OnceValue(func() map[string]bool {
	m := make(map[string]bool, 6000)
	for line := range strings.Lines(commonText) {
		m[strings.TrimSpace(line)] = true
	}
	return m
})

// checkNewPassword refuses a new password that is too short for the site, or that an attacker would try first: the common ones, and
// those made of the login, the name or the site with digits (AUTH-2). field is the name of the input.
func (s *Server) checkNewPassword(ctx context.Context, field, login, name, password string) error {
	if err := lms.CheckPassword(login, password); err != nil {
		refusal := *refusalOf(err)
		refusal.Field = field
		return &refusal
	}
	site, err := s.store.AccountSite(ctx)
	if err != nil {
		return err
	}
	if n := len([]rune(password)); n < site.MinPassword {
		return lms.FieldErrorf(lms.KindRule, field, "A password has at least %d characters here. A few unrelated words are a good choice.", site.MinPassword)
	}
	if guessable(password, append(strings.FieldsFunc(name, unicode.IsSpace), login, s.siteName())...) {
		return lms.FieldErrorf(lms.KindRule, field, "This password is among the first that an attacker would try. A few unrelated words are a good choice.")
	}
	return nil
}

// siteName is the host at which people reach the site.
func (s *Server) siteName() string {
	u, err := url.Parse(s.c.Origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// guessable reports whether a password is common, or has nothing but words of its surroundings, digits and punctuation.
func guessable(password string, context ...string) bool {
	low := strings.ToLower(password)
	if commonPasswords()[low] {
		return true
	}
	words := strings.FieldsFunc(strings.ToLower(strings.Join(append(context, "trivium"), " ")), func(r rune) bool { return !unicode.IsLetter(r) })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // a short one may be part of a long one
	rest, found := low, false
	for _, word := range words {
		if len([]rune(word)) >= 3 && strings.Contains(rest, word) {
			rest, found = strings.ReplaceAll(rest, word, " "), true
		}
	}
	return found && !strings.ContainsFunc(rest, unicode.IsLetter)
}
