package lms

import (
	"net/url"
	"slices"
	"strings"
)

// What the address of a picture in a page begins with when it is no picture: ![Title](video:ID) plays a video of the
// course, ![Title](embed:https://…) offers one of another site.
const (
	PageVideo = "video:"
	PageEmbed = "embed:"
)

// PageDecorative is the title of a picture that only adorns: ![](address "decorative").
const PageDecorative = "decorative"

// maxEmbedHosts is how many hosts the list of a site may have: each lengthens the policy of every page.
const maxEmbedHosts = 30

// EmbedSite is the list of hosts whose content authors may embed (INSTALL-9). It is empty until an administrator fills it.
type EmbedSite struct {
	Hosts   []string `json:"hosts"`
	Version int64    `json:"version"`
}

// Validate demands names of hosts and nothing around them.
func (s EmbedSite) Validate() error {
	if len(s.Hosts) > maxEmbedHosts {
		return FieldErrorf(KindRule, "hosts", "The list may have %d hosts.", maxEmbedHosts)
	}
	for i, h := range s.Hosts {
		if !validHost(h) {
			return FieldErrorf(KindRule, "hosts", "“%s” is no name of a host. Write it in small letters as in www.youtube-nocookie.com, without https:// and without a path.", h)
		}
		if slices.Contains(s.Hosts[:i], h) {
			return FieldErrorf(KindRule, "hosts", "%s is in the list twice.", h)
		}
	}
	return nil
}

// validHost accepts a full name in ASCII, the only form that can be compared: no port, no final dot, no number.
func validHost(h string) bool {
	labels := strings.Split(h, ".")
	if len(h) > 253 || len(labels) < 2 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Embed reads the address of something on another site. ok tells that its host is on the list, and only then a page may
// offer it; reason tells an author why not.
func (s EmbedSite) Embed(address string) (u *url.URL, ok bool, reason string) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || !validHost(u.Host) {
		return nil, false, "only addresses that begin with https:// and a plain name of a host can be embedded"
	}
	u = player(u)
	if !slices.Contains(s.Hosts, u.Host) {
		return u, false, u.Host + " is not on this site's list of hosts; an administrator can add it"
	}
	return u, true, ""
}

// player turns the address of a video's page, which people copy, into that of its player, which can be embedded.
func player(u *url.URL) *url.URL {
	id := ""
	switch u.Host {
	case "www.youtube.com", "youtube.com", "m.youtube.com":
		if id = u.Query().Get("v"); u.Path != "/watch" {
			id, _ = strings.CutPrefix(u.Path, "/embed/")
			if id == u.Path {
				id = ""
			}
		}
	case "youtu.be":
		id = strings.TrimPrefix(u.Path, "/")
	case "vimeo.com":
		if id := strings.TrimPrefix(u.Path, "/"); id != "" && strings.Trim(id, "0123456789") == "" {
			return &url.URL{Scheme: "https", Host: "player.vimeo.com", Path: "/video/" + id}
		}
	}
	if id == "" || len(id) > 20 || strings.ContainsAny(id, "/.") {
		return u
	}
	return &url.URL{Scheme: "https", Host: "www.youtube-nocookie.com", Path: "/embed/" + id}
}

// PageFiles are the ids of the files that a page shows.
func PageFiles(body string) []string {
	ids := []string{}
	for _, part := range strings.Split(body, "/files/")[1:] {
		id, _, ok := strings.Cut(part, "/content")
		if ok && checkID("id", id) == nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// pagePicture is a picture as it is written in a page.
type pagePicture struct {
	alt, address string
	decorative   bool
}

// pagePictures finds what is written as pictures.
func pagePictures(body string) []pagePicture {
	var list []pagePicture
	for {
		_, rest, ok := strings.Cut(body, "![")
		if !ok {
			return list
		}
		body = rest
		alt, rest, ok := strings.Cut(rest, "](")
		inner, _, closed := strings.Cut(rest, ")")
		if ok && closed && !strings.Contains(alt, "\n\n") {
			address, title, _ := strings.Cut(strings.TrimSpace(inner), " ")
			list = append(list, pagePicture{strings.TrimSpace(alt), address, strings.Trim(title, ` "'`) == PageDecorative})
		}
	}
}

// PageHints tell an author what readers would miss. videos are those of the course.
func PageHints(body string, site EmbedSite, videos []Material) []string {
	var hints []string
	add := func(hint string) {
		if !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	for _, p := range pagePictures(body) {
		if id, ok := strings.CutPrefix(p.address, PageVideo); ok {
			for _, m := range videos {
				if m.ID == id && m.CaptionsID == "" {
					add("The video “" + m.Title + "” has no captions: who cannot hear it misses what is said. Choose a caption file on its page.")
				}
			}
			continue
		}
		if address, ok := strings.CutPrefix(p.address, PageEmbed); ok {
			if _, ok, reason := site.Embed(address); !ok {
				add("What is embedded is shown as a link: " + reason + ".")
			}
			continue
		}
		if strings.Contains(p.address, "//") {
			add("A picture of another site is shown as a link, because that site would learn who reads the page. Save it and add it here instead, if its licence allows that.")
		}
		if p.alt == "" && !p.decorative {
			add("A picture has no description. Who cannot see it hears this text instead: write between the brackets what one should learn from the picture. If it only adorns, write " +
				"\"" + PageDecorative + "\" after its address.")
		}
	}
	return hints
}
