package consensus

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLogger hands the messages of Raft and of its log to slog.
type raftLogger struct{ l *slog.Logger }

var logLevels = map[hclog.Level]slog.Level{hclog.Trace: slog.LevelDebug - 4, hclog.Debug: slog.LevelDebug,
	hclog.Info: slog.LevelInfo, hclog.Warn: slog.LevelWarn, hclog.Error: slog.LevelError}

func (r raftLogger) Log(level hclog.Level, msg string, args ...any) {
	l := logLevels[level]
	if !r.l.Enabled(context.Background(), l) {
		return
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			format, _ := f[0].(string)
			args[i] = fmt.Sprintf(format, f[1:]...)
		}
	}
	r.l.Log(context.Background(), l, msg, args...)
}

func (r raftLogger) Trace(msg string, args ...any) { r.Log(hclog.Trace, msg, args...) }
func (r raftLogger) Debug(msg string, args ...any) { r.Log(hclog.Debug, msg, args...) }
func (r raftLogger) Info(msg string, args ...any)  { r.Log(hclog.Info, msg, args...) }
func (r raftLogger) Warn(msg string, args ...any)  { r.Log(hclog.Warn, msg, args...) }
func (r raftLogger) Error(msg string, args ...any) { r.Log(hclog.Error, msg, args...) }

func (r raftLogger) IsTrace() bool { return false }
func (r raftLogger) IsDebug() bool { return r.l.Enabled(context.Background(), slog.LevelDebug) }
func (r raftLogger) IsInfo() bool  { return r.l.Enabled(context.Background(), slog.LevelInfo) }
func (r raftLogger) IsWarn() bool  { return r.l.Enabled(context.Background(), slog.LevelWarn) }
func (r raftLogger) IsError() bool { return true }

func (r raftLogger) ImpliedArgs() []any               { return nil }
func (r raftLogger) With(args ...any) hclog.Logger    { return raftLogger{r.l.With(args...)} }
func (r raftLogger) Name() string                     { return "raft" }
func (r raftLogger) Named(name string) hclog.Logger   { return raftLogger{r.l.With("part", name)} }
func (r raftLogger) ResetNamed(n string) hclog.Logger { return r.Named(n) }
func (r raftLogger) SetLevel(hclog.Level)             {}
func (r raftLogger) GetLevel() hclog.Level            { return hclog.Debug }

func (r raftLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(r.l.Handler(), slog.LevelWarn)
}

func (r raftLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
