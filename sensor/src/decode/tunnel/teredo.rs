//! Teredo (RFC 4380 §5.1.1): IPv6 over UDP, after an authentication and an origin where they stand.

use crate::decode::walk::{Header, Next, be16};

const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];
const ORIGIN_LEN: usize = 8;
const IPV6_LEN: usize = 40;

/// Anything on the port that is not exactly an IPv6 packet is left alone: the port has other users.
pub(in crate::decode) fn read(bytes: &[u8]) -> Next<'_> {
    match ipv6(bytes) {
        Some(packet) => Next::Tunnel(Header::Ipv6, packet),
        None => Next::End,
    }
}

fn ipv6(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    if rest.starts_with(&AUTHENTICATION) {
        // Type, lengths of the two variable parts, those, nonce (8) and confirmation (1).
        let variable = usize::from(*rest.get(2)?) + usize::from(*rest.get(3)?);
        rest = rest.get(4 + variable + 9..)?;
    }
    if rest.starts_with(&ORIGIN) {
        rest = rest.get(ORIGIN_LEN..)?;
    }
    let fits =
        rest.len() >= IPV6_LEN && rest[0] >> 4 == 6 && IPV6_LEN + usize::from(be16(rest, 4)) == rest.len();
    fits.then_some(rest)
}
