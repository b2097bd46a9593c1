package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
)

func (s *Server) getGradebook(ctx context.Context, actor lms.Actor, in api.GradebookInput) (lms.Gradebook, error) {
	return s.store.Gradebook(ctx, actor, in.Course, in.Section)
}

func (s *Server) getStudentGrades(ctx context.Context, actor lms.Actor, in api.StudentGradesPath) (lms.StudentGrades, error) {
	return s.store.StudentGrades(ctx, actor, in.Course, in.User)
}

func (s *Server) getBookCell(ctx context.Context, actor lms.Actor, in api.CellPath) (lms.BookCellDetail, error) {
	return s.store.BookCell(ctx, actor, in.Course, in.Column, in.User)
}

func (s *Server) setMark(ctx context.Context, actor lms.Actor, in api.MarkInput) (lms.BookCellDetail, error) {
	return s.store.SetMark(ctx, actor, in.Course, in.Column, in.User, in.Mark, in.Version, in.AllowAbove)
}

func (s *Server) postColumn(ctx context.Context, actor lms.Actor, in api.PostColumnInput) (out api.PostColumnOutput, err error) {
	if in.Hide {
		out.Changed, err = s.store.HideColumn(ctx, actor, in.Course, in.Column, in.Users)
	} else {
		out.Changed, err = s.store.PostColumn(ctx, actor, in.Course, in.Column, in.Users)
	}
	return out, err
}

func (s *Server) getBookSettings(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.BookSettings, error) {
	return s.store.BookSettings(ctx, actor, in.Course)
}

func (s *Server) setBookSettings(ctx context.Context, actor lms.Actor, in api.BookSettingsInput) (lms.BookSettings, error) {
	return s.store.SetBookSettings(ctx, actor, in.Course, in.BookSettings)
}

func (s *Server) createColumn(ctx context.Context, actor lms.Actor, in api.ColumnInput) (lms.BookColumn, error) {
	return s.store.CreateColumn(ctx, actor, in.Course, in.Value())
}

func (s *Server) updateColumn(ctx context.Context, actor lms.Actor, in api.UpdateColumnInput) (lms.BookColumn, error) {
	c := in.Value()
	c.ID, c.Version = in.Column, in.Version
	return s.store.UpdateColumn(ctx, actor, in.Course, c)
}

func (s *Server) archiveColumn(ctx context.Context, actor lms.Actor, in api.ColumnPath) (lms.BookColumn, error) {
	return s.store.ArchiveColumn(ctx, actor, in.Course, in.Column)
}

func (s *Server) restoreColumn(ctx context.Context, actor lms.Actor, in api.ColumnPath) (lms.BookColumn, error) {
	return s.store.RestoreColumn(ctx, actor, in.Course, in.Column)
}

func (s *Server) getStatistics(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.ClassStatistics, error) {
	return s.store.ClassStatistics(ctx, actor, in.Course)
}

func (s *Server) listImports(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.Page[lms.BookImport], error) {
	return whole(s.store.BookImports(ctx, actor, in.Course))
}

func (s *Server) undoImport(ctx context.Context, actor lms.Actor, in api.ImportPath) (lms.BookImport, error) {
	return s.store.UndoImport(ctx, actor, in.Course, in.Import)
}

func (s *Server) listNotes(ctx context.Context, actor lms.Actor, in api.ListNotesInput) (api.Page[lms.Note], error) {
	items, next, total, err := s.store.Notes(ctx, actor, in.Course, in.After, in.Limit)
	for i := range items {
		renderNote(&items[i])
	}
	return api.Page[lms.Note]{Items: list(items), Next: next, Total: total}, err
}

func (s *Server) getNote(ctx context.Context, actor lms.Actor, in api.NotePath) (lms.Note, error) {
	n, err := s.store.Note(ctx, actor, in.Course, in.Note)
	return withHTML(n, err, renderNote)
}

func (s *Server) sendNote(ctx context.Context, actor lms.Actor, in api.NoteInput) (lms.Note, error) {
	n, err := s.store.SendNote(ctx, actor, in.Value())
	return withHTML(n, err, renderNote)
}

func renderNote(n *lms.Note) { n.BodyHTML = safeHTML(n.Body) }
