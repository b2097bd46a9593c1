package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/server/certs/certstest"
)

// TestAutomaticCertificate: three nodes, each a process, get one certificate from an authority of the school. The first one orders it;
// the others find it in the replicated database, and so does a node that comes back when nobody else is there.
func TestAutomaticCertificate(t *testing.T) {
	const name = "lms.example.edu"
	addresses := freeAddresses(t, 3)
	_, port, _ := net.SplitHostPort(addresses[0])
	leadsTo, _ := strconv.Atoi(port) // people and the authority find the first node under the name
	ca := certstest.New(t, leadsTo, 0)
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, ca.RootPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	flags := func(i int) []string {
		return []string{"--http", addresses[i], "--acme-domain", name, "--acme-ca", ca.Directory, "--acme-ca-root", root, "--public-origin", "https://" + name + ":" + port}
	}
	transport := func(i int) *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Issued, ServerName: name}, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addresses[i])
			}}
	}
	serial := func(i int) string { // of the certificate under which the node says that it is ready
		client := &http.Client{Transport: transport(i), Timeout: 5 * time.Second}
		resp, err := client.Get("https://" + name + "/readyz")
		if err != nil || resp.StatusCode != http.StatusOK {
			return ""
		}
		defer resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.String()
	}

	nodes := make([]*process, 3)
	nodes[0] = startProcess(t, "n1", nil, flags(0)...)
	first := ""
	eventually(t, "the first node has a certificate", func() bool {
		first = serial(0)
		return first != ""
	})
	operator, err := readLine(filepath.Join(nodes[0].data, operatorFile))
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient("https://"+name, api.WithBearer(operator), api.WithHTTPClient(&http.Client{Transport: transport(0)}))
	for i := 1; i < 3; i++ {
		token := ask(t, client, api.CreateJoinToken, api.NoInput{}).Token
		nodes[i] = startProcess(t, "n"+strconv.Itoa(i+1), nil, append(flags(i), "--join", nodes[0].address, "--token", token)...)
	}
	for i := range nodes {
		eventually(t, nodes[i].id+" serves the same certificate", func() bool { return serial(i) == first })
	}
	if n := ca.Orders.Load(); n != 1 {
		t.Errorf("%d certificates were ordered for one name", n)
	}
	if w := ask(t, client, api.GetCluster, api.NoInput{}).Warnings; len(w) != 0 {
		t.Errorf("warnings: %s", strings.Join(w, "; "))
	}
	nodes[0].kill() // where the authority would ask
	for i := 1; i < 3; i++ {
		if got := serial(i); got != first {
			t.Errorf("%s serves %q after the first node's death", nodes[i].id, got)
		}
	}
}
