package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// serviceDrill is how nodes suspend each other on behalf of an administrator. Only nodes with --drills offer it.
const serviceDrill consensus.Service = 'D'

const drillTimeout = 10 * time.Second

// errNoDrills tells what to do.
var errNoDrills = lms.Errorf(lms.KindForbidden, "This node does not take part in drills. Start it with --drills to allow them.")

// openDrills offers the service, if the node takes part.
func (n *Node) openDrills() {
	n.toDrill = n.cluster.Network().Client(serviceDrill)
	if !n.config.Drills {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /suspend", n.serveSuspend)
	n.drills = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: drillTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug)}
	ln := n.cluster.Network().Listen(serviceDrill)
	n.wg.Go(func() { n.drills.Serve(ln) })
}

// serveSuspend is asked by other nodes, which the cluster port has proven.
func (n *Node) serveSuspend(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if err == nil {
		err = n.db.Suspend(time.Duration(seconds) * time.Second)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Suspend makes a node silent for a while, wherever it runs.
func (m membership) Suspend(ctx context.Context, id string, d time.Duration) error {
	if err := m.attached(); err != nil {
		return err
	}
	n := m.node
	if id == n.self.ID() {
		if !n.config.Drills {
			return errNoDrills
		}
		return n.db.Suspend(d)
	}
	ctx, cancel := context.WithTimeout(ctx, drillTimeout)
	defer cancel()
	query := url.Values{"seconds": {strconv.Itoa(int(d.Seconds()))}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.cluster.Address(id)+"/suspend?"+query, nil)
	if err != nil {
		return lms.ErrNotFound
	}
	resp, err := n.toDrill.Do(r)
	if err != nil {
		n.log.Warn("a drill did not reach a node", "peer", id, "error", err)
		return lms.Errorf(lms.KindForbidden, "%s does not answer, or does not take part in drills: it has to be started with --drills.", id)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%w: %s refuses, perhaps because it is suspended already", consensus.ErrMembership, id)
	}
	return nil
}
