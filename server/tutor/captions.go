package tutor

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Size of a passage of captions beside minWords and maxWords: long enough to say something, short enough to be found in the recording.
const (
	captionSpan  = 2 * time.Minute
	captionPause = 15 * time.Second
	maxCues      = 50_000
)

// cue is one caption.
type cue struct {
	from, to time.Duration
	text     string
}

// cueTimes finds the line of a cue that tells when it is shown: hours may be missing, and the fraction follows a point in WebVTT and a
// comma in SubRip.
var cueTimes = regexp.MustCompile(`^\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})`)

var (
	cueTags    = regexp.MustCompile(`<[^<>\n]*>|\{\\[^{}\n]*\}`)
	cueSpeaker = regexp.MustCompile(`^\s*<v(?:\.[^\s<>]*)?\s+([^<>\n]+)>`)
)

// captionBlocks reads captions, WebVTT or SubRip, into passages with the time as their heading.
func captionBlocks(text string) ([]block, error) {
	cues := readCues(text)
	if len(cues) == 0 {
		return nil, unreadable("it has no captions with times")
	}
	var blocks []block
	var group []string
	var began, ended time.Duration
	n := 0
	emit := func() {
		if len(group) > 0 {
			blocks = append(blocks, block{kind: blockHeading, text: "at " + timeMark(began)}, block{text: strings.Join(group, " ")})
		}
		group, n = nil, 0
	}
	for _, c := range cues {
		count := len(strings.Fields(c.text))
		if n > 0 && (n+count > maxWords || c.from-began > captionSpan || c.from-ended > captionPause || c.from < began) {
			emit()
		}
		if n == 0 {
			began = c.from
		}
		group, ended = append(group, c.text), c.to
		if n += max(count, 1); n >= minWords && strings.ContainsAny(c.text[len(c.text)-1:], ".!?") {
			emit()
		}
	}
	emit()
	return blocks, nil
}

// readCues reads what lies below each line with times. Notes, styles and numbers of cues are skipped; a line that only repeats the one
// before it, as rolling captions do, is read once.
func readCues(text string) []cue {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var cues []cue
	inside, last, speaker := false, "", ""
	for line := range strings.SplitSeq(text, "\n") {
		if m := cueTimes.FindStringSubmatch(line); m != nil {
			if len(cues) == maxCues {
				break
			}
			cues, inside = append(cues, cue{from: timeOf(m[1:5]), to: timeOf(m[5:9])}), true
			continue
		}
		if strings.TrimSpace(line) == "" {
			inside = false
		}
		if !inside {
			continue
		}
		who := cueSpeaker.FindStringSubmatch(line)
		line = oneLine(html.UnescapeString(cueTags.ReplaceAllString(line, "")))
		if line == "" || line == last {
			continue
		}
		last = line
		if who != nil && oneLine(who[1]) != speaker {
			speaker = oneLine(who[1])
			line = speaker + ": " + line
		}
		c := &cues[len(cues)-1]
		c.text = strings.TrimSpace(c.text + " " + line)
	}
	spoken := cues[:0]
	for _, c := range cues {
		if c.text != "" {
			spoken = append(spoken, c)
		}
	}
	return spoken
}

// timeOf reads hours, minutes, seconds and a fraction of digits.
func timeOf(m []string) time.Duration {
	n := func(s string) time.Duration {
		v, _ := strconv.Atoi(s) // digits, or nothing
		return time.Duration(v)
	}
	return n(m[0])*time.Hour + n(m[1])*time.Minute + n(m[2])*time.Second + n((m[3] + "00")[:3])*time.Millisecond
}

// timeMark writes a time as players show it.
func timeMark(d time.Duration) string {
	s := int(d / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
