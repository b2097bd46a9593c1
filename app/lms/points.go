package lms

import (
	"fmt"
	"strconv"
	"strings"
)

// Points is an exact number of points in hundredths: 8750 is 87.5 points. On the wire it is a JSON number with at
// most two decimals.
type Points int64

// MaxPoints is the largest number of points that an assignment may be worth.
const MaxPoints Points = 1_000_000_00

// ParsePoints reads "87.5", "87,5" or "87". It refuses negative numbers, more than two decimals and anything else
// with KindRule.
func ParsePoints(s string) (Points, error) {
	t := strings.Replace(strings.TrimSpace(s), ",", ".", 1)
	whole, frac, _ := strings.Cut(t, ".")
	if whole == "" || len(frac) > 2 || strings.HasSuffix(t, ".") || strings.ContainsAny(t, "+-_eE ") {
		return 0, Errorf(KindRule, "%q is not a number of points. Write for example 87.5.", s)
	}
	n, err := strconv.ParseUint(whole+(frac + "00")[:2], 10, 62)
	if err != nil || Points(n) > MaxPoints {
		return 0, Errorf(KindRule, "%q is not a number of points between 0 and %s.", s, MaxPoints)
	}
	return Points(n), nil
}

// String writes the shortest form: "87.5", "100".
func (p Points) String() string {
	s := fmt.Sprintf("%d.%02d", p/100, p%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalJSON writes a JSON number.
func (p Points) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a JSON number, or a string as a person types it.
func (p *Points) UnmarshalJSON(b []byte) error {
	v, err := ParsePoints(strings.Trim(string(b), `"`))
	*p = v
	return err
}
