package consensus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/mattn/go-sqlite3"
)

// void sqlite3_interrupt(void *);
import "C"

// interruptEvery is how often a statement that is to end is told so: SQLite forgets it where nothing runs yet.
const interruptEvery = 5 * time.Millisecond

// The driver can end a statement by itself, but then runs every step in a goroutine of its own. A scan of many rows is two
// goroutines that hand the processor to each other without letting go of it, and everything else waits: with 60,000 rows
// and one processor Raft's heartbeats came 400 ms late. So statements run without a context, and are interrupted from here.
// The handle is in a field that the driver does not export.

// handle is the sqlite3* of a connection.
func handle(c *sqlite3.SQLiteConn) (unsafe.Pointer, error) {
	f := reflect.ValueOf(c).Elem().FieldByName("db")
	if !f.IsValid() || f.Kind() != reflect.Pointer || f.IsNil() {
		return nil, fmt.Errorf("the SQLite driver has no field db")
	}
	return f.UnsafePointer(), nil
}

// watch ends what runs on the connection when the context ends, until stop is called.
func (c *conn) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(ended)
		for {
			C.sqlite3_interrupt(c.db)
			select {
			case <-done:
				return
			case <-time.After(interruptEvery):
			}
		}
	})
	return func() {
		if !forget() { // the next statement must not be interrupted
			close(done)
			<-ended
		}
	}
}

// isInterrupt reports whether a statement was ended from beside.
func isInterrupt(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrInterrupt
}
