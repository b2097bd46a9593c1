package main

import (
	"time"

	"trivium/app/lms"
)

// demoUser is an account of the demo site. All have the same password.
type demoUser struct {
	id, login, name, says string
	instructor            bool
}

const demoAdmin = "admin"

var demoUsers = []demoUser{
	{"", demoAdmin, "Alex Admin", "administrator: people, nodes, everything", true},
	{"demo-user-ines", "ines", "Ines Falk", "instructor of Distributed Systems and of Databases", true},
	{"demo-user-omar", "omar", "Omar Said", "instructor of Academic Writing", true},
	{"demo-user-lena", "lena", "Lena Brandt", "instructor of Statistics", true},
	{"demo-user-amara", "amara", "Amara Okafor", "student: has a grade and an answered question", false},
	{"demo-user-ben", "ben", "Ben Lindqvist", "student: has handed in and waits for a grade", false},
	{"demo-user-chiara", "chiara", "Chiara Russo", "student: was late once, asked the tutor", false},
	{"demo-user-daniel", "daniel", "Daniel Novák", "student: has everything still to do", false},
	{"demo-user-emi", "emi", "Emi Tanaka", "student of all four courses", false},
}

// demoCourse is a course with what belongs to it.
type demoCourse struct {
	id, code, title, summary string
	by                       string // login of the instructor
	students                 []string
	materials                []demoMaterial
	assignments              []demoAssignment
	questions                []demoQuestion
}

type demoMaterial struct {
	id, title string
	file      string // in assets/demo; a page if it ends in .md
	body      string // of a page that has no file
}

// demoAssignment is due so many days from the day on which it is loaded, at 23:59 in the course's zone.
type demoAssignment struct {
	id, title, description string
	points                 lms.Points
	opens, due, cutoff     int // days; 0: none
	text                   bool
	files                  int
	types                  []string
	work                   []demoWork
}

// demoWork is an attempt of a student, perhaps with a grade.
type demoWork struct {
	id, by, text string
	fileName     string // name of a file with the text of fileBody
	fileBody     string
	points       lms.Points
	feedback     string // empty: no grade
	post         bool   // the student sees the grade
}

type demoQuestion struct {
	id, by, title, body string
	to                  lms.Addressee
	replyBy, reply      string
}

var demoCourses = []demoCourse{demoDistributed, demoDatabases, demoWriting, demoStatistics}

var demoDistributed = demoCourse{
	id: "demo-course-distributed", code: "CS 340", title: "Distributed Systems: how computers agree", by: "ines",
	summary:  "Why several computers find it hard to agree on anything, and how they do it all the same: majorities, leaders, logs. With pencil and paper first, then with machines that we switch off.",
	students: []string{"amara", "ben", "chiara", "daniel", "emi"},
	materials: []demoMaterial{
		{id: "demo-material-lecture", title: "Lecture notes: how computers agree", file: "lecture-notes.pdf"},
		{id: "demo-material-handout", title: "Seminar handout: reading the log of a failure", file: "handout.docx"},
		{id: "demo-material-quorums", title: "Quorums by hand", file: "quorums-by-hand.md"},
		{id: "demo-material-glossary", title: "Glossary", file: "glossary.md"},
	},
	assignments: []demoAssignment{
		{
			id: "demo-assignment-silence", title: "Week 1: the silent neighbour", points: 1000, opens: -10, due: -1, cutoff: 4, text: true,
			description: "Answer **exercise 1** of the lecture notes in at most 300 words.\n\nList the states in which the system can be after the train enters the tunnel, and say which piece of information makes the repetition harmless.",
			work:        []demoWork{{id: "demo-work-chiara-silence", by: "chiara", text: "The browser cannot tell whether the request was lost, the server died before or after its work, or only the answer was lost. From the server's side there are two states: it has the hand-in, or it does not. A key that the browser chose and repeats lets the server recognise the second request as the first one."}},
		},
		{
			id: "demo-assignment-quorums", title: "Week 2: quorums by hand", points: 2000, opens: -3, due: 4, cutoff: 6, text: true, files: 3, types: []string{".pdf", ".md", ".txt", ".docx", ".png", ".jpg"},
			description: "Play the four rounds of *Quorums by hand* in a group of three.\n\n1. Hand in a photo or a copy of your three sheets after round four.\n2. Answer the three questions at the end of the page.\n\nWork together, but write your own answers.",
			work: []demoWork{
				{
					id: "demo-work-amara-quorums", by: "amara",
					text:     "1. The number is safe: two of three sheets have it. The caller does not know, and repeats it.\n2. Because a majority of two always contains somebody who has the last confirmed number.\n3. With five people two may leave; with four only one.",
					fileName: "our sheets, group \"Überblick\".md", fileBody: "# Our three sheets after round four\n\n| number | Amara | Ben | Emi |\n|---|---|---|---|\n| 17 | x | x | x |\n| 4 | x | x | |\n| 23 | x | | x |\n| 8 (term 2) | | x | x |\n\nThe 42 on Amara's sheet was never confirmed. We crossed it out when she came back.\n",
					points: 1850, feedback: "Very clear, and the crossed-out 42 is exactly the point. In question 2, say also **what the voter compares**: the ends of the two sheets.", post: true,
				},
				{id: "demo-work-ben-quorums", by: "ben", text: "1. It is safe because a majority has it.\n2. Two are enough, since any two groups of two share a person.\n3. Two of five, two of four."},
			},
		},
		{
			id: "demo-assignment-logs", title: "Week 4: three logs on paper", points: 2500, opens: 0, due: 11, cutoff: 13, text: true, files: 2, types: []string{".pdf", ".png", ".jpg", ".md"},
			description: "Do **exercise 4** of the lecture notes. Write down every entry with its term, and mark in colour which entries are committed when.\n\nThe seminar handout tells a story of the same kind; use its notation.",
		},
	},
	questions: []demoQuestion{
		{
			id: "demo-question-amara", by: "amara", to: lms.ToStaff, title: "Is entry 504 safe although Bea does not have it?",
			body:    "In the handout only Ada and Cyd have entry 504 when Ada dies. So afterwards it is on one living disk. Why is it not lost if Bea becomes the leader?",
			replyBy: "ines", reply: "Because Bea cannot become the leader. She would need Cyd's vote, and Cyd refuses it: his log ends at 504 of the same term and is therefore more complete than hers. So the new leader is Cyd, and he has the entry. Look at *Who can win the election?* in the handout.",
		},
		{
			id: "demo-question-ben", by: "ben", to: lms.ToStaff, title: "Do we need three people for week 2?",
			body: "One of our group is ill. Can two of us play, or should we join another group?",
		},
		{
			id: "demo-question-chiara", by: "chiara", to: lms.ToTutor, title: "Why do clusters have an odd number of nodes?",
			body: "What would be wrong with four?",
		},
	},
}

