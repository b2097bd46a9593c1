package tutor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

// names is a name server for the length of a test: what the host table of the machine says does not matter.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr // by name without the last dot: one list for each time it is asked, the last for ever
	asked   map[string]int
}

func serveNames(t *testing.T, answers map[string][][]netip.Addr) *names {
	t.Helper()
	n := &names{answers: answers, asked: map[string]int{}}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			k, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.reply(buf[:k]); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("udp", conn.LocalAddr().String()) // without the trace of the call, which counts connections of the call itself
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		<-done
	})
	return n
}

// reply answers a question for addresses of version 4 from the list, and any other with nothing.
func (n *names) reply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	n.mu.Lock()
	defer n.mu.Unlock()
	lists, known := n.answers[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	} else {
		version4 := q.Type == dnsmessage.TypeA
		times := n.asked[name]
		if version4 {
			n.asked[name]++
		}
		for _, a := range lists[min(times, len(lists)-1)] {
			head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET}
			switch {
			case version4 && a.Is4():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
			case q.Type == dnsmessage.TypeAAAA && !a.Is4():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// dials counts the connections that a call tries to make, to whatever address.
func dials(t *testing.T, n *atomic.Int32) context.Context {
	return httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{ConnectStart: func(string, string) { n.Add(1) }})
}

// TestAcceptance19EndpointFormsMakeNoConnection tries forms of an endpoint that must not be reached, each with a listener of this
// machine where the form could mean one: no connection is even begun.
func TestAcceptance19EndpointFormsMakeNoConnection(t *testing.T) {
	trap := tutortest.New(t, tutortest.Says("no"))
	_, port, _ := net.SplitHostPort(trap.Listener.Addr().String())
	serveNames(t, map[string][][]netip.Addr{
		"rebind.example":        {addrs("127.0.0.1")},
		"sometimes.example":     {addrs("192.168.1.9"), addrs("127.0.0.1")},
		"metadata.example":      {addrs("169.254.169.254")},
		"inside.example":        {addrs("10.0.0.7", "192.168.1.1", "172.16.0.1")},
		"shared.example":        {addrs("100.64.1.1")},
		"mapped.example":        {addrs("::ffff:127.0.0.1")},
		"six.example":           {addrs("::1", "fe80::1", "fd00::1")},
		"any.example":           {addrs("0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1")},
		"public.example":        {addrs("93.184.216.34")},
		"localhost":             {addrs("93.184.216.34")},
		"x.localhost":           {addrs("93.184.216.34")},
		"2130706433.example":    {addrs("127.0.0.1")},
		"127.0.0.1.nip.example": {addrs("127.0.0.1")},
	})
	forms := []struct {
		url     string
		private bool
	}{
		// Metadata and link-local addresses.
		{"http://169.254.169.254", false}, {"https://169.254.169.254/latest", false}, {"http://169.254.169.254", true}, {"https://[fe80::1]", true},
		{"https://[::ffff:169.254.169.254]", true}, {"https://metadata.example", false}, {"https://metadata.example", true},
		// Decimal, octal, hexadecimal and short spellings.
		{"http://2130706433:" + port, false}, {"https://2130706433:" + port, false}, {"http://0x7f000001:" + port, false}, {"https://0x7f.0.0.1:" + port, false},
		{"https://0177.0.0.1:" + port, false}, {"https://127.1:" + port, false}, {"https://127.0.1:" + port, false}, {"https://3232235521", false},
		{"https://0xA9FEA9FE", false}, {"https://017700000001:" + port, false}, {"http://0:" + port, false}, {"https://0x7f000001:" + port, true},
		// Mapped and embedded forms.
		{"https://[::ffff:127.0.0.1]:" + port, false}, {"https://[::ffff:7f00:1]:" + port, false}, {"https://[::ffff:10.0.0.1]", false},
		{"https://[::ffff:a00:1]", false}, {"https://mapped.example:" + port, false}, {"https://[64:ff9b::7f00:1]:" + port, false}, {"https://[2002:7f00:1::]:" + port, false},
		{"https://[::127.0.0.1]:" + port, false},
		// Private and other special addresses.
		{"https://10.0.0.1", false}, {"https://192.168.0.1", false}, {"https://172.16.0.1", false}, {"https://100.64.0.1", false}, {"https://[fd00::1]", false}, {"https://[fec0::1]", false},
		{"https://0.0.0.0:" + port, false}, {"https://0.0.0.0:" + port, true}, {"https://224.0.0.1", true}, {"https://255.255.255.255", true}, {"https://[ff02::1]", true}, {"https://[::]:" + port, true},
		// Names that lead inside, now or the second time.
		{"https://rebind.example:" + port, false}, {"https://sometimes.example:" + port, false}, {"https://inside.example", false}, {"https://shared.example", false},
		{"https://six.example:" + port, false}, {"https://any.example:" + port, true}, {"https://2130706433.example:" + port, false}, {"https://127.0.0.1.nip.example:" + port, false},
		{"https://no-such-name.example", false},
		// http to a public host, and names of this machine that are not.
		{"http://public.example", false}, {"http://public.example", true}, {"http://93.184.216.34", false}, {"http://93.184.216.34", true}, {"http://x.localhost:" + port, false},
		{"http://127.0.0.1.nip.example:" + port, false}, {"http://rebind.example:" + port, false},
		// User names, fragments, parameters and other schemes.
		{"http://user:secret@127.0.0.1:" + port, false}, {"https://api.example.com@127.0.0.1:" + port, false}, {"http://127.0.0.1:" + port + "#x", false},
		{"http://127.0.0.1:" + port + "?x=1", false}, {"ftp://127.0.0.1:" + port, false}, {"file:///etc/passwd", false}, {"gopher://127.0.0.1:" + port, false},
		{"unix:///var/run/docker.sock", false}, {"javascript:alert(1)", false}, {"//127.0.0.1:" + port, false}, {"127.0.0.1:" + port, false},
		{"http:127.0.0.1:" + port, false}, {"http:///127.0.0.1", false}, {"https://", false}, {"http://127.0.0.1:" + port + "\r\nHost: x", false}, {"https://127.0.0.1%00.example", false},
		{"https://[::1", false}, {"https://[::1%25lo]:" + port, false}, {`https://127.0.0.1:` + port + `\@api.example.com`, false},
	}
	if len(forms) < 40 {
		t.Fatalf("%d forms", len(forms))
	}
	for _, f := range forms {
		t.Run(strings.Map(printable, fmt.Sprintf("%s private %t", f.url, f.private)), func(t *testing.T) {
			c := Config{Endpoint: f.url, Model: "m", Key: "k", AllowPrivate: f.private, Limits: quick}
			if err := c.Validate(); err != nil {
				return // no client is made
			}
			var n atomic.Int32
			m := newModelClient(c)
			defer m.close()
			for range 2 { // the second time a name may mean something else
				if _, err := m.complete(dials(t, &n), []message{{roleUser, "x"}}, func(string) {}, func(string) {}); err == nil {
					t.Error("it is answered")
				}
			}
			if n.Load() != 0 {
				t.Errorf("%d connections begun", n.Load())
			}
		})
	}
	if trap.Connections() != 0 {
		t.Errorf("%d connections arrived", trap.Connections())
	}

	t.Run("a name is judged each time it is resolved", func(t *testing.T) {
		serveNames(t, map[string][][]netip.Addr{"flips.localhost": {addrs("127.0.0.1"), addrs("93.184.216.34")}})
		m := newModelClient(valid(t, Config{Endpoint: "http://flips.localhost:" + port, Model: "m", Limits: quick}))
		defer m.close()
		var n atomic.Int32
		for i, want := range []int32{1, 1} { // the first is this machine, the second is not
			_, err := m.complete(dials(t, &n), []message{{roleUser, "x"}}, func(string) {}, func(string) {})
			if (err == nil) != (i == 0) || n.Load() != want {
				t.Errorf("time %d: %v, %d connections", i+1, err, n.Load())
			}
			m.close() // so that the name is asked for again
		}
	})
	t.Run("the instrument counts", func(t *testing.T) {
		var n atomic.Int32
		m := newModelClient(valid(t, Config{Endpoint: trap.URL, Model: "m", Limits: quick}))
		defer m.close()
		if _, err := m.complete(dials(t, &n), []message{{roleUser, "x"}}, func(string) {}, func(string) {}); err != nil || n.Load() != 1 {
			t.Errorf("%v, %d connections", err, n.Load())
		}
	})
}

func valid(t *testing.T, c Config) Config {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

func printable(r rune) rune {
	if r < ' ' || r == '/' {
		return '_'
	}
	return r
}

// A redirect is not followed, by whatever status, and neither the key nor the prompt goes elsewhere; what the upstream says about
// it is not shown.
func TestAcceptance19RedirectsAreNotFollowed(t *testing.T) {
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		elsewhere := tutortest.New(t, tutortest.Says("no"))
		model := tutortest.New(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Location", elsewhere.URL+"/v1/chat/completions")
			w.WriteHeader(code)
			if code != 304 {
				w.Write([]byte("upstream secret"))
			}
		})
		final, _, _ := answerOf(t, model.URL)
		if final.State != lms.ReplyFailed || elsewhere.Connections() != 0 || model.Count() != 1 || strings.Contains(final.Body+final.Note, "secret") {
			t.Errorf("%d: %s, %d connections elsewhere, %d requests", code, final.State, elsewhere.Connections(), model.Count())
		}
	}
}
