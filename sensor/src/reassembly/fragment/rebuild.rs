//! The whole datagram: the first fragment's header with its lengths put right, then the data.

use super::datagram::Datagram;
use crate::decode::checksum::header_checksum;

const IPV6_LEN: usize = 40;
const FRAGMENT_HEADER_LEN: usize = 8;
const AUTHENTICATION: u8 = 51;

/// Writes a complete datagram to `out` in place of what was there; refuses one longer than IP can say.
pub(super) fn write(datagram: &Datagram, is_v4: bool, out: &mut Vec<u8>) -> bool {
    out.clear();
    let fits = if is_v4 { write_v4_header(datagram, out) } else { write_v6_header(datagram, out) };
    if fits {
        datagram.data().for_each(|piece| out.extend_from_slice(piece));
    }
    fits
}

/// Total length, no fragment bits, and the checksum for both (RFC 791 §3.1).
fn write_v4_header(datagram: &Datagram, out: &mut Vec<u8>) -> bool {
    let Ok(total_len) = u16::try_from(datagram.header().len() + datagram.len()) else { return false };
    out.extend_from_slice(datagram.header());
    out[2..4].copy_from_slice(&total_len.to_be_bytes());
    out[6] &= 0xc0;
    out[7] = 0;
    out[10..12].fill(0);
    let checksum = header_checksum(out);
    out[10..12].copy_from_slice(&checksum.to_be_bytes());
    true
}

/// Without the fragment header, whose next header moves to the one before it, and with the payload length
/// (RFC 8200 §4.5).
fn write_v6_header(datagram: &Datagram, out: &mut Vec<u8>) -> bool {
    let header = datagram.header();
    let kept_len = header.len() - FRAGMENT_HEADER_LEN;
    let Ok(payload_len) = u16::try_from(kept_len - IPV6_LEN + datagram.len()) else { return false };
    out.extend_from_slice(&header[..kept_len]);
    out[4..6].copy_from_slice(&payload_len.to_be_bytes());
    let last = last_next_header_at(out);
    out[last] = header[kept_len];
    true
}

/// Where the last header of `headers`, which the decoder walked before, says what follows it.
fn last_next_header_at(headers: &[u8]) -> usize {
    let mut field = 6;
    let mut at = IPV6_LEN;
    while at + 1 < headers.len() {
        let words = usize::from(headers[at + 1]);
        let len = if headers[field] == AUTHENTICATION { (8 + words * 4).max(12) } else { 8 + words * 8 };
        field = at;
        at += len;
    }
    field
}
