//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestOperate is what an administrator does: looks at the nodes, reads their texts and the audit log, and confirms with
// the password what changes the site.
func TestOperate(t *testing.T) {
	s := startSchool(t)
	s.enrol("amara", "Amara Student")
	b := s.tabOf(t, "ada", s.nodes[0])

	b.open(s.nodes[0].origin() + "/cluster")
	b.see("any one may fail")
	for _, n := range s.nodes {
		b.waitFor(20*time.Second, "the details of "+n.id, fmt.Sprintf(`[...document.querySelectorAll("summary")].some(s => s.innerText.includes("Inside " + %s))`, quote(n.id)))
		b.run("open the details", chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll("summary")].find(s => s.innerText.includes("Inside " + %s)).click()`, quote(n.id)), nil))
	}
	b.seeWithin(20*time.Second, "Messages between nodes")
	b.waitFor(30*time.Second, "figures of every node", `document.querySelectorAll(".sparks").length === 3 && document.querySelectorAll(".spark-line").length >= 4`)
	b.click("dump.txt")
	b.waitFor(20*time.Second, "what n1 did", `/became the leader for term|Renewing Lease|AppendEntries RPC from|committed the entry/.test(document.querySelector(".log-view")?.innerText ?? "")`)
	b.look("cluster-details")

	b.open(s.nodes[1].origin() + "/audit")
	b.seeWithin(20*time.Second, "records, newest first")
	b.see("Created an account")
	b.click("Verify the chain")
	b.seeWithin(20*time.Second, "records are in order")
	b.look("audit")
	b.set("#action", "backup.")
	b.seeWithin(20*time.Second, "Nothing recorded")
	b.look("audit-empty")

	amara := s.tabOf(t, "amara", s.nodes[0])
	amara.open(s.nodes[0].origin() + "/cluster")
	amara.see("any one may fail")
	amara.absent("Inside ")
	amara.look("cluster-student")

	s.confirmed(t, b)
}

// confirmed does something that asks for the password. The node asks after ten minutes; here the page is told so.
func (s *school) confirmed(t *testing.T, b *tab) {
	b.open(s.nodes[0].origin() + "/users")
	b.see("Ines Instructor")
	b.run("a session that is old", chromedp.Evaluate(`(() => {
		const real = window.fetch;
		let confirmed = false;
		window.fetch = async (r, o) => {
			const url = typeof r === "string" ? r : r.url, method = (o && o.method) || r.method || "GET";
			if (method === "POST" && url.endsWith("/api/v1/users") && !confirmed)
				return new Response(JSON.stringify({code: "reauth_required", message: "Please give your password again."}), {status: 403, headers: {"Content-Type": "application/json"}});
			const answer = await real(r, o);
			if (url.endsWith("/session/confirm") && answer.ok) confirmed = true;
			return answer;
		};
	})()`, nil))
	b.click("New account")
	b.fill("#name", "Noor Newcomer")
	b.fill("#login", "noor")
	b.fill("#password", password)
	b.click("Create the account")
	b.seeWithin(10*time.Second, "Your password, please")
	b.look("confirm-password")
	b.expect("422")
	b.fill("#confirm-password-field", "not the password")
	b.click("Go on")
	b.seeWithin(20*time.Second, "This is not your password")
	b.fill("#confirm-password-field", password)
	b.click("Go on")
	b.seeWithin(20*time.Second, "Noor Newcomer can sign in now.")
	users := call(t, s.admin, api.ListUsers, api.ListInput{Query: "noor"})
	if len(users.Items) != 1 || users.Items[0].Name != "Noor Newcomer" {
		t.Errorf("accounts: %+v", users.Items)
	}
	log := call(t, s.admin, api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Action: string(lms.AuditConfirmed)}})
	if len(log.Items) != 1 || log.Items[0].Actor != "ada" {
		t.Errorf("recorded: %+v", log.Items)
	}
}
