// Package assets embeds what the node serves to browsers: styles, icons, the service worker and the built program of the
// pages (written by build/pack, not committed).
//
// Each file is served under a name that carries the hash of its content, compressed ahead of time, and may be kept by
// browsers for ever. The version of the whole set is a hash as well, so that it is equal on every node and over restarts.
// Without the built program every page is a plain one that says so.
package assets
