//! What a running sensor says about itself: one line for people, JSON for machines.

use super::windows::{Counted, Window};
use crate::counter::Counter;
use crate::runtime::Snapshot;
use crate::sink::accounting::{Account, DropReason};
use serde_json::{Map, Value, json};
use std::fmt;

/// The state of a running sensor at one moment.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// What all threads have counted.
    pub snapshot: Snapshot,
    /// What was counted in each window.
    pub windows: [(Window, Counted); 3],
    /// The account of each sink.
    pub sinks: Vec<(&'static str, Account)>,
    /// Why the sensor is not ready; nothing where it is.
    pub unready: Vec<String>,
    /// What silences an intrusion detection, as far as it shows in the traffic.
    pub findings: Vec<String>,
    /// The number of the rule set in use, counted from 0, and how many rules it has.
    pub rules: (u64, u64),
    /// Memory of the process, in bytes.
    pub memory_bytes: u64,
}

impl Statistics {
    fn value(&self, counter: Counter) -> u64 {
        self.snapshot.counters.value(counter)
    }

    fn rate(&self, counter: Counter) -> f64 {
        let (_, Counted { counters, span }) = &self.windows[0];
        counters.value(counter) as f64 / span.as_secs_f64().max(1e-3)
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let windows = self.windows.iter().map(|(window, Counted { counters, span })| {
            let counts: Map<_, _> =
                counters.iter().map(|(counter, n)| (counter.name().to_owned(), n.into())).collect();
            (window.name().to_owned(), json!({ "seconds": span.as_secs_f64(), "counters": counts }))
        });
        let windows: Map<_, _> = windows.collect();
        let sinks = self.sinks.iter().map(|(name, account)| ((*name).to_owned(), account_json(account)));
        let sinks: Map<_, _> = sinks.collect();
        json!({
            "windows": windows,
            "waiting": {
                "rings": self.snapshot.waiting_in_rings(),
                "between_workers": self.snapshot.handed_over(),
                "findings": self.snapshot.findings_waiting(),
            },
            "flows": self.snapshot.flows.iter().sum::<usize>(),
            "app_layer_memory_bytes": self.snapshot.app_layer_bytes,
            "packets_by_worker": self.snapshot.packets,
            "sinks": sinks,
            "rules": { "generation": self.rules.0, "loaded": self.rules.1 },
            "memory_bytes": self.memory_bytes,
            "ready": self.unready.is_empty(),
            "not_ready_because": self.unready,
            "findings": self.findings,
            "discrepancies": self.snapshot.discrepancies(),
        })
    }
}

fn account_json(account: &Account) -> Value {
    let dropped: Map<_, _> = DropReason::ALL
        .iter()
        .map(|&reason| (reason.name().to_owned(), account.dropped_for(reason).into()))
        .collect();
    json!({
        "created": account.created,
        "recovered": account.recovered,
        "queued": account.queued,
        "in_flight": account.in_flight,
        "spooled": account.spooled,
        "delivered": account.delivered,
        "dropped": dropped,
        "balances": account.balances(),
    })
}

/// One line: what came, what was lost and where, what came of it.
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delivered: u64 = self.sinks.iter().map(|(_, account)| account.delivered).sum();
        let pending: u64 = self.sinks.iter().map(|(_, account)| account.pending()).sum();
        let lost: u64 = self.sinks.iter().map(|(_, account)| account.dropped_total()).sum();
        write!(
            f,
            "seen {} ({:.0}/s, {:.1} Mbit/s) dropped interface {} kernel {} hand-over {} findings {} | waiting {} | \
             flows {} | alerts {} DHCP {} | delivered {delivered} pending {pending} dropped {lost} | memory {} MiB",
            self.value(Counter::PacketsSeen),
            self.rate(Counter::PacketsSeen),
            self.rate(Counter::BytesRead) * 8e-6,
            self.value(Counter::PacketsDroppedInterface),
            self.value(Counter::PacketsDroppedKernel),
            self.value(Counter::PacketsDroppedHandover),
            self.value(Counter::FindingsDropped),
            self.snapshot.waiting_in_rings(),
            self.snapshot.flows.iter().sum::<usize>(),
            self.value(Counter::Alerts),
            self.value(Counter::DhcpEvents),
            self.memory_bytes >> 20,
        )?;
        if !self.unready.is_empty() {
            write!(f, " | not ready: {}", self.unready.join("; "))?;
        }
        Ok(())
    }
}
