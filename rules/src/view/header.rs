//! Headers that were checked once, so that reading a field of them cannot fail.

use std::net::{Ipv4Addr, Ipv6Addr};

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

macro_rules! header {
    ($(#[$meta:meta])* $name:ident, at least $min:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct $name<'a>(&'a [u8]);

        impl<'a> $name<'a> {
            /// The shortest such header, in bytes.
            pub const MIN_LEN: usize = $min;

            /// The whole header, options included; nothing when it is shorter than it must be.
            pub fn new(header: &'a [u8]) -> Option<Self> {
                (header.len() >= Self::MIN_LEN).then_some(Self(header))
            }

            /// The bytes of the header.
            pub fn bytes(&self) -> &'a [u8] {
                self.0
            }
        }
    };
}

header! {
    /// An Ethernet II header without its VLAN tags (IEEE 802.3).
    Ethernet, at least 14
}

impl Ethernet<'_> {
    /// The receiver's address.
    pub fn destination(&self) -> [u8; 6] {
        self.0[..6].try_into().expect("checked when made")
    }

    /// The sender's address.
    pub fn source(&self) -> [u8; 6] {
        self.0[6..12].try_into().expect("checked when made")
    }
}

header! {
    /// An IPv4 header with its options (RFC 791 §3.1).
    Ipv4, at least 20
}

impl<'a> Ipv4<'a> {
    /// The sender's address.
    pub fn source(&self) -> Ipv4Addr {
        be32(self.0, 12).into()
    }

    /// The receiver's address.
    pub fn destination(&self) -> Ipv4Addr {
        be32(self.0, 16).into()
    }

    /// Type of service, today DSCP and ECN.
    pub fn tos(&self) -> u8 {
        self.0[1]
    }

    /// The length the header claims for the whole packet, in bytes.
    pub fn total_len(&self) -> u16 {
        be16(self.0, 2)
    }

    /// Identification, shared by the fragments of one packet.
    pub fn id(&self) -> u16 {
        be16(self.0, 4)
    }

    /// The reserved bit, "don't fragment" and "more fragments", as the three lowest bits from high to low.
    pub fn flags(&self) -> u8 {
        self.0[6] >> 5
    }

    /// Whether more fragments follow.
    pub fn more_fragments(&self) -> bool {
        self.0[6] & 0x20 != 0
    }

    /// Where this fragment's payload begins in the whole packet's, in units of eight bytes.
    pub fn fragment_offset(&self) -> u16 {
        be16(self.0, 6) & 0x1fff
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.0[8]
    }

    /// The protocol of the payload.
    pub fn protocol(&self) -> u8 {
        self.0[9]
    }

    /// Option bytes, padding included.
    pub fn options(&self) -> &'a [u8] {
        &self.0[20..]
    }
}

header! {
    /// An IPv6 header with its extension headers (RFC 8200 §3, §4).
    Ipv6, at least 40
}

impl<'a> Ipv6<'a> {
    /// The sender's address.
    pub fn source(&self) -> Ipv6Addr {
        let octets: [u8; 16] = self.0[8..24].try_into().expect("checked when made");
        octets.into()
    }

    /// The receiver's address.
    pub fn destination(&self) -> Ipv6Addr {
        let octets: [u8; 16] = self.0[24..40].try_into().expect("checked when made");
        octets.into()
    }

    /// Traffic class.
    pub fn traffic_class(&self) -> u8 {
        (be16(self.0, 0) >> 4) as u8
    }

    /// Flow label, 20 bits.
    pub fn flow_label(&self) -> u32 {
        be32(self.0, 0) & 0x000f_ffff
    }

    /// The length the header claims for what follows it, in bytes.
    pub fn payload_len(&self) -> u16 {
        be16(self.0, 4)
    }

    /// The next header, as the fixed header says it.
    pub fn next_header(&self) -> u8 {
        self.0[6]
    }

    /// Hop limit.
    pub fn hop_limit(&self) -> u8 {
        self.0[7]
    }

    /// The fixed header alone, 40 bytes.
    pub fn fixed(&self) -> &'a [u8] {
        &self.0[..40]
    }

    /// The extension headers in wire order.
    pub fn extensions(&self) -> &'a [u8] {
        &self.0[40..]
    }
}

