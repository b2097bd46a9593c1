package web

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"trivium/app/api"
	"trivium/app/lms"
)

// exported downloads the archive of a course.
func (c *course) exported(course string) []byte {
	c.t.Helper()
	path, err := api.PathOf(api.ExportCourse, api.CoursePath{Course: course})
	c.check(err)
	b, err := c.as("ina").Bytes(c.t.Context(), path, 64<<20)
	c.check(err)
	return b
}

// manifestOf reads what an archive says of the course, with ids by what they name: two archives of equal courses are equal.
func manifestOf(t *testing.T, b []byte) lms.CourseArchive {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("course.json")
	if err != nil {
		t.Fatal(err)
	}
	var a lms.CourseArchive
	if err := json.NewDecoder(f).Decode(&a); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for table, id := range map[string]string{"modules": "module_id", "materials": "material_id", "assignments": "assignment_id", "files": "file_id",
		"categories": "category_id", "module_items": "item_id"} {
		for _, row := range a.Tables[table] {
			for _, column := range []string{"title", "name"} {
				if name, _ := row[column].(string); name != "" {
					names[row[id].(string)] = name
				}
			}
		}
	}
	for _, rows := range a.Tables {
		for _, row := range rows {
			if body, ok := row["body"].(string); ok { // addresses of files and videos
				for id, name := range names {
					body = regexp.MustCompile(`\b`+regexp.QuoteMeta(id)+`\b`).ReplaceAllLiteralString(body, name)
				}
				row["body"] = regexp.MustCompile(`/courses/[^/]+/`).ReplaceAllString(body, "/courses/COURSE/")
			}
			for id, v := range row {
				if s, ok := v.(string); ok && strings.HasSuffix(id, "_id") {
					row[id] = names[s]
				}
			}
		}
		slices.SortFunc(rows, func(x, y map[string]any) int {
			a, _ := json.Marshal(x)
			b, _ := json.Marshal(y)
			return bytes.Compare(a, b)
		})
	}
	slices.SortFunc(a.Files, func(x, y lms.ArchiveFile) int { return strings.Compare(x.SHA256, y.SHA256) }) // they follow the ids
	return a
}

func (c *course) imported(course string, archive []byte) (lms.ImportReport, error) {
	c.t.Helper()
	call(c.site, "ina", api.CreateCourse, api.CourseInput{ID: course, Code: "new", Title: "New", Zone: "UTC", State: lms.CourseUnpublished})
	f := c.upload("ina", course, "course.trivium.zip", string(archive))
	for {
		step, err := api.Call(c.t.Context(), c.as("ina"), api.ImportCourse, api.ImportInput{Course: course, FileID: f.ID})
		if err != nil || step.Report != nil {
			if step.Report == nil {
				step.Report = &lms.ImportReport{}
			}
			return *step.Report, err
		}
	}
}

