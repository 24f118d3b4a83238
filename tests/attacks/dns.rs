//! DNS: floods of queries, and names that lead round and round.

use super::{Attack, MIB, attacks, client, client_in_single_bytes, datagrams, numbered};
use fixtures::TimedFrame;
use sensor::counter::Counter;

const PORT: u16 = 53;

/// A query for these bytes as its name, with another number each.
fn query(number: usize, name: &[u8]) -> Vec<u8> {
    let [.., high, low] = number.to_be_bytes();
    [&[high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], name, &[0, 1, 0, 1]].concat()
}

/// A message as TCP carries it.
fn in_stream(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

const NAME: &[u8] = b"\x03www\x07example\x03com\0";

/// A message of 64 kB whose records are owned by names that all lead through as many pointers as are followed.
fn deep() -> Vec<u8> {
    let question = [0, 0, 1, 0, 1];
    // The first record, of the root, holds pointers, each to the next.
    let first = (12 + question.len() + 11) as u16;
    let chain: Vec<u8> =
        (1..=255).flat_map(|at| (0xc000 + first + 2 * at).to_be_bytes()).chain([0]).collect();
    let holder = [&[0, 0, 99, 0, 1, 0, 0, 0, 0][..], &(chain.len() as u16).to_be_bytes(), &chain].concat();
    let record = [&(0xc000 + first).to_be_bytes()[..], &[0, 99, 0, 1, 0, 0, 0, 0, 0, 1, 7]].concat();
    let count = 64_000 / record.len();
    let [.., high, low] = (1 + count).to_be_bytes();
    let header = [0, 0, 1, 0, 0, 1, high, low, 0, 0, 0, 0];
    [&header[..], &question, &holder, &record.repeat(count)].concat()
}

fn queries(count: usize, name: &'static [u8]) -> Vec<TimedFrame> {
    datagrams(PORT, (0..count).map(|number| query(number, name)))
}

attacks! {
    /// Queries that nobody answers.
    queries_without_an_answer = Attack {
        frames: |count| queries(count, NAME),
        some: 5_000,
        all: 1_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Queries over TCP that nobody answers.
    queries_without_an_answer_over_tcp = Attack {
        frames: |count| client(PORT, &numbered(count, |number| in_stream(&query(number, NAME)))),
        some: 5_000,
        all: 1_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Queries of which only the first is whole in the first segment of a stream, a byte in each.
    a_query_in_single_bytes = Attack {
        frames: |count| {
            let said = numbered(count, |number| in_stream(&query(number, NAME)));
            client_in_single_bytes(PORT, &said)
        },
        some: 100,
        all: 5_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Names that lead to themselves.
    loops = Attack {
        frames: |count| queries(count, b"\x01a\xc0\x0c"),
        some: 1_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &["dns.too_many_labels"],
    };
    /// The longest messages, of names that all lead as far as names are followed.
    deep_pointers = Attack {
        frames: |count| client(PORT, &in_stream(&deep()).repeat(count)),
        some: 1,
        all: 40,
        held: 4 * MIB,
        counted: &[],
        told: &["dns.too_many_labels"],
    };
    /// Messages that say to have more records than they can.
    more_records_than_fit = Attack {
        frames: |count| {
            let mut message = query(1, NAME);
            message[6..12].fill(0xff);
            datagrams(PORT, std::iter::once(query(0, NAME)).chain(std::iter::repeat_n(message, count)))
        },
        some: 2_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// What is no message, behind one that is.
    garbage_over_tcp = Attack {
        frames: |count| client(PORT, &[&in_stream(&query(0, NAME))[..], &[0, 13].repeat(count)].concat()),
        some: 50_000,
        all: 5_000_000,
        held: MIB,
        counted: &[Counter::AppMalformed],
        told: &[],
    };
}
