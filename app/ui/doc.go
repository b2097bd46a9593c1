// Package ui holds the pages of Trivium and the design system that they are made of. It compiles for the browser, where
// the pages run, and natively, where the node prerenders the public ones and the tests look at the HTML.
//
// Invariants:
//   - Only public pages are prerendered with content; everything else renders a skeleton on the node, because a
//     prerendered page knows no user.
//   - Nothing that a person typed is dropped by an error: forms keep their values and show the refusal beside them.
//   - "Saved", "sent" and "submitted" are said only after the node has acknowledged.
//   - No inline style, no external request, no net/http and, outside of files for js, no syscall/js.
//   - A list has an empty, a loading and an error state (Remote.View).
package ui
