//! SSH: banners and key exchanges without end.

use super::{Attack, MIB, attacks, client, client_in_single_bytes};
use fixtures::TimedFrame;

const PORT: u16 = 22;
const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";

/// A packet of that kind in the clear.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len() as u32 + 6;
    [&len.to_be_bytes()[..], &[4, kind], body, &[0; 4]].concat()
}

/// An offer of algorithms, one list of so many bytes.
fn key_exchange(len: usize) -> Vec<u8> {
    let list = b"a,".repeat(len / 2);
    let lists = [&(list.len() as u32).to_be_bytes()[..], &list, &[0; 4 * 9]].concat();
    packet(20, &[&[7; 16][..], &lists, &[0; 5]].concat())
}

fn said(bytes: &[u8]) -> Vec<TimedFrame> {
    client(PORT, &[BANNER, bytes].concat())
}

attacks! {
    /// A banner that does not end.
    a_banner_without_end = Attack {
        frames: |len| client(PORT, &[b"SSH-2.0-", &vec![b'x'; len][..]].concat()),
        some: 200_000,
        all: 20_000_000,
        held: MIB,
        counted: &[],
        told: &["ssh.long_banner"],
    };
    /// A banner that does not end, a byte in a segment.
    a_banner_in_single_bytes = Attack {
        frames: |len| client_in_single_bytes(PORT, &[b"SSH-2.0-", &vec![b'x'; len][..]].concat()),
        some: 4_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &["ssh.long_banner"],
    };
    /// An offer of so many bytes of algorithms.
    a_long_key_exchange = Attack {
        frames: |len| said(&key_exchange(len)),
        some: 20_000,
        all: 20_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// An offer of algorithms, a byte in a segment.
    a_key_exchange_in_single_bytes = Attack {
        frames: |len| client_in_single_bytes(PORT, &[BANNER, &key_exchange(len)].concat()),
        some: 4_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Offers of algorithms one behind the other.
    key_exchanges = Attack {
        frames: |count| said(&key_exchange(2_000).repeat(count)),
        some: 200,
        all: 20_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Packets that say nothing.
    empty_packets = Attack {
        frames: |count| said(&packet(2, &[]).repeat(count)),
        some: 10_000,
        all: 2_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
}
