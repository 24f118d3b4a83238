//! The way from workers to the collector, so many findings long.

use crate::collect::{Found, Order, ThresholdTable};
use crate::counter::{Counter, Counters};
use crossbeam::channel::{Receiver, Sender, unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What comes to the collector.
#[derive(Debug)]
pub(super) enum ToCollector {
    /// What a worker found.
    Found(Vec<(Order, Found)>),
    /// How often the rules of another set may alert.
    Thresholds(Box<ThresholdTable>),
}

/// One worker's end.
#[derive(Clone, Debug)]
pub(super) struct FindingsSender {
    sender: Sender<ToCollector>,
    waiting: Arc<AtomicU64>,
    limit: u64,
}

/// The collector's end.
#[derive(Debug)]
pub(super) struct FindingsReceiver {
    receiver: Receiver<ToCollector>,
    waiting: Arc<AtomicU64>,
}

/// A way on which at most `limit` findings wait.
pub(super) fn findings(limit: u64) -> (FindingsSender, FindingsReceiver) {
    let (sender, receiver) = unbounded();
    let waiting = Arc::new(AtomicU64::new(0));
    (FindingsSender { sender, waiting: Arc::clone(&waiting), limit }, FindingsReceiver { receiver, waiting })
}

/// How many findings these are, each rule that matched counting as one.
pub(super) fn count(found: &[(Order, Found)]) -> u64 {
    let each = found.iter().map(|(_, found)| match found {
        Found::Rules(rules) => rules.len() as u64,
        Found::Dhcp(_) | Found::Activity(_) | Found::FlowEnd { .. } => 1,
    });
    each.sum()
}

impl FindingsSender {
    /// Hands findings over, or drops them where too many wait: packets never wait for events.
    pub(super) fn send(&self, found: Vec<(Order, Found)>, counters: &mut Counters) {
        if found.is_empty() {
            return;
        }
        let count = count(&found);
        let waiting = self.waiting.fetch_add(count, Ordering::Relaxed);
        if waiting + count > self.limit || self.sender.send(ToCollector::Found(found)).is_err() {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            counters.add(Counter::FindingsDropped, count);
        } else {
            counters.add(Counter::FindingsHandedOver, count);
        }
    }

    /// Tells the collector how often rules may alert from now on.
    pub(super) fn adopt(&self, thresholds: ThresholdTable) {
        // A collector that is gone makes no events any more.
        let _ = self.sender.send(ToCollector::Thresholds(Box::new(thresholds)));
    }
}

impl FindingsReceiver {
    /// What comes next; nothing once nobody can send any more.
    pub(super) fn next(&self) -> Option<ToCollector> {
        let next = self.receiver.recv().ok()?;
        if let ToCollector::Found(found) = &next {
            self.waiting.fetch_sub(count(found), Ordering::Relaxed);
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::Stage;

    fn found(n: u64) -> Vec<(Order, Found)> {
        let order = Order { ordinal: n, stage: Stage::Packet, flow: Default::default(), index: 0 };
        vec![(order, Found::Rules(Vec::new())), (order, Found::Rules(Vec::new()))]
    }

    fn ends(n: u64) -> Vec<(Order, Found)> {
        let statistics = crate::event::FlowStatistics {
            packets_to_server: 0,
            packets_to_client: 0,
            bytes_to_server: 0,
            bytes_to_client: 0,
            start: Default::default(),
            end: Default::default(),
            reason: None,
        };
        found(n).into_iter().map(|(order, _)| (order, Found::FlowEnd { flow_id: n, statistics })).collect()
    }

    #[test]
    fn so_many_wait_and_the_rest_is_counted() {
        let (sender, receiver) = findings(5);
        let mut counters = Counters::default();
        (0..3).for_each(|n| sender.send(ends(n), &mut counters));
        assert_eq!(counters.value(Counter::FindingsHandedOver), 4);
        assert_eq!(counters.value(Counter::FindingsDropped), 2);
        assert!(matches!(receiver.next(), Some(ToCollector::Found(_))));
        sender.send(ends(3), &mut counters);
        assert_eq!(counters.value(Counter::FindingsHandedOver), 6);
        drop(sender);
        assert!(receiver.next().is_some() && receiver.next().is_some() && receiver.next().is_none());
    }
}
