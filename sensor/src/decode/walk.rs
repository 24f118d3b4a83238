//! The steps of the walk from header to header.

use rules::view::{DecodeEvent, Origin, Packet, VlanTags};

/// A kind of header, each read by a file of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Header {
    Ethernet,
    Vlan,
    Backbone,
    VnTag,
    ETag,
    FabricPath,
    Mpls,
    PppoeDiscovery,
    PppoeSession,
    Ppp,
    CiscoHdlc,
    Null,
    Sll,
    Sll2,
    Nsh,
    Arp,
    /// IPv4 or IPv6, as the first nibble says.
    Ip,
    Ipv4,
    Ipv6,
    Tcp,
    Udp,
    Icmpv4,
    Icmpv6,
    Sctp,
    Esp,
    Ah,
    Gre,
    Erspan2,
    Erspan3,
}

/// What comes after a header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next<'a> {
    /// Nothing that is read here.
    End,
    /// Another header of the same packet.
    Header(Header, &'a [u8]),
    /// A packet carried by this one.
    Tunnel(Header, &'a [u8]),
}

/// Notes a fault after which no header of the packet can be read.
#[cold]
pub(super) fn refuse<'a>(packet: &mut Packet<'_>, event: DecodeEvent) -> Next<'a> {
    packet.refuse(event);
    Next::End
}

/// The packet that begins with `header` in a tunnel of `outer`, before anything of it is read.
pub(super) fn inherit<'a>(outer: &Packet<'a>, header: Header) -> Packet<'a> {
    let has_own_frame = matches!(header, Header::Ethernet | Header::Erspan2 | Header::Erspan3);
    Packet {
        ethernet: outer.ethernet,
        vlans: if has_own_frame { VlanTags::NONE } else { outer.vlans },
        depth: outer.depth + 1,
        origin: Origin::Tunnel,
        ..Packet::EMPTY
    }
}

/// The 16-bit number in network byte order at `at`. The caller checked that it is there.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit number in network byte order at `at`. The caller checked that it is there.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
