package consensus

import (
	"encoding/binary"
	"math"
)

// An entry of the log is
//
//	format (1 byte), stamp (varint, ms), keep (uvarint, ms), SQL texts, batches, checksum (4 bytes, from format 2 on)
//
// Each SQL text is carried once an entry.

// command is a batch as it travels: without the errors of its guards, which stay with the caller and are told by number.
type command struct {
	key     string
	urgent  bool // see Batch
	each    bool // see Batch
	private bool // the key was made up for the node's own retries: it need not be kept for long
	digest  []byte
	label   string
	guards  []statement
	stmts   []statement
	query   *statement
	topics  []string
}

// Tags of values.
const (
	tagNull byte = iota
	tagInt
	tagFloat
	tagText
	tagBlob
	tagStamp
	tagIndex
)

// Flags of a command.
const (
	flagPrivate byte = 1 << iota
	flagQuery
	flagUrgent // for the leader that the batch is brought to; programs that do not know it ignore it
	flagLabel
	flagEach // honoured in entries of format 3 and later
)

type encoder struct {
	b     []byte
	sqls  map[string]uint64
	texts []string
}

func (e *encoder) uint(v uint64)  { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)    { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) str(s string)   { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) bytes(s []byte) { e.uint(uint64(len(s))); e.b = append(e.b, s...) }

func (e *encoder) sql(s string) {
	i, ok := e.sqls[s]
	if !ok {
		i = uint64(len(e.texts))
		e.sqls[s], e.texts = i, append(e.texts, s)
	}
	e.uint(i)
}

func (e *encoder) value(v any) {
	switch v := v.(type) {
	case int64:
		e.b = append(e.b, tagInt)
		e.int(v)
	case float64:
		e.b = append(e.b, tagFloat)
		e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(v))
	case string:
		e.b = append(e.b, tagText)
		e.str(v)
	case []byte:
		if v == nil {
			e.b = append(e.b, tagNull)
			return
		}
		e.b = append(e.b, tagBlob)
		e.bytes(v)
	case Stamp:
		e.b = append(e.b, tagStamp)
	case Index:
		e.b = append(e.b, tagIndex)
	default:
		e.b = append(e.b, tagNull)
	}
}

func (e *encoder) statement(s *statement) {
	e.sql(s.sql)
	e.uint(uint64(len(s.args)))
	for _, v := range s.args {
		e.value(v)
	}
}

func (e *encoder) command(c *command) {
	var flags byte
	if c.private {
		flags |= flagPrivate
	}
	if c.query != nil {
		flags |= flagQuery
	}
	if c.urgent {
		flags |= flagUrgent
	}
	if c.label != "" {
		flags |= flagLabel
	}
	if c.each {
		flags |= flagEach
	}
	e.b = append(e.b, flags)
	e.str(c.key)
	e.bytes(c.digest)
	e.uint(uint64(len(c.guards)))
	for i := range c.guards {
		e.statement(&c.guards[i])
	}
	e.uint(uint64(len(c.stmts)))
	for i := range c.stmts {
		e.statement(&c.stmts[i])
	}
	if c.query != nil {
		e.statement(c.query)
	}
	e.uint(uint64(len(c.topics)))
	for _, t := range c.topics {
		e.str(t)
	}
	if c.label != "" {
		e.str(c.label)
	}
}

// encodeEntry makes an entry of the first format: what every program can read.
func (e *encoder) encodeEntry(stamp, keep int64, commands []*command) []byte {
	return e.encodeVersion(firstFormat, stamp, keep, commands)
}

// encodeVersion makes an entry. e is scratch that is used again; the entry is freshly allocated, since Raft keeps it. The
// checksum goes with the entry from the leader's memory through logs and networks to where it is applied.
func (e *encoder) encodeVersion(format byte, stamp, keep int64, commands []*command) []byte {
	e.b, e.texts = e.b[:0], e.texts[:0]
	if e.sqls == nil {
		e.sqls = map[string]uint64{}
	}
	clear(e.sqls)
	e.uint(uint64(len(commands)))
	for _, c := range commands {
		e.command(c)
	}
	size := len(e.b) + 32
	for _, s := range e.texts {
		size += len(s) + binary.MaxVarintLen32
	}
	h := encoder{b: append(make([]byte, 0, size), format)}
	h.int(stamp)
	h.uint(uint64(keep))
	h.uint(uint64(len(e.texts)))
	for _, s := range e.texts {
		h.str(s)
	}
	h.b = append(h.b, e.b...)
	if format > firstFormat {
		h.b = binary.LittleEndian.AppendUint32(h.b, checksum(h.b))
	}
	return h.b
}

