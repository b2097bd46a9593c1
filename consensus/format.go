package consensus

import (
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
)

// A format covers the entries of the log and the raft_ tables. An entry begins with its own; the database has the newest of
// those in it, in the file's user_version, and it travels with the file. A new number is for what a program of the release
// before could not read, or would apply otherwise.
//
//	1   the first
//	2   entries end with a checksum, see encodeVersion
//	3   the kept result of a batch may have what each statement returned, see Batch.Each
//
// Nodes are upgraded one by one, so a program writes the format that the database has until every member has told that
// it knows a newer one: see DB.format. From the first such entry on there is no way back.
const firstFormat = 1

// eachFormat is the first format in which Batch.Each is honoured: a program of the release before would keep another result.
const eachFormat = 3

// formats is the newest format that this program knows. The linker may set an older one
// (-X trivium/consensus.formats=1), which makes the program behave as one of the release before.
var formats = "3"

var knownFormat = func() int {
	n, err := strconv.Atoi(formats)
	if err != nil || n < firstFormat || n > 255 {
		panic("consensus.formats: " + formats)
	}
	return n
}()

// format is that of the next entry that this node writes as leader.
func (db *DB) format() byte {
	return byte(max(db.machine.format.Load(), min(db.agreed.Load(), int32(db.config.Format))))
}

// formatOf is the newest format that a node knows; the first programs did not tell.
func formatOf(told int) int { return max(told, firstFormat) }

// checksum is of an entry of format 2, with the polynomial that processors know (Castagnoli).
func checksum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumLen = 4

// FormatError says that the data on the disk, or what another node has sent, is of a format that this program does not
// know. Nothing was changed.
type FormatError struct {
	What        string // "database" or "log"
	Have, Known int    // Have 0: from before formats had numbers
}

func (e *FormatError) Error() string {
	switch {
	case e.Have > e.Known:
		return fmt.Sprintf("the %s has format %d and this program knows formats up to %d: it was written by a newer program; start that one", e.What, e.Have, e.Known)
	case e.Have == 0:
		return fmt.Sprintf("the %s has a format from before the first release, which this program does not know: start the program that wrote it, or begin with an empty directory", e.What)
	}
	return fmt.Sprintf("the %s has format %d, which this program no longer knows: start the program that wrote it", e.What, e.Have)
}

// checkFormat refuses a database of another format, and gives a new one its number. The number comes before the first
// table: a file with tables and no number is old.
func checkFormat(c *conn) error {
	number := func(q string) (n int, err error) {
		rows, err := c.run(context.Background(), q)
		if err == nil && len(rows) == 1 {
			err = rows[0].Scan(&n)
		}
		return n, err
	}
	have, err := number("PRAGMA user_version")
	if err != nil || have != 0 && checkDatabaseFormat(have) == nil {
		return err
	}
	tables, err := number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if have != 0 || tables != 0 {
		return checkDatabaseFormat(have)
	}
	_, err = c.run(context.Background(), fmt.Sprintf("PRAGMA user_version = %d", firstFormat))
	return err
}

func checkDatabaseFormat(have int) error {
	if have < firstFormat || have > knownFormat {
		return &FormatError{What: "database", Have: have, Known: knownFormat}
	}
	return nil
}

// checkEntryFormat refuses an entry that a newer program, or one from before the first release, has written.
func checkEntryFormat(p []byte) error {
	if len(p) == 0 {
		return errEntry
	}
	if n := int(p[0]); n < firstFormat || n > knownFormat {
		return &FormatError{What: "log", Have: n, Known: knownFormat}
	}
	return nil
}
