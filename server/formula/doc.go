// Package formula turns LaTeX formulas into MathML, which browsers draw without scripts.
//
// Invariants: the answer is a pure function of the source; the work grows linearly with a source of at most MaxSource
// bytes that nests at most maxDepth deep; there are no macros, so nothing expands; only the elements and attributes that
// this package writes itself appear, and text of the source only as escaped character data. What cannot be read is an
// error, so that the caller shows the source.
//
//	html, err := formula.MathML(`\frac{1}{2}`, true)
package formula
