//! One flow: who, how much, since when, how far.

use super::key::{FlowKey, Orientation, Side};
use super::lifecycle::{Lifecycle, Seen};
use super::slab::{Link, Linked};
use super::timer::{TIMER, Timed};
use crate::event::{Direction, EndReason, FlowStatistics, MacPair};
use crate::time::Timestamp;
use rules::view::{Packet, Transport};
use std::net::IpAddr;

/// The list of flows of one standing, in the order in which they are put out when the table is full.
pub(super) const QUEUE: usize = 1;

/// What the table has to know of a packet besides its key.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The position of its frame in the input.
    pub ordinal: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Its whole frame's length on the wire, in bytes; for a packet from a tunnel, of the frame that carried it.
    pub wire_len: u32,
    /// The frame's Ethernet addresses.
    pub mac: Option<MacPair>,
    /// The flags of a TCP header.
    pub tcp_flags: Option<u8>,
    /// The innermost VLAN id.
    pub vlan: Option<u16>,
}

impl Arrival {
    /// Of a packet and the frame it came in.
    #[inline]
    pub fn new(packet: &Packet<'_>, ordinal: u64, time: Timestamp, wire_len: u32) -> Self {
        let mac = packet
            .ethernet
            .map(|header| MacPair { source: header.source(), destination: header.destination() });
        let tcp_flags = match packet.transport {
            Transport::Tcp(header) => Some(header.flags()),
            _ => None,
        };
        Self { ordinal, time, wire_len, mac, tcp_flags, vlan: packet.vlans.innermost() }
    }
}

/// One flow. `X` is what others keep of it: streams, protocols, detection.
#[derive(Debug)]
pub struct Flow<X> {
    key: FlowKey,
    /// To the server, to the client.
    packets: [u64; 2],
    bytes: [u64; 2],
    start: Timestamp,
    last: Timestamp,
    /// What idle time is counted from: the latest packet's time, or the table's clock at that packet if later.
    idle_from: Timestamp,
    first_ordinal: u64,
    /// What others keep of this flow.
    pub extension: X,
    timer: Link,
    queue: Link,
    /// The client's, the server's.
    macs: [[u8; 6]; 2],
    detections: u32,
    /// The VLAN of the first packet.
    vlan: Vlan,
    slot: u16,
    seen: Seen,
    lifecycle: Lifecycle,
    client: Side,
}

/// A VLAN id, or none, in two bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Vlan(u16);

impl Vlan {
    fn of(arrival: &Arrival) -> Self {
        Self(arrival.vlan.unwrap_or(u16::MAX))
    }
}

impl<X> Linked<TIMER> for Flow<X> {
    #[inline]
    fn link(&mut self) -> &mut Link {
        &mut self.timer
    }
}

impl<X> Linked<QUEUE> for Flow<X> {
    #[inline]
    fn link(&mut self) -> &mut Link {
        &mut self.queue
    }
}

impl<X> Timed for Flow<X> {
    #[inline]
    fn slot(&mut self) -> &mut u16 {
        &mut self.slot
    }
}

impl<X> Flow<X> {
    /// Both directions' key.
    pub fn key(&self) -> &FlowKey {
        &self.key
    }

    /// The endpoint that spoke first.
    pub fn client_side(&self) -> Side {
        self.client
    }

    /// The client's address and, for protocols with ports, port.
    pub fn client(&self) -> (IpAddr, Option<u16>) {
        (self.key.address(self.client), self.key.port(self.client))
    }

    /// The server's address and, for protocols with ports, port.
    pub fn server(&self) -> (IpAddr, Option<u16>) {
        let server = self.client.opposite();
        (self.key.address(server), self.key.port(server))
    }

    /// The Ethernet addresses, the client's as source.
    pub fn mac(&self) -> Option<MacPair> {
        let [source, destination] = self.macs;
        self.seen.contains(Seen::MAC).then_some(MacPair { source, destination })
    }

    /// The key's bytes, client first: with [`Flow::start`] what the flow's number is derived from.
    pub fn identity(&self) -> [u8; 48] {
        self.key.bytes_from(self.client)
    }

    /// The first packet's time.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The latest packet's time.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// The position in the input of the frame that brought the first packet.
    pub fn first_ordinal(&self) -> u64 {
        self.first_ordinal
    }

