package consensus

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"trivium/consensus/internal/fault"
)

// CURRENT names the live generation, gN/db is its database. A restore builds a new generation and moves CURRENT: an old
// write-ahead log can never meet a new database file.
const currentFile = "CURRENT"

func currentGeneration(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// setCurrentGeneration is durable when it returns.
func setCurrentGeneration(dir, generation string) error {
	tmp := filepath.Join(dir, currentFile+".tmp")
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	if _, err = f.WriteString(generation + "\n"); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	fault.Point("current-before-rename")
	if err = os.Rename(tmp, filepath.Join(dir, currentFile)); err != nil {
		return err
	}
	fault.Point("current-after-rename")
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func nextGeneration(generation string) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(generation, "g"))
	return "g" + strconv.Itoa(n+1)
}

// removeOthers removes what an interrupted restore or receive has left.
func removeOthers(dir, generation string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != generation {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }
