//! Where workers' findings meet: put in order, thresholds applied, written out as records.
//!
//! Workers finish bursts at their own pace. A burst is closed when every worker has reported both what it found in
//! packets and what DHCP messages of others told it; bursts are closed in their order, and what was found in one is
//! sorted by [`Order`]. So neither the number of workers nor their pace shows in the output.

mod held;
mod threshold;

pub use threshold::{RateFilter, Suppression, ThresholdTable};

use crate::counter::{Counter, Counters};
use crate::event::cloudevents::Encoder;
use crate::event::{Activity, Detection, Dhcp, Event, FlowStatistics};
use crate::limits::CollectLimits;
use crate::sink::{Record, RecordKind};
use crate::time::Timestamp;
use held::HeldAlerts;
use rules::threshold::Threshold;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where in the order of the output something stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Order {
    /// The packet with which it was found.
    pub ordinal: u64,
    /// What came first at that packet.
    pub stage: Stage,
    /// For a flow that ended: when it would have been idle too long, and its first packet.
    pub flow: (Timestamp, u64, u8),
    /// Position among what was found at the same place.
    pub index: u32,
}

/// What happens at one packet, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// The clock moved, and flows ended.
    Tick,
    /// The packet's own key led to a flow that was over.
    FlowEnd,
    /// The packet was inspected.
    Packet,
    /// The message it carried was taken up by its transaction.
    Dhcp,
}

/// A rule's match, before thresholds.
#[derive(Clone, Debug)]
pub struct FoundRule {
    /// The event it makes.
    pub detection: Box<Detection>,
    /// The sender of the packet itself.
    pub packet_source: IpAddr,
    /// Its receiver.
    pub packet_destination: IpAddr,
    /// How often the rule may alert: all of them must let an alert through.
    pub thresholds: Arc<[Threshold]>,
}

/// Something a worker found.
#[derive(Clone, Debug)]
pub enum Found {
    /// Rules that matched one packet, in order of report.
    Rules(Vec<FoundRule>),
    /// A DHCP message.
    Dhcp(Dhcp),
    /// A transaction or a flow that is over.
    Activity(Box<Activity>),
    /// A flow ended on which rules had matched. Told where alerts wait for it.
    FlowEnd {
        /// The flow's number.
        flow_id: u64,
        /// Its counts, and why it ended.
        statistics: FlowStatistics,
    },
}

/// How findings become events.
#[derive(Debug)]
pub struct CollectConfig {
    /// How often rules may alert.
    pub thresholds: ThresholdTable,
    /// Alerts from one packet.
    pub alerts_per_packet: usize,
    /// For how long alerts wait for the end of their flow; nothing where they go out at once.
    pub hold: Option<Duration>,
}

/// What one worker found in one burst, in packets or in DHCP messages handed to it.
#[derive(Debug)]
pub struct Report {
    /// Which burst, counted from 0.
    pub burst: u64,
    /// In order.
    pub found: Vec<(Order, Found)>,
}

/// Reports that each worker gives on each burst: one on packets, one on DHCP messages.
const REPORTS_PER_WORKER: usize = 2;

#[derive(Debug, Default)]
struct Pending {
    reports: usize,
    found: Vec<(Order, Found)>,
}

/// Joins what workers report.
#[derive(Debug)]
pub struct Collector {
    awaited: usize,
    first: u64,
    pending: VecDeque<Pending>,
    config: CollectConfig,
    held: Option<HeldAlerts>,
    encoder: Encoder,
    counters: Counters,
    records: Vec<Record>,
    json: Vec<u8>,
}

impl Collector {
    /// For so many workers.
    pub fn new(workers: usize, encoder: Encoder, config: CollectConfig, limits: &CollectLimits) -> Self {
        Self {
            awaited: workers * REPORTS_PER_WORKER,
            first: 0,
            pending: VecDeque::new(),
            held: config.hold.map(|wait| HeldAlerts::new(wait, limits.held_alerts)),
            config,
            encoder,
            counters: Counters::default(),
            records: Vec::new(),
            json: Vec::new(),
        }
    }

