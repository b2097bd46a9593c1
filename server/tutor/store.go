package tutor

import (
	"context"
	"time"

	"trivium/app/lms"
)

// Store is what the tutor needs of the replicated database; server/store has it.
type Store interface {
	// Materials lists the materials that the actor may open.
	Materials(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Material, error)
	// Passages returns the readable text of a material that the actor may open.
	Passages(ctx context.Context, actor lms.Actor, courseID, materialID string) ([]lms.Passage, error)
	// MaterialsToIndex lists materials whose text has not been read yet and whose bytes have arrived.
	MaterialsToIndex(ctx context.Context) ([]lms.Material, error)
	// ReplacePassages stores what was read, unless the material has changed since.
	ReplacePassages(ctx context.Context, m lms.Material, passages []lms.Passage, state lms.IndexState, note string) error
	// SearchPassages runs an FTS5 expression over the passages of a course, best first; staff also see drafts.
	SearchPassages(ctx context.Context, courseID string, staff bool, match string, limit int) ([]lms.Passage, error)
	// MatchCounts counts the passages of the site that each FTS5 expression matches.
	MatchCounts(ctx context.Context, matches []string) ([]int, error)
	// FoundPassages runs an FTS5 expression over all that is indexed of a course and that the actor may open, best first.
	FoundPassages(ctx context.Context, actor lms.Actor, courseID, match string, limit int) ([]lms.FoundText, error)
	// UnindexedTexts returns what else the actor may open: assignments, questions, and materials whose text is not indexed.
	UnindexedTexts(ctx context.Context, actor lms.Actor, courseID string) ([]lms.FoundText, error)
	// SearchEndorsed runs an FTS5 expression over the entries of the FAQ of a course: what staff have endorsed or corrected.
	SearchEndorsed(ctx context.Context, courseID, match string, limit int) ([]lms.Passage, error)
	// UnembeddedPassages lists passages that have no vector of the model yet.
	UnembeddedPassages(ctx context.Context, model string, limit int) ([]lms.UnembeddedPassage, error)
	// AddPassageVectors stores vectors of a model; those of passages that are read anew meanwhile are dropped.
	AddPassageVectors(ctx context.Context, model string, vectors []lms.PassageVector) error
	// NearPassages returns the passages of a course whose vectors are closest to one, closest first; staff also see drafts.
	NearPassages(ctx context.Context, courseID string, staff bool, model string, vector []byte, limit int) ([]lms.Passage, error)
	PassageCount(ctx context.Context, courseID string, staff bool) (int, error)

	// ClaimReply gives a reply to the node if it is pending, or if its node has been silent for staleAfter.
	ClaimReply(ctx context.Context, replyID, node string, staleAfter time.Duration) (claimed bool, err error)
	// HeartbeatReply tells that the node still works on the reply.
	HeartbeatReply(ctx context.Context, replyID, node string) error
	// FinishReply stores the final reply and how it came about, if the node still has the claim and the reply is not final.
	FinishReply(ctx context.Context, node string, r lms.Reply, rec lms.ReplyRecord) error
	// Brief returns what decides how the reply is written, as it stands now.
	Brief(ctx context.Context, replyID string) (lms.TutorBrief, error)
	// ReserveTokens sets tokens aside for a call, within the caps of the month that began at since. KindLimit: used up.
	ReserveTokens(ctx context.Context, replyID string, tokens int64, since time.Time, siteCap int64) error
	// TakePlace takes one of the places for calls to an endpoint that the cluster has; false: all are taken. GivePlace gives it back.
	TakePlace(ctx context.Context, endpoint, holder string, places int, atMost time.Duration) (taken bool, err error)
	GivePlace(ctx context.Context, endpoint, holder string) error
	// ReplyContext returns the question with its replies, who asked, with the role in the course, and the course.
	ReplyContext(ctx context.Context, replyID string) (q lms.Question, author lms.Actor, course lms.Course, err error)
	// ReplyClaim tells which node works on a reply.
	ReplyClaim(ctx context.Context, replyID string) (node string, state lms.ReplyState, err error)
	// UnclaimedReplies lists replies that are pending, or whose node has been silent for staleAfter.
	UnclaimedReplies(ctx context.Context, staleAfter time.Duration) (ids []string, err error)
}
