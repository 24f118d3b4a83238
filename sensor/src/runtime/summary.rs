//! The closing summary of a replay: what was read, found and written, and that it adds up.

use super::LoadedRules;
use crate::counter::{Counter, Counters};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};
use std::fmt;
use std::time::Duration;

/// What a replay comes to.
#[derive(Debug)]
pub struct Summary {
    /// The counts of all threads.
    pub counters: Counters,
    /// What became of the rules.
    pub rules: RuleCounts,
    /// From the first packet to the last event.
    pub elapsed: Duration,
}

/// What became of the rules.
#[derive(Clone, Copy, Debug)]
pub struct RuleCounts {
    /// Rules that load.
    loaded: u64,
    /// Rules that are refused.
    rejected: u64,
    /// Rules that ask for what the sensor does not do yet.
    unsupported: u64,
    /// Rules for another version.
    skipped: u64,
    /// Of those loaded, the ones that cannot match until there is what they wait for.
    waiting: u64,
}

impl RuleCounts {
    /// Rules that load.
    pub fn loaded(&self) -> u64 {
        self.loaded
    }

    /// Rules that are refused.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Of these rules.
    pub fn of(rules: &LoadedRules) -> Self {
        let loaded = rules.set.signatures().len() as u64;
        let LoadedRules { rejected, unsupported, skipped, .. } = *rules;
        Self { loaded, rejected, unsupported, skipped, waiting: rules.waiting.values().sum() }
    }
}

/// The columns of a label; numbers are flush right behind it.
const LABEL_WIDTH: usize = 26;
/// The columns of a number.
const NUMBER_WIDTH: usize = 15;

/// Counts that say why a packet got no further than its link header.
const REFUSALS: &[Counter] = &[Counter::RefusedLinkType, Counter::RefusedLinkHeader];
/// Counts of events made.
pub(super) const CREATED: &[Counter] = &[Counter::Alerts, Counter::DhcpEvents, Counter::ActivityRecords];
/// Counts of files that rules had stored. Shown where not zero.
const FILES: &[(&str, Counter)] = &[
    ("files stored", Counter::FilesStored),
    ("  only in part", Counter::FilesStoredCut),
    ("files stored before", Counter::FilesStoredBefore),
];
/// Counts that say what was let go, besides packets refused, in the order of a packet's way. Shown where not zero.
const LOSSES: &[Counter] = &[
    Counter::PacketsDroppedInterface,
    Counter::PacketsDroppedKernel,
    Counter::PacketsDroppedHandover,
    Counter::FindingsDropped,
    Counter::WorkerPanics,
    Counter::TunnelDepthRefused,
    Counter::FragmentsRefused,
    Counter::FragmentsDropped,
    Counter::FlowsRefused,
    Counter::FlowsEvicted,
    Counter::TransactionsCutShort,
    Counter::TransactionPartsRefused,
    Counter::DhcpMalformed,
    Counter::DhcpEvicted,
    Counter::TagsRefused,
    Counter::AddressBitsRefused,
    Counter::InspectionsCutShort,
    Counter::PcreCutShort,
    Counter::CapturesRefused,
    Counter::DatasetValuesRefused,
    Counter::DetectionsSuppressed,
    Counter::DetectionsOverLimit,
    Counter::ThresholdsEvicted,
    Counter::AlertsNotHeld,
    Counter::FilesRefusedMemory,
    Counter::FilesRefusedQueue,
    Counter::FilesRefusedDirectory,
    Counter::FilesRefusedDisk,
    Counter::EventsCut,
    Counter::EventsDroppedOutput,
];

impl Summary {
    fn sum(&self, counters: &[Counter]) -> u64 {
        counters.iter().map(|&counter| self.counters.value(counter)).sum()
    }

    fn value(&self, counter: Counter) -> u64 {
        self.counters.value(counter)
    }

    /// What does not add up, of what must: packets read are decoded or refused, events created are written or dropped.
    pub fn discrepancies(&self) -> Vec<String> {
        let laws = [
            ("packets read", self.value(Counter::PacketsRead), "decoded and refused", {
                self.value(Counter::PacketsDecoded) + self.sum(REFUSALS)
            }),
            ("events created", self.sum(CREATED), "written and dropped", {
                self.value(Counter::EventsWritten) + self.value(Counter::EventsDroppedOutput)
            }),
        ];
        let broken = laws.iter().filter(|(_, whole, _, parts)| whole != parts);
        broken.map(|(whole, n, parts, m)| format!("{n} {whole}, but {m} {parts}")).collect()
    }

