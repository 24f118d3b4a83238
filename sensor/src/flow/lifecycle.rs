//! How far a flow has come, and how long it may then be idle.
//!
//! TCP is followed here by flags alone, which is enough for statistics and timeouts. Where rules need streams, the
//! stream engine follows sequence numbers too and says what it found; from then on these flags are not asked.

use super::key::protocol;
use crate::event::Direction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a flow has come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Lifecycle {
    /// TCP: no handshake yet. Others: packets in one direction alone.
    New,
    /// TCP: handshake done. Others: packets in both directions.
    Established,
    /// TCP: FIN in both directions.
    Closed,
    /// TCP: RST.
    Reset,
}

impl Lifecycle {
    /// Whether nothing more is expected.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Reset)
    }
}

/// How long flows may be idle, by protocol. The defaults are Suricata's (suricata.yaml, "flow-timeouts").
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// TCP.
    pub tcp: TcpTimeouts,
    /// UDP.
    pub udp: DatagramTimeouts,
    /// ICMP and ICMPv6.
    pub icmp: DatagramTimeouts,
    /// All other protocols.
    pub other: DatagramTimeouts,
}

/// Seconds that a TCP flow may be idle.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcpTimeouts {
    /// Until the handshake is done.
    pub new_s: u32,
    /// From then on.
    pub established_s: u32,
    /// After FIN in both directions, or RST.
    pub closed_s: u32,
}

impl Default for TcpTimeouts {
    fn default() -> Self {
        Self { new_s: 60, established_s: 600, closed_s: 60 }
    }
}

/// Seconds that a flow without connections may be idle.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatagramTimeouts {
    /// While packets went in one direction alone.
    pub new_s: u32,
    /// Once they went in both.
    pub established_s: u32,
}

impl Default for DatagramTimeouts {
    fn default() -> Self {
        Self { new_s: 30, established_s: 300 }
    }
}

/// [`Timeouts`] in nanoseconds, by protocol and [`Lifecycle`].
#[derive(Clone, Debug)]
pub(super) struct IdleLimits {
    tcp: [u64; 4],
    udp: [u64; 4],
    icmp: [u64; 4],
    other: [u64; 4],
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl IdleLimits {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let nanos = |seconds: [u32; 4]| seconds.map(|s| u64::from(s) * NANOS_PER_SECOND);
        let datagram =
            |t: &DatagramTimeouts| nanos([t.new_s, t.established_s, t.established_s, t.established_s]);
        let tcp = &timeouts.tcp;
        Self {
            tcp: nanos([tcp.new_s, tcp.established_s, tcp.closed_s, tcp.closed_s]),
            udp: datagram(&timeouts.udp),
            icmp: datagram(&timeouts.icmp),
            other: datagram(&timeouts.other),
        }
    }

