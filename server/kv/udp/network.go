package udp

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conditions is how badly a Network treats datagrams.
type Conditions struct {
	Loss      float64       // share that is lost
	Duplicate float64       // share that comes twice
	Delay     time.Duration // each takes a random time up to this, so that they overtake each other
}

// Network is the simulator on the other side of the sockets: it hands datagrams to the id that they name, badly if told
// so. It is for drills and tests. Make one with NewNetwork.
type Network struct {
	conn net.PacketConn
	wg   sync.WaitGroup
	late sync.WaitGroup // delayed datagrams

	mu         sync.Mutex
	rng        *rand.Rand
	conditions Conditions
	addrs      map[string]net.Addr
	side       map[string]int // ids on different sides do not hear each other; clients hear all
	closed     bool

	carried, lost atomic.Int64
}

// NewNetwork starts a network on a free port of this machine. Equal seeds draw equal fates.
func NewNetwork(seed uint64) (*Network, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &Network{conn: conn, rng: rand.New(rand.NewPCG(seed, 1)), addrs: map[string]net.Addr{}, side: map[string]int{}}
	n.wg.Go(n.serve)
	return n, nil
}

// Port is the port of the network.
func (n *Network) Port() int { return n.conn.LocalAddr().(*net.UDPAddr).Port }

// Set changes how datagrams fare from now on.
func (n *Network) Set(c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conditions = c
}

// Partition separates the ids of the groups from each other; ids that are in none hear everybody. Without groups the network
// is whole.
func (n *Network) Partition(groups ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.side)
	for i, g := range groups {
		for _, id := range g {
			n.side[id] = i + 1
		}
	}
}

// Counts are the datagrams carried and lost so far.
func (n *Network) Counts() (carried, lost int64) { return n.carried.Load(), n.lost.Load() }

// Close ends the network and waits for what is under way.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.late.Wait()
	err := n.conn.Close()
	n.wg.Wait()
	return err
}

func (n *Network) serve() {
	buf := make([]byte, maxDatagram)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var head struct{ Src, Dst string }
		if json.Unmarshal(buf[:size], &head) != nil || !ValidID(head.Src) || head.Src == Broadcast {
			continue
		}
		n.carry(head.Src, head.Dst, from, append([]byte{}, buf[:size]...))
	}
}

func (n *Network) carry(src, dst string, from net.Addr, data []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[src] = from
	for id, addr := range n.addrs {
		if id == src || dst != Broadcast && dst != id {
			continue
		}
		n.carried.Add(1)
		if a, b := n.side[src], n.side[id]; a != 0 && b != 0 && a != b || n.rng.Float64() < n.conditions.Loss {
			n.lost.Add(1)
			continue
		}
		times := 1
		if n.rng.Float64() < n.conditions.Duplicate {
			times = 2
		}
		for range times {
			n.deliver(addr, data)
		}
	}
}

func (n *Network) deliver(addr net.Addr, data []byte) {
	if n.conditions.Delay <= 0 || n.closed {
		n.conn.WriteTo(data, addr)
		return
	}
	n.late.Add(1)
	time.AfterFunc(time.Duration(n.rng.Int64N(int64(n.conditions.Delay))), func() {
		defer n.late.Done()
		n.conn.WriteTo(data, addr)
	})
}
