// Command pack compresses a built file into NAME.br and NAME.gz of a folder:
//
//	go run ./build/pack -quality 11 -out assets/web build/bin/app.wasm
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/andybalholm/brotli"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	quality := flags.Int("quality", brotli.BestCompression, "brotli quality, 0 to 11 (11: 20 s, for releases; 5: at once)")
	folder := flags.String("out", filepath.Join("assets", "web"), "folder to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name at least one file to compress")
	}
	for _, name := range flags.Args() {
		if err := pack(name, *folder, *quality, out); err != nil {
			return err
		}
	}
	return nil
}

// pack writes both forms of one file at the same time.
func pack(name, folder string, quality int, out io.Writer) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var br, gz bytes.Buffer
	var brErr, gzErr error
	var wg sync.WaitGroup
	wg.Go(func() { brErr = compressBrotli(&br, raw, quality) })
	wg.Go(func() { gzErr = compressGzip(&gz, raw) })
	wg.Wait()
	if err := errors.Join(brErr, gzErr); err != nil {
		return err
	}
	base := filepath.Join(folder, filepath.Base(name))
	if err := errors.Join(os.WriteFile(base+".br", br.Bytes(), 0o644), os.WriteFile(base+".gz", gz.Bytes(), 0o644)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d bytes, gzip %d, brotli %d (quality %d)\n", name, len(raw), gz.Len(), br.Len(), quality)
	return nil
}

// compressBrotli compresses b with a window of 16 MiB, which holds the whole program.
func compressBrotli(w io.Writer, b []byte, quality int) error {
	bw := brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: quality, LGWin: 24})
	_, err := bw.Write(b)
	return errors.Join(err, bw.Close())
}

func compressGzip(w io.Writer, b []byte) error {
	gw, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = gw.Write(b)
	return errors.Join(err, gw.Close())
}
