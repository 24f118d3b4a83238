//! A look at the traffic: what comes, and what it says about the mirror port.

use super::{Check, is_ethernet};
use crate::capture::{Burst, Filled, LiveCapture, PacketSource};
use crate::config::Config;
use crate::counter::{Counter, Counters};
use crate::decode::{Decoder, checksum};
use rules::view::{Packet, Transport};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Connections that are told apart.
const CONNECTIONS: usize = 1 << 16;
/// Packets of a connection from which on it should have been answered.
const SHOULD_BE_ANSWERED: u32 = 3;
/// Connections, and packets, below which nothing is said.
const ENOUGH: u64 = 20;
/// How far packets' times may be from the clock.
const SKEW: Duration = Duration::from_secs(1);

type End = (IpAddr, u16);

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sample {
    span: Duration,
    packets: u64,
    bytes: u64,
    tagged: u64,
    bad_checksums: u64,
    longest: u32,
    dropped: u64,
    /// By the largest difference between a packet's time and the clock's.
    skew: Duration,
    /// Packets each way, the lower end's first.
    connections: HashMap<(End, End), [u32; 2]>,
}

impl Sample {
    /// Listens for so long.
    pub(super) fn take(mut capture: LiveCapture, config: &Config, listen: Duration) -> Self {
        let decoder = Decoder::new(config.limits.decode.clone(), config.decode.tunnel_ports.clone());
        let (mut sample, mut burst) = (Self::default(), Burst::default());
        let begun = Instant::now();
        while begun.elapsed() < listen {
            match capture.fill(&mut burst, &|_, _| 0) {
                Ok(Filled::Frames) => sample.note(&burst, &decoder),
                Ok(Filled::Idle) | Err(_) => {
                    capture.wait(Duration::from_millis(100).min(listen.saturating_sub(begun.elapsed())));
                }
                Ok(Filled::Ended) => break,
            }
        }
        sample.span = begun.elapsed();
        sample.dropped = capture.counters().value(Counter::PacketsDroppedKernel);
        sample
    }

    fn note(&mut self, burst: &Burst, decoder: &Decoder) {
        let mut packets = Vec::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for frame in (0..burst.len()).map(|index| burst.frame(index)) {
            packets.clear();
            decoder.decode(&frame, &mut Counters::default(), &mut packets);
            self.packets += 1;
            self.bytes += u64::from(frame.wire_len);
            if is_ethernet(frame.link) {
                self.longest = self.longest.max(frame.wire_len);
            }
            self.skew = self.skew.max(now.abs_diff(Duration::from_nanos(frame.time.as_nanos())));
            if let Some(packet) = packets.first() {
                self.tagged += u64::from(packet.vlans.innermost().is_some());
                self.bad_checksums += u64::from(checksum::verify(packet).any_invalid());
            }
            packets.iter().for_each(|packet| self.connection(packet));
        }
    }

    fn connection(&mut self, packet: &Packet<'_>) {
        if !matches!(packet.transport, Transport::Tcp(_)) || packet.fragment {
            return;
        }
        let ends = [(packet.source, packet.source_port), (packet.destination, packet.destination_port)];
        let way = usize::from(ends[0] > ends[1]);
        let key = (ends[way], ends[1 - way]);
        if self.connections.len() < CONNECTIONS || self.connections.contains_key(&key) {
            self.connections.entry(key).or_default()[way] += 1;
        }
    }

