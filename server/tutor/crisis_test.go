package tutor

import "testing"

func TestConcerns(t *testing.T) {
	for message, want := range map[string]string{
		"I want to die": "self_harm",
		"i can't do this any more, I'm going to KILL MYSELF": "self_harm",
		"I don’t want to live":                               "self_harm",
		"ich will nicht mehr leben":                          "self_harm",
		"J'ai envie de mourir":                               "self_harm",
		"quiero morirme":                                     "self_harm",
		"tomorrow I will bring a gun":                        "violence",
		"my father hits me when I fail":                      "abuse",

		"how do I kill a process with SIGKILL":               "",
		"what does Durkheim say about suicide":               "",
		"why does the leader die in the middle of an upload": "",
		"the loop never ends, kill it?":                      "",
		"is a bomb calorimeter adiabatic":                    "",
		"wie bringe ich den Term auf die andere Seite":       "",
	} {
		got := ""
		if c := concernOf(message); c != nil {
			got = c.kind
		}
		if got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
