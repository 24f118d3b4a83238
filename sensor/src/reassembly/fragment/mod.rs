//! IP fragments back into datagrams, IPv4 (RFC 791 §3.2) and IPv6 (RFC 8200 §4.5), as the receiving host would.
//!
//! One [`Defragmenter`] belongs to one shard. It knows packets and packet time, and nothing of flows or rules. Where
//! fragments overlap, hosts differ in whose bytes they keep, and an attacker who knows can show the sensor another
//! datagram than the host sees; so the destination's [`OverlapPolicy`] decides. The work for a fragment grows with
//! its own length alone, in whatever order fragments come.

mod datagram;
mod rebuild;
#[cfg(test)]
mod tests;

pub use super::{HostPolicies, OverlapPolicy};

use crate::counter::{Counter, Counters};
use crate::limits::FragmentLimits;
use crate::time::Timestamp;
use datagram::{Datagram, Insertion};
use rules::view::{DecodeEvent, DecodeEvents, Network, Origin, Packet, VlanTags};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// What became of a packet that was shown to a [`Defragmenter`]; with events that belong to that packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is whole already.
    NotAFragment,
    /// It is kept until the rest has come.
    Held(DecodeEvents),
    /// It was the last one missing: the datagram was written out.
    Complete(DecodeEvents),
    /// It is not used.
    Refused(DecodeEvents),
}

impl Outcome {
    /// What was wrong with the fragment, beside what decoding found.
    pub fn events(&self) -> DecodeEvents {
        match *self {
            Self::NotAFragment => DecodeEvents::NONE,
            Self::Held(events) | Self::Complete(events) | Self::Refused(events) => events,
        }
    }
}

/// What the fragments of one datagram share.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// IPv4 alone: IPv6 tells datagrams apart without it.
    protocol: u8,
    vlans: VlanTags,
    depth: u8,
}

/// One fragment, of either family.
struct Fragment<'a> {
    key: Key,
    is_v4: bool,
    /// Header with everything that stands before the fragment's data.
    header: &'a [u8],
    /// Where its data begins in the datagram's, in bytes.
    offset: u32,
    more: bool,
    data: &'a [u8],
}

/// Datagrams under way in one shard.
#[derive(Debug)]
pub struct Defragmenter {
    limits: FragmentLimits,
    policies: HostPolicies,
    datagrams: HashMap<Key, Datagram>,
    /// Keys by the order in which their datagrams were last added to, so that the longest idle comes first.
    order: BTreeMap<u64, Key>,
    next_turn: u64,
    bytes: usize,
}

impl Defragmenter {
    /// An empty one that keeps to `limits` and treats overlaps as `policies` say.
    pub fn new(limits: FragmentLimits, policies: HostPolicies) -> Self {
        Self { limits, policies, datagrams: HashMap::new(), order: BTreeMap::new(), next_turn: 0, bytes: 0 }
    }

    /// Takes a packet in. When it completes its datagram, `out` is emptied and the datagram written there from its IP
    /// header on, to be decoded again as [`Origin::Defrag`].
    ///
    /// `now` is packet time. A fragment found in a datagram that was itself put together here is refused: no host
    /// sends such, and it would let one frame be read without end.
    pub fn push(
        &mut self,
        packet: &Packet<'_>,
        now: Timestamp,
        counters: &mut Counters,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if !packet.fragment {
            return Outcome::NotAFragment;
        }
        counters.increment(Counter::Fragments);
        let Some(fragment) = read(packet) else { return Outcome::NotAFragment };
        self.expire(now, counters);
        let names = if fragment.is_v4 { &V4_EVENTS } else { &V6_EVENTS };
        let mut events = DecodeEvents::NONE;
        if packet.origin == Origin::Defrag {
            return refuse(events, names.ignored, counters);
        }
        if fragment.offset as usize + fragment.data.len() > datagram::MAX_BYTES {
            return refuse(events, names.too_large, counters);
        }
        match self.insert(&fragment, now) {
            Insertion::Refused => return refuse(events, names.ignored, counters),
            Insertion::Overlapping => events.insert(names.overlap),
            Insertion::Fresh => {}
        }
        let is_complete = self.datagrams.get(&fragment.key).is_some_and(Datagram::is_complete);
        if !is_complete {
            self.evict(counters);
            return Outcome::Held(events);
        }
        let datagram = self.remove(&fragment.key).expect("just found there");
        if rebuild::write(&datagram, fragment.is_v4, out) {
            counters.increment(Counter::FragmentsReassembled);
            return Outcome::Complete(events);
        }
        counters.increment(Counter::FragmentsDropped);
        refuse(events, names.too_large, counters)
    }

