package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"trivium/app/lms"
)

// Destination is where archives are kept.
type Destination interface {
	// Put stores what write writes under the name: all of it, or nothing. size is about how many bytes will come.
	Put(ctx context.Context, name string, size int64, write func(io.Writer) error) error
	// List returns the names of the archives of the cluster that lie there, oldest first.
	List(ctx context.Context, cluster string) ([]string, error)
	Delete(ctx context.Context, name string) error
	// String names the destination, without secrets.
	String() string
}

// ParseDestination understands s3://bucket/prefix?endpoint=host:port&region=… and a directory. The keys of S3 come from
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or from the file ~/.aws/credentials.
func ParseDestination(s string) (Destination, error) {
	if strings.HasPrefix(s, "s3://") {
		o, err := parseS3(s)
		if err != nil {
			return nil, err
		}
		return s3Folder{o}, nil
	}
	if u, err := url.Parse(s); err == nil && u.Scheme != "" && u.Host != "" {
		return nil, lms.Errorf(lms.KindInvalid, "%s: archives go to a directory or to s3://bucket/prefix.", u.Redacted())
	}
	if s == "" || !filepath.IsAbs(s) {
		return nil, lms.Errorf(lms.KindInvalid, "%q: name the directory with its whole path, or s3://bucket/prefix.", s)
	}
	return folder(s), nil
}

// Names of archives sort by their time.
const (
	nameTime  = "20060102T150405Z"
	plainName = ".tar"
	ageName   = ".tar.age"
)

// Name is what an archive is called.
func (m *Manifest) Name(sealed bool) string {
	return archiveName(m.Cluster, m.CreatedAt.Format(nameTime), sealed)
}

func archiveName(cluster, stamp string, sealed bool) string {
	name := namePrefix(cluster) + stamp
	if sealed {
		return name + ageName
	}
	return name + plainName
}

func namePrefix(cluster string) string { return fmt.Sprintf("trivium-%.8s-", cluster) }

// isArchive keeps strangers' files from being deleted.
func isArchive(name, cluster string) bool {
	stamp, ok := strings.CutPrefix(name, namePrefix(cluster))
	stamp = strings.TrimSuffix(strings.TrimSuffix(stamp, ".age"), plainName)
	return ok && len(stamp) == len(nameTime) && stamp[8] == 'T' && stamp[15] == 'Z'
}

// folder is a directory of this machine: of a disk that is not the node's, if it is to be of any use.
type folder string

func (f folder) String() string { return string(f) }

func (f folder) Put(_ context.Context, name string, _ int64, write func(io.Writer) error) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	return WriteFile(filepath.Join(string(f), name), write)
}

// WriteFile makes or replaces a file of the owner alone, durably: all of it, or nothing.
func WriteFile(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (f folder) List(_ context.Context, cluster string) (names []string, err error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && isArchive(e.Name(), cluster) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f folder) Delete(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(f), name))
}