header! {
    /// A TCP header with its options (RFC 9293 §3.1).
    Tcp, at least 20
}

impl<'a> Tcp<'a> {
    /// The sender's port.
    pub fn source_port(&self) -> u16 {
        be16(self.0, 0)
    }

    /// The receiver's port.
    pub fn destination_port(&self) -> u16 {
        be16(self.0, 2)
    }

    /// Sequence number of the first payload byte, or of SYN.
    pub fn sequence(&self) -> u32 {
        be32(self.0, 4)
    }

    /// Acknowledgement number, meaningful with ACK.
    pub fn acknowledgement(&self) -> u32 {
        be32(self.0, 8)
    }

    /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN from high to low.
    pub fn flags(&self) -> u8 {
        self.0[13]
    }

    /// The window, unscaled.
    pub fn window(&self) -> u16 {
        be16(self.0, 14)
    }

    /// The checksum as sent.
    pub fn checksum(&self) -> u16 {
        be16(self.0, 16)
    }

    /// The urgent pointer, meaningful with URG.
    pub fn urgent_pointer(&self) -> u16 {
        be16(self.0, 18)
    }

    /// Option bytes, padding included.
    pub fn options(&self) -> &'a [u8] {
        &self.0[20..]
    }
}

header! {
    /// A UDP header (RFC 768).
    Udp, at least 8
}

impl Udp<'_> {
    /// The sender's port.
    pub fn source_port(&self) -> u16 {
        be16(self.0, 0)
    }

    /// The receiver's port.
    pub fn destination_port(&self) -> u16 {
        be16(self.0, 2)
    }

    /// The length the header claims for header and payload, in bytes.
    pub fn len(&self) -> u16 {
        be16(self.0, 4)
    }

    /// Whether the header claims to be empty, which no valid one does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The checksum as sent, 0 for none.
    pub fn checksum(&self) -> u16 {
        be16(self.0, 6)
    }
}

header! {
    /// The first four bytes or more of an ICMP or ICMPv6 message (RFC 792, RFC 4443 §2.1): the eight that every type
    /// has, and what its own type adds, which is at the beginning of the payload too.
    Icmp, at least 4
}

impl Icmp<'_> {
    /// Message type.
    pub fn kind(&self) -> u8 {
        self.0[0]
    }

    /// Code within the type.
    pub fn code(&self) -> u8 {
        self.0[1]
    }

    /// The checksum as sent.
    pub fn checksum(&self) -> u16 {
        be16(self.0, 2)
    }

    /// The two words after the checksum, where the message has them: identifier and sequence number of an echo.
    pub fn id_and_sequence(&self) -> Option<(u16, u16)> {
        (self.0.len() >= 8).then(|| (be16(self.0, 4), be16(self.0, 6)))
    }
}

header! {
    /// An SCTP common header (RFC 9260 §3.1).
    Sctp, at least 12
}

impl Sctp<'_> {
    /// The sender's port.
    pub fn source_port(&self) -> u16 {
        be16(self.0, 0)
    }

    /// The receiver's port.
    pub fn destination_port(&self) -> u16 {
        be16(self.0, 2)
    }
}

/// The VLAN tags of a frame, outermost first; at most three (IEEE 802.1Q, 802.1ad).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct VlanTags {
    ids: [u16; 3],
    count: u8,
}

impl VlanTags {
    /// How many tags are kept.
    pub const MAX: usize = 3;
    /// An untagged frame's.
    pub const NONE: Self = Self { ids: [0; 3], count: 0 };

    /// Adds the next inner tag's VLAN id (12 bits); refuses the fourth.
    pub fn push(&mut self, id: u16) -> bool {
        let Some(slot) = self.ids.get_mut(usize::from(self.count)) else { return false };
        *slot = id & 0x0fff;
        self.count += 1;
        true
    }

    /// VLAN ids, outermost first.
    pub fn ids(&self) -> &[u16] {
        &self.ids[..usize::from(self.count)]
    }

    /// The id closest to the payload.
    pub fn innermost(&self) -> Option<u16> {
        self.ids().last().copied()
    }
}
