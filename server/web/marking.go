package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
)

// markingTable binds the endpoints of marking.
func (s *Server) markingTable() []binding {
	return []binding{
		bind(api.GetMarking, s.getMarking),
		bind(api.UpdateMarking, s.updateMarking),
		bind(api.HideGrades, s.hideGrades),
		bind(api.RevealIdentities, s.revealIdentities),
		bind(api.CountWork, s.countWork),
		bind(api.ListGradeChange, s.listGradeChange),
		bind(api.ListRubrics, s.listRubrics),
		bind(api.CreateRubric, s.createRubric),
		bind(api.GetRubric, s.getRubric),
		bind(api.UpdateRubric, s.updateRubric),
		bind(api.DeleteRubric, s.deleteRubric),
		bind(api.RestoreRubric, s.restoreRubric),
		bind(api.ListComments, s.listComments),
		bind(api.AddComment, s.addComment),
		bind(api.DeleteComment, s.deleteComment),
		bind(api.RestoreComment, s.restoreComment),
		bind(api.ListAnnotations, s.listAnnotations),
		bind(api.Annotate, s.annotate),
		bind(api.UpdateAnnotation, s.updateAnnotation),
		bind(api.DeleteAnnotation, s.deleteAnnotation),
		bind(api.RestoreAnnotation, s.restoreAnnotation),
		bindRaw(api.ArchiveWork, s.archiveWork),
		bindRaw(api.ArchiveOne, s.archiveOne),
		bind(api.PreviewFeedback, s.previewFeedback),
		bind(api.ApplyFeedback, s.applyFeedback),
		bind(api.UndoFeedback, s.undoFeedback),
	}
}

func (s *Server) getMarking(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Marking, error) {
	return s.store.Marking(ctx, actor, in.Course, in.Assignment)
}

func (s *Server) updateMarking(ctx context.Context, actor lms.Actor, in api.MarkingInput) (lms.Marking, error) {
	return s.store.UpdateMarking(ctx, actor, in.Course, in.Value())
}

func (s *Server) revealIdentities(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.Assignment, error) {
	a, err := s.store.RevealIdentities(ctx, actor, in.Course, in.Assignment)
	return withHTML(a, err, renderAssignment)
}

func (s *Server) hideGrades(ctx context.Context, actor lms.Actor, in api.HideGradesInput) (api.HideGradesOutput, error) {
	n, err := s.store.HideGrades(ctx, actor, in.Course, in.Assignment, in.Scope())
	return api.HideGradesOutput{Hidden: n}, err
}

func (s *Server) countWork(ctx context.Context, actor lms.Actor, in api.AssignmentPath) (lms.SubmissionCounts, error) {
	return s.store.SubmissionCounts(ctx, actor, in.Course, in.Assignment)
}

func (s *Server) listGradeChange(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (api.Page[lms.GradeChange], error) {
	return whole(s.store.GradeHistory(ctx, actor, in.Course, in.Submission))
}

func (s *Server) listRubrics(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.Page[lms.Rubric], error) {
	return whole(s.store.Rubrics(ctx, actor, in.Course))
}

func (s *Server) createRubric(ctx context.Context, actor lms.Actor, in api.RubricInput) (lms.Rubric, error) {
	return s.store.CreateRubric(ctx, actor, in.Value())
}

func (s *Server) getRubric(ctx context.Context, actor lms.Actor, in api.RubricPath) (lms.Rubric, error) {
	return s.store.Rubric(ctx, actor, in.Course, in.Rubric)
}

func (s *Server) updateRubric(ctx context.Context, actor lms.Actor, in api.UpdateRubricInput) (lms.Rubric, error) {
	return s.store.UpdateRubric(ctx, actor, in.Value())
}

func (s *Server) deleteRubric(ctx context.Context, actor lms.Actor, in api.RubricPath) (api.Empty, error) {
	_, err := s.store.ArchiveRubric(ctx, actor, in.Course, in.Rubric, true)
	return api.Empty{}, err
}

func (s *Server) restoreRubric(ctx context.Context, actor lms.Actor, in api.RubricPath) (lms.Rubric, error) {
	return s.store.ArchiveRubric(ctx, actor, in.Course, in.Rubric, false)
}

func (s *Server) listComments(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (api.Page[lms.Comment], error) {
	items, err := s.store.Comments(ctx, actor, in.Course, in.Submission)
	for i := range items {
		renderComment(&items[i])
	}
	return whole(items, err)
}

func (s *Server) addComment(ctx context.Context, actor lms.Actor, in api.CommentInput) (lms.Comment, error) {
	c, err := s.store.AddComment(ctx, actor, in.Course, in.Value())
	return withHTML(c, err, renderComment)
}

func renderComment(c *lms.Comment) { c.BodyHTML = safeHTML(c.Body) }

func (s *Server) deleteComment(ctx context.Context, actor lms.Actor, in api.CommentPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteComment(ctx, actor, in.Course, in.Submission, in.Comment, true)
}

func (s *Server) restoreComment(ctx context.Context, actor lms.Actor, in api.CommentPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteComment(ctx, actor, in.Course, in.Submission, in.Comment, false)
}

func (s *Server) listAnnotations(ctx context.Context, actor lms.Actor, in api.SubmissionPath) (api.Page[lms.Annotation], error) {
	return whole(s.store.Annotations(ctx, actor, in.Course, in.Submission))
}

func (s *Server) annotate(ctx context.Context, actor lms.Actor, in api.AnnotationInput) (lms.Annotation, error) {
	return s.store.Annotate(ctx, actor, in.Course, in.Value())
}

func (s *Server) updateAnnotation(ctx context.Context, actor lms.Actor, in api.UpdateAnnotationInput) (lms.Annotation, error) {
	return s.store.UpdateAnnotation(ctx, actor, in.Course, in.Submission, in.Annotation, in.Body, in.Version)
}

func (s *Server) deleteAnnotation(ctx context.Context, actor lms.Actor, in api.AnnotationPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteAnnotation(ctx, actor, in.Course, in.Submission, in.Annotation, true)
}

func (s *Server) restoreAnnotation(ctx context.Context, actor lms.Actor, in api.AnnotationPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteAnnotation(ctx, actor, in.Course, in.Submission, in.Annotation, false)
}