    /// Takes a report; gives the records of all bursts that it closes, in their order.
    pub fn take(&mut self, report: Report) -> &[Record] {
        self.records.clear();
        let place = usize::try_from(report.burst - self.first).expect("as many as bursts in flight");
        if self.pending.len() <= place {
            self.pending.resize_with(place + 1, Pending::default);
        }
        let pending = &mut self.pending[place];
        pending.reports += 1;
        pending.found.extend(report.found);
        while self.pending.front().is_some_and(|burst| burst.reports == self.awaited) {
            let mut burst = self.pending.pop_front().expect("looked at just now");
            self.first += 1;
            burst.found.sort_by_key(|(order, _)| *order);
            for (_, found) in burst.found {
                self.write(found);
            }
        }
        &self.records
    }

    /// The records of what was found, as it comes: where the order among workers does not matter.
    pub fn take_now(&mut self, found: Vec<(Order, Found)>) -> &[Record] {
        self.records.clear();
        for (_, found) in found {
            self.write(found);
        }
        &self.records
    }

    /// Goes on with what other rules say about how often they may alert. What was counted for rules that stay counts
    /// on.
    pub fn adopt(&mut self, thresholds: ThresholdTable) {
        self.config.thresholds.adopt(thresholds);
    }

    /// The records of alerts that still wait, once all reports are taken.
    pub fn finish(&mut self) -> &[Record] {
        self.records.clear();
        let held = self.held.as_mut().map(HeldAlerts::release_all);
        held.into_iter().flatten().for_each(|detection| self.write_alert(Box::new(detection)));
        &self.records
    }

    /// What was counted here.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn write(&mut self, found: Found) {
        match found {
            Found::Rules(rules) => self.write_rules(rules),
            Found::FlowEnd { flow_id, statistics } => {
                let released = self.held.as_mut().map(|held| held.end(flow_id, statistics));
                released.into_iter().flatten().for_each(|detection| self.write_alert(Box::new(detection)));
            }
            Found::Dhcp(dhcp) => {
                self.counters.increment(Counter::DhcpEvents);
                self.record(&Event::Dhcp(Box::new(dhcp)), RecordKind::Dhcp, LEAST_SEVERITY);
            }
            Found::Activity(activity) => {
                self.counters.increment(Counter::ActivityRecords);
                let kind = RecordKind::Activity(activity.kind);
                self.record(&Event::Activity(activity), kind, LEAST_SEVERITY);
            }
        }
    }

    /// Thresholds first, then the limit per packet, as in Suricata.
    fn write_rules(&mut self, rules: Vec<FoundRule>) {
        let mut written = 0;
        for rule in rules {
            self.counters.increment(Counter::Detections);
            if !self.config.thresholds.admits(&rule, &mut self.counters) {
                self.counters.increment(Counter::DetectionsSuppressed);
                continue;
            }
            if written == self.config.alerts_per_packet {
                self.counters.increment(Counter::DetectionsOverLimit);
                continue;
            }
            written += 1;
            self.counters.increment(Counter::Alerts);
            match &mut self.held {
                None => self.write_alert(rule.detection),
                Some(held) => {
                    let released = held.hold(*rule.detection, &mut self.counters);
                    released.into_iter().for_each(|detection| self.write_alert(Box::new(detection)));
                }
            }
        }
    }

    fn write_alert(&mut self, detection: Box<Detection>) {
        let severity = detection.alert.severity;
        self.record(&Event::Detection(detection), RecordKind::Alert, severity);
    }

    fn record(&mut self, event: &Event, kind: RecordKind, severity: u32) {
        self.json.clear();
        let id = self.encoder.encode(event, &mut self.json, &mut self.counters);
        let json = self.json.as_slice().into();
        let (order_key, time) = (event.order_key(), event.time());
        let (rule, created) = (event.rule().cloned(), Instant::now());
        self.records.push(Record { id, kind, rule, severity, order_key, time, created, json });
    }
}

