package consensus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Hash returns a hash over the sorted rows of every table, and the index it stands at. Equal index, equal hash, on
// every node.
func (db *DB) Hash(ctx context.Context) (sum string, index uint64, err error) {
	err = db.machine.use(func(d *database) error {
		c, err := openConn(d.path, "mode=ro&_query_only=1")
		if err != nil {
			return err
		}
		defer c.close()
		sum, index, err = c.hash(ctx)
		return err
	})
	if err != nil {
		return "", 0, fmt.Errorf("consensus: hash: %w", err)
	}
	return sum, index, nil
}

// hash reads one state of the database from beginning to end.
func (c *conn) hash(ctx context.Context) (string, uint64, error) {
	if _, err := c.run(ctx, "BEGIN"); err != nil {
		return "", 0, err
	}
	defer c.run(context.Background(), "ROLLBACK")
	st, err := stateOf(c.run(ctx, stateQuery))
	if err != nil {
		return "", 0, err
	}
	sum, err := c.hashSchema(ctx, 0, 1)
	return sum, st.index, err
}

// hashSchema hashes one of so many parts of the tables, and their definitions.
func (c *conn) hashSchema(ctx context.Context, part, parts int) (string, error) {
	objects, err := c.run(ctx, `SELECT type, name, coalesce(sql, '') FROM sqlite_schema
		WHERE name NOT LIKE 'raft\_%' ESCAPE '\' AND tbl_name NOT LIKE 'raft\_%' ESCAPE '\' ORDER BY type, name`)
	if err != nil {
		return "", err
	}
	total := sha256.New()
	for _, o := range objects {
		var kind, name, definition string
		if err := o.Scan(&kind, &name, &definition); err != nil {
			return "", err
		}
		fmt.Fprintf(total, "%q %q %q\n", kind, name, definition)
		// A virtual table has no rows of its own: its shadow tables are hashed like any other.
		if kind != "table" || strings.HasPrefix(strings.ToUpper(definition), "CREATE VIRTUAL") {
			continue
		}
		q, err := c.partOf(ctx, name, definition, part, parts)
		if err != nil {
			return "", fmt.Errorf("table %s: %w", name, err)
		}
		if q == "" {
			continue
		}
		rows, err := c.hashRows(ctx, q)
		if err != nil {
			return "", fmt.Errorf("table %s: %w", name, err)
		}
		total.Write(rows[:])
	}
	return hex.EncodeToString(total.Sum(nil)), nil
}

// partOf is the query of a table's rows of the part: a range of their numbers, or all of those that have none in one of
// the parts. Empty: none of them.
func (c *conn) partOf(ctx context.Context, table, definition string, part, parts int) (string, error) {
	q := `"` + strings.ReplaceAll(table, `"`, `""`) + `"`
	if parts == 1 {
		return `SELECT * FROM ` + q, nil
	}
	if strings.Contains(strings.ToUpper(definition), "WITHOUT ROWID") {
		if ofPart(table, part, parts) {
			return `SELECT * FROM ` + q, nil
		}
		return "", nil
	}
	rows, err := c.run(ctx, `SELECT min(_rowid_), max(_rowid_) FROM `+q)
	if err != nil || len(rows) != 1 || rows[0][0] == nil {
		return "", err
	}
	var first, last int64
	if err := rows[0].Scan(&first, &last); err != nil {
		return "", err
	}
	from, to := rangeOf(first, last, part, parts)
	return fmt.Sprintf(`SELECT * FROM %s WHERE _rowid_ BETWEEN %d AND %d`, q, from, to), nil
}

// rangeOf cuts the numbers from first to last into equal parts.
func rangeOf(first, last int64, part, parts int) (from, to int64) {
	step := uint64(last-first)/uint64(parts) + 1
	from = first + int64(step*uint64(part))
	to = from + int64(step) - 1
	if from > last || part > 0 && from < first { // fewer numbers than parts
		return 1, 0
	}
	if to > last || to < from {
		to = last
	}
	return from, to
}

// hashRows adds up the hashes of the rows, as numbers of 256 bits: the same as hashing them sorted, without sorting.
func (c *conn) hashRows(ctx context.Context, q string) (total [sha256.Size]byte, err error) {
	p, err := c.prepare(q)
	if err != nil {
		return total, err
	}
	defer p.s.Close()
	var e encoder
	err = c.each(ctx, p, nil, func(row Row) error {
		e.b = e.b[:0]
		for _, v := range row {
			e.value(v)
		}
		sum, carry := sha256.Sum256(e.b), uint16(0)
		for i := range total {
			carry += uint16(total[i]) + uint16(sum[i])
			total[i], carry = byte(carry), carry>>8
		}
		return nil
	})
	return total, err
}
