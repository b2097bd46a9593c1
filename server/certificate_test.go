package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A certificate that its owner replaces is served without a restart; what cannot be used leaves the last one in force.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	c := &certificate{cert: filepath.Join(dir, "crt.pem"), key: filepath.Join(dir, "key.pem")}
	changes := 0
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		changes++
		when := time.Now().Add(time.Duration(changes) * time.Second)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	pair := func(serial int64) (cert, key []byte) {
		t.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
		certDER, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	}
	serves := func(want int64) {
		t.Helper()
		c.looked = time.Time{} // the time to look again has come
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := got.Leaf.SerialNumber.Int64(); n != want {
			t.Errorf("certificate %d is served; want %d", n, want)
		}
	}
	if _, err := c.get(nil); err == nil {
		t.Error("served without files")
	}
	cert, key := pair(1)
	write(c.cert, cert)
	write(c.key, key)
	serves(1)
	cert, key = pair(2)
	write(c.cert, cert) // the key follows
	serves(1)
	write(c.key, key)
	serves(2)
	write(c.cert, []byte("damaged"))
	serves(2)
	if err := os.Remove(c.cert); err != nil {
		t.Fatal(err)
	}
	serves(2)
}
