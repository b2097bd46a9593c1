// Package certstest is an ACME authority for tests: Pebble, in the process of the test, on loopback alone.
package certstest

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// Authority issues certificates for every name that it finds on its TLS port.
type Authority struct {
	Directory string         // where clients begin
	Roots     *x509.CertPool // of the authority itself
	RootPEM   []byte         // the same, as a file has it
	Issued    *x509.CertPool // of the certificates that it issues
	Orders    atomic.Int32   // how many were ordered
}

// New starts an authority that takes every name for this machine and connects to tlsPort. Its certificates are valid for the
// life; 0: for years. It suggests no time to renew them (RFC 9773): Pebble's window is days long, so that of a certificate of
// seconds it is the whole life, and a client picks a time in it by chance.
func New(t testing.TB, tlsPort int, life time.Duration) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	silent := log.New(io.Discard, "", 0)
	memory := db.NewMemoryStore()
	signer := ca.New(silent, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default", ValidityPeriod: uint64(life / time.Second)}})
	validator := va.New(silent, 1, tlsPort, false, names(t), memory)
	front := wfe.New(silent, memory, validator, signer, []string{"pebble.test"}, false, false, 1, 1)
	handler := front.Handler()
	a := &Authority{Roots: x509.NewCertPool(), Issued: x509.NewCertPool()}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/finalize-order") {
			a.Orders.Add(1)
		}
		if r.URL.Path == wfe.DirectoryPath {
			withoutRenewalInfo(w, r, handler)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.Directory = server.URL + wfe.DirectoryPath
	a.Roots.AddCert(server.Certificate())
	a.RootPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	a.Issued.AddCert(signer.GetRootCert(0).Cert)
	return a
}

// withoutRenewalInfo serves the directory of an authority that has no renewal information.
func withoutRenewalInfo(w http.ResponseWriter, r *http.Request, whole http.Handler) {
	answer := httptest.NewRecorder()
	whole.ServeHTTP(answer, r)
	directory := map[string]any{}
	if err := json.Unmarshal(answer.Body.Bytes(), &directory); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	delete(directory, "renewalInfo")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(directory)
}

// names starts a name server that knows one address.
func names(t testing.TB) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Net: "tcp", Listener: ln, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		for _, question := range q.Question {
			if question.Qtype == dns.TypeA {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
			}
		}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return ln.Addr().String()
}
