package tutor

import "strings"

// reasoning removes the text between <think> and </think>, however the tags are split across chunks. A closing tag without an
// opening one, which some templates produce because the opening tag is part of the prompt, removes what came before it as long as
// nothing was shown.
type reasoning struct {
	buf    string
	inside bool
	shown  bool
}

var thinkTags = [][2]string{{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<reasoning>", "</reasoning>"}}

// filter returns what may be shown of the chunk and what was held back before.
func (r *reasoning) filter(chunk string) string {
	r.buf += chunk
	var out strings.Builder
	for {
		tag, at, opens := r.nextTag()
		if at < 0 {
			break
		}
		if !r.inside && (opens || r.shown || out.Len() > 0) {
			out.WriteString(r.buf[:at])
		}
		r.inside = opens
		r.buf = r.buf[at+len(tag):]
	}
	keep := partialTag(r.buf)
	if !r.inside {
		out.WriteString(r.buf[:len(r.buf)-keep])
	}
	r.buf = r.buf[len(r.buf)-keep:]
	s := out.String()
	if !r.shown {
		s = strings.TrimLeft(s, " \r\n\t")
	}
	r.shown = r.shown || s != ""
	return s
}

// rest returns what is left at the end of the stream.
func (r *reasoning) rest() string {
	s := r.buf
	r.buf = ""
	if r.inside {
		return ""
	}
	return s
}

// nextTag finds the first tag in the buffer: any while outside, a closing one while inside.
func (r *reasoning) nextTag() (tag string, at int, opens bool) {
	at = -1
	for _, pair := range thinkTags {
		for i, t := range pair {
			if i == 0 && r.inside {
				continue
			}
			if p := strings.Index(r.buf, t); p >= 0 && (at < 0 || p < at) {
				tag, at, opens = t, p, i == 0
			}
		}
	}
	return tag, at, opens
}

// partialTag returns how many bytes at the end of s may be the beginning of a tag.
func partialTag(s string) int {
	i := strings.LastIndexByte(s, '<')
	if i < 0 {
		return 0
	}
	for _, pair := range thinkTags {
		for _, t := range pair {
			if strings.HasPrefix(t, s[i:]) {
				return len(s) - i
			}
		}
	}
	return 0
}
