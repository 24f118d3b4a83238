//! Which worker a frame belongs to: a hash of the outermost pair of addresses, the same in both directions.
//!
//! Ports and VLAN tags are left out, so that fragments, tunnels, related connections (FTP data) and both directions
//! of a flow meet; and so that a classic BPF program, which has loads, shifts and XOR but no loops, can compute the
//! same number in the kernel. An ICMP error goes where the packet that it quotes goes. Costs a sixth to a
//! seventeenth of slicing the headers with etherparse (`benches/decode.rs`).

use super::link::ethertype;
use super::net::protocol;
use super::quoted::{quotes_v4, quotes_v6};
use super::walk::{be16, be32};
use crate::capture::LinkType;

/// Spreads the XOR of two addresses over all bits (2³² divided by the golden ratio, odd).
pub(super) const SPREAD: u32 = 0x9e37_79b1;

/// Tags and labels passed over before the IP header.
pub(super) const MAX_TAGS: usize = 4;

/// Which of so many shards a hash belongs to. Both halves fit 32 bits, as classic BPF wants it.
#[inline]
pub fn owner(hash: u32, shards: u16) -> u16 {
    // The high half of a hash of this kind is the better one, and the product spreads it over any number of shards.
    (((hash >> 16) * u32::from(shards)) >> 16) as u16
}

/// The hash of the frame; 0 without an IP header.
#[inline]
pub fn shard(bytes: &[u8], link: LinkType) -> u32 {
    let ip = match link {
        LinkType::ETHERNET => after_ethertype(bytes, 12),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => Some(bytes),
        LinkType::LINUX_SLL => after_ethertype(bytes, 14),
        LinkType::LINUX_SLL2 => bytes.get(20..),
        LinkType::NULL | LinkType::LOOP => bytes.get(4..),
        LinkType::PPP => ppp(bytes),
        LinkType::CISCO_HDLC => after_ethertype(bytes, 2),
        _ => None,
    };
    ip.map_or(0, pair)
}

/// The IP packet after the EtherType at `at`, past tags and labels.
#[inline]
fn after_ethertype(bytes: &[u8], mut at: usize) -> Option<&[u8]> {
    for _ in 0..=MAX_TAGS {
        let kind = bytes.get(at..at + 2)?;
        at = match be16(kind, 0) {
            ethertype::IPV4 | ethertype::IPV6 => return bytes.get(at + 2..),
            ethertype::VLAN | ethertype::SERVICE_VLAN | 0x9100 => at + 4,
            0x8847 | 0x8848 => return labels(bytes.get(at + 2..)?),
            0x8864 => return ppp(bytes.get(at + 8..)?),
            _ => return None,
        };
    }
    None
}

/// The IP packet under a label stack, where one is.
fn labels(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    for _ in 0..=MAX_TAGS {
        let (entry, after) = rest.split_at_checked(4)?;
        rest = after;
        if entry[2] & 1 != 0 {
            return match rest.first()? >> 4 {
                // A pseudowire: control word, then a frame.
                0 => after_ethertype(rest.get(4..)?, 12),
                _ => Some(rest),
            };
        }
    }
    None
}

fn ppp(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    match rest {
        [odd, ip @ ..] if odd & 1 == 1 => Some(ip),
        [_, _, ip @ ..] => Some(ip),
        _ => None,
    }
}

/// The hash of the pair that an IP packet is about.
#[inline]
fn pair(ip: &[u8]) -> u32 {
    let folded = match ip.first().map(|first| first >> 4) {
        Some(4) if ip.len() >= 20 => {
            let header_len = usize::from(ip[0] & 0x0f) * 4;
            let quote = (ip[9] == protocol::ICMPV4 && be16(ip, 6) & 0x3fff == 0)
                .then(|| ip.get(header_len..))
                .flatten()
                .filter(|icmp| icmp.len() >= 28 && quotes_v4(icmp[0]) && icmp[8] >> 4 == 4);
            fold_v4(quote.map_or(ip, |icmp| &icmp[8..]))
        }
        Some(6) if ip.len() >= 40 => {
            let quote = Some(&ip[40..]).filter(|icmp| {
                ip[6] == protocol::ICMPV6 && icmp.len() >= 48 && quotes_v6(icmp[0]) && icmp[8] >> 4 == 6
            });
            fold_v6(quote.map_or(ip, |icmp| &icmp[8..]))
        }
        _ => return 0,
    };
    folded.wrapping_mul(SPREAD)
}

fn fold_v4(ip: &[u8]) -> u32 {
    be32(ip, 12) ^ be32(ip, 16)
}

fn fold_v6(ip: &[u8]) -> u32 {
    ip[8..40].chunks_exact(4).fold(0, |sum, word| sum ^ be32(word, 0))
}
