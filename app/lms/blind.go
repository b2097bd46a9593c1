package lms

import "strconv"

// BlindNow reports whether markers must not learn whose work it is (GRADE-8). Until the identities are revealed there are pseudonyms in
// the place of students, nobody sees who is late, and no grade reaches the gradebook or a student.
func (a Assignment) BlindNow() bool { return a.Blind && a.RevealedAt.IsZero() }

// HiddenMarker is the name that students read in the place of a marker's, where markers are hidden.
const HiddenMarker = "Marker"

// Pseudonym is what stands for a student in a blind assignment: an id in the place of the user's, and a name. Without a number, which
// only work has that an older program took in, the attempt gives it.
func Pseudonym(number int, submissionID string) (id, name string) {
	word := submissionID
	if number > 0 {
		word = strconv.Itoa(number)
	}
	return "participant-" + word, "Participant " + word
}

// longestExtension is that of a neutral name whose type is not known; a longer one could be a name.
const longestExtension = 5

// Neutral is the file with nothing of its owner in what is told about it: the n-th of the kind "file".
func (f File) Neutral(kind string, n int, owner string) File {
	ext := f.Extension()
	if (f.Type == "" || f.Type == "application/octet-stream") && len(ext) > longestExtension {
		ext = ""
	}
	f.Name, f.OwnerID = kind+"-"+strconv.Itoa(n)+ext, owner
	return f
}

// Refusals about blind marking.
var (
	ErrBlindLocked = FieldErrorf(KindRule, "blind", "Work has been handed in or graded, so blind marking can be neither switched on nor off any more. Reveal the identities when the marking is done.")
	ErrBlindBook   = FieldErrorf(KindRule, "mark", "This assignment is marked blind. Its grades come to the gradebook when the identities are revealed.")
	ErrBlindPost   = Errorf(KindRule, "This assignment is marked blind. Reveal the identities first; then post the grades.")
	ErrNotBlind    = Errorf(KindRule, "There is nothing to reveal: this assignment is not marked blind, or the identities are revealed already.")
	ErrBlindEmpty  = Errorf(KindRule, "Nobody has handed anything in yet, so there is nothing to reveal. Switch blind marking off instead.")
)