func TestCourseArchiveGivesAnEqualCourse(t *testing.T) {
	c := newCourse(t, nil)
	notes := c.upload("ina", "c1", "notes.txt", "Raft in short.")
	call(c.site, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: "m-file", Title: "Notes", Kind: lms.MaterialFile, FileID: notes.ID, Published: true})
	call(c.site, "ina", api.CreateItem, api.ItemInput{Course: "c1", Module: "d1", ID: "m-file", Kind: lms.ItemMaterial})
	call(c.site, "ina", api.CreateItem, api.ItemInput{Course: "c1", Module: "d1", ID: "a1", Kind: lms.ItemAssignment})
	call(c.site, "ina", api.CreateRubric, api.RubricInput{Course: "c1", ID: "r1", Title: "Essay", Criteria: []lms.Criterion{{ID: "k1", Title: "Thesis", Points: 1000,
		Levels: []lms.CriterionLevel{{ID: "l1", Title: "Clear", Points: 1000}}}}})
	call(c.site, "ina", api.UpdateMarking, api.MarkingInput{Course: "c1", Assignment: "a1", Posting: lms.PostingAutomatic, RubricID: "r1", RubricShown: true})
	picture, video, subs := c.upload("ina", "c1", "graph.png", pngHead), c.video(true), c.fileMaterial("talk.vtt", "WEBVTT\n", false)
	call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: video.ID, Version: video.Version, Captions: &subs.ID})
	call(c.site, "ina", api.CreateMaterial, pageWith(pictureOf(picture)+"\n\n![Talk](video:"+video.ID+")\n\n$x^2$", true))
	first := c.exported("c1")
	if bytes.Contains(first, []byte("My essay.")) || bytes.Contains(first, []byte("sue")) {
		t.Error("the archive holds the work or the name of a student")
	}
	report, err := c.imported("c9", first)
	if err != nil {
		t.Fatal(err)
	}
	if report.Course.Title != "Course c1" || report.Course.State != lms.CourseUnpublished || len(report.Imported) < 4 {
		t.Errorf("report %+v", report)
	}
	was, is := manifestOf(t, first), manifestOf(t, c.exported("c9"))
	for table, rows := range was.Tables {
		if !reflect.DeepEqual(rows, is.Tables[table]) {
			t.Errorf("%s: (-exported +imported)\n-%v\n+%v", table, rows, is.Tables[table])
		}
	}
	if was.Course != is.Course || !reflect.DeepEqual(was.Files, is.Files) {
		t.Errorf("course %+v and %+v, files %v and %v", was.Course, is.Course, was.Files, is.Files)
	}
	if rubrics := call(c.site, "ina", api.ListRubrics, api.CoursePath{Course: "c9"}).Items; len(rubrics) != 1 || rubrics[0].Uses != 1 || rubrics[0].Criteria[0].Title != "Thesis" {
		t.Errorf("rubrics %+v", rubrics)
	}
	page := call(c.site, "ina", api.ListMaterials, api.CoursePath{Course: "c9"})
	i := slices.IndexFunc(page.Items, func(m lms.Material) bool { return m.File != nil })
	if i < 0 || page.Items[i].ID == "m-file" {
		t.Fatalf("materials %+v", page.Items)
	}
	p := page.Items[slices.IndexFunc(page.Items, func(m lms.Material) bool { return m.Title == "Page" })]
	html := call(c.site, "ina", api.GetMaterial, api.MaterialPath{Course: "c9", Material: p.ID}).BodyHTML
	if strings.Contains(html, "/c1/") || strings.Count(html, `src="/api/v1/courses/c9/files/`) != 2 || !strings.Contains(html, `/captions"`) {
		t.Errorf("the page came back as %s", html)
	}
	for _, src := range regexp.MustCompile(`src="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if b, err := c.as("ina").Bytes(t.Context(), src[1], 1000); err != nil || len(b) == 0 {
			t.Errorf("%s: %v", src[1], err)
		}
	}
	path, err := api.PathOf(api.FileContent, api.ContentPath{Course: "c9", File: page.Items[i].File.ID})
	c.check(err)
	if b, err := c.as("ina").Bytes(t.Context(), path, 100); err != nil || string(b) != "Raft in short." {
		t.Errorf("the file came back as %q %v", b, err)
	}
}

func TestArchivesThatAreRefusedLeaveNothing(t *testing.T) {
	c := newCourse(t, nil)
	good := c.exported("c1")
	rewrite := func(change func(*lms.CourseArchive)) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
		c.check(err)
		for _, f := range z.File {
			r, err := f.Open()
			c.check(err)
			data, err := io.ReadAll(r)
			c.check(err)
			if f.Name == "course.json" {
				var a lms.CourseArchive
				c.check(json.Unmarshal(data, &a))
				change(&a)
				data, err = json.Marshal(a)
				c.check(err)
			}
			m, err := w.Create(f.Name)
			c.check(err)
			m.Write(data)
		}
		c.check(w.Close())
		return b.Bytes()
	}
	for i, tt := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"not an archive", []byte("hello"), "not an archive of a course"},
		{"cut off", good[:len(good)/2], "not an archive of a course"},
		{"a row without what it needs", rewrite(func(a *lms.CourseArchive) { a.Tables["materials"] = []map[string]any{{"title": "x"}} }), "damaged"},
		{"a state that nobody knows", rewrite(func(a *lms.CourseArchive) { a.Tables["materials"][0]["kind"] = "program" }), "damaged"},
		{"a file that is not in it", rewrite(func(a *lms.CourseArchive) {
			a.Tables["files"] = append(a.Tables["files"], map[string]any{"file_id": "f", "name": "x", "sha256": strings.Repeat("a", 64), "size": 1})
		}), "not in it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := "x" + string(rune('a'+i))
			_, err := c.imported(id, tt.archive)
			if lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q in it", err, tt.want)
			}
			if o := call(c.site, "ina", api.GetOutline, api.CoursePath{Course: id}); len(o.Modules)+len(o.Loose) > 0 {
				t.Errorf("half a course is there: %+v", o)
			}
		})
	}
	_, err := api.Call(t.Context(), c.as("ina"), api.ImportCourse, api.ImportInput{Course: "c1", FileID: c.upload("ina", "c1", "again.zip", string(good)).ID})
	if lms.KindOf(err) != lms.KindConflict {
		t.Errorf("an archive into a course with content: %v", err)
	}
}
