//! Metrics in the OpenMetrics text format, which Prometheus reads.
//!
//! Every counter is one, by its own name and documentation; no metric is told apart by address.

use super::{Operation, Statistics};
use crate::sink::accounting::DropReason;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;

/// What every name begins with.
const PREFIX: &str = "sensor";

/// The metrics at this moment.
pub(super) fn exposition(operation: &Operation) -> String {
    let (reloads, reloads_refused) = operation.reloads();
    let scrape = Scrape { statistics: operation.statistics(), reloads, reloads_refused };
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing to memory does not fail");
    text
}

/// What one scrape sees.
#[derive(Debug)]
struct Scrape {
    statistics: Statistics,
    reloads: u64,
    reloads_refused: u64,
}

/// Writes one metric after the other.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let metric = ConstCounter::new(value);
        metric.encode(self.0.encode_descriptor(name, help, None, metric.metric_type())?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        metric.encode(self.0.encode_descriptor(name, help, None, metric.metric_type())?)
    }

    /// One metric with a value for each of some labels.
    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, &'l str); 2], u64)>,
    ) -> fmt::Result {
        let metric = ConstCounter::new(0u64);
        let mut family = self.0.encode_descriptor(name, help, None, metric.metric_type())?;
        for (labels, value) in values {
            let metric = ConstCounter::new(value);
            metric.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self { statistics, reloads, reloads_refused } = self;
        let mut writer = Writer(encoder);
        for (counter, value) in statistics.snapshot.counters.iter() {
            let help = counter.doc().trim_end_matches('.');
            writer.counter(counter.name(), help, value)?;
        }
        let snapshot = &statistics.snapshot;
        let gauges = [
            ("ring_packets", "Packets that wait in the rings", snapshot.waiting_in_rings()),
            ("handover_packets", "Packets on their way between workers", snapshot.handed_over()),
            ("findings_waiting", "Findings that wait for the collector", snapshot.findings_waiting()),
            ("flows", "Flows at the moment", snapshot.flows.iter().sum::<usize>() as u64),
            (
                "app_layer_memory_bytes",
                "Memory of the parsers and transactions of all flows",
                snapshot.app_layer_bytes as u64,
            ),
            ("rules", "Rules in use", statistics.rules.1),
            ("resident_memory_bytes", "Memory of the process", statistics.memory_bytes),
            ("ready", "Whether the sensor is ready", u64::from(statistics.unready.is_empty())),
            ("visibility_findings", "What silences detection, as it shows", statistics.findings.len() as u64),
        ];
        for (name, help, value) in gauges {
            writer.gauge(name, help, value)?;
        }
        writer.counter("reloads", "Reloads of rules", *reloads)?;
        writer.counter("reloads_refused", "Reloads that were refused", *reloads_refused)?;
        let accounts = statistics.sinks.iter();
        let states = accounts.clone().flat_map(|(sink, account)| {
            let states = [
                ("created", account.created),
                ("recovered", account.recovered),
                ("delivered", account.delivered),
            ];
            states.map(|(state, n)| ([("sink", *sink), ("state", state)], n))
        });
        writer.counters("sink_events", "Events of each sink", states)?;
        let dropped = accounts.flat_map(|(sink, account)| {
            DropReason::ALL
                .map(|reason| ([("sink", *sink), ("reason", reason.name())], account.dropped_for(reason)))
        });
        writer.counters("sink_events_dropped", "Events given up, by reason", dropped)?;
        for (sink, account) in &statistics.sinks {
            let waiting = account.pending();
            writer.gauge(&format!("{sink}_events_pending"), "Events that wait for this sink", waiting)?;
        }
        Ok(())
    }
}