    /// What it says.
    pub(super) fn checks(&self, interface: &str, mtu: Option<u32>) -> Vec<Check> {
        let seconds = self.span.as_secs_f64().max(f64::EPSILON);
        let (rate, mbit) = (self.packets as f64 / seconds, self.bytes as f64 * 8e-6 / seconds);
        let found = format!("{} packets in {seconds:.0} s: {rate:.0}/s, {mbit:.1} Mbit/s", self.packets);
        let mut checks = vec![Check::expect(
            self.packets > 0,
            "traffic",
            found,
            "is the mirror port set up, and the cable in the right socket?",
        )];
        if self.packets < ENOUGH {
            return checks;
        }
        let percent = |part: u64| part * 100 / self.packets.max(1);
        let fix = "raise capture.live.ring_bytes or runtime.workers";
        checks.push(Check::expect(self.dropped == 0, "kernel drops", format!("{}", self.dropped), fix));
        checks.push(Check::pass("VLAN", format!("{} % of the packets are tagged", percent(self.tagged))));
        checks.extend(self.sides());
        let bad = percent(self.bad_checksums);
        checks.push(Check::expect(
            bad < 10,
            "checksums",
            format!("{bad} % are bad"),
            format!("ethtool -K {interface} rx off tx off on the machine that sends, or decode.checksums = \"none\""),
        ));
        if let Some(mtu) = mtu {
            let found = format!("the longest frame has {} bytes, at an MTU of {mtu}", self.longest);
            let fix = format!("ethtool -K {interface} gro off lro off: segments were joined");
            checks.push(Check::expect(self.longest <= mtu.saturating_add(22), "joined segments", found, fix));
        }
        let found = format!("packets' times are within {} ms of the clock's", self.skew.as_millis());
        let fix = "capture.live.timestamps = \"host\", or set the network card's clock (phc2sys)";
        checks.push(Check::expect(self.skew < SKEW, "clock", found, fix));
        checks
    }

    fn sides(&self) -> Option<Check> {
        let long = self.connections.values().filter(|ways| ways[0] + ways[1] >= SHOULD_BE_ANSWERED);
        let (all, one_sided) = long
            .fold((0u64, 0u64), |(all, one_sided), ways| (all + 1, one_sided + u64::from(ways.contains(&0))));
        let share = (all >= ENOUGH).then(|| one_sided * 100 / all)?;
        let found = format!("{share} % of {all} TCP connections are seen in one direction only");
        Some(Check::expect(share < 20, "both directions", found, "let the mirror port send both directions"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::doctor::Verdict;

    fn sample() -> Sample {
        let mut sample = Sample {
            span: Duration::from_secs(10),
            packets: 1000,
            bytes: 100_000,
            longest: 1514,
            ..Sample::default()
        };
        for port in 0..100 {
            let ends = (("192.0.2.1".parse().unwrap(), port), ("192.0.2.2".parse().unwrap(), 80));
            sample.connections.insert(ends, [5, 5]);
        }
        sample
    }

    fn verdict(sample: &Sample, subject: &str) -> Verdict {
        let checks = sample.checks("eth0", Some(1500));
        checks.iter().find(|check| check.subject == subject).unwrap_or_else(|| panic!("{checks:?}")).verdict
    }

    #[test]
    fn sound_traffic_passes() {
        let checks = sample().checks("eth0", Some(1500));
        assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{checks:?}");
        assert!(checks.len() >= 7);
    }

    #[test]
    fn each_fault_is_told_with_its_fix() {
        type Spoil = fn(&mut Sample);
        let spoils: [(&str, Spoil); 6] = [
            ("kernel drops", |sample| sample.dropped = 1),
            ("both directions", |sample| {
                sample.connections.values_mut().take(30).for_each(|ways| ways[1] = 0)
            }),
            ("checksums", |sample| sample.bad_checksums = 500),
            ("joined segments", |sample| sample.longest = 40_000),
            ("clock", |sample| sample.skew = Duration::from_secs(37)),
            ("traffic", |sample| sample.packets = 0),
        ];
        for (subject, spoil) in spoils {
            let mut sample = sample();
            spoil(&mut sample);
            assert_eq!(verdict(&sample, subject), Verdict::Warn, "{subject}");
            assert!(
                sample
                    .checks("eth0", Some(1500))
                    .iter()
                    .all(|check| { (check.verdict == Verdict::Pass) == check.fix.is_none() })
            );
        }
    }
}
