//! TLS: handshakes that go on and on.

use super::{Attack, MIB, attacks, client_in_single_bytes, session};
use fixtures::TimedFrame;

const PORT: u16 = 443;
const CERTIFICATE: &[u8] = include_bytes!("../../sensor/src/app_layer/tls/tests/certificate.der");

/// Bytes behind their length, which has so many bytes.
fn vector(len_bytes: usize, bytes: &[u8]) -> Vec<u8> {
    [&bytes.len().to_be_bytes()[8 - len_bytes..], bytes].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

/// Bytes of the handshake in records of so many bytes.
fn records(bytes: &[u8], len: usize) -> Vec<u8> {
    bytes.chunks(len).flat_map(|piece| [&[22, 3, 3][..], &vector(2, piece)].concat()).collect()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, data)].concat()
}

/// The hello of a client with these extensions.
fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let head = [&[3, 3][..], &[5; 32], &vector(1, &[]), &vector(2, &[0xc0, 0x2f]), &[1, 0]].concat();
    message(1, &[head, vector(2, extensions)].concat())
}

fn server_hello() -> Vec<u8> {
    message(2, &[&[3, 3][..], &[5; 32], &vector(1, &[]), &[0xc0, 0x2f, 0], &vector(2, &[])].concat())
}

/// A connection whose server says these bytes of the handshake behind its hello, in records of so many.
fn answered(handshake: &[u8], len: usize) -> Vec<TimedFrame> {
    let hello = records(&client_hello(&[]), 16_384);
    let answer = records(&[&server_hello()[..], handshake].concat(), len);
    session(PORT).client(&hello).server(&answer).close().frames()
}

attacks! {
    /// A chain of certificates of so many MiB.
    a_long_chain = Attack {
        frames: |mib| {
            let chain = vector(3, CERTIFICATE).repeat((mib << 20) / CERTIFICATE.len());
            answered(&message(11, &vector(3, &chain)), 16_000)
        },
        some: 2,
        all: 14,
        held: 2 * MIB,
        counted: &[],
        told: &["tls.certificate_invalid_length"],
    };
    /// One certificate of so many MiB.
    a_long_certificate = Attack {
        frames: |mib| answered(&message(11, &vector(3, &vector(3, &vec![0x30; mib << 20]))), 16_000),
        some: 2,
        all: 14,
        held: MIB,
        counted: &[],
        told: &["tls.certificate_invalid_length"],
    };
    /// Chains one behind the other, each as long as is kept.
    chains = Attack {
        frames: |count| {
            let chain = vector(3, CERTIFICATE).repeat(120_000 / CERTIFICATE.len());
            answered(&message(11, &vector(3, &chain)).repeat(count), 16_000)
        },
        some: 5,
        all: 200,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// A handshake of records of a byte.
    records_of_a_byte = Attack {
        frames: |len| {
            let hello = client_hello(&extension(21, &vec![0; len]));
            let answer = records(&server_hello(), 16_384);
            session(PORT).client(&records(&hello, 1)).server(&answer).close().frames()
        },
        some: 10_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A hello, a byte in a segment.
    a_hello_in_single_bytes = Attack {
        frames: |len| {
            let hello = client_hello(&extension(21, &vec![0; len]));
            client_in_single_bytes(PORT, &records(&hello, 16_384))
        },
        some: 3_000,
        all: 16_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A hello of extensions of nothing.
    a_hello_of_extensions = Attack {
        frames: |count| {
            let extensions: Vec<u8> = (0..count as u16).flat_map(|kind| extension(1000 + kind, &[])).collect();
            session(PORT).client(&records(&client_hello(&extensions), 16_384)).close().frames()
        },
        some: 4_000,
        all: 16_000,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// Messages of the handshake that say nothing.
    empty_messages = Attack {
        frames: |count| answered(&message(0, &[]).repeat(count), 16_000),
        some: 50_000,
        all: 5_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Records that hold nothing.
    empty_records = Attack {
        frames: |count| {
            let hello = records(&client_hello(&[]), 16_384);
            session(PORT).client(&[&hello[..], &[22, 3, 3, 0, 0].repeat(count)].concat()).close().frames()
        },
        some: 20_000,
        all: 3_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Hellos one behind the other.
    hellos = Attack {
        frames: |count| {
            let name = extension(0, &vector(2, &[&[0][..], &vector(2, b"www.example.com")].concat()));
            session(PORT).client(&records(&client_hello(&name), 16_384).repeat(count)).close().frames()
        },
        some: 5_000,
        all: 500_000,
        held: MIB,
        counted: &[],
        told: &["tls.multiple_sni_extensions"],
    };
}
