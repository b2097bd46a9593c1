// Command icons picks the icons that the pages use out of lucide-static and writes them as CSS masks:
//
//	npm pack lucide-static@1.62.0 && tar xzf lucide-static-1.62.0.tgz && go run ./build/icons -from package
//
// The result, assets/web/icons.css, and the licence beside it are committed, so that a build needs no npm.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// names maps the name in the pages to the file of lucide.
var names = [][2]string{
	{"alert-circle", "circle-alert"}, {"alert-triangle", "triangle-alert"}, {"archive", "archive"}, {"arrow-left", "arrow-left"},
	{"arrow-right", "arrow-right"}, {"book-open", "book-open"}, {"calendar", "calendar"}, {"check", "check"},
	{"check-circle", "circle-check"}, {"chevron-down", "chevron-down"}, {"chevron-left", "chevron-left"},
	{"chevron-right", "chevron-right"}, {"clipboard", "clipboard-list"}, {"clock", "clock"}, {"copy", "copy"},
	{"download", "download"}, {"edit", "pencil"}, {"eye", "eye"}, {"eye-off", "eye-off"}, {"file", "file"},
	{"file-text", "file-text"}, {"graduation-cap", "graduation-cap"}, {"home", "house"}, {"inbox", "inbox"}, {"info", "info"},
	{"key", "key-round"}, {"layout", "layout-dashboard"}, {"library", "library"}, {"link", "link"}, {"log-out", "log-out"},
	{"message-circle", "message-circle"}, {"more", "ellipsis"}, {"paperclip", "paperclip"}, {"plus", "plus"},
	{"refresh-cw", "refresh-cw"}, {"search", "search"}, {"send", "send-horizontal"}, {"server", "server"}, {"settings", "settings"},
	{"shield", "shield-check"}, {"sparkles", "sparkles"}, {"square", "square"}, {"thumbs-down", "thumbs-down"}, {"thumbs-up", "thumbs-up"}, {"trash", "trash-2"}, {"upload", "upload"},
	{"user", "user"}, {"user-plus", "user-plus"}, {"users", "users"}, {"x", "x"},
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	class   = regexp.MustCompile(`\s*class="[^"]*"`)
	spaces  = regexp.MustCompile(`\s+`)
)

func main() {
	from := flag.String("from", "package", "unpacked lucide-static")
	to := flag.String("to", filepath.Join("assets", "web"), "folder to write to")
	flag.Parse()
	if err := run(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "icons:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	var css strings.Builder
	css.WriteString("/* Icons of Lucide (ISC licence, see icons-license.txt), written by build/icons. */\n@layer icons {\n")
	for _, n := range names {
		svg, err := os.ReadFile(filepath.Join(from, "icons", n[1]+".svg"))
		if err != nil {
			return err
		}
		fmt.Fprintf(&css, ".i-%s{--i:url(\"data:image/svg+xml,%s\")}\n", n[0], dataURL(string(svg)))
	}
	css.WriteString("}\n")
	licence, err := os.ReadFile(filepath.Join(from, "LICENSE"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "icons.css"), []byte(css.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "icons-license.txt"), licence, 0o644)
}

// dataURL shortens an SVG and escapes what a URL in CSS may not hold.
func dataURL(svg string) string {
	s := class.ReplaceAllString(comment.ReplaceAllString(svg, ""), "")
	s = strings.NewReplacer("\n", " ", `"`, "'", ` width="24"`, "", ` height="24"`, "").Replace(s)
	s = strings.TrimSpace(spaces.ReplaceAllString(s, " "))
	s = strings.NewReplacer(" >", ">", " />", "/>", "currentColor", "black").Replace(s)
	s = strings.ReplaceAll(s, "> <", "><")
	return strings.NewReplacer("%", "%25", "#", "%23", "<", "%3C", ">", "%3E").Replace(s)
}
