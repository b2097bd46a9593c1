package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"trivium/app/lms"
)

// Files below the data directory that only its owner can read.
const (
	operatorFile = "operator-token" // authorises the command line
	urlFile      = "url"            // where the command line finds the node
	setupFile    = "setup-link"     // claims the first administrator
)

// setupLinkPath re-issues the setup link. It is no part of the API: it needs the operator token of this very node.
const setupLinkPath = "/operator/v1/setup-link"

const setupLife = time.Hour

// setupLink claims the first administrator, once.
type setupLink struct {
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// operatorToken reads the token, or makes it.
func operatorToken(path string) (string, error) {
	if data, err := os.ReadFile(path); err == nil {
		if t := strings.TrimSpace(string(data)); len(t) >= 32 {
			return t, nil
		}
		return "", fmt.Errorf("%s is damaged; delete it, and a new one is made", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	t := lms.NewSecret()
	return t, ownerFile(path, t+"\n")
}

// ownerFile writes a file for the owner alone, as a whole or not at all.
func ownerFile(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// greet tells who started the node what to do next. On the first node that is the setup link, as long as there is no
// administrator; whoever has it becomes one.
func (n *Node) greet() {
	fmt.Fprintf(n.out, "Trivium %s, node %s\nOpen %s\n", version(), n.self.ID(), n.config.Origin)
	if !n.self.Founder() {
		return
	}
	needed, err := n.store.NeedsSetup(n.ctx)
	if err != nil || !needed {
		os.Remove(n.path(setupFile))
		return
	}
	link, err := n.issueSetupLink(n.ctx)
	if err != nil {
		n.log.Error("no setup link; \"trivium user setup-link\" makes one", "error", err)
		return
	}
	fmt.Fprintf(n.out, "Claim the first administrator, once, until %s:\n%s\n", link.ExpiresAt.Local().Format("15:04"), link.Link)
}

// issueSetupLink makes a setup link and voids the one before. The token stands behind #, which browsers keep to
// themselves: no proxy logs it.
func (n *Node) issueSetupLink(ctx context.Context) (setupLink, error) {
	token := lms.NewSecret()
	hash := sha256.Sum256([]byte(token))
	link := setupLink{Link: n.config.Origin + "/setup#" + token, ExpiresAt: time.Now().Add(setupLife).UTC().Truncate(time.Second)}
	if err := n.store.SetSetupToken(ctx, hash[:], link.ExpiresAt); err != nil {
		return setupLink{}, err
	}
	return link, ownerFile(n.path(setupFile), link.Link+"\n")
}

func (n *Node) serveSetupLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(token), []byte(n.operator)) != 1 {
		w.WriteHeader(http.StatusForbidden)
		writeJSON(w, lms.ErrForbidden)
		return
	}
	select {
	case <-n.ready:
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
		writeJSON(w, lms.ErrUnavailable)
		return
	}
	link, err := n.issueSetupLink(r.Context())
	var refusal *lms.Error
	switch {
	case err == nil:
		writeJSON(w, link)
	case errors.As(err, &refusal):
		w.WriteHeader(http.StatusConflict)
		writeJSON(w, refusal)
	default:
		n.log.Error("setup link", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		writeJSON(w, lms.ErrInternal)
	}
}

func writeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.Encode(v)
}
