//! Whether checksums are believed.
//!
//! A capture taken on the host that sent the packets holds checksums that its network card was still to fill in. With
//! `auto` the first packets are looked at, and where too many sums are bad they are all ignored from there on, as
//! Suricata does for files (documentation: "Pcap-file checksum-checks"). The decision is made before packets are
//! shared out, so that it is the same for any number of workers.

use crate::capture::Burst;
use crate::counter::Counters;
use crate::decode::{ChecksumMode, Decoder, checksum};

/// Packets after which `auto` decides.
const SAMPLE: u64 = 1000;

/// The share of bad sums from which they are ignored, as one of so many.
const BAD_SHARE: u64 = 10;

/// Decides, burst by burst.
#[derive(Debug)]
pub(super) struct ChecksumWatch {
    mode: ChecksumMode,
    decoder: Decoder,
    seen: u64,
    bad: u64,
    ignored_from: Option<u64>,
}

impl ChecksumWatch {
    pub(super) fn new(mode: ChecksumMode, decoder: Decoder) -> Self {
        Self { mode, decoder, seen: 0, bad: 0, ignored_from: None }
    }

    /// The ordinal before which the packets of this burst, and of those before, are to be verified.
    pub(super) fn verify_before(&mut self, burst: &Burst) -> u64 {
        match self.mode {
            ChecksumMode::All => u64::MAX,
            ChecksumMode::None => 0,
            ChecksumMode::Auto => {
                self.sample(burst);
                self.ignored_from.unwrap_or(u64::MAX)
            }
        }
    }

    /// Whether `auto` found that checksums cannot be believed.
    pub(super) fn found_offload(&self) -> bool {
        self.ignored_from.is_some()
    }

    fn sample(&mut self, burst: &Burst) {
        let mut packets = Vec::new();
        let mut index = 0;
        while self.seen < SAMPLE && index < burst.len() {
            let frame = burst.frame(index);
            packets.clear();
            self.decoder.decode(&frame, &mut Counters::default(), &mut packets);
            self.seen += 1;
            self.bad += u64::from(packets.iter().any(|packet| checksum::verify(packet).any_invalid()));
            index += 1;
            if self.seen == SAMPLE && self.bad * BAD_SHARE > SAMPLE {
                self.ignored_from = Some(frame.ordinal + 1);
            }
        }
    }
}
