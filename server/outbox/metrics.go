package outbox

import "github.com/prometheus/client_golang/prometheus"

type counters struct {
	sent, failures  prometheus.Counter
	waiting, failed prometheus.GaugeFunc
}

func newCounters(s *Service) *counters {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "trivium", Subsystem: "mail", Name: name, Help: help})
	}
	gauge := func(name, help string, value func() int) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "trivium", Subsystem: "mail", Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	return &counters{
		sent:     counter("sent_total", "Mails of the outbox that this node handed to its mail server."),
		failures: counter("failures_total", "Tries of this node to send a mail of the outbox that failed."),
		waiting:  gauge("waiting", "Mails of the outbox that wait to be sent, of the whole cluster.", func() int { return s.state().Waiting }),
		failed:   gauge("given_up", "Mails of the last week that could not be sent, of the whole cluster.", func() int { return s.state().Failed }),
	}
}

// Collectors are the service's figures.
func (s *Service) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.count.sent, s.count.failures, s.count.waiting, s.count.failed}
}
