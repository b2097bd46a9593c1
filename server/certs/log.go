package certs

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// slogCore hands what certmagic logs to the program's log.
type slogCore struct {
	log  *slog.Logger
	with []zapcore.Field
}

var levels = map[zapcore.Level]slog.Level{zapcore.DebugLevel: slog.LevelDebug, zapcore.InfoLevel: slog.LevelInfo, zapcore.WarnLevel: slog.LevelWarn}

func level(l zapcore.Level) slog.Level {
	if s, ok := levels[l]; ok {
		return s
	}
	return slog.LevelError
}

// Enabled reports whether the program's log takes lines of the level.
func (c *slogCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), level(l))
}

// With adds fields to every line.
func (c *slogCore) With(fields []zapcore.Field) zapcore.Core {
	return &slogCore{c.log, append(append([]zapcore.Field{}, c.with...), fields...)}
}

// Check adds the core to what writes the line.
func (c *slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write hands the line on.
func (c *slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range append(append([]zapcore.Field{}, c.with...), fields...) {
		f.AddTo(enc)
	}
	attrs := []slog.Attr{slog.String("part", "certificates")}
	for k, v := range enc.Fields {
		attrs = append(attrs, slog.Any(k, v))
	}
	c.log.LogAttrs(context.Background(), level(e.Level), e.Message, attrs...)
	return nil
}

// Sync does nothing: the program's log keeps nothing back.
func (c *slogCore) Sync() error { return nil }
