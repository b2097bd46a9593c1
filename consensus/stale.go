package consensus

import "context"

type staleContext struct{}

// AllowStale lets Local reads under the context have what is in this node's database, even before the node has caught up
// for the first time since its start, when it may lack what was acknowledged to the reader long ago. The answer is as of
// Status.Stamp, and whoever reads so must say so. WaitIndex and Linearizable reads are as strict as ever.
func AllowStale(ctx context.Context) context.Context {
	return context.WithValue(ctx, staleContext{}, true)
}

func allowsStale(ctx context.Context) bool { return ctx.Value(staleContext{}) != nil }
