package tutor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// onSite is what people read when text does not leave the institution's machines.
const onSite = "stays on your computers"

// endpoint is a checked base URL.
type endpoint struct {
	base         string // with /v1, without a trailing slash
	origin       string // scheme, host and port
	host         string // without port
	where        string // what people read
	local        bool   // loopback or private: the model may have to be loaded first
	loopback     bool   // the host is a name or address of this machine
	plain        bool   // http
	allowPrivate bool
}

var errUsualForm = errors.New("tutor: write the endpoint's address in the usual form, such as 192.0.2.1")

// parseEndpoint refuses endpoints that could leak the key or reach what must not be reached (TUTOR-35).
func parseEndpoint(raw string, allowPrivate bool) (endpoint, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return endpoint{}, errors.New("tutor: the endpoint is not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return endpoint{}, errors.New("tutor: the endpoint must begin with https:// (or http:// on this computer)")
	case u.User != nil:
		return endpoint{}, errors.New("tutor: the endpoint must not contain a user name or password")
	case u.Fragment != "" || u.RawQuery != "":
		return endpoint{}, errors.New("tutor: the endpoint must not contain # or ?")
	case u.Hostname() == "":
		return endpoint{}, errors.New("tutor: the endpoint has no host")
	}
	e := endpoint{host: strings.ToLower(u.Hostname()), plain: u.Scheme == "http", allowPrivate: allowPrivate}
	e.where = e.host
	e.loopback = e.host == "localhost" || strings.HasSuffix(e.host, ".localhost")
	if addr, err := netip.ParseAddr(e.host); err == nil {
		if addr.Is4In6() || addr.Zone() != "" {
			return endpoint{}, errUsualForm
		}
		e.loopback = addr.IsLoopback()
		e.local = isPrivate(addr)
		if err := e.permit(addr); err != nil {
			return endpoint{}, err
		}
	} else if looksNumeric(e.host) {
		return endpoint{}, errUsualForm
	}
	if e.plain && !e.loopback && !allowPrivate {
		return endpoint{}, errors.New("tutor: http is only for this computer, or for a private network that is explicitly allowed; use https")
	}
	// Over plain http a name can only be reached at a private address, so its text stays.
	e.local = e.local || e.loopback || e.plain
	if e.local {
		e.where = onSite
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = "/v1"
	}
	u.RawPath = ""
	e.base, e.origin = u.String(), u.Scheme+"://"+strings.ToLower(u.Host)
	return e, nil
}

// looksNumeric finds decimal, octal and hexadecimal spellings of an address, which some resolvers accept.
func looksNumeric(host string) bool {
	return strings.Trim(host, "0123456789.") == "" || strings.HasPrefix(host, "0x")
}

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10")
	siteLocal   = netip.MustParsePrefix("fec0::/10")
)

// Addresses of version 6 that lead to one of version 4, and the form of old that means one.
var (
	translated = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	oldForms   = netip.MustParsePrefix("::/96")
)

// carried returns the address of version 4 that translators take an address of version 6 for.
func carried(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case translated.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || sharedSpace.Contains(a) || siteLocal.Contains(a)
}

// permit decides about one resolved address.
func (e endpoint) permit(a netip.Addr) error {
	a = a.Unmap()
	inner, carries := carried(a)
	switch {
	case carries && (!inner.IsGlobalUnicast() || isPrivate(inner)), oldForms.Contains(a) && !a.IsLoopback():
		return fmt.Errorf("tutor: %s is not an address of a service", a)
	case a.IsLoopback():
		if e.loopback || e.allowPrivate {
			return nil
		}
		return fmt.Errorf("tutor: %s is an address of this computer under another name", a)
	case a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified(), a.Is4() && a.As4()[0] >= 240, a.Is4() && a.As4()[0] == 0:
		return fmt.Errorf("tutor: %s is not an address of a service", a)
	case isPrivate(a):
		if e.allowPrivate {
			return nil
		}
		return fmt.Errorf("tutor: %s lies in a private network, which is not allowed", a)
	case e.loopback:
		return fmt.Errorf("tutor: %s is not this computer", a)
	case e.plain:
		return fmt.Errorf("tutor: %s is a public address; use https", a)
	}
	return nil
}

// httpClient makes the client of the endpoint: the name is resolved once per connection and every address is judged before it
// is dialled; no proxy, no redirects.
func (e endpoint) httpClient(connect time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: connect}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connect)
		defer cancel()
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		errs := []error{fmt.Errorf("no usable address of %s", host)}
		for _, a := range addrs {
			if err := e.permit(a); err != nil {
				errs = append(errs, err)
				continue
			}
			conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
			if err == nil {
				return conn, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}
	return &http.Client{
		Transport: &http.Transport{DialContext: dial, TLSHandshakeTimeout: connect, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