var demoDatabases = demoCourse{
	id: "demo-course-databases", code: "CS 220", title: "Databases", by: "ines", students: []string{"ben", "emi"},
	summary: "Tables, queries, transactions, and what happens on the disk.",
	materials: []demoMaterial{{id: "demo-material-transactions", title: "Transactions in one page", body: `# Transactions in one page

A **transaction** is a group of changes that takes effect as a whole or not at all.

## Why

Moving 50 from one account to another is two changes. If the machine stops between them, the money is gone or doubled. Inside a transaction there is no "between".

## The four letters

- **Atomic**: all or nothing.
- **Consistent**: the rules of the schema hold before and after.
- **Isolated**: two transactions at the same time do not see each other's half-finished work.
- **Durable**: what was confirmed survives a power cut.

## How it is done

The database writes the intended changes to a *write-ahead log*, flushes it, and only then touches the tables. After a crash it reads the log: groups that are complete are applied, the rest is dropped.
`}},
	assignments: []demoAssignment{{
		id: "demo-assignment-transactions", title: "Two accounts", points: 1000, opens: -1, due: 6, text: true,
		description: "Write the SQL that moves 50 from account A to account B, and explain what would go wrong without `BEGIN` and `COMMIT`. Name two different moments at which the machine could stop.",
	}},
}

var demoWriting = demoCourse{
	id: "demo-course-writing", code: "WR 101", title: "Academic Writing", by: "omar", students: []string{"chiara", "daniel", "emi"},
	summary: "From a question to a text that others can check.",
	materials: []demoMaterial{{id: "demo-material-paragraph", title: "A paragraph has one job", body: `# A paragraph has one job

A good paragraph makes **one** point and supports it. A reader who reads only the first sentence of every paragraph should understand your argument.

## Three questions for each paragraph

1. What does it claim? Underline the sentence. If you cannot find it, the paragraph is a heap.
2. What supports the claim: an example, a figure, a source?
3. Why does it stand here, after the one before?

## Common repairs

- Two claims: make two paragraphs.
- No claim: it belongs to the paragraph before, or out.
- The claim comes last: move it to the front, and see whether the rest is still needed.
`}},
	assignments: []demoAssignment{{
		id: "demo-assignment-paragraph", title: "Repair a paragraph", points: 1000, opens: -2, due: 3, cutoff: 5, text: true, files: 1, types: []string{".pdf", ".docx", ".md", ".txt"},
		description: "Choose a paragraph of your own from an older text. Hand in the old and the new version, and two sentences on what you changed and why.",
	}},
}

var demoStatistics = demoCourse{
	id: "demo-course-statistics", code: "ST 110", title: "Statistics for everyday decisions", by: "lena", students: []string{"amara", "daniel", "emi"},
	summary: "How to be less often fooled by numbers, beginning with one's own.",
	materials: []demoMaterial{{id: "demo-material-medians", title: "Mean, median, and the slowest request", body: `# Mean, median, and the slowest request

Ten requests to a web site take 20, 21, 19, 22, 20, 18, 21, 20, 19 and 940 milliseconds.

## Three summaries

- The **mean** is 112 ms. No request took anything like it.
- The **median** is 20 ms: half of the requests were at most that fast.
- The **maximum** is 940 ms. One person in ten waited for a second.

## Which one to report

The mean answers "how much time in total", because it keeps the sum. The median answers "what is usual". High percentiles answer "how bad does it get", and this is what people remember.

> Always say how many values there are. The 99th percentile of ten values is only the maximum under another name.
`}},
	assignments: []demoAssignment{{
		id: "demo-assignment-medians", title: "Your own ten numbers", points: 1500, opens: -1, due: 8, text: true, files: 1, types: []string{".csv", ".txt", ".md", ".pdf"},
		description: "Measure something ten times: the way to the bus stop, the boiling of water, the start of a program. Report mean, median and maximum, and say in three sentences which of them you would tell a friend, and why.",
	}},
}

const demoZone = "Europe/Berlin"

// demoDay is 23:59 of the day so many days from now, in the zone of the courses.
func demoDay(now time.Time, days int) time.Time {
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		zone = time.UTC
	}
	t := now.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day()+days, 23, 59, 0, 0, zone).UTC()
}
