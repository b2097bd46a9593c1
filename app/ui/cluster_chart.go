package ui

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// ClusterMap draws the nodes and who passes changes on to whom. Everything in it also stands in the list of nodes.
func ClusterMap(c lms.Cluster) app.UI {
	return app.Raw(clusterMap(c))
}

const mapWidth, mapHeight = 360, 210

func clusterMap(c lms.Cluster) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="cluster-map"><svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, mapWidth, mapHeight, html.EscapeString(mapLabel(c)))
	nodes := slices.Clone(c.Nodes)
	slices.SortStableFunc(nodes, func(a, b lms.ClusterNode) int { return strings.Compare(a.ID, b.ID) })
	leader := slices.IndexFunc(nodes, func(n lms.ClusterNode) bool { return n.Leader && n.Up })
	at := func(i int) (x, y int) {
		if len(nodes) == 1 {
			return mapWidth / 2, mapHeight/2 - 12
		}
		angle := 2*math.Pi*float64(i)/float64(len(nodes)) - math.Pi/2
		return mapWidth/2 + int(125*math.Cos(angle)), mapHeight/2 - 8 + int(66*math.Sin(angle))
	}
	if leader >= 0 {
		x, y := at(leader)
		for i, n := range nodes {
			if i != leader {
				x2, y2 := at(i)
				fmt.Fprintf(&b, `<line class="%s" x1="%d" y1="%d" x2="%d" y2="%d"/>`, cond(n.Up, "map-link", "map-link map-cut"), x, y, x2, y2)
			}
		}
	}
	for i, n := range nodes {
		x, y := at(i)
		class := "map-node"
		switch {
		case !n.Up:
			class += " map-down"
		case i == leader:
			class += " map-leader"
		case !n.Voter:
			class += " map-guest"
		}
		fmt.Fprintf(&b, `<g class="%s"><circle cx="%d" cy="%d" r="19"/><text class="map-sign" x="%d" y="%d">%s</text><text x="%d" y="%d">%s</text></g>`,
			class, x, y, x, y+5, mapSign(n, i == leader), x, y+36, html.EscapeString(shortened(n.ID, 14)))
	}
	b.WriteString(`</svg></div>`)
	return b.String()
}

func mapSign(n lms.ClusterNode, leads bool) string {
	switch {
	case !n.Up:
		return "✕"
	case leads:
		return "★"
	}
	return "✓"
}

// mapLabel is the picture in words.
func mapLabel(c lms.Cluster) string {
	var parts []string
	for _, n := range c.Nodes {
		state := cond(n.Leader, "leads", "follows")
		if !n.Up {
			state = "is away"
		}
		parts = append(parts, n.ID+" "+state)
	}
	return "The nodes: " + strings.Join(parts, ", ")
}

func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// sparkline draws a series of the last minutes with its present and its highest value. Points are drawn from left to
// right; fewer than two are no line.
func sparkline(label, unit string, points []float64) app.UI {
	now, top := 0.0, 0.0
	if len(points) > 0 {
		now, top = points[len(points)-1], slices.Max(points)
	}
	figure := strings.TrimSpace(shortNumber(now) + " " + unit)
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="spark"><span class="spark-label">%s</span><strong class="num">%s</strong>`, html.EscapeString(label), html.EscapeString(figure))
	fmt.Fprintf(&b, `<svg viewBox="0 0 180 44" preserveAspectRatio="none" role="img" aria-label="%s">`,
		html.EscapeString(fmt.Sprintf("%s, last three minutes: now %s, at most %s %s", label, figure, shortNumber(top), unit)))
	if line := polyline(points, top); line != "" {
		fmt.Fprintf(&b, `<polygon class="spark-area" points="%s 180,44 %s,44"/><polyline class="spark-line" points="%s"/>`, line, strings.SplitN(line, ",", 2)[0], line)
	}
	fmt.Fprintf(&b, `</svg><span class="fine">at most %s</span></div>`, html.EscapeString(strings.TrimSpace(shortNumber(top)+" "+unit)))
	return app.Raw(b.String())
}

// polyline puts the newest point at the right edge: a series that has just begun does not stretch.
func polyline(points []float64, top float64) string {
	const most = 90
	if len(points) < 2 {
		return ""
	}
	points = points[max(0, len(points)-most):]
	step := 180.0 / (most - 1)
	parts := make([]string, len(points))
	for i, v := range points {
		y := 42.0
		if top > 0 {
			y -= 40 * v / top
		}
		parts[i] = strconv.FormatFloat(180-step*float64(len(points)-1-i), 'f', 1, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64)
	}
	return strings.Join(parts, " ")
}

// shortNumber is a figure with as many digits as one reads.
func shortNumber(v float64) string {
	switch {
	case v == math.Trunc(v) || v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
