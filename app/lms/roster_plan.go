package lms

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// rosterPlanner makes a plan.
type rosterPlanner struct {
	RosterPlan
	options                     RosterOptions
	byExternal, byLogin, byMail map[string]*RosterUser
	sections                    map[string]Section
	seen                        map[string]int // key of a row or a user to its line
	creates                     map[string]bool
	writes                      []RosterWrite
}

// PlanRoster decides what the rows do to the roster. The rows of a file that was applied change nothing.
func PlanRoster(rows []RosterRow, state RosterState, options RosterOptions) (RosterPlan, []RosterWrite) {
	p := &rosterPlanner{options: options, byExternal: map[string]*RosterUser{}, byLogin: map[string]*RosterUser{}, byMail: map[string]*RosterUser{},
		sections: map[string]Section{}, seen: map[string]int{}, creates: map[string]bool{}}
	p.RosterPlan = RosterPlan{Rows: len(rows), Columns: []RosterColumn{}, Adds: []RosterLine{}, Changes: []RosterLine{}, Drops: []RosterLine{},
		Errors: []RosterLine{}, NewSections: []string{}}
	for i := range state.Users {
		u := &state.Users[i]
		p.byLogin[NormalLogin(u.Login)] = u
		if u.ExternalID != "" {
			p.byExternal[u.ExternalID] = u
		}
		if u.Mail != "" {
			p.byMail[u.Mail] = u
		}
	}
	for _, s := range state.Sections {
		if known, there := p.sections[NormalTitle(s.Title)]; !there || !known.ArchivedAt.IsZero() {
			p.sections[NormalTitle(s.Title)] = s
		}
	}
	for _, row := range rows {
		p.row(row)
	}
	if options.Drop {
		p.drops(state.Users)
	}
	return p.RosterPlan, p.writes
}

func (p *rosterPlanner) fail(row RosterRow, format string, args ...any) {
	p.Errors = append(p.Errors, RosterLine{Line: row.Line, Name: row.Name, Login: row.Login, Detail: fmt.Sprintf(format, args...)})
}

// row decides about one line.
func (p *rosterPlanner) row(row RosterRow) {
	row.Mail = NormalMail(row.Mail)
	if problem := row.check(); problem != "" {
		p.fail(row, "%s", problem)
		return
	}
	role, problem := rosterRole(row.Role)
	if problem == "" {
		problem = p.repeated(row)
	}
	u, ambiguous := p.match(row)
	if problem == "" {
		problem = ambiguous
	}
	if problem == "" && u != nil {
		if line := p.seen["user "+u.ID]; line > 0 {
			problem = fmt.Sprintf("This is the same account as in line %d.", line)
		}
		p.seen["user "+u.ID] = row.Line
	}
	if problem == "" {
		problem = p.checkSection(row.Section)
	}
	if problem != "" {
		p.fail(row, "%s", problem)
		return
	}
	switch {
	case u == nil:
		p.create(row, role)
	case !u.Member:
		p.enrol(row, u, role)
	default:
		p.change(row, u, role)
	}
}

// check refuses what a line cannot be, whoever it means.
func (r RosterRow) check() string {
	switch {
	case r.Problem != "":
		return r.Problem
	case r.ExternalID == "" && r.Login == "" && r.Mail == "":
		return "This line has no external id, user name or mail address. Nobody is found by name."
	case utf8.RuneCountInString(r.ExternalID) > MaxLogin:
		return fmt.Sprintf("An external id has at most %d characters.", MaxLogin)
	case r.Mail != "" && !ValidMail(r.Mail):
		return fmt.Sprintf("%q is not a mail address.", r.Mail)
	case utf8.RuneCountInString(r.Name) > MaxTitle:
		return fmt.Sprintf("A name has at most %d characters.", MaxTitle)
	}
	if r.Section != "" {
		if err := checkTitle("section", r.Section); err != nil {
			return "The section is not a title of one line with at most 255 characters."
		}
	}
	if r.Login != "" {
		if err := CheckLogin(r.Login); err != nil {
			return err.(*Error).Message
		}
	}
	return ""
}

// repeated refuses a key that a line before has.
func (p *rosterPlanner) repeated(row RosterRow) string {
	for _, key := range []struct{ kind, value string }{{"external id", row.ExternalID}, {"user name", NormalLogin(row.Login)}, {"mail address", row.Mail}} {
		if key.value == "" {
			continue
		}
		id := key.kind + " " + key.value
		if line := p.seen[id]; line > 0 {
			return fmt.Sprintf("The %s %s is in line %d already.", key.kind, key.value, line)
		}
		p.seen[id] = row.Line
	}
	return ""
}

// match finds the account of a line; the keys must not mean two.
func (p *rosterPlanner) match(row RosterRow) (u *RosterUser, problem string) {
	for _, found := range []*RosterUser{p.byExternal[row.ExternalID], p.byLogin[NormalLogin(row.Login)], p.byMail[row.Mail]} {
		if found == nil {
			continue
		}
		if u != nil && u != found {
			return nil, fmt.Sprintf("The line means two accounts: %s and %s.", u.Login, found.Login)
		}
		u = found
	}
	switch {
	case u == nil:
		return nil, ""
	case row.ExternalID != "" && u.ExternalID != "" && row.ExternalID != u.ExternalID:
		return nil, fmt.Sprintf("The account %s has another external id.", u.Login)
	case row.ExternalID == "" || u.ExternalID != row.ExternalID:
		if row.Login != "" && NormalLogin(row.Login) != NormalLogin(u.Login) {
			return nil, fmt.Sprintf("The mail address belongs to the account %s.", u.Login)
		}
	}
	if u.Disabled {
		return nil, fmt.Sprintf("The account %s is disabled. An administrator can enable it.", u.Login)
	}
	return u, ""
}

