// Package e2e drives Trivium as people do: real node processes, a real Chromium, real files. Its tests carry the build
// tag e2e and need the binary that `make build` makes (build/bin/trivium, or TRIVIUM_BINARY) and Chromium (on the
// PATH, or TRIVIUM_CHROMIUM). They leave screenshots in build/bin/shots.
package e2e
