package lms

import "time"

// AuditAction says what was done. The part before the dot groups the actions; the list is append-only, because the words
// stay in the record for ever.
type AuditAction string

// The actions that are recorded.
const (
	AuditSetup          AuditAction = "site.setup"       // the first administrator was made
	AuditSignInLocked   AuditAction = "signin.locked"    // too many failures: an account or an address must wait
	AuditConfirmed      AuditAction = "signin.confirmed" // the password was given again, for administrative actions
	AuditUserCreate     AuditAction = "account.create"   // by an administrator
	AuditUserRegister   AuditAction = "account.register" // with an invite code
	AuditUserUpdate     AuditAction = "account.change"   // rights, name, state or password, by an administrator
	AuditPassword       AuditAction = "account.password" // the own password
	AuditSessionEnd     AuditAction = "session.end"      // own sessions, from another one
	AuditSessionReuse   AuditAction = "session.reuse"    // a token that was renewed long ago was used: the session has ended
	AuditAccountSite    AuditAction = "account.site"     // the site's rules of accounts
	AuditEmbeds         AuditAction = "site.embeds"      // the hosts whose content pages may embed
	AuditResetIssue     AuditAction = "account.link"     // a link for a new password
	AuditReset          AuditAction = "account.reset"    // somebody has used such a link
	AuditTOTPOn         AuditAction = "twostep.on"       // by the user
	AuditTOTPOff        AuditAction = "twostep.off"      // by the user, or for them by an administrator
	AuditRecoveryMade   AuditAction = "twostep.codes"    // new recovery codes
	AuditRecoveryUse    AuditAction = "twostep.recovery" // somebody has signed in with a recovery code
	AuditPasskeyAdd     AuditAction = "passkey.add"      // by the user
	AuditPasskeyRemove  AuditAction = "passkey.remove"   // by the user
	AuditPasskeyCopied  AuditAction = "passkey.copied"   // refused: its counter went back, as that of a copy does
	AuditMemberAdd      AuditAction = "member.add"       // to a course, by its staff
	AuditMemberUpdate   AuditAction = "member.change"    // role or state
	AuditMemberJoin     AuditAction = "member.join"      // with an invite code
	AuditMemberImport   AuditAction = "member.import"    // a roster file was applied
	AuditMemberUndo     AuditAction = "member.undo"      // the last import was taken back
	AuditMemberSection  AuditAction = "member.section"   // members were put into a section
	AuditSection        AuditAction = "section.change"   // created, renamed, archived, restored or deleted
	AuditCourseState    AuditAction = "course.state"     // archived or restored
	AuditClaimIssue     AuditAction = "account.invite"   // links with which imported people choose a password
	AuditClaim          AuditAction = "account.claim"    // somebody has used such a link
	AuditViewStart      AuditAction = "view.start"       // a course is viewed as its test student
	AuditViewEnd        AuditAction = "view.end"
	AuditInviteCreate   AuditAction = "invite.create"
	AuditInviteRevoke   AuditAction = "invite.revoke"
	AuditGradeSave      AuditAction = "grade.save"      // a draft
	AuditGradePost      AuditAction = "grade.post"      // from then on students see it
	AuditGradeHide      AuditAction = "grade.hide"      // from then on students do not see it any more
	AuditMarking        AuditAction = "marking.change"  // how an assignment is marked and posted
	AuditReveal         AuditAction = "marking.reveal"  // whose work was marked blind is known from then on
	AuditOverrideGrant  AuditAction = "extension.grant" // other dates or attempts for students or a section
	AuditOverrideRemove AuditAction = "extension.remove"
	AuditLatePolicy     AuditAction = "grade.late"      // the late policy of a course
	AuditDates          AuditAction = "grade.dates"     // dates, points or late policy of an assignment with work
	AuditReturn         AuditAction = "attempt.return"  // to draft, by staff
	AuditChoose         AuditAction = "attempt.choose"  // which attempt is graded
	AuditSubmissionRead AuditAction = "submission.read" // by staff
	AuditExport         AuditAction = "export"          // of data out of the site
	AuditJoinToken      AuditAction = "cluster.token"   // a join token was made
	AuditNodeJoin       AuditAction = "cluster.join"    // a node has used its token
	AuditNodeRemove     AuditAction = "cluster.remove"
	AuditTransfer       AuditAction = "cluster.transfer" // of leadership
	AuditDrill          AuditAction = "cluster.drill"
	AuditRecover        AuditAction = "cluster.recover"    // a node was given up when the majority was lost
	AuditQuarantine     AuditAction = "cluster.quarantine" // an entry of the log that no node could apply was left out
	AuditNodeRead       AuditAction = "cluster.read"       // logs or profiles of a node
	AuditBackup         AuditAction = "backup.create"
	AuditRestore        AuditAction = "backup.restore"
	AuditSQL            AuditAction = "sql.write" // statements that an administrator has sent to the database itself
	AuditSQLRead        AuditAction = "sql.read"  // how many of them only read: one record a minute
	AuditKVTokenCreate  AuditAction = "kv.token.create"
	AuditKVTokenRevoke  AuditAction = "kv.token.revoke"
	AuditTutorPolicy    AuditAction = "tutor.policy"   // of a course, or of an item with its hidden notes
	AuditTranscriptRead AuditAction = "tutor.read"     // of a student's conversation, by staff
	AuditEndorse        AuditAction = "tutor.endorse"  // an answer, by staff: endorsed, corrected or withdrawn
	AuditFlagSeen       AuditAction = "tutor.flag"     // a message that somebody must look at was looked at
	AuditErase          AuditAction = "tutor.erase"    // of the text of a conversation, by who had it or by age
	AuditTutorSite      AuditAction = "tutor.site"     // the site's rules of the tutor
	AuditTutorModel     AuditAction = "tutor.model"    // the language model's settings of the site
	AuditTutorTrial     AuditAction = "tutor.check"    // a check of the language model was accepted
	AuditCourseImport   AuditAction = "course.import"  // of an archive, into a new course
	AuditRefused        AuditAction = "access.refused" // answered 403
)

// AuditRecord is one record of the audit log: who did what to which object, when and from where. It holds no passwords,
// tokens or texts of people.
type AuditRecord struct {
	ID      int64             `json:"id"` // 1, 2, 3 … without a gap
	At      time.Time         `json:"at"` // stamp of the cluster
	ActorID string            `json:"actorId"`
	Actor   string            `json:"actor"` // login at that time; empty: not signed in
	Address string            `json:"address"`
	Action  AuditAction       `json:"action"`
	Object  string            `json:"object"` // such as "submission/ID" or "node/n2"
	Details map[string]string `json:"details"`
	Hash    string            `json:"hash"` // hex SHA-256 over the hash before and this record; see server/store
}

// AuditCheck is the result of verifying the chain of the audit log.
type AuditCheck struct {
	Records int64  `json:"records"`          // that were checked and are in order
	Head    string `json:"head"`             // hash of the last of them; whoever has noted it can compare it later
	Broken  int64  `json:"broken,omitempty"` // id of the first record that is not in order; 0: none
	Reason  string `json:"reason,omitempty"` // in plain words
}