/// DHCP events and records rank below every alert.
const LEAST_SEVERITY: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Alert, EncoderConfig, EndReason};

    /// A match of sid 1 in flow 7, from `source` to 203.0.113.1.
    pub(super) fn found_rule(time: Timestamp, source: &str, threshold: Option<Threshold>) -> FoundRule {
        let packet_source = source.parse().expect("valid");
        let packet_destination = IpAddr::from([203, 0, 113, 1]);
        let detection = Detection {
            time,
            source: packet_source,
            destination: packet_destination,
            source_port: None,
            destination_port: None,
            mac: None,
            flow_id: Some(7),
            app_proto: None,
            protocol: Some(6),
            direction: None,
            alert: Arc::new(Alert { gid: 1, sid: 1, severity: 3, ..Alert::default() }),
            http: None,
            flow: None,
            transaction: None,
            ordinal: 0,
        };
        let thresholds = threshold.into_iter().collect();
        FoundRule { detection: Box::new(detection), packet_source, packet_destination, thresholds }
    }

    fn collector(workers: usize, hold: Option<Duration>) -> Collector {
        let encoder = Encoder::new(EncoderConfig::default()).expect("valid");
        let config = CollectConfig { thresholds: ThresholdTable::new(16), alerts_per_packet: 2, hold };
        Collector::new(
            workers,
            encoder,
            config,
            &CollectLimits { held_alerts: 2, ..CollectLimits::default() },
        )
    }

    fn at(ordinal: u64, rules: usize) -> (Order, Found) {
        let order = Order { ordinal, stage: Stage::Packet, flow: Default::default(), index: 0 };
        let rule = || found_rule(Timestamp::from_nanos(ordinal), "10.0.0.1", None);
        (order, Found::Rules((0..rules).map(|_| rule()).collect()))
    }

    fn times(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.time.as_nanos()).collect()
    }

    #[test]
    fn bursts_are_written_whole_and_in_order_whoever_is_first() {
        let mut collector = collector(2, None);
        let report = |burst, found| Report { burst, found };
        assert!(collector.take(report(1, vec![at(30, 1)])).is_empty());
        assert!(collector.take(report(0, vec![at(20, 1)])).is_empty());
        assert!(collector.take(report(0, vec![])).is_empty());
        assert!(collector.take(report(0, vec![])).is_empty());
        assert_eq!(times(collector.take(report(0, vec![at(10, 1)]))), [10, 20]);
        assert!(collector.take(report(1, vec![])).is_empty());
        assert!(collector.take(report(1, vec![])).is_empty());
        assert_eq!(times(collector.take(report(1, vec![at(25, 1)]))), [25, 30]);
    }

    #[test]
    fn a_packet_gives_so_many_alerts_and_no_more() {
        let mut collector = collector(1, None);
        collector.take(Report { burst: 0, found: vec![] });
        assert_eq!(collector.take(Report { burst: 0, found: vec![at(1, 5)] }).len(), 2);
        assert_eq!(collector.counters().value(Counter::DetectionsOverLimit), 3);
    }

    #[test]
    fn held_alerts_tell_how_their_flow_ended() {
        let mut collector = collector(1, Some(Duration::from_secs(60)));
        let statistics = FlowStatistics {
            packets_to_server: 1,
            packets_to_client: 0,
            bytes_to_server: 60,
            bytes_to_client: 0,
            start: Timestamp::ZERO,
            end: Timestamp::ZERO,
            reason: Some(EndReason::Reset),
        };
        let order = Order { ordinal: 9, stage: Stage::Tick, flow: Default::default(), index: 0 };
        let end = (order, Found::FlowEnd { flow_id: 7, statistics });
        collector.take(Report { burst: 0, found: vec![] });
        assert!(collector.take(Report { burst: 0, found: vec![at(1, 1)] }).is_empty());
        collector.take(Report { burst: 1, found: vec![] });
        let records = collector.take(Report { burst: 1, found: vec![end] });
        assert!(String::from_utf8_lossy(&records[0].json).contains(r#""reason":"reset""#));
    }

    #[test]
    fn held_alerts_wait_for_a_time_and_within_bounds() {
        let mut collector = collector(1, Some(Duration::from_nanos(100)));
        collector.take(Report { burst: 0, found: vec![] });
        let found = vec![at(1, 1), at(2, 1), at(3, 1), at(200, 1)];
        assert_eq!(times(collector.take(Report { burst: 0, found })), [1, 2, 3]);
        assert_eq!(collector.counters().value(Counter::AlertsNotHeld), 1);
        assert_eq!(times(collector.finish()), [200]);
    }
}
