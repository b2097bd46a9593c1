// Package demo holds the course material of the demo site: written for it, several pages long, in the formats that
// instructors upload. The sources of the documents lie in source/.
package demo

import "embed"

// Files are the documents by name.
//
//go:embed lecture-notes.pdf handout.docx quorums-by-hand.md glossary.md
var Files embed.FS
