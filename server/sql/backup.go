package sql

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/rqlite/rqlite/v8/command/proto"
	"github.com/rqlite/rqlite/v8/db"
)

// backup writes a copy of the database: the file as it is, or, from a copy of it beside the database, compacted or as SQL.
func (d *database) backup(br *proto.BackupRequest, w io.Writer) (err error) {
	if br.Compress {
		z := gzip.NewWriter(w)
		defer func() { err = errors.Join(err, z.Close()) }()
		w = z
	}
	if br.Format == proto.BackupRequest_BACKUP_REQUEST_FORMAT_BINARY && !br.Vacuum {
		_, err := d.c.DB.Backup(d.ctx, w)
		return err
	}
	dir, err := os.MkdirTemp(d.c.Dir, "sql-backup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := os.OpenFile(filepath.Join(dir, "db"), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = d.c.DB.CopyTo(d.ctx, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	c, err := db.Open(f.Name(), false, false)
	if err != nil {
		return err
	}
	if br.Format == proto.BackupRequest_BACKUP_REQUEST_FORMAT_SQL {
		return errors.Join(c.Dump(w, br.Tables...), c.Close())
	}
	if br.Vacuum {
		err = c.Vacuum()
	}
	if err = errors.Join(err, c.Close()); err != nil { // what Open has made of it has no write-ahead log
		return err
	}
	f, err = os.Open(f.Name())
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
