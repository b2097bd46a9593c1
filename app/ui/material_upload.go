package ui

import (
	"context"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"trivium/app/api"
	"trivium/app/lms"
)

// materialUpload is a file on its way to become a material.
type materialUpload struct {
	transfer
	key     string // id of the coming material
	course  string
	publish bool
	running bool
	created bool
}

// uploadsOfMaterials are those of all courses; transfers.mu guards them.
var uploadsOfMaterials []*materialUpload

// materialUploads copies the uploads of a course that are not finished.
func materialUploads(course string) []materialView {
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	var list []materialView
	for _, u := range uploadsOfMaterials {
		if u.course == course && !u.created {
			list = append(list, materialView{u.transfer, u.key})
		}
	}
	return list
}

// materialView is a copy of an upload for drawing.
type materialView struct {
	transfer
	key string
}

// takeFinishedUploads forgets what has become a material and returns how many there were.
func takeFinishedUploads(course string) int {
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	before := len(uploadsOfMaterials)
	uploadsOfMaterials = slices.DeleteFunc(uploadsOfMaterials, func(u *materialUpload) bool { return u.course == course && u.created })
	return before - len(uploadsOfMaterials)
}

func startMaterialUpload(course string, b api.Blob, publish bool) {
	u := &materialUpload{transfer: *newTransfer(b), key: lms.NewID(), course: course, publish: publish}
	changeTransfers(func() { uploadsOfMaterials = append(uploadsOfMaterials, u) })
	u.start()
}

func retryMaterialUpload(key string) {
	transfers.mu.Lock()
	i := slices.IndexFunc(uploadsOfMaterials, func(u *materialUpload) bool { return u.key == key })
	if i < 0 || uploadsOfMaterials[i].running {
		transfers.mu.Unlock()
		return
	}
	u := uploadsOfMaterials[i]
	transfers.mu.Unlock()
	u.start()
}

func dropMaterialUpload(key string) {
	changeTransfers(func() {
		uploadsOfMaterials = slices.DeleteFunc(uploadsOfMaterials, func(u *materialUpload) bool { return u.key == key && !u.running })
	})
}

func (u *materialUpload) start() {
	changeTransfers(func() { u.running, u.err = true, nil })
	startTransfer(u.run, func(err error) { u.running, u.err, u.created = false, err, err == nil })
}

// run sends the file and then makes the material of it, so that members never see one whose bytes are missing.
func (u *materialUpload) run(ctx context.Context) error {
	if err := u.prepare(ctx, u.course); err != nil {
		return err
	}
	if _, err := u.deliver(ctx); err != nil {
		return err
	}
	_, err := api.Call(ctx, API, api.CreateMaterial, api.MaterialInput{Course: u.course, ID: u.key, Title: titleOfFile(u.name),
		Kind: lms.MaterialFile, FileID: u.file.ID, Published: u.publish})
	return err
}

// titleOfFile makes a first title of a file's name: "lecture-notes_week-1.pdf" -> "Lecture notes week 1".
func titleOfFile(name string) string {
	words := strings.FieldsFunc(strings.TrimSuffix(name, path.Ext(name)), func(r rune) bool { return r == '-' || r == '_' || unicode.IsSpace(r) })
	if len(words) == 0 {
		return name
	}
	first, size := utf8.DecodeRuneInString(words[0])
	words[0] = string(unicode.ToUpper(first)) + words[0][size:]
	return strings.Join(words, " ")
}
