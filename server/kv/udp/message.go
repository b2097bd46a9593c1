package udp

import (
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// Broadcast is every replica as a destination, and no leader known.
const Broadcast = "FFFF"

// Message is one datagram.
type Message struct {
	Src    string `json:"src"`
	Dst    string `json:"dst"`
	Leader string `json:"leader"`
	Type   string `json:"type"`
	MID    string `json:"MID,omitempty"`
	Key    string `json:"key,omitempty"`
	Value  string `json:"value"`
	Part   *Part  `json:"raft,omitempty"`
}

// Part is a fragment of a message of Raft's.
type Part struct {
	Boot   uint64 `json:"boot"` // tells the runs of a replica apart
	Call   uint64 `json:"call"` // numbers the calls of a run
	Answer bool   `json:"answer,omitempty"`
	Number int    `json:"number"` // from 0
	Of     int    `json:"of"`
	Data   []byte `json:"data"`
}

// The types of messages.
const (
	typeHello    = "hello"
	typeGet      = "get"
	typePut      = "put"
	typeOK       = "ok"
	typeFail     = "fail"
	typeRedirect = "redirect"
	typeRaft     = "raft"
)

// Bounds of a datagram.
const (
	maxDatagram = 65507
	maxKey      = 512
	maxValue    = 32 << 10
	maxMID      = 64
)

var errMalformed = errors.New("udp: malformed datagram")

// ValidID reports whether id is four hexadecimal digits.
func ValidID(id string) bool {
	_, err := strconv.ParseUint(id, 16, 16)
	return err == nil && len(id) == 4
}

// parse reads a datagram that is meant for self.
func parse(data []byte, self string) (m Message, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, errMalformed
	}
	ok := ValidID(m.Src) && m.Src != Broadcast && (m.Dst == self || m.Dst == Broadcast) && (m.Leader == "" || ValidID(m.Leader))
	switch m.Type {
	case typeHello, typeOK, typeFail, typeRedirect:
	case typeGet, typePut:
		ok = ok && m.MID != "" && len(m.MID) <= maxMID && m.Key != "" && len(m.Key) <= maxKey && len(m.Value) <= maxValue
	case typeRaft:
		p := m.Part
		ok = ok && p != nil && p.Of > 0 && p.Of <= maxParts && p.Number >= 0 && p.Number < p.Of && len(p.Data) <= partSize
	default:
		ok = false
	}
	if !ok {
		return m, errMalformed
	}
	return m, nil
}

// Conn is the socket of a replica or a client. Make one with Dial.
type Conn struct {
	id     string
	conn   net.Conn
	leader func() string

	sent, received, malformed atomic.Int64
	once                      sync.Once
}

// Dial opens a socket to the simulator's port on this machine.
func Dial(port int, id string) (*Conn, error) {
	conn, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return &Conn{id: id, conn: conn, leader: func() string { return Broadcast }}, nil
}

// Send fills in src and leader and sends the message. A lost datagram is no error.
func (c *Conn) Send(m Message) {
	m.Src = c.id
	if m.Leader == "" {
		m.Leader = c.leader()
	}
	data, err := json.Marshal(m)
	if err != nil || len(data) > maxDatagram {
		return
	}
	c.sent.Add(1)
	_, _ = c.conn.Write(data) // whatever goes wrong here could go wrong on the way
}

// Receive returns the next message for this id; what is malformed is counted and dropped. It fails when the socket is
// closed.
func (c *Conn) Receive() (Message, error) {
	buf := make([]byte, maxDatagram)
	for {
		n, err := c.conn.Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return Message{}, err
		case err != nil:
			continue // nobody listens at the port for the moment
		}
		m, err := parse(buf[:n], c.id)
		if err != nil {
			c.malformed.Add(1)
			continue
		}
		c.received.Add(1)
		return m, nil
	}
}

// Close closes the socket.
func (c *Conn) Close() (err error) {
	c.once.Do(func() { err = c.conn.Close() })
	return err
}
