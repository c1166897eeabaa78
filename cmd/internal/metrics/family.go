// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// family is one metric name with its labels.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("xlb_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("xlb_"+name, help, labels, nil), prometheus.GaugeValue}
}

// sink takes samples of families.
type sink chan<- prometheus.Metric

func (s sink) put(f family, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

func (s sink) flag(f family, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.put(f, value, labels...)
}

// time puts seconds since 1970, and 0 for "never".
func (s sink) time(f family, at time.Time, labels ...string) {
	value := 0.0
	if !at.IsZero() {
		value = float64(at.UnixMilli()) / 1000
	}
	s.put(f, value, labels...)
}
