package web

import (
	"context"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) getOutline(ctx context.Context, actor lms.Actor, in api.CoursePath) (lms.Outline, error) {
	return s.store.Outline(ctx, actor, in.Course)
}

func (s *Server) orderOutline(ctx context.Context, actor lms.Actor, in api.OrderInput) (api.Empty, error) {
	return api.Empty{}, s.store.OrderOutline(ctx, actor, in.Course, in.Version, in.Modules, in.Loose)
}

func (s *Server) createModule(ctx context.Context, actor lms.Actor, in api.ModuleInput) (api.Empty, error) {
	return api.Empty{}, s.store.CreateModule(ctx, actor, lms.Module{ID: in.ID, CourseID: in.Course, Title: in.Title, Published: in.Published})
}

func (s *Server) updateModule(ctx context.Context, actor lms.Actor, in api.UpdateModuleInput) (api.Empty, error) {
	patch := store.ModulePatch{Title: in.Title, Published: in.Published, ReleaseAt: in.ReleaseAt}
	return api.Empty{}, s.store.UpdateModule(ctx, actor, in.Course, in.Module, in.Version, patch)
}

func (s *Server) deleteModule(ctx context.Context, actor lms.Actor, in api.ModulePath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteModule(ctx, actor, in.Course, in.Module)
}

func (s *Server) restoreModule(ctx context.Context, actor lms.Actor, in api.ModulePath) (api.Empty, error) {
	return api.Empty{}, s.store.RestoreModule(ctx, actor, in.Course, in.Module)
}

func (s *Server) createItem(ctx context.Context, actor lms.Actor, in api.ItemInput) (api.Empty, error) {
	item := lms.ModuleItem{ID: in.ID, Kind: in.Kind, Title: in.Title, URL: in.URL, Published: in.Published}
	return api.Empty{}, s.store.CreateItem(ctx, actor, in.Course, in.Module, item)
}

func (s *Server) updateItem(ctx context.Context, actor lms.Actor, in api.UpdateItemInput) (api.Empty, error) {
	patch := store.ModulePatch{Title: in.Title, URL: in.URL, Published: in.Published, ReleaseAt: in.ReleaseAt}
	return api.Empty{}, s.store.UpdateItem(ctx, actor, in.Course, in.Item, in.Version, patch)
}

func (s *Server) deleteItem(ctx context.Context, actor lms.Actor, in api.ItemPath) (api.Empty, error) {
	return api.Empty{}, s.store.DeleteItem(ctx, actor, in.Course, in.Item)
}

func (s *Server) saveMaterialDraft(ctx context.Context, actor lms.Actor, in api.MaterialDraftInput) (api.Empty, error) {
	return api.Empty{}, s.store.SaveMaterialDraft(ctx, actor, in.Course, in.Material, lms.MaterialDraft{Title: in.Title, Body: in.Body, Base: in.Base})
}

func (s *Server) getMaterialDraft(ctx context.Context, actor lms.Actor, in api.MaterialPath) (lms.MaterialDraft, error) {
	return s.store.MaterialDraft(ctx, actor, in.Course, in.Material)
}

func (s *Server) discardMaterialDraft(ctx context.Context, actor lms.Actor, in api.MaterialPath) (api.Empty, error) {
	return api.Empty{}, s.store.DiscardMaterialDraft(ctx, actor, in.Course, in.Material)
}

func (s *Server) replaceMaterialFile(ctx context.Context, actor lms.Actor, in api.ReplaceFileInput) (lms.Material, error) {
	m, err := s.store.ReplaceMaterialFile(ctx, actor, in.Course, in.Material, in.FileID, in.Version)
	return s.renderMaterial(ctx, actor, m, err)
}

func (s *Server) listMaterialVersions(ctx context.Context, actor lms.Actor, in api.MaterialPath) (api.Page[lms.MaterialVersion], error) {
	return whole(s.store.MaterialVersions(ctx, actor, in.Course, in.Material))
}

func (s *Server) getMaterialVersion(ctx context.Context, actor lms.Actor, in api.VersionPath) (lms.MaterialVersion, error) {
	return s.store.MaterialVersion(ctx, actor, in.Course, in.Material, in.Number)
}

func (s *Server) restoreVersion(ctx context.Context, actor lms.Actor, in api.RestoreVersionInput) (lms.Material, error) {
	m, err := s.store.RestoreVersion(ctx, actor, in.Course, in.Material, in.Number, in.Version)
	return s.renderMaterial(ctx, actor, m, err)
}
