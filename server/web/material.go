package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) listMaterials(ctx context.Context, actor lms.Actor, in api.CoursePath) (api.Page[lms.Material], error) {
	return whole(s.store.Materials(ctx, actor, in.Course))
}

func (s *Server) createMaterial(ctx context.Context, actor lms.Actor, in api.MaterialInput) (lms.Material, error) {
	m := lms.Material{ID: in.ID, CourseID: in.Course, Title: in.Title, Kind: in.Kind, Body: in.Body, Published: in.Published}
	if in.Kind == lms.MaterialFile {
		f, err := s.store.File(ctx, actor, in.Course, in.FileID)
		if err != nil {
			return lms.Material{}, err
		}
		if err := f.CheckMaterialType(); err != nil {
			return lms.Material{}, err
		}
		m.File = &f
	}
	m, err := s.store.CreateMaterial(ctx, actor, m)
	return s.renderMaterial(ctx, actor, m, err)
}

func (s *Server) getMaterial(ctx context.Context, actor lms.Actor, in api.MaterialPath) (lms.Material, error) {
	m, err := s.store.Material(ctx, actor, in.Course, in.Material)
	return s.renderMaterial(ctx, actor, m, err)
}

func (s *Server) updateMaterial(ctx context.Context, actor lms.Actor, in api.UpdateMaterialInput) (lms.Material, error) {
	patch := store.MaterialPatch{Title: in.Title, Body: in.Body, Published: in.Published, Captions: in.Captions}
	m, err := s.store.UpdateMaterial(ctx, actor, in.Course, in.Material, in.Version, patch)
	return s.renderMaterial(ctx, actor, m, err)
}

func (s *Server) deleteMaterial(ctx context.Context, actor lms.Actor, in api.MaterialPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteMaterial(ctx, actor, in.Course, in.Material)
}

func (s *Server) restoreMaterial(ctx context.Context, actor lms.Actor, in api.MaterialPath) (lms.Material, error) {
	m, err := s.store.RestoreMaterial(ctx, actor, in.Course, in.Material)
	return s.renderMaterial(ctx, actor, m, err)
}

func (s *Server) listPassages(ctx context.Context, actor lms.Actor, in api.MaterialPath) (api.Page[lms.Passage], error) {
	return whole(s.store.Passages(ctx, actor, in.Course, in.Material))
}

// searchCourse finds what the actor may open, ranked as the tutor does.
func (s *Server) searchCourse(ctx context.Context, actor lms.Actor, in api.SearchInput) (lms.SearchResults, error) {
	return s.tutor.Search(ctx, actor, in.Course, in.Search())
}