    /// How far it has come.
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle
    }

    /// Whether packets went in both directions.
    pub fn both_directions(&self) -> bool {
        self.seen.both_directions()
    }

    /// Whether some of its packets came on another VLAN than the first.
    pub fn on_several_vlans(&self) -> bool {
        self.seen.contains(Seen::OTHER_VLAN)
    }

    /// Numbers the flow's detections, from 0.
    pub fn next_detection(&mut self) -> u32 {
        let ordinal = self.detections;
        self.detections = ordinal.wrapping_add(1);
        ordinal
    }

    /// How many detections were numbered so far.
    pub fn detections(&self) -> u32 {
        self.detections
    }

    /// Which way a packet of this flow goes.
    #[inline]
    pub fn direction(&self, orientation: Orientation) -> Direction {
        if orientation.sender == self.client { Direction::ToServer } else { Direction::ToClient }
    }

    /// Counts and times for events; `reason` once it has ended.
    pub fn statistics(&self, reason: Option<EndReason>) -> FlowStatistics {
        FlowStatistics {
            packets_to_server: self.packets[0],
            packets_to_client: self.packets[1],
            bytes_to_server: self.bytes[0],
            bytes_to_client: self.bytes[1],
            start: self.start,
            end: self.last,
            reason,
        }
    }

    /// Where the flow comes among those that began in the same input: never two alike.
    pub(super) fn position(&self) -> (u64, u8) {
        (self.first_ordinal, self.key.depth())
    }

    /// The end's reason: how the flow ended by itself, if it did, else `otherwise`.
    pub(super) fn end_reason(&self, otherwise: EndReason) -> EndReason {
        match self.lifecycle {
            Lifecycle::Closed => EndReason::Closed,
            Lifecycle::Reset => EndReason::Reset,
            Lifecycle::New | Lifecycle::Established => otherwise,
        }
    }

    pub(super) fn idle_from(&self) -> Timestamp {
        self.idle_from
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// Spares the flow from eviction once for what it did since it was last asked.
    pub(super) fn take_activity(&mut self) -> bool {
        let active = self.seen.contains(Seen::ACTIVE);
        self.seen.remove(Seen::ACTIVE);
        active
    }

    /// Takes over what a stream engine found out.
    pub(super) fn set_lifecycle(&mut self, lifecycle: Lifecycle) {
        self.seen.insert(Seen::STREAM);
        if lifecycle == Lifecycle::Established {
            self.seen.insert(Seen::HANDSHAKE);
        }
        self.lifecycle = lifecycle;
    }

    /// Counts a packet and follows the lifecycle.
    #[inline]
    pub(super) fn count(
        &mut self,
        orientation: Orientation,
        arrival: &Arrival,
        clock: Timestamp,
    ) -> Direction {
        let direction = self.direction(orientation);
        let way = usize::from(direction == Direction::ToClient);
        self.packets[way] += 1;
        self.bytes[way] += u64::from(arrival.wire_len);
        self.seen.insert(Seen::ACTIVE);
        if self.vlan != Vlan::of(arrival) {
            self.seen.insert(Seen::OTHER_VLAN);
        }
        self.last = self.last.max(arrival.time);
        self.idle_from = self.last.max(clock);
        if let Some(mac) = arrival.mac.filter(|_| !self.seen.contains(Seen::MAC)) {
            self.seen.insert(Seen::MAC);
            self.macs = match direction {
                Direction::ToServer => [mac.source, mac.destination],
                Direction::ToClient => [mac.destination, mac.source],
            };
        }
        if !orientation.quoting {
            self.follow(direction, arrival.tcp_flags);
        }
        direction
    }

    #[inline]
    fn follow(&mut self, direction: Direction, tcp_flags: Option<u8>) {
        self.seen.insert_direction(direction);
        match tcp_flags {
            Some(_) if self.seen.contains(Seen::STREAM) => {}
            Some(flags) => self.lifecycle = self.seen.follow_tcp(self.lifecycle, direction, flags),
            None if self.seen.both_directions() => self.lifecycle = Lifecycle::Established,
            None => {}
        }
    }
}

impl<X: Default> Flow<X> {
    /// A flow whose first packet, not counted yet, is this one.
    pub(super) fn new(key: FlowKey, client: Side, arrival: &Arrival) -> Self {
        Self {
            key,
            packets: [0; 2],
            bytes: [0; 2],
            start: arrival.time,
            last: arrival.time,
            idle_from: arrival.time,
            first_ordinal: arrival.ordinal,
            extension: X::default(),
            timer: Link::LOOSE,
            queue: Link::LOOSE,
            macs: [[0; 6]; 2],
            detections: 0,
            vlan: Vlan::of(arrival),
            slot: 0,
            seen: Seen::default(),
            lifecycle: Lifecycle::New,
            client,
        }
    }
}
