package inspect

import (
	"runtime"
	"runtime/metrics"
	"time"

	"trivium/app/lms"
)

// report is how this node stands.
func (i *Inspector) report() lms.NodeReport {
	st := i.c.DB.Status()
	now := time.Now()
	r := lms.NodeReport{
		Node: i.c.Node, State: st.State, Leader: st.Leader, At: now.UTC(), Since: st.Since.UTC(), Contact: st.LastContact.UTC(), Version: i.c.Version,
		Runtime: runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH,
		Term:    st.Term, Commit: st.Commit, Applied: st.Applied,
		Candidacies: st.Candidacies, Elections: st.Elections, Renewals: st.Renewals, Sent: st.Sent, Received: st.Received,
		FreeBytes: st.Free, LowSpace: st.LowSpace, MemoryBytes: memory(), Goroutines: runtime.NumGoroutine(),
		Events: []lms.LogEvent{},
	}
	if left := st.LeaseEnd.Sub(now); left > 0 {
		r.LeaseMs = left.Milliseconds()
	}
	if st.Suspended.After(now) {
		r.State = "suspended"
	}
	if i.c.Disk != nil {
		if free, total, err := i.c.Disk(); err == nil {
			r.FreeBytes, r.TotalBytes = free, total
		}
	}
	r.Samples, r.Write, r.Apply, r.Figures = i.samples.read()
	if i.c.Recent != nil {
		r.Events = append(r.Events, i.c.Recent()...)
	}
	return r
}

// memory is what the runtime has from the system and has not given back.
func memory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