    fn per_second(&self, amount: u64) -> f64 {
        amount as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Every counter by name, and what else is known.
    pub fn to_json(&self) -> Value {
        let counters: Map<_, _> =
            self.counters.iter().map(|(counter, n)| (counter.name().to_owned(), n.into())).collect();
        json!({
            "level": "INFO",
            "message": "summary",
            "elapsed_s": self.elapsed.as_secs_f64(),
            "rules_loaded": self.rules.loaded,
            "rules_rejected": self.rules.rejected,
            "rules_unsupported": self.rules.unsupported,
            "rules_skipped": self.rules.skipped,
            "rules_waiting": self.rules.waiting,
            "counters": counters,
        })
    }
}

/// A line each: a label, and one number behind it.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let created = self.sum(CREATED);
        let rows = [
            ("packets read", self.value(Counter::PacketsRead)),
            ("  decoded", self.value(Counter::PacketsDecoded)),
            ("  refused", self.sum(REFUSALS)),
            ("    unknown link type", self.value(Counter::RefusedLinkType)),
            ("    broken link header", self.value(Counter::RefusedLinkHeader)),
            ("  truncated", self.value(Counter::PacketsTruncated)),
            ("  bad checksum", self.value(Counter::ChecksumBad)),
            ("flows", self.value(Counter::FlowsCreated)),
            ("rules loaded", self.rules.loaded),
            ("  waiting, cannot match", self.rules.waiting),
            ("  rejected", self.rules.rejected),
            ("  not supported yet", self.rules.unsupported),
            ("  skipped by requires", self.rules.skipped),
            ("events created", created),
            ("  alerts", self.value(Counter::Alerts)),
            ("  DHCP events", self.value(Counter::DhcpEvents)),
            ("  records", self.value(Counter::ActivityRecords)),
            ("events written", self.value(Counter::EventsWritten)),
        ];
        for (label, number) in rows {
            row(f, label, &HumanCount(number).to_string())?;
        }
        let counted = |&(label, counter): &(&'static str, Counter)| (label, self.value(counter));
        for (label, number) in FILES.iter().map(counted).filter(|&(_, number)| number > 0) {
            row(f, label, &HumanCount(number).to_string())?;
        }
        let losses = LOSSES.iter().map(|&counter| (counter, self.value(counter))).filter(|&(_, n)| n > 0);
        for (at, (counter, number)) in losses.enumerate() {
            if at == 0 {
                writeln!(f, "let go, by reason")?;
            }
            row(f, &format!("  {}", counter.name().replace('_', " ")), &HumanCount(number).to_string())?;
        }
        row(f, "seconds", &format!("{:.3}", self.elapsed.as_secs_f64()))?;
        row(f, "packets/s", &format!("{:.0}", self.per_second(self.value(Counter::PacketsRead))))?;
        row(f, "Mbit/s", &format!("{:.1}", self.per_second(self.value(Counter::BytesRead)) * 8e-6))
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, number: &str) -> fmt::Result {
    writeln!(f, "{label:<LABEL_WIDTH$}{number:>NUMBER_WIDTH$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(counts: &[(Counter, u64)]) -> Summary {
        let mut counters = Counters::default();
        for &(counter, amount) in counts {
            counters.add(counter, amount);
        }
        let elapsed = Duration::from_secs(2);
        Summary {
            counters,
            rules: RuleCounts { loaded: 3, rejected: 2, unsupported: 1, skipped: 0, waiting: 1 },
            elapsed,
        }
    }

    const SOUND: &[(Counter, u64)] = &[
        (Counter::PacketsRead, 1_234_567),
        (Counter::PacketsDecoded, 1_234_560),
        (Counter::RefusedLinkType, 4),
        (Counter::RefusedLinkHeader, 3),
        (Counter::BytesRead, 1_000_000),
        (Counter::Alerts, 5),
        (Counter::DhcpEvents, 2),
        (Counter::EventsWritten, 6),
        (Counter::EventsDroppedOutput, 1),
        (Counter::DetectionsSuppressed, 9),
    ];

    /// The number behind a label.
    fn shown(text: &str, label: &str) -> String {
        let line = text.lines().find(|line| line.trim_start().starts_with(label)).expect(label);
        line.trim_start()[label.len()..].trim().to_owned()
    }

    #[test]
    fn labels_stand_before_their_numbers() {
        let text = summary(SOUND).to_string();
        for (label, number) in [
            ("packets read", "1,234,567"),
            ("refused", "7"),
            ("rejected", "2"),
            ("not supported yet", "1"),
            ("events created", "7"),
            ("events written", "6"),
            ("detections suppressed", "9"),
            ("events dropped output", "1"),
            ("packets/s", "617284"),
            ("Mbit/s", "4.0"),
        ] {
            assert_eq!(shown(&text, label), number, "{label} in\n{text}");
        }
        assert!(!text.contains("flows evicted"), "{text}");
    }

    #[test]
    fn files_are_told_of_where_there_are_any() {
        assert!(!summary(SOUND).to_string().contains("files"));
        let files = [SOUND, &[(Counter::FilesStored, 3), (Counter::FilesRefusedDisk, 2)]].concat();
        let text = summary(&files).to_string();
        assert_eq!(
            (shown(&text, "files stored"), shown(&text, "files refused disk")),
            ("3".into(), "2".into())
        );
    }

    #[test]
    fn what_does_not_add_up_is_told() {
        assert!(summary(SOUND).discrepancies().is_empty());
        let more = [SOUND, &[(Counter::PacketsRead, 1), (Counter::Alerts, 1)]].concat();
        assert_eq!(
            summary(&more).discrepancies(),
            [
                "1234568 packets read, but 1234567 decoded and refused",
                "8 events created, but 7 written and dropped"
            ]
        );
    }

    #[test]
    fn the_json_form_holds_every_counter() {
        let json = summary(SOUND).to_json();
        assert_eq!(json["counters"].as_object().expect("an object").len(), Counter::ALL.len());
        assert_eq!(json["counters"]["alerts"], 5);
    }
}
