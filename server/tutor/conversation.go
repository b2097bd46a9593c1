package tutor

import (
	"slices"
	"strings"

	"trivium/app/lms"
)

// conversation is a thread as the tutor sees it when it answers one message.
type conversation struct {
	question string   // the message to answer
	turns    []turn   // before it, oldest first
	previous []string // the student's messages before it, latest first
	cited    []lms.Citation
	material string // id of the material that the thread is about
	mask     masker // replaces the names of the people of the thread
}

// conversationOf reads a thread up to a reply.
func conversationOf(q lms.Question, replyID string) conversation {
	c := conversation{material: q.MaterialID}
	text := strings.TrimSpace(q.Title)
	if body := strings.TrimSpace(q.Body); strings.HasPrefix(body, strings.TrimRight(text, "….")) {
		text = body
	} else if body != "" {
		text += "\n\n" + body
	}
	type post struct {
		turn
		student bool
	}
	posts := []post{{turn{text: text}, true}}
	for _, r := range q.Replies {
		if r.ID == replyID {
			break
		}
		switch {
		case r.AuthorID == lms.TutorID:
			if len(r.Citations) > 0 {
				c.cited = r.Citations
			}
			if r.Generated && r.Body != "" { // quotations would only repeat passages
				posts = append(posts, post{turn{tutor: true, text: r.Body}, false})
			}
		case r.AuthorID == q.AuthorID:
			posts = append(posts, post{turn{text: r.Body}, true})
		default:
			posts = append(posts, post{turn{text: "(Written by the staff of the course:) " + r.Body}, false})
		}
	}
	last := 0
	for i, p := range posts {
		if p.student {
			last = i
		}
	}
	c.question = posts[last].text
	for i, p := range posts {
		if i == last {
			continue
		}
		c.turns = append(c.turns, p.turn)
		if p.student && i < last {
			c.previous = append(c.previous, p.text)
		}
	}
	slices.Reverse(c.previous)
	return c
}
