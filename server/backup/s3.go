package backup

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"trivium/app/lms"
)

const (
	defaultS3   = "s3.amazonaws.com"
	minPart     = 16 << 20 // bytes; the client holds one part in memory
	maxParts    = 9_000    // of an object, with some room below S3's 10,000
	sealOverrun = 1 << 20  // by which encryption and headers may make an archive longer than announced, per part
)

// object is an object, or the beginning of names of objects, in an S3-compatible store.
type object struct {
	client      *minio.Client
	bucket, key string
	endpoint    string
}

// parseS3 reads s3://bucket/key, with ?endpoint= for another store than Amazon's, ?region= and, for tests on this machine,
// ?insecure=1 for plain HTTP.
func parseS3(s string) (object, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return object{}, lms.Errorf(lms.KindInvalid, "%.80q is no place in a store: write s3://bucket/name, and give the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", s)
	}
	q := u.Query()
	for name := range q {
		if !slices.Contains([]string{"endpoint", "region", "insecure"}, name) {
			return object{}, lms.Errorf(lms.KindInvalid, "%s is not a setting of s3://; it takes endpoint, region and insecure.", name)
		}
	}
	o := object{bucket: u.Host, key: strings.Trim(u.Path, "/"), endpoint: defaultS3}
	if e := q.Get("endpoint"); e != "" {
		o.endpoint = e
	}
	region := q.Get("region")
	if region == "" {
		region = os.Getenv("AWS_REGION")
	}
	o.client, err = minio.New(o.endpoint, &minio.Options{
		Creds:  credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}),
		Secure: q.Get("insecure") != "1", Region: region,
	})
	if err != nil {
		return object{}, lms.Errorf(lms.KindInvalid, "s3://%s: %s.", o.bucket, err)
	}
	o.client.SetAppInfo("trivium", "1")
	return o, nil
}

func (o object) String() string { return "s3://" + path.Join(o.bucket, o.key) }

// put uploads in parts. The object appears when the last one is there: an upload that breaks off leaves none.
func (o object) put(ctx context.Context, key string, size int64, write func(io.Writer) error) error {
	part := max(minPart, (size/maxParts+sealOverrun)>>20<<20)
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err) // nil is the end
		written <- err
	}()
	_, err := o.client.PutObject(ctx, o.bucket, key, r, -1, minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: uint64(part)})
	r.CloseWithError(io.ErrClosedPipe)
	if werr := <-written; werr != nil && werr != io.ErrClosedPipe {
		return werr // the cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// Upload stores what write writes as the object at s3://bucket/key.
func Upload(ctx context.Context, to string, size int64, write func(io.Writer) error) error {
	o, err := parseS3(to)
	if err != nil {
		return err
	}
	if o.key == "" {
		return lms.Errorf(lms.KindInvalid, "%s names a bucket only; add the name of the archive, such as %s/site.tar.", o, o)
	}
	return o.put(ctx, o.key, size, write)
}

// Download opens the object at s3://bucket/key.
func Download(ctx context.Context, from string) (io.ReadCloser, error) {
	o, err := parseS3(from)
	if err != nil {
		return nil, err
	}
	r, err := o.client.GetObject(ctx, o.bucket, o.key, minio.GetObjectOptions{})
	if err == nil {
		if _, err = r.Stat(); err != nil {
			r.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	return r, nil
}

// s3Folder keeps archives below a prefix.
type s3Folder struct{ object }

func (f s3Folder) at(name string) string { return path.Join(f.key, name) }

func (f s3Folder) Put(ctx context.Context, name string, size int64, write func(io.Writer) error) error {
	return f.put(ctx, f.at(name), size, write)
}

func (f s3Folder) List(ctx context.Context, cluster string) (names []string, err error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when it is left early
	defer cancel()
	for o := range f.client.ListObjects(ctx, f.bucket, minio.ListObjectsOptions{Prefix: f.at(namePrefix(cluster))}) {
		if o.Err != nil {
			return nil, fmt.Errorf("%s: %w", f, o.Err)
		}
		if name := path.Base(o.Key); f.at(name) == o.Key && isArchive(name, cluster) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f s3Folder) Delete(ctx context.Context, name string) error {
	return f.client.RemoveObject(ctx, f.bucket, f.at(name), minio.RemoveObjectOptions{})
}
