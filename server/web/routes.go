package web

import (
	"slices"

	"trivium/app/api"
)

// table binds every endpoint of app/api, in its order.
func (s *Server) table() []binding {
	return slices.Concat([]binding{
		bindRequest(api.Setup, s.setup),
		bindRequest(api.Register, s.register),
		bindRequest(api.PreviewInvite, s.previewInvite),
		bindRequest(api.SignIn, s.signIn),
		bindRequest(api.CurrentSession, s.currentSession),
		bindRequest(api.SignOut, s.signOut),
		bind(api.IssueTicket, s.issueTicket),
		bindRequest(api.RedeemTicket, s.redeemTicket),
		bindRequest(api.ChangePassword, s.changePassword),
		bindRequest(api.ConfirmSession, s.confirmSession),
		bind(api.ListUsers, s.listUsers),
		bind(api.CreateUser, s.createUser),
		bind(api.UpdateUser, s.updateUser),
		bind(api.GetHome, s.getHome),

		bind(api.ListCourses, s.listCourses),
		bind(api.CreateCourse, s.createCourse),
		bind(api.JoinCourse, s.joinCourse),
		bind(api.GetCourse, s.getCourse),
		bind(api.UpdateCourse, s.updateCourse),
		bind(api.ListMembers, s.listMembers),
		bind(api.AddMember, s.addMember),
		bind(api.UpdateMember, s.updateMember),
		bind(api.ListInvites, s.listInvites),
		bind(api.CreateInvite, s.createInvite),
		bind(api.RevokeInvite, s.revokeInvite),

		bind(api.DeclareFile, s.declareFile),
		bind(api.GetFile, s.getFile),
		bind(api.MissingChunks, s.missingChunks),
		withRawBody(bindRaw(api.PutChunk, s.putChunk)),
		bind(api.CompleteFile, s.completeFile),
		bindRaw(api.FileContent, s.fileContent),

		bind(api.ListMaterials, s.listMaterials),
		bind(api.CreateMaterial, s.createMaterial),
		bind(api.GetMaterial, s.getMaterial),
		bind(api.UpdateMaterial, s.updateMaterial),
		bind(api.DeleteMaterial, s.deleteMaterial),
		bind(api.RestoreMaterial, s.restoreMaterial),
		bind(api.ListPassages, s.listPassages),

		bind(api.ListAssignments, s.listAssignments),
		bind(api.CreateAssignment, s.createAssignment),
		bind(api.GetAssignment, s.getAssignment),
		bind(api.UpdateAssignment, s.updateAssignment),
		bind(api.Submit, s.submit),
		bind(api.ListSubmissions, s.listSubmissions),
		bind(api.MySubmissions, s.mySubmissions),
		bind(api.GetSubmission, s.getSubmission),
		bind(api.ListAttempts, s.listAttempts),
		bind(api.GetReceipt, s.getReceipt),
		bind(api.SaveGrade, s.saveGrade),
		bind(api.PostGrades, s.postGrades),

		bind(api.ListQuestions, s.listQuestions),
		bind(api.AskQuestion, s.askQuestion),
		bind(api.GetQuestion, s.getQuestion),
		bind(api.AddReply, s.addReply),
		bind(api.SetQuestion, s.setQuestion),
		bind(api.StopReply, s.stopReply),
		bind(api.RetryReply, s.retryReply),
		bindRaw(api.StreamReply, s.streamReply),
		bind(api.SearchPassages, s.searchPassages),
		bind(api.TutorInfo, s.tutorInfo),
		bind(api.GetTutorPolicy, s.getTutorPolicy),
		bind(api.UpdateTutorPolicy, s.updateTutorPolicy),
		bind(api.GetTutorItem, s.getTutorItem),
		bind(api.UpdateTutorItem, s.updateTutorItem),
		bind(api.SetTutorChoice, s.setTutorChoice),
		bind(api.AcceptTutorNotice, s.acceptTutorNotice),

		bind(api.RateReply, s.rateReply),
		bind(api.AskHuman, s.askHuman),
		bind(api.EndorseReply, s.endorseReply),
		bind(api.WithdrawReply, s.withdrawReply),
		bind(api.ListEndorsed, s.listEndorsed),
		bind(api.ListTutorFlags, s.listTutorFlags),
		bind(api.SeeTutorFlag, s.seeTutorFlag),
		bind(api.ListSevereFlags, s.listSevereFlags),
		bind(api.GetTutorSite, s.getTutorSite),
		bind(api.UpdateTutorSite, s.updateTutorSite),
		bind(api.GetTutorGaps, s.getTutorGaps),
		bindRaw(api.ExportTutorGaps, s.exportTutorGaps),
		bind(api.OutlineMaterial, s.outlineMaterial),
		bind(api.ListConversations, s.listConversations),
		bindRaw(api.ExportConversations, s.exportConversations),
		bind(api.EraseConversation, s.eraseConversation),

		bind(api.GetCluster, s.getCluster),
		bind(api.GetNodeHash, s.getNodeHash),
		bind(api.GetNode, s.getNode),
		bindRaw(api.NodeText, s.nodeText),
		bind(api.NodeLines, s.nodeLines),
		bind(api.CreateJoinToken, s.createJoinToken),
		bind(api.RemoveNode, s.removeNode),
		bind(api.TransferLeader, s.transferLeader),
		bind(api.SuspendNode, s.suspendNode),
		bindRaw(api.Events, s.events),

		bind(api.ListAudit, s.listAudit),
		bind(api.VerifyAudit, s.verifyAudit),
		bindRaw(api.ExportAudit, s.exportAudit),

		bind(api.StartBackup, s.startBackup),
		bind(api.GetBackups, s.getBackups),
		bindRaw(api.BackupContent, s.backupContent),

		bindRequest(api.KVGet, s.kvGet),
		bindRequest(api.KVPut, s.kvPut),
		bindRequest(api.KVDelete, s.kvDelete),
		bindRequest(api.KVCompareAndSet, s.kvCompareAndSet),
		bindRequest(api.KVList, s.kvList),
		bindRequest(api.KVMultiGet, s.kvMultiGet),
		bindRequest(api.KVMultiPut, s.kvMultiPut),
		bind(api.ListAPITokens, s.listAPITokens),
		bind(api.CreateAPIToken, s.createAPIToken),
		bind(api.RevokeAPIToken, s.revokeAPIToken),
	}, s.markingTable())
}

// withRawBody marks an endpoint whose body is bytes.
func withRawBody(b binding) binding {
	b.rawBody = true
	return b
}
