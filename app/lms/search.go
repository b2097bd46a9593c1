package lms

// SearchKind says what was found.
type SearchKind string

// What a course is searched for. Passages of pages and files are places of these.
const (
	FoundPage       SearchKind = "page"
	FoundFile       SearchKind = "file"
	FoundAssignment SearchKind = "assignment"
	FoundQuestion   SearchKind = "question"
	FoundFAQ        SearchKind = "faq"
)

// SearchKinds are all of them, in the order in which they are offered.
var SearchKinds = []SearchKind{FoundPage, FoundFile, FoundAssignment, FoundQuestion, FoundFAQ}

// SearchQuery asks for the hits From to From+Limit of a search, best first; of one kind unless Kind is empty.
type SearchQuery struct {
	Text  string
	Kind  SearchKind
	From  int
	Limit int
}

// SearchHit is something that was found, with the places in it that fit best.
type SearchHit struct {
	Kind       SearchKind    `json:"kind"`
	ID         string        `json:"id"` // of the material, the assignment or the question; of the reply, for an entry of the FAQ
	Title      string        `json:"title"`
	Hidden     bool          `json:"hidden,omitempty"`     // only staff see it yet
	NotIndexed string        `json:"notIndexed,omitempty"` // why the text of a material could not be searched: it was found by its title
	Places     []SearchPlace `json:"places,omitempty"`
	Further    int           `json:"further,omitempty"` // how many more places in it fit
}

// SearchPlace is a place in what was found.
type SearchPlace struct {
	Ordinal int          `json:"ordinal,omitempty"` // of the passage in a material, or of the reply to a question; 0: the beginning
	Page    int          `json:"page,omitempty"`    // of a PDF, or the slide of a presentation
	Heading string       `json:"heading,omitempty"`
	Excerpt []SearchPart `json:"excerpt,omitempty"`
}

// SearchPart is a part of an excerpt, which is plain text.
type SearchPart struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit,omitempty"` // a word that was searched for
}

// SearchResults is a part of what a search has found.
type SearchResults struct {
	Items  []SearchHit        `json:"items"`
	Next   string             `json:"next,omitempty"`
	Total  int                `json:"total"`
	Counts map[SearchKind]int `json:"counts,omitempty"` // of all kinds, also of those that were not asked for
	Cut    bool               `json:"cut,omitempty"`    // there is more than a search lists: another word narrows it
	Loose  bool               `json:"loose,omitempty"`  // nothing has all the words: these have some of them
	Unread []SearchHit        `json:"unread,omitempty"` // to staff: the files of the course whose text is not indexed, with the reason
}

// FoundText is a text of a course as a search compares it.
type FoundText struct {
	Kind       SearchKind
	ID         string
	Ordinal    int
	Title      string
	Heading    string
	Page       int
	Text       string
	Hidden     bool
	NotIndexed string
	Places     int // how many passages of the same material fit
}
