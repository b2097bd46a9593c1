package drill

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const childEnv = "DRILL_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if code == 0 {
		code = leaks()
	}
	os.Exit(code)
}

// leaks waits for what is bounded by time, such as a connection that is being made to a node that is cut off.
func leaks() int {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if err = goleak.Find(); err == nil {
			return 0
		}
	}
	os.Stderr.WriteString(err.Error())
	return 1
}

// TestDrills runs every drill: with processes where it kills them, over the simulated network where it cuts.
func TestDrills(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Setenv(childEnv, "1")
	for _, d := range Drills() {
		t.Run(d.Name, func(t *testing.T) {
			var out bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			err := Run(ctx, d, Options{Command: []string{os.Args[0]}, Out: &out, Dir: t.TempDir(), Seed: 1, Phase: 2 * time.Second})
			t.Logf("%s", &out)
			if err != nil {
				t.Error(err)
			}
			if err == nil && !strings.Contains(out.String(), "passed: ") {
				t.Error("it does not say that it has passed")
			}
		})
	}
}
