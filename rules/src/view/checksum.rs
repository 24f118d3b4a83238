//! Checksums, computed for those who ask (RFC 1071).

use super::{Network, Packet, Transport};
use std::net::IpAddr;

/// What a checksum says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChecksumState {
    /// There is no such header, or the sender chose to send no checksum (UDP over IPv4).
    #[default]
    Absent,
    /// It is right.
    Valid,
    /// It is wrong: damaged on the way, or left for the sender's network card to fill in.
    Invalid,
}

/// The checksums of one packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Checksums {
    /// Of the IPv4 header.
    pub ipv4: ChecksumState,
    /// Of TCP, UDP, ICMP or ICMPv6, whichever `Packet::transport` holds. Fragments have none of their own.
    pub transport: ChecksumState,
}

impl Checksums {
    /// Whether any is wrong.
    pub fn any_invalid(&self) -> bool {
        self.ipv4 == ChecksumState::Invalid || self.transport == ChecksumState::Invalid
    }
}

/// Verifies the checksums of `packet`.
///
/// A packet of which the capture holds only the start has no headers here ([`super::DecodeEvent::Ipv4TruncPkt`]
/// ends decoding), so that what is verified is whole.
pub fn verify(packet: &Packet<'_>) -> Checksums {
    Checksums { ipv4: ipv4(packet), transport: transport(packet) }
}

/// The state of the IPv4 header's checksum (RFC 791 §3.1).
pub fn ipv4(packet: &Packet<'_>) -> ChecksumState {
    match packet.network {
        Network::V4(header) => state(Sum::default().bytes(header.bytes())),
        _ => ChecksumState::Absent,
    }
}

/// The state of the transport header's checksum (RFC 9293 §3.1, RFC 768, RFC 792, RFC 4443 §2.3).
pub fn transport(packet: &Packet<'_>) -> ChecksumState {
    let header = match packet.transport {
        Transport::Tcp(header) => header.bytes(),
        Transport::Udp(header) if header.checksum() == 0 => {
            // Allowed in IPv4 alone (RFC 8200 §8.1).
            let is_v4 = matches!(packet.network, Network::V4(_));
            return if is_v4 { ChecksumState::Absent } else { ChecksumState::Invalid };
        }
        Transport::Udp(header) => header.bytes(),
        Transport::Icmpv4(header) => {
            // What a type adds to its header is part of the payload.
            let common = &header.bytes()[..header.bytes().len().min(8)];
            return state(Sum::default().bytes(common).bytes(packet.payload));
        }
        Transport::Icmpv6(header) => header.bytes(),
        Transport::Sctp(_) | Transport::None => return ChecksumState::Absent,
    };
    let len = header.len() + packet.payload.len();
    state(pseudo_header(packet, len).bytes(header).bytes(packet.payload))
}

/// The checksum to put into a header of which the checksum field holds zero.
pub fn header_checksum(header: &[u8]) -> u16 {
    !Sum::default().bytes(header).folded()
}

fn state(sum: Sum) -> ChecksumState {
    if sum.folded() == 0xffff { ChecksumState::Valid } else { ChecksumState::Invalid }
}

/// Addresses, length and protocol as the transport's checksum covers them (RFC 9293 §3.1, RFC 8200 §8.1).
fn pseudo_header(packet: &Packet<'_>, len: usize) -> Sum {
    let sum = match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            Sum::default().bytes(&source.octets()).bytes(&destination.octets())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Sum::default().bytes(&source.octets()).bytes(&destination.octets())
        }
        _ => Sum::default(),
    };
    let len = u32::try_from(len).expect("an IP datagram is shorter than 4 GiB");
    sum.bytes(&len.to_be_bytes()).bytes(&[0, packet.protocol])
}

/// A one's complement sum under way (RFC 1071 §2): pairs of bytes taken as little-endian numbers, which changes
/// nothing but the order of the result's bytes. 64 bits leave room for 16 GiB before a carry is lost.
#[derive(Clone, Copy, Default)]
struct Sum(u64);

impl Sum {
    /// Adds `bytes`. Only the last part of what is summed may have an odd length.
    fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        let sum: u64 = words.iter().map(|&word| u64::from(u32::from_le_bytes(word))).sum();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        Self(self.0 + sum + u64::from(u32::from_le_bytes(last)))
    }

    /// The sum in network byte order, carries added in.
    fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        (sum as u16).swap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sum_is_that_of_16_bit_words(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut slow = 0u32;
            for pair in bytes.chunks(2) {
                slow += (u32::from(pair[0]) << 8) | pair.get(1).map_or(0, |&low| u32::from(low));
                slow = (slow & 0xffff) + (slow >> 16);
            }
            prop_assert_eq!(u32::from(Sum::default().bytes(&bytes).folded()), slow);
        }
    }
}
