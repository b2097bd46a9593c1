package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"

	"trivium/app/lms"
	"trivium/server/sql"
	"trivium/server/store"
)

// checkSQL refuses a port for SQL over which passwords would travel in clear.
func (c *Config) checkSQL() error {
	if c.SQL == "" {
		if c.SQLWrite {
			return errors.New("--sql-write needs --sql with the address to serve SQL on")
		}
		return nil
	}
	host, _, err := net.SplitHostPort(c.SQL)
	if err != nil {
		return fmt.Errorf("--sql %q is not an address; write host:port, such as 127.0.0.1:4001", c.SQL)
	}
	if !loopback(host) && !c.encrypts() && !c.InsecureHTTP {
		return fmt.Errorf("--sql %s can be reached from other machines, so passwords need encryption: give --tls-cert and --tls-key, or --acme-domain, or --insecure-http where something in front encrypts", c.SQL)
	}
	return nil
}

// sqlURL is where the clients of the other nodes reach this node's port for SQL.
func (c *Config) sqlURL(addr net.Addr) string {
	host, _, _ := net.SplitHostPort(c.SQL)
	_, port, _ := net.SplitHostPort(addr.String())
	scheme := "http"
	ip := net.ParseIP(host)
	if origin, err := url.Parse(c.Origin); err == nil && (c.encrypts() || host == "" || ip != nil && ip.IsUnspecified()) {
		host = origin.Hostname() // the name that the certificate carries
	}
	if c.encrypts() {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// listenSQL takes the port, before anything is begun that a port which is taken would spoil.
func (n *Node) listenSQL() (err error) {
	if n.config.SQL == "" {
		return nil
	}
	if n.sqlListener, err = net.Listen("tcp", n.config.SQL); err != nil {
		return fmt.Errorf("--sql: %w", err)
	}
	return nil
}

// openSQL serves administrators' programs.
func (n *Node) openSQL() error {
	ln := n.sqlListener
	if ln == nil {
		return nil
	}
	url := n.config.sqlURL(ln.Addr())
	if n.tls != nil {
		c := n.tls.Clone()
		c.NextProtos = []string{"http/1.1"}
		ln = tls.NewListener(ln, c)
	}
	var err error
	n.sql, err = sql.New(sql.Config{
		DB: n.db, Network: n.cluster.Network(), Address: n.config.Advertise, URL: url, TLS: n.tls != nil,
		Version: version(), Write: n.config.SQLWrite, Replica: n.config.Replica, Dir: n.config.Data, Topics: []string{store.KVTopic},
		Authenticate: n.web.Administrator, Logger: n.log,
		Audit: func(ctx context.Context, actor lms.Actor, address string, action lms.AuditAction, object string, details ...string) error {
			return n.store.Audit(ctx, store.AuditEvent{Caller: store.Caller{Actor: actor, Address: address}, Action: action, Object: object, Details: details})
		},
	}, ln)
	if err != nil {
		return fmt.Errorf("--sql: %w", err)
	}
	n.log.Info("SQL is served to administrators", "url", url, "writing", n.config.SQLWrite)
	return nil
}

func (n *Node) closeSQL() error {
	switch {
	case n.sql != nil:
		return n.sql.Close()
	case n.sqlListener != nil:
		return n.sqlListener.Close()
	}
	return nil
}