    #[inline]
    pub(super) fn idle_ns(&self, number: u8, lifecycle: Lifecycle) -> u64 {
        let row = match number {
            protocol::TCP => &self.tcp,
            protocol::UDP => &self.udp,
            protocol::ICMP | protocol::ICMPV6 => &self.icmp,
            _ => &self.other,
        };
        row[lifecycle as usize]
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Whether the flags ask for a new connection.
#[inline]
pub(super) fn opens(tcp_flags: u8) -> bool {
    tcp_flags & (SYN | ACK | RST | FIN) == SYN
}

/// What was seen of a flow so far, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen(u16);

impl Seen {
    pub(super) const TO_SERVER: Self = Self(1);
    pub(super) const TO_CLIENT: Self = Self(1 << 1);
    const SYN: Self = Self(1 << 2);
    const SYN_ACK: Self = Self(1 << 3);
    const FIN_TO_SERVER: Self = Self(1 << 4);
    const FIN_TO_CLIENT: Self = Self(1 << 5);
    /// A whole handshake.
    pub(super) const HANDSHAKE: Self = Self(1 << 6);
    /// The word of a stream engine, which replaces what flags tell.
    pub(super) const STREAM: Self = Self(1 << 7);
    /// A packet since the flow was last spared from eviction.
    pub(super) const ACTIVE: Self = Self(1 << 8);
    /// An Ethernet header.
    pub(super) const MAC: Self = Self(1 << 9);
    /// A packet on another VLAN than the first.
    pub(super) const OTHER_VLAN: Self = Self(1 << 10);

    #[inline]
    pub(super) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    #[inline]
    pub(super) fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    /// Whether all of `other` was seen.
    #[inline]
    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[inline]
    pub(super) fn insert_direction(&mut self, direction: Direction) {
        self.insert(match direction {
            Direction::ToServer => Self::TO_SERVER,
            Direction::ToClient => Self::TO_CLIENT,
        });
    }

    #[inline]
    pub(super) fn both_directions(self) -> bool {
        self.contains(Self(Self::TO_SERVER.0 | Self::TO_CLIENT.0))
    }

    /// Follows a TCP connection by the flags of its next packet (RFC 9293 §3.3.2, without sequence numbers).
    ///
    /// A connection whose beginning was not seen stays new until it ends, as in Suricata without midstream pickup.
    #[inline]
    pub(super) fn follow_tcp(&mut self, before: Lifecycle, direction: Direction, tcp_flags: u8) -> Lifecycle {
        if before.is_over() {
            return before;
        }
        if tcp_flags & RST != 0 {
            return Lifecycle::Reset;
        }
        match (direction, tcp_flags & SYN != 0, tcp_flags & ACK != 0) {
            (Direction::ToServer, true, false) => self.insert(Self::SYN),
            (Direction::ToClient, true, true) if self.contains(Self::SYN) => self.insert(Self::SYN_ACK),
            (Direction::ToServer, false, true) if self.contains(Self::SYN_ACK) => {
                self.insert(Self::HANDSHAKE)
            }
            _ => {}
        }
        if tcp_flags & FIN != 0 {
            self.insert(match direction {
                Direction::ToServer => Self::FIN_TO_SERVER,
                Direction::ToClient => Self::FIN_TO_CLIENT,
            });
        }
        if self.contains(Self(Self::FIN_TO_SERVER.0 | Self::FIN_TO_CLIENT.0)) {
            Lifecycle::Closed
        } else if self.contains(Self::HANDSHAKE) {
            Lifecycle::Established
        } else {
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn follow(packets: &[(Direction, u8)]) -> Vec<Lifecycle> {
        let mut seen = Seen::default();
        let mut lifecycle = Lifecycle::New;
        let mut step = |&(direction, flags): &(Direction, u8)| {
            lifecycle = seen.follow_tcp(lifecycle, direction, flags);
            lifecycle
        };
        packets.iter().map(&mut step).collect()
    }

    #[test]
    fn a_connection_from_handshake_to_fin() {
        use Lifecycle::{Closed, Established, New};
        let course = follow(&[
            (ToServer, SYN),
            (ToClient, SYN | ACK),
            (ToServer, ACK),
            (ToServer, FIN | ACK),
            (ToClient, ACK),
            (ToClient, FIN | ACK),
            (ToServer, ACK),
        ]);
        assert_eq!(course, [New, New, Established, Established, Established, Closed, Closed]);
    }

    #[test]
    fn without_its_beginning_it_is_never_established() {
        use Lifecycle::{Closed, New};
        let course =
            follow(&[(ToServer, ACK), (ToClient, ACK), (ToServer, FIN | ACK), (ToClient, FIN | ACK)]);
        assert_eq!(course, [New, New, New, Closed]);
        assert_eq!(follow(&[(ToServer, SYN | ACK), (ToClient, ACK), (ToServer, ACK)]), [New; 3]);
    }

    #[test]
    fn reset_is_final() {
        use Lifecycle::{New, Reset};
        let refused = follow(&[(ToServer, SYN), (ToClient, RST | ACK), (ToServer, FIN), (ToClient, FIN)]);
        assert_eq!(refused, [New, Reset, Reset, Reset]);
    }

    #[test]
    fn one_protocol_can_be_configured_alone() {
        let timeouts: Timeouts = toml::from_str("[tcp]\nclosed_s = 5\n[udp]\nnew_s = 7").expect("valid");
        let limits = IdleLimits::new(&timeouts);
        assert_eq!(limits.idle_ns(protocol::TCP, Lifecycle::Closed), 5 * NANOS_PER_SECOND);
        assert_eq!(limits.idle_ns(protocol::TCP, Lifecycle::Established), 600 * NANOS_PER_SECOND);
        assert_eq!(limits.idle_ns(protocol::UDP, Lifecycle::New), 7 * NANOS_PER_SECOND);
        assert_eq!(limits.idle_ns(protocol::ICMPV6, Lifecycle::Established), 300 * NANOS_PER_SECOND);
        assert_eq!(limits.idle_ns(protocol::SCTP, Lifecycle::New), 30 * NANOS_PER_SECOND);
        assert!(toml::from_str::<Timeouts>("[tcp]\nclosed = 5").is_err());
    }
}