func (p *rosterPlanner) checkSection(title string) string {
	if s, there := p.sections[NormalTitle(title)]; title != "" && there && !s.ArchivedAt.IsZero() {
		return fmt.Sprintf("The section %s is archived. Restore it first.", s.Title)
	}
	return ""
}

// section notes a section that does not exist yet and returns its title as the course has it.
func (p *rosterPlanner) section(title string) string {
	if title == "" {
		return ""
	}
	key := NormalTitle(title)
	if _, there := p.sections[key]; !there {
		p.sections[key] = Section{Title: title}
		p.NewSections = append(p.NewSections, title)
	}
	return p.sections[key].Title
}

func (p *rosterPlanner) create(row RosterRow, role Role) {
	login := row.Login
	for _, other := range []string{row.Mail, row.ExternalID} {
		if login == "" && other != "" && CheckLogin(other) == nil {
			login = other
		}
	}
	switch {
	case strings.TrimSpace(row.Name) == "":
		p.fail(row, "There is no account for this line, and without a name none can be made.")
	case login == "":
		p.fail(row, "There is no account for this line, and a new one needs a user name.")
	case p.byLogin[NormalLogin(login)] != nil, p.creates[NormalLogin(login)]:
		p.fail(row, "The user name %s is taken by another account.", login)
	default:
		p.creates[NormalLogin(login)] = true
		if role == "" {
			role = RoleStudent
		}
		p.NewAccounts++
		p.write(row, RosterUser{Login: login, Name: strings.TrimSpace(row.Name), ExternalID: row.ExternalID, Mail: row.Mail, Role: role, Active: true}, nil)
		p.add(row, login, row.Name, role, ", with a new account")
	}
}

func (p *rosterPlanner) enrol(row RosterRow, u *RosterUser, role Role) {
	if role == "" {
		role = RoleStudent
	}
	after := *u
	after.Role, after.Active = role, true
	p.identities(row, &after)
	p.write(row, after, nil)
	p.add(row, u.Login, u.Name, role, "")
}

func (p *rosterPlanner) add(row RosterRow, login, name string, role Role, more string) {
	detail := "joins as " + string(role) + more
	if title := p.section(row.Section); title != "" {
		detail += ", in " + title
	}
	p.Adds = append(p.Adds, RosterLine{Line: row.Line, Name: name, Login: login, Detail: detail})
}

func (p *rosterPlanner) change(row RosterRow, u *RosterUser, role Role) {
	after := *u
	after.Active = true
	var what []string
	if !u.Active {
		what = append(what, "is active again")
	}
	if role != "" && role != u.Role {
		if u.Role == RoleInstructor || u.ID == p.options.Actor {
			p.fail(row, "%s is %s of the course. Change that in the list of members, not by a file.", u.Login, u.Role)
			return
		}
		after.Role = role
		what = append(what, fmt.Sprintf("%s instead of %s", role, u.Role))
	}
	what = append(what, p.identities(row, &after)...)
	section := p.sections[NormalTitle(row.Section)]
	if row.Section != "" && (section.ID == "" || section.ID != u.SectionID) {
		what = append(what, "comes into "+p.section(row.Section))
	} else {
		row.Section = ""
	}
	if len(what) == 0 {
		p.Same++
		return
	}
	p.write(row, after, u)
	p.Changes = append(p.Changes, RosterLine{Line: row.Line, Name: u.Name, Login: u.Login, Detail: strings.Join(what, ", ")})
}

// identities fills in what an account lacks, if the importer may.
func (p *rosterPlanner) identities(row RosterRow, after *RosterUser) (what []string) {
	if !p.options.Identities {
		return nil
	}
	if row.ExternalID != "" && after.ExternalID == "" {
		after.ExternalID = row.ExternalID
		what = append(what, "gets the external id "+row.ExternalID)
	}
	if row.Mail != "" && after.Mail == "" {
		after.Mail = row.Mail
		what = append(what, "gets the mail address "+row.Mail)
	}
	return what
}

func (p *rosterPlanner) write(row RosterRow, after RosterUser, was *RosterUser) {
	p.writes = append(p.writes, RosterWrite{User: after, Section: p.section(row.Section), Line: row.Line, Was: was})
}

// drops deactivates the active students whom no line means. A line with an error may mean anybody, so nobody is dropped
// by a file that has one: such a file is not applied.
func (p *rosterPlanner) drops(users []RosterUser) {
	for i := range users {
		u := &users[i]
		if !u.Member || !u.Active || u.Role != RoleStudent || p.seen["user "+u.ID] > 0 {
			continue
		}
		after := *u
		after.Active = false
		p.writes = append(p.writes, RosterWrite{User: after, Drop: true, Was: u})
		p.Drops = append(p.Drops, RosterLine{Name: u.Name, Login: u.Login, Detail: "is deactivated; all work is kept"})
	}
	slices.SortStableFunc(p.Drops, func(a, b RosterLine) int { return strings.Compare(a.Login, b.Login) })
}

// rosterRole understands the words for roles that files have.
func rosterRole(word string) (Role, string) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "":
		return "", ""
	case "student", "learner":
		return RoleStudent, ""
	case "ta", "teaching assistant", "assistant", "grader":
		return RoleTA, ""
	case "instructor", "teacher", "lecturer":
		return RoleInstructor, ""
	case "observer", "guardian", "parent":
		return RoleObserver, ""
	}
	return "", fmt.Sprintf("%q is not a role. Write student, ta, instructor or observer.", word)
}