type decoder struct {
	b     []byte
	bad   bool
	index uint64 // 0: leave Stamp and Index in place, since the batch is not applied but travels on
	stamp int64
	texts []string
}

func (d *decoder) fail() { d.bad, d.b = true, nil }

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	b := d.b[0]
	d.b = d.b[1:]
	return b
}

// bytes shares the decoder's memory.
func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}

// count reads a number of elements, each of which takes at least one byte: a damaged count cannot make us allocate.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) sql() string {
	i := d.uint()
	if i >= uint64(len(d.texts)) {
		d.fail()
		return ""
	}
	return d.texts[i]
}

func (d *decoder) value() any {
	switch d.byte() {
	case tagNull:
		return nil
	case tagInt:
		return d.int()
	case tagFloat:
		if len(d.b) < 8 {
			d.fail()
			return nil
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(d.b))
		d.b = d.b[8:]
		return f
	case tagText:
		return string(d.bytes())
	case tagBlob:
		return append([]byte{}, d.bytes()...)
	case tagStamp:
		if d.index == 0 {
			return Stamp{}
		}
		return d.stamp
	case tagIndex:
		if d.index == 0 {
			return Index{}
		}
		return int64(d.index)
	}
	d.fail()
	return nil
}

func (d *decoder) statement() statement {
	s := statement{sql: d.sql()}
	if n := d.count(); n > 0 {
		s.args = make([]any, n)
	}
	for i := range s.args {
		s.args[i] = d.value()
	}
	return s
}

func (d *decoder) statements() []statement {
	n := d.count()
	if n == 0 {
		return nil
	}
	out := make([]statement, n)
	for i := range out {
		out[i] = d.statement()
	}
	return out
}

func (d *decoder) command() *command {
	flags := d.byte()
	c := &command{private: flags&flagPrivate != 0, urgent: flags&flagUrgent != 0, each: flags&flagEach != 0, key: string(d.bytes()), digest: append([]byte(nil), d.bytes()...)}
	c.guards, c.stmts = d.statements(), d.statements()
	if flags&flagQuery != 0 {
		q := d.statement()
		c.query = &q
	}
	for range d.count() {
		c.topics = append(c.topics, string(d.bytes()))
	}
	if flags&flagLabel != 0 {
		c.label = string(d.bytes())
	}
	return c
}

type entry struct {
	stamp, keep int64
	commands    []*command
}

// decodeEntry reads the entry at index. Stamps below floor become floor: they never go back. Without an index the batches
// are on their way and their Stamp and Index parameters stay.
func decodeEntry(p []byte, floor int64, index uint64) (entry, error) {
	if err := checkEntryFormat(p); err != nil {
		return entry{}, err
	}
	if p[0] > firstFormat {
		end := len(p) - checksumLen
		if end < 1 || binary.LittleEndian.Uint32(p[end:]) != checksum(p[:end]) {
			return entry{}, errEntry
		}
		p = p[:end]
	}
	d := &decoder{b: p[1:], index: index}
	e := entry{stamp: max(d.int(), floor), keep: int64(d.uint())}
	d.stamp = e.stamp
	for range d.count() {
		d.texts = append(d.texts, string(d.bytes()))
	}
	n := d.count()
	if d.bad || e.keep < 0 {
		return entry{}, errEntry
	}
	e.commands = make([]*command, 0, n)
	for range n {
		e.commands = append(e.commands, d.command())
		if d.bad {
			return entry{}, errEntry
		}
	}
	if len(d.b) != 0 {
		return entry{}, errEntry
	}
	return e, nil
}
