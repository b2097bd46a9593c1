package web

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"trivium/app/api"
	"trivium/app/lms"
)

// Backup makes archives of the site; *backup.Service is one.
type Backup interface {
	Start(ctx context.Context, recipients []string, keys bool) (lms.Backup, error)
	Content(ctx context.Context, id string) (name string, write func(io.Writer) error, err error)
	Status(ctx context.Context) (lms.BackupStatus, error)
}

func (s *Server) backups() (Backup, error) {
	if s.c.Backup == nil {
		return nil, lms.ErrUnavailable
	}
	return s.c.Backup, nil
}

var errKeysOfOperator = lms.FieldErrorf(lms.KindForbidden, "keys", "Only the operator of a node gets the keys of sealed secrets: \"trivium backup\" on its machine, or a schedule with --backup-recipient.")

func (s *Server) startBackup(ctx context.Context, actor lms.Actor, in api.BackupInput) (lms.BackupStatus, error) {
	b, err := s.backups()
	if err != nil {
		return lms.BackupStatus{}, err
	}
	if in.Keys && actor.UserID != lms.OperatorID {
		return lms.BackupStatus{}, errKeysOfOperator
	}
	if err := s.audit(ctx, lms.AuditBackup, "site", "recipients", strconv.Itoa(len(in.Recipients)), "keys", strconv.FormatBool(in.Keys)); err != nil {
		return lms.BackupStatus{}, err
	}
	if _, err := b.Start(ctx, in.Recipients, in.Keys); err != nil {
		return lms.BackupStatus{}, err
	}
	return b.Status(ctx)
}

func (s *Server) getBackups(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.BackupStatus, error) {
	b, err := s.backups()
	if err != nil {
		return lms.BackupStatus{}, err
	}
	return b.Status(ctx)
}

// backupContent writes the archive while it is made. When that fails in the middle, the connection is cut: an archive that
// looked whole would be found out only when it is needed.
func (s *Server) backupContent(q *request, in api.BackupPath) error {
	b, err := s.backups()
	if err != nil {
		return err
	}
	name, write, err := b.Content(q.ctx, in.Backup)
	if err != nil {
		return err
	}
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", disposition(name, false))
	h.Set("Cache-Control", "no-store")
	if err := write(q.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
