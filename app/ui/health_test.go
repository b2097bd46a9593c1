package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

func TestHealthNowNeverContradictsTheBanner(t *testing.T) {
	good, bad := lms.HealthOf(3, 3), lms.HealthOf(3, 1)
	tests := []struct {
		name    string
		health  lms.Health
		news    connection
		level   lms.HealthLevel
		summary string
	}{
		{"as read", good, connection{}, lms.HealthGood, good.Summary},
		{"another node", good, connection{Node: "https://two.example"}, lms.HealthGood, good.Summary},
		{"read only", good, connection{AsOf: time.Now()}, lms.HealthBad, "Read only: most nodes are away"},
		{"read only and known to be", bad, connection{AsOf: time.Now()}, lms.HealthBad, bad.Summary},
		{"no answer", good, connection{Trouble: true}, lms.HealthBad, "No node answers"},
	}
	for _, tt := range tests {
		if got := healthNow(tt.health, tt.news); got.Level != tt.level || got.Summary != tt.summary || got.Voters != 3 {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestOtherOrigins(t *testing.T) {
	nodes := []lms.ClusterNode{{Origin: "https://one.example"}, {Origin: "https://two.example:8443"}, {}, {Origin: "javascript:alert(1)"}, {Origin: "https://three.example/x"}}
	if got := otherOrigins(nodes, "https://one.example"); !slices.Equal(got, []string{"https://two.example:8443"}) {
		t.Errorf("got %v", got)
	}
}

func TestAwayNoticeLeadsToTheSamePage(t *testing.T) {
	html := app.HTMLString(awayNotice([]string{"https://two.example"}, "/courses/c1?x=1"))
	contains(t, html, "does not answer", `href="https://two.example/courses/c1?x=1"`)
	if html := app.HTMLString(awayNotice(nil, "/")); strings.Contains(html, "another one") {
		t.Errorf("offers a node that it does not know: %s", html)
	}
}
