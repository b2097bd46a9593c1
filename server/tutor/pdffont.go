package tutor

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ledongthuc/pdf"
)

// pdfFont tells which characters the codes of a string show and how wide they are.
type pdfFont struct {
	name     string
	wide     bool // codes of two bytes
	unicode  map[string]string
	ranges   []codeRange
	lengths  [5]bool // code lengths that the font's map declares
	fallback pdf.TextEncoding
	widths   map[int]float64
	standard float64 // width of other codes
}

// codeRange maps codes from lo on to consecutive characters from dst on.
type codeRange struct {
	lo, hi string
	dst    []rune
}

const maxFontEntries = 70_000

// font reads a font once.
func (p *pdfReader) font(v pdf.Value, key string) *pdfFont {
	if f := p.fonts[key]; f != nil && key != "" {
		return f
	}
	f := &pdfFont{name: v.Key("BaseFont").Name(), unicode: map[string]string{}, widths: map[int]float64{}, standard: 500}
	f.wide = v.Key("Subtype").Name() == "Type0"
	if strings.Contains(f.name, "Courier") || strings.Contains(f.name, "Mono") {
		f.standard = 600
	}
	protect(func() { f.readWidths(v) })
	if m := v.Key("ToUnicode"); m.Kind() == pdf.Stream {
		// A damaged map leaves what was read so far.
		if p.streamFits(m) {
			protect(func() { f.readMap(m, v) })
		}
	}
	if !f.wide || len(f.unicode)+len(f.ranges) == 0 {
		protect(func() {
			lib := pdf.Font{V: v}
			f.fallback = lib.Encoder()
		})
	}
	if key != "" && len(p.fonts) < 2000 {
		p.fonts[key] = f
	}
	return f
}

// readMap reads the font's own table from codes to characters. The program in it defines names in a dictionary; the library cannot make
// one, so it gets the font's, which was read for this purpose and is thrown away.
func (f *pdfFont) readMap(m, scratch pdf.Value) {
	pdf.Interpret(m, func(stk *pdf.Stack, op string) {
		switch op {
		case "findresource":
			stk.Pop()
			stk.Pop()
			stk.Push(scratch)
		case "endcodespacerange":
			for stk.Len() >= 2 {
				hi, lo := stk.Pop().RawString(), stk.Pop().RawString()
				if n := len(lo); n > 0 && n < len(f.lengths) && len(hi) == n {
					f.lengths[n] = true
				}
			}
		case "endbfchar":
			for stk.Len() >= 2 && len(f.unicode) < maxFontEntries {
				dst, code := stk.Pop(), stk.Pop().RawString()
				if code != "" {
					f.unicode[code] = utf16Text(dst.RawString())
				}
			}
		case "endbfrange":
			for stk.Len() >= 3 && len(f.ranges) < maxFontEntries {
				dst, hi, lo := stk.Pop(), stk.Pop().RawString(), stk.Pop().RawString()
				f.addRange(lo, hi, dst)
			}
		}
		if strings.HasPrefix(op, "begin") || strings.HasPrefix(op, "end") {
			for stk.Len() > 0 {
				stk.Pop()
			}
		}
	})
}

func (f *pdfFont) addRange(lo, hi string, dst pdf.Value) {
	if lo == "" || len(lo) != len(hi) || len(lo) > 4 {
		return
	}
	if dst.Kind() != pdf.Array {
		f.ranges = append(f.ranges, codeRange{lo, hi, []rune(utf16Text(dst.RawString()))})
		return
	}
	code := []byte(lo)
	for i := range min(dst.Len(), 65536) {
		f.unicode[string(code)] = utf16Text(dst.Index(i).RawString())
		for k := len(code) - 1; k >= 0; k-- {
			if code[k]++; code[k] != 0 {
				break
			}
		}
	}
}

func utf16Text(s string) string {
	if len(s) == 1 {
		return string(rune(s[0]))
	}
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(units))
}

func codeOf(s string) int {
	n := 0
	for i := range len(s) {
		n = n<<8 | int(s[i])
	}
	return n
}

// readWidths reads the widths of simple fonts, or of the font that a composite one draws with.
func (f *pdfFont) readWidths(v pdf.Value) {
	if !f.wide {
		first, list := int(v.Key("FirstChar").Int64()), v.Key("Widths")
		for i := range min(list.Len(), 256) {
			f.widths[first+i] = list.Index(i).Float64()
		}
		if w := v.Key("FontDescriptor").Key("MissingWidth").Float64(); w > 0 {
			f.standard = w
		}
		if v.Key("Subtype").Name() == "Type3" { // widths are in the font's own units
			if scale := v.Key("FontMatrix").Index(0).Float64() * 1000; scale > 0 {
				for c := range f.widths {
					f.widths[c] *= scale
				}
			}
		}
		return
	}
	d := v.Key("DescendantFonts").Index(0)
	f.standard = 1000
	if w := d.Key("DW"); w.Kind() != pdf.Null {
		f.standard = w.Float64()
	}
	list := d.Key("W")
	for i, n := 0, min(list.Len(), maxFontEntries); i+1 < n; {
		first, next := int(list.Index(i).Int64()), list.Index(i+1)
		if next.Kind() == pdf.Array {
			for k := range min(next.Len(), maxFontEntries) {
				f.widths[first+k] = next.Index(k).Float64()
			}
			i += 2
			continue
		}
		if i+2 >= n {
			break
		}
		w := list.Index(i + 2).Float64()
		for c := first; c <= int(next.Int64()) && c-first < 65536 && len(f.widths) < maxFontEntries; c++ {
			f.widths[c] = w
		}
		i += 3
	}
}

// next splits the first code off a string and returns its text and width in thousandths of the font size.
func (f *pdfFont) next(s string) (code, text string, width float64) {
	n := 1
	if f.wide {
		n = 2
		if f.lengths[1] && !f.lengths[2] {
			n = 1
		}
	}
	code = s[:min(n, len(s))]
	width = f.standard
	if w, ok := f.widths[codeOf(code)]; ok {
		width = w
	}
	return code, f.text(code), width
}

func (f *pdfFont) text(code string) string {
	if t, ok := f.unicode[code]; ok {
		return t
	}
	for _, r := range f.ranges {
		if len(r.lo) == len(code) && r.lo <= code && code <= r.hi && len(r.dst) > 0 {
			t := append([]rune(nil), r.dst...)
			t[len(t)-1] += rune(codeOf(code) - codeOf(r.lo))
			f.remember(code, string(t))
			return string(t)
		}
	}
	if f.wide || f.fallback == nil {
		return string(utf8.RuneError) // codes of glyphs, without a map to characters
	}
	t := ""
	if protect(func() { t = f.fallback.Decode(code) }) != nil {
		t = string(utf8.RuneError)
	}
	if !utf8.ValidString(t) && len(t) == 1 {
		t = string(windows1252(t[0]))
	}
	f.remember(code, t)
	return t
}

func (f *pdfFont) remember(code, text string) {
	if len(f.unicode) < maxFontEntries {
		f.unicode[code] = text
	}
}