    /// Gives up datagrams to which nothing was added for the time allowed.
    pub fn expire(&mut self, now: Timestamp, counters: &mut Counters) {
        let timeout_ns = u64::from(self.limits.timeout_secs) * 1_000_000_000;
        while let Some(oldest) = self.order.first_entry() {
            let key = *oldest.get();
            let idle_ns = self.datagrams.get(&key).map_or(u64::MAX, |it| now.nanos_since(it.touched));
            if idle_ns < timeout_ns {
                return;
            }
            self.remove(&key);
            counters.increment(Counter::FragmentsDropped);
        }
    }

    /// Datagrams under way.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Memory held, in bytes, as the limit counts it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn insert(&mut self, fragment: &Fragment<'_>, now: Timestamp) -> Insertion {
        let key = fragment.key;
        let policies = &self.policies;
        let datagram =
            self.datagrams.entry(key).or_insert_with(|| Datagram::new(policies.policy(key.destination)));
        let bytes_before = datagram.bytes();
        let insertion = datagram.insert(fragment, self.limits.fragments_per_datagram);
        self.bytes = self.bytes + datagram.bytes() - bytes_before;
        if insertion == Insertion::Refused {
            if datagram.is_empty() {
                self.datagrams.remove(&key);
            }
            return insertion;
        }
        self.order.remove(&datagram.turn);
        datagram.turn = self.next_turn;
        datagram.touched = now;
        self.order.insert(self.next_turn, key);
        self.next_turn += 1;
        insertion
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.order.remove(&datagram.turn);
        self.bytes -= datagram.bytes();
        Some(datagram)
    }

    /// Gives up the longest idle until the rest keeps to the limits.
    fn evict(&mut self, counters: &mut Counters) {
        while self.datagrams.len() > self.limits.datagrams || self.bytes > self.limits.bytes {
            let Some((_, key)) = self.order.first_key_value() else { return };
            let key = *key;
            self.remove(&key);
            counters.increment(Counter::FragmentsDropped);
        }
    }
}

/// The names under which the two families report the same faults.
struct EventNames {
    overlap: DecodeEvent,
    too_large: DecodeEvent,
    ignored: DecodeEvent,
}

const V4_EVENTS: EventNames = EventNames {
    overlap: DecodeEvent::Ipv4FragOverlap,
    too_large: DecodeEvent::Ipv4FragPktTooLarge,
    ignored: DecodeEvent::Ipv4FragIgnored,
};
const V6_EVENTS: EventNames = EventNames {
    overlap: DecodeEvent::Ipv6FragOverlap,
    too_large: DecodeEvent::Ipv6FragPktTooLarge,
    ignored: DecodeEvent::Ipv6FragIgnored,
};

fn refuse(mut events: DecodeEvents, event: DecodeEvent, counters: &mut Counters) -> Outcome {
    counters.increment(Counter::FragmentsRefused);
    events.insert(event);
    Outcome::Refused(events)
}

/// The fragment in `packet`.
fn read<'a>(packet: &Packet<'a>) -> Option<Fragment<'a>> {
    let (header, id, protocol, offset, more) = match packet.network {
        Network::V4(header) => {
            let offset = u32::from(header.fragment_offset()) * 8;
            (header.bytes(), u32::from(header.id()), header.protocol(), offset, header.more_fragments())
        }
        Network::V6(header) => {
            // The decoder stops at the fragment header, so that it is the last (RFC 8200 §4.5).
            let &[_, _, high, low, a, b, c, d] = header.extensions().last_chunk::<8>()?;
            let offset_and_flags = u16::from_be_bytes([high, low]);
            let id = u32::from_be_bytes([a, b, c, d]);
            (header.bytes(), id, 0, u32::from(offset_and_flags & !7), offset_and_flags & 1 != 0)
        }
        Network::None => return None,
    };
    let key = Key {
        source: packet.source,
        destination: packet.destination,
        id,
        protocol,
        vlans: packet.vlans,
        depth: packet.depth,
    };
    Some(Fragment { key, is_v4: key.source.is_ipv4(), header, offset, more, data: packet.payload })
}
