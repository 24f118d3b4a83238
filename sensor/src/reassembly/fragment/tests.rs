//! Fragments in, datagrams out: overlaps by policy, orders, limits, and both families.

use super::*;
use crate::capture::{Frame, LinkType};
use crate::decode::Decoder;
use crate::decode::checksum::{ChecksumState, ipv4};
use proptest::prelude::*;
use rules::view::Transport;

const DEFAULT_TIME: Timestamp = Timestamp::new(1000, 0);

/// An IPv4 packet of protocol 250 (which nothing decodes) from 10.0.0.1 to 10.0.0.2.
fn v4(id: u16, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    bytes[0] = 0x45;
    bytes[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
    bytes[4..6].copy_from_slice(&id.to_be_bytes());
    bytes[6..8].copy_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
    bytes[8..10].copy_from_slice(&[64, 250]);
    bytes[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend_from_slice(data);
    bytes
}

/// An IPv6 packet with hop-by-hop options, then a fragment header that announces UDP.
fn v6(id: u32, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 40];
    bytes[0] = 0x60;
    bytes[4..6].copy_from_slice(&(16 + data.len() as u16).to_be_bytes());
    bytes[8] = 0xfe;
    bytes[24] = 0xfe;
    bytes.extend_from_slice(&[44, 0, 5, 2, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[17, 0]);
    bytes.extend_from_slice(&(offset | u16::from(more)).to_be_bytes());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn packet(bytes: &[u8]) -> Packet<'_> {
    let frame = Frame { ordinal: 0, time: DEFAULT_TIME, wire_len: 0, link: LinkType::RAW, bytes };
    let mut packets = Vec::new();
    Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
    packets[0]
}

/// A defragmenter with what it counts and writes.
struct Bench {
    defragmenter: Defragmenter,
    counters: Counters,
    out: Vec<u8>,
}

impl Bench {
    fn new(limits: FragmentLimits, policy: OverlapPolicy) -> Self {
        let defragmenter = Defragmenter::new(limits, HostPolicies::all(policy));
        Self { defragmenter, counters: Counters::default(), out: Vec::new() }
    }

    fn push_at(&mut self, bytes: &[u8], now: Timestamp) -> Outcome {
        self.defragmenter.push(&packet(bytes), now, &mut self.counters, &mut self.out)
    }

    fn push(&mut self, bytes: &[u8]) -> Outcome {
        self.push_at(bytes, DEFAULT_TIME)
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.value(counter)
    }
}

fn bench() -> Bench {
    Bench::new(FragmentLimits::default(), OverlapPolicy::Bsd)
}

fn events(names: &[DecodeEvent]) -> DecodeEvents {
    let mut events = DecodeEvents::NONE;
    names.iter().for_each(|&event| events.insert(event));
    events
}

/// The overlap pattern of Novak (2005), an extension of Paxson and Shankar's (2003): letter, first block of eight
/// bytes, blocks. In the order in which they are sent.
const NOVAK: [(u8, u16, usize); 17] = [
    (b'A', 0, 3),
    (b'B', 4, 2),
    (b'C', 6, 3),
    (b'D', 10, 1),
    (b'E', 13, 2),
    (b'F', 15, 3),
    (b'G', 18, 2),
    (b'H', 20, 2),
    (b'I', 22, 1),
    (b'J', 1, 4),
    (b'K', 6, 3),
    (b'L', 9, 3),
    (b'M', 12, 3),
    (b'N', 16, 1),
    (b'O', 19, 1),
    (b'P', 20, 1),
    (b'Q', 22, 2),
];

#[test]
fn every_policy_settles_the_overlaps_of_novak() {
    for (policy, expected) in [
        (OverlapPolicy::Bsd, "AAAJJBCCCLLLMMMFFFGGHHIQ"),
        (OverlapPolicy::BsdRight, "AJJJBBKKKLDLMEEFNFGOPHQQ"),
        (OverlapPolicy::Linux, "AAAJJBKKKLLLMMMFFFGGPHQQ"),
        (OverlapPolicy::First, "AAAJBBCCCLDLMEEFFFGGHHIQ"),
        (OverlapPolicy::Last, "AJJJJBKKKLLLMMMFNFGOPHQQ"),
        (OverlapPolicy::Solaris, "AAAJBBCCCLLLMMMFFFGGHHIQ"),
        (OverlapPolicy::Windows, "AAAJBBCCCLLLMEEFFFGGHHIQ"),
    ] {
        let mut bench = Bench::new(FragmentLimits::default(), policy);
        for (letter, block, blocks) in NOVAK {
            let outcome = bench.push(&v4(7, block * 8, letter != b'Q', &vec![letter; blocks * 8]));
            let overlaps = matches!(letter, b'J'..=b'Q');
            let found = if overlaps { events(&[DecodeEvent::Ipv4FragOverlap]) } else { DecodeEvents::NONE };
            assert_eq!(outcome.events(), found, "{policy:?} {}", letter as char);
            assert_eq!(matches!(outcome, Outcome::Complete(_)), letter == b'Q');
        }
        let blocks = bench.out[20..].chunks(8);
        assert!(blocks.clone().all(|block| block.iter().all(|byte| *byte == block[0])), "{policy:?}");
        assert_eq!(blocks.map(|block| block[0] as char).collect::<String>(), expected, "{policy:?}");
    }
}

#[test]
fn a_rebuilt_ipv4_datagram_is_whole_and_valid() {
    let mut bench = bench();
    bench.push(&v4(1, 8, false, b"tail"));
    assert_eq!(bench.push(&v4(1, 0, true, b"12345678")), Outcome::Complete(DecodeEvents::NONE));
    let rebuilt = packet(&bench.out);
    assert_eq!(rebuilt.payload, b"12345678tail");
    assert!(!rebuilt.fragment && rebuilt.events.is_empty());
    assert_eq!(ipv4(&rebuilt), ChecksumState::Valid);
    assert!(bench.defragmenter.is_empty());
    assert_eq!(bench.defragmenter.bytes(), 0);
}

#[test]
fn a_rebuilt_ipv6_datagram_keeps_the_headers_before_the_fragment_header() {
    let mut bench = bench();
    let udp = [0, 53, 0, 54, 0, 12, 0, 0, b'd', b'a', b't', b'a'];
    assert_eq!(bench.push(&v6(1, 0, true, &udp[..8])), Outcome::Held(DecodeEvents::NONE));
    assert_eq!(bench.push(&v6(1, 8, false, &udp[8..])), Outcome::Complete(DecodeEvents::NONE));
    let rebuilt = packet(&bench.out);
    assert!(matches!(rebuilt.transport, Transport::Udp(udp) if udp.source_port() == 53), "{rebuilt:?}");
    assert!(matches!(rebuilt.network, Network::V6(ip) if ip.extensions().len() == 8));
    assert_eq!(rebuilt.payload, b"data");
    assert!(rebuilt.events.is_empty());
}

#[test]
fn datagrams_are_kept_apart() {
    let mut bench = bench();
    bench.push(&v4(1, 0, true, b"12345678"));
    let mut other_protocol = v4(1, 8, false, b"tail");
    other_protocol[9] = 251;
    assert!(matches!(bench.push(&other_protocol), Outcome::Held(_)));
    assert!(matches!(bench.push(&v4(2, 8, false, b"tail")), Outcome::Held(_)));
    let bytes = v4(1, 8, false, b"tail");
    let deeper = Packet { depth: 1, ..packet(&bytes) };
    let outcome = bench.defragmenter.push(&deeper, DEFAULT_TIME, &mut bench.counters, &mut bench.out);
    assert!(matches!(outcome, Outcome::Held(_)));
    assert_eq!(bench.defragmenter.len(), 4);
    assert!(matches!(bench.push(&bytes), Outcome::Complete(_)));
}

#[test]
fn whole_packets_are_none_of_its_business() {
    let mut bench = bench();
    assert_eq!(bench.push(&v4(1, 0, false, b"whole")), Outcome::NotAFragment);
    assert_eq!(bench.count(Counter::Fragments), 0);
}

#[test]
fn what_contradicts_the_end_is_refused() {
    let ignored = Outcome::Refused(events(&[DecodeEvent::Ipv4FragIgnored]));
    let mut bench = bench();
    bench.push(&v4(1, 16, false, b"end"));
    assert_eq!(bench.push(&v4(1, 24, true, b"12345678")), ignored, "beyond the end");
    assert_eq!(bench.push(&v4(1, 8, false, b"other")), ignored, "another end");
    bench.push(&v4(2, 16, true, b"12345678"));
    assert_eq!(bench.push(&v4(2, 8, false, b"early")), ignored, "an end before data that is there");
    assert_eq!(bench.count(Counter::FragmentsRefused), 3);
}

#[test]
fn a_datagram_longer_than_ip_can_say_is_refused() {
    let too_large = Outcome::Refused(events(&[DecodeEvent::Ipv4FragPktTooLarge]));
    let mut bench = bench();
    assert_eq!(bench.push(&v4(1, 65_528, true, b"12345678")), too_large);
    let data = vec![0; 65_512];
    bench.push(&v4(2, 0, true, &data));
    assert_eq!(bench.push(&v4(2, 65_512, false, b"12345678")), too_large, "with its header");
    assert!(bench.defragmenter.is_empty());
}

#[test]
fn a_fragment_within_a_rebuilt_datagram_is_refused() {
    let mut bench = bench();
    let bytes = v4(1, 0, true, b"12345678");
    let rebuilt = Packet { origin: Origin::Defrag, ..packet(&bytes) };
    let outcome = bench.defragmenter.push(&rebuilt, DEFAULT_TIME, &mut bench.counters, &mut bench.out);
    assert_eq!(outcome, Outcome::Refused(events(&[DecodeEvent::Ipv4FragIgnored])));
}

#[test]
fn time_gives_up_the_idle() {
    let mut bench = bench();
    bench.push_at(&v4(1, 0, true, b"12345678"), Timestamp::new(1000, 0));
    bench.push_at(&v4(2, 0, true, b"12345678"), Timestamp::new(1030, 0));
    bench.push_at(&v4(1, 8, true, b"12345678"), Timestamp::new(1059, 0));
    bench.push_at(&v4(3, 0, true, b"12345678"), Timestamp::new(1090, 0));
    assert_eq!(bench.count(Counter::FragmentsDropped), 1, "2 was idle for 60 s, 1 for 31 s");
    assert_eq!(bench.defragmenter.len(), 2);
    bench.defragmenter.expire(Timestamp::new(2000, 0), &mut bench.counters);
    assert!(bench.defragmenter.is_empty());
    assert_eq!(bench.count(Counter::FragmentsDropped), 3);
}

#[test]
fn limits_put_out_the_longest_idle() {
    let limits = FragmentLimits { datagrams: 2, ..FragmentLimits::default() };
    let mut bench = Bench::new(limits, OverlapPolicy::Bsd);
    bench.push(&v4(1, 0, true, b"12345678"));
    bench.push(&v4(2, 0, true, b"12345678"));
    bench.push(&v4(1, 8, true, b"12345678"));
    bench.push(&v4(3, 0, true, b"12345678"));
    assert!(matches!(bench.push(&v4(1, 16, false, b"end")), Outcome::Complete(_)), "2 went, not 1");
    assert_eq!(bench.count(Counter::FragmentsDropped), 1);

    let limits = FragmentLimits { fragments_per_datagram: 2, ..FragmentLimits::default() };
    let mut bench = Bench::new(limits, OverlapPolicy::Bsd);
    bench.push(&v4(1, 0, true, b"12345678"));
    bench.push(&v4(1, 8, true, b"12345678"));
    assert!(matches!(bench.push(&v4(1, 16, false, b"end")), Outcome::Refused(_)));
}

/// Somewhere between 1 and 40 blocks, cut anywhere into fragments that may overlap, in any order.
fn cuts() -> impl Strategy<Value = (Vec<u8>, Vec<(u16, u16)>)> {
    (1u16..40).prop_flat_map(|blocks| {
        let data = proptest::collection::vec(any::<u8>(), usize::from(blocks) * 8);
        let overlapping = proptest::collection::vec((0..blocks, 1..=blocks), 0..20);
        (data, overlapping).prop_flat_map(move |(data, extra)| {
            let singles = (0..blocks).map(|block| (block, 1));
            let extra = extra.into_iter().map(move |(start, len)| (start, len.min(blocks - start)));
            let spans: Vec<_> = singles.chain(extra).collect();
            (Just(data), Just(spans).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn any_cut_in_any_order_is_the_whole((data, spans) in cuts(), policy in 0..OverlapPolicy::ALL.len()) {
        let mut bench = Bench::new(FragmentLimits::default(), OverlapPolicy::ALL[policy]);
        let mut completed = false;
        for (start, blocks) in spans {
            let range = usize::from(start) * 8..usize::from(start + blocks) * 8;
            let more = range.end < data.len();
            let fragment = v4(9, start * 8, more, &data[range]);
            // One block alone is the whole: then it is no fragment.
            let outcome = bench.push(&fragment);
            if outcome == Outcome::NotAFragment {
                bench.out = fragment;
            }
            if matches!(outcome, Outcome::Complete(_) | Outcome::NotAFragment) {
                prop_assert_eq!(&bench.out[20..], &data[..]);
                completed = true;
                break;
            }
        }
        prop_assert!(completed);
    }

    #[test]
    fn memory_and_accounts_hold(
        fragments in proptest::collection::vec((0u16..6, 0u16..40, any::<bool>(), 0usize..100, 0u64..5), 0..200)
    ) {
        let limits = FragmentLimits { datagrams: 4, bytes: 4000, timeout_secs: 30, fragments_per_datagram: 10 };
        let mut bench = Bench::new(limits.clone(), OverlapPolicy::Last);
        let mut now = 1000;
        let mut started = 0;
        for (id, block, more, len, seconds) in fragments {
            now += seconds;
            let (before, gone) = (bench.defragmenter.len() as u64, bench.count(Counter::FragmentsDropped)
                + bench.count(Counter::FragmentsReassembled));
            bench.push_at(&v4(id, block * 8, more, &vec![0; len]), Timestamp::new(now, 0));
            let gone = bench.count(Counter::FragmentsDropped) + bench.count(Counter::FragmentsReassembled) - gone;
            started += bench.defragmenter.len() as u64 + gone - before;
            prop_assert!(bench.defragmenter.bytes() <= limits.bytes);
            prop_assert!(bench.defragmenter.len() <= limits.datagrams);
            let held: usize = bench.defragmenter.datagrams.values().map(Datagram::bytes).sum();
            prop_assert_eq!(bench.defragmenter.bytes(), held);
            prop_assert_eq!(bench.defragmenter.order.len(), bench.defragmenter.len());
        }
        bench.defragmenter.expire(Timestamp::MAX, &mut bench.counters);
        prop_assert!(bench.defragmenter.is_empty());
        let ended = bench.count(Counter::FragmentsDropped) + bench.count(Counter::FragmentsReassembled);
        prop_assert_eq!(started, ended);
    }
}
