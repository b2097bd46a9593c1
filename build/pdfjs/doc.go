// Package pdfjs is no program: package.json and package-lock.json beside this file pin PDF.js, which draws PDF files in
// the browser. `make` fetches it with npm and puts the few files that are needed, compressed, into assets/web/pdfjs;
// assets/web/pdf.js is the view that uses them.
package pdfjs
