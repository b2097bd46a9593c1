package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/lms"
	"trivium/consensus"
)

// Service is the protocol on the cluster port: HTTP.
const Service consensus.Service = 'N'

// Config describes an inspector. Logger and Recent are optional.
type Config struct {
	Node    string // id of this node
	Version string // of the program
	DB      *consensus.DB
	Network *consensus.Network
	Address func(node string) string // of a node's cluster port; "" when there is no such node
	Metrics prometheus.Gatherer
	Dump    []string              // files of dump.txt, oldest first
	Recent  func() []lms.LogEvent // the last warnings and errors, newest first
	Disk    func() (free, total int64, err error)
	Logger  *slog.Logger
}

// Inspector answers for this node and asks the others. Make one with Open; it is safe for concurrent use.
type Inspector struct {
	c       Config
	samples *sampler
	server  *http.Server
	client  *http.Client
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// Open starts to sample, and to answer other nodes.
func Open(c Config) *Inspector {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	i := &Inspector{c: c, samples: newSampler(c.Metrics), client: c.Network.Client(Service)}
	ctx, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report", i.serveReport)
	mux.HandleFunc("GET /text/{name}", i.serveText)
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)}
	ln := c.Network.Listen(Service)
	i.wg.Go(func() { _ = i.server.Serve(ln) })
	i.wg.Go(func() { i.samples.run(ctx) })
	return i
}

// Close ends both.
func (i *Inspector) Close() error {
	i.cancel()
	err := i.server.Close()
	i.wg.Wait()
	i.client.CloseIdleConnections()
	return err
}

const askTimeout = 5 * time.Second

// Report tells how a node stands: ErrNotFound when there is no such node, KindUnavailable when it does not answer.
func (i *Inspector) Report(ctx context.Context, node string) (lms.NodeReport, error) {
	if node == i.c.Node {
		return i.report(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body, err := i.ask(ctx, node, "/report")
	if err != nil {
		return lms.NodeReport{}, err
	}
	defer body.Close()
	var r lms.NodeReport
	if err := json.NewDecoder(io.LimitReader(body, 4<<20)).Decode(&r); err != nil {
		return lms.NodeReport{}, away(node, err)
	}
	return r, nil
}

// Text returns one of lms.NodeTexts of a node; tail > 0: only about its last lines.
func (i *Inspector) Text(ctx context.Context, node, name string, tail int) (io.ReadCloser, error) {
	if !slices.Contains(lms.NodeTexts, name) {
		return nil, lms.ErrNotFound
	}
	if node == i.c.Node {
		return i.text(ctx, name, tail)
	}
	return i.ask(ctx, node, "/text/"+name+"?"+url.Values{"tail": {strconv.Itoa(tail)}}.Encode())
}

// ask sends a request to another node.
func (i *Inspector) ask(ctx context.Context, node, path string) (io.ReadCloser, error) {
	address := i.c.Address(node)
	if address == "" {
		return nil, lms.ErrNotFound
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := i.client.Do(r)
	if err != nil {
		return nil, away(node, err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, away(node, errors.New(resp.Status))
	}
	return resp.Body, nil
}

func away(node string, err error) error {
	return fmt.Errorf("%w (%w)", lms.Errorf(lms.KindUnavailable, "%s does not answer at the moment. If its machine is down, start it again; it catches up by itself.", node), err)
}

func (i *Inspector) serveReport(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(i.report()); err != nil {
		i.c.Logger.Debug("report not delivered", "error", err)
	}
}

func (i *Inspector) serveText(w http.ResponseWriter, r *http.Request) {
	tail, _ := strconv.Atoi(r.URL.Query().Get("tail")) // not a number: all
	text, err := i.text(r.Context(), r.PathValue("name"), tail)
	if err != nil {
		i.c.Logger.Warn("text for another node", "name", r.PathValue("name"), "error", err)
		http.Error(w, "unavailable", http.StatusInternalServerError)
		return
	}
	defer text.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := io.Copy(w, text); err != nil {
		i.c.Logger.Debug("text not delivered", "error", err)
	}
}
