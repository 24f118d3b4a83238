//! HTTP/1: contents that become much, requests that nobody answers, heads and bodies in the smallest of pieces.

use super::{Attack, MIB, attacks, client, numbered, session};
use fixtures::TimedFrame;
use flate2::{Compress, Compression, FlushCompress};
use sensor::counter::Counter;

const PORT: u16 = 80;
/// What a flow may keep (`limits.app_layer.memory_bytes_per_flow`), and the packet that was too much.
const OF_A_FLOW: u64 = 66 * MIB;
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A gzip member that becomes that many MiB of zeros.
fn bomb(mib: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(64 << 10);
    compress.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", &block.repeat(mib)[..], &[3, 0]].concat()
}

/// A gzip member of these bytes, as they are.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// So many requests, each of them answered so.
fn answered(count: usize, response: &[u8]) -> Vec<TimedFrame> {
    (0..count).fold(session(PORT), |session, _| session.client(GET).server(response)).close().frames()
}

/// A request whose header fields are these, in segments of so many bytes.
fn request(fields: &[u8], segment: usize) -> Vec<TimedFrame> {
    let said = [b"GET / HTTP/1.1\r\n", fields, b"\r\n"].concat();
    session(PORT).client(&said).close().cut(segment).frames()
}

fn form(body: &[u8]) -> Vec<TimedFrame> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client(PORT, &[head.as_bytes(), body].concat())
}

attacks! {
    /// A response that becomes so many MiB.
    a_bomb = Attack {
        frames: |mib| answered(1, &response("gzip", &bomb(mib))),
        some: 32,
        all: 1024,
        held: 2 * MIB,
        counted: &[],
        told: &["http.compression_bomb"],
    };
    /// Contents coded ten times over.
    ten_codings = Attack {
        frames: |count| {
            let nested = (0..10).fold(vec![0; 1 << 20], |inner, _| gzip(&inner));
            answered(count, &response(&["gzip"; 10].join(", "), &nested))
        },
        some: 50,
        all: 10_000,
        held: MIB,
        counted: &[],
        told: &["http.too_many_encoding_layers"],
    };
    /// Bombs of 64 MiB, one after the other.
    a_hundred_bombs = Attack {
        frames: |count| answered(count, &response("gzip", &bomb(64))),
        some: 2,
        all: 100,
        held: 4 * MIB,
        counted: &[],
        told: &["http.compression_bomb"],
    };
    /// A bomb of LZMA.
    a_bomb_of_lzma = Attack {
        frames: |count| {
            let mut coded = Vec::new();
            lzma_rs::lzma_compress(&mut &vec![0; 4 << 20][..], &mut coded).unwrap();
            answered(count, &response("lzma", &coded))
        },
        some: 1,
        all: 20,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Requests that nobody answers, many in a segment.
    requests_without_a_reply = Attack {
        frames: |count| client(PORT, &GET.repeat(count)),
        some: 2_000,
        all: 1_000_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// Requests that nobody answers, each in a segment of its own.
    requests_without_a_reply_in_segments = Attack {
        frames: |count| session(PORT).client(&GET.repeat(count)).close().cut(GET.len()).frames(),
        some: 1_000,
        all: 200_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// A head of so many bytes, a byte in a segment.
    a_head_in_single_bytes = Attack {
        frames: |len| request(&b"Name: a value of some length\r\n".repeat(len / 30), 1),
        some: 3_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// One line of a head, a byte in a segment, up to the longest that is taken.
    a_line_in_single_bytes = Attack {
        frames: |len| request(&[b"Name: ", &vec![b'x'; len][..], b"\r\n"].concat(), 1),
        some: 3_000,
        all: 17_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A line of a head that does not end.
    a_line_without_end = Attack {
        frames: |len| request(&[b"Name: ", &vec![b'x'; len][..]].concat(), 1460),
        some: 50_000,
        all: 10_000_000,
        held: MIB,
        counted: &[Counter::AppMalformed],
        told: &["http.request_field_too_long"],
    };
    /// Lines that are folded into one field.
    folded_lines = Attack {
        frames: |count| request(&[b"Name: value\r\n", &b" x\r\n".repeat(count)[..]].concat(), 1460),
        some: 15_000,
        all: 200_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Lines that are folded into one field, in segments of a line.
    folded_lines_in_segments = Attack {
        frames: |count| request(&[b"Name: value\r\n", &b" x\r\n".repeat(count)[..]].concat(), 4),
        some: 2_000,
        all: 60_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// As many header fields as are taken, all of them different, in request after request.
    a_thousand_fields = Attack {
        frames: |count| {
            let fields = numbered(1_100, |at| format!("Name-{at}: x\r\n").into_bytes());
            client(PORT, &[b"GET / HTTP/1.1\r\n", &fields[..], b"\r\n"].concat().repeat(count))
        },
        some: 5,
        all: 1_000,
        held: 32 * MIB,
        counted: &[],
        told: &["http.request_too_many_headers"],
    };
    /// The same header field over and over.
    one_field_repeated = Attack {
        frames: |count| {
            let head = [b"GET / HTTP/1.1\r\n", &b"Name: x\r\n".repeat(2_000)[..], b"\r\n"].concat();
            client(PORT, &head.repeat(count))
        },
        some: 10,
        all: 4_000,
        held: 64 * MIB,
        counted: &[],
        told: &["http.request_header_repetition"],
    };
    /// Two long header fields that are repeated in turn, of which each has to be put together anew.
    two_fields_repeated_in_turn = Attack {
        frames: |count| {
            let line = [b" ", &vec![b'x'; 10_000][..], b"\r\n"].concat();
            let long = [b"A: x\r\n", &line.repeat(10)[..], b"B: x\r\n", &line.repeat(10)].concat();
            let head = [b"GET / HTTP/1.1\r\n", &long[..], &b"A: y\r\nB: y\r\n".repeat(100), b"\r\n"].concat();
            client(PORT, &head.repeat(count))
        },
        some: 5,
        all: 200,
        held: OF_A_FLOW,
        counted: &[],
        told: &["http.request_header_repetition"],
    };
    /// A path of segments that lead back and forth.
    a_path_of_dots = Attack {
        frames: |count| {
            let path = [&b"/a".repeat(4_000)[..], &b"/..".repeat(3_000)].concat();
            client(PORT, &[b"GET ", &path[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat().repeat(count))
        },
        some: 10,
        all: 2_000,
        held: 64 * MIB,
        counted: &[],
        told: &[],
    };
    /// A body in chunks of a byte.
    chunks_of_a_byte = Attack {
        frames: |count| {
            let chunks = b"1\r\nx\r\n".repeat(count);
            answered(1, &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunks[..], b"0\r\n\r\n"].concat())
        },
        some: 10_000,
        all: 2_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A body, a byte in a segment.
    a_body_in_single_bytes = Attack {
        frames: |len| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
            let body = [head.as_bytes(), &vec![b'x'; len]].concat();
            session(PORT).client(GET).server(&body).close().cut(1).frames()
        },
        some: 2_000,
        all: 400_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A form of empty parts.
    a_form_of_parts = Attack {
        frames: |count| form(&b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\nx\r\n".repeat(count)),
        some: 2_000,
        all: 200_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// A form whose content almost ends, line after line.
    a_form_that_almost_ends = Attack {
        frames: |count| {
            let part = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\n";
            form(&[&part[..], &b"\r\n--".repeat(count)].concat())
        },
        some: 20_000,
        all: 4_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A form with a header that does not end.
    a_form_without_a_body = Attack {
        frames: |len| form(&[b"--b\r\n", &vec![b'x'; len][..]].concat()),
        some: 200_000,
        all: 20_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// What follows a request and is none.
    what_is_no_request = Attack {
        frames: |count| client(PORT, &[GET, &b"x\r\n".repeat(count)].concat()),
        some: 10_000,
        all: 2_000_000,
        held: 2 * MIB,
        counted: &[],
        told: &["http.request_body_unexpected"],
    };
    /// Heads that are as long as is taken, and nobody answers.
    long_heads_without_a_reply = Attack {
        frames: |count| {
            let fields = numbered(4, |at| [format!("Name-{at}: ").as_bytes(), &[b'x'; 17_000], b"\r\n"].concat());
            client(PORT, &[b"GET / HTTP/1.1\r\n", &fields[..], b"\r\n"].concat().repeat(count))
        },
        some: 20,
        all: 4_000,
        held: OF_A_FLOW,
        counted: &[],
        told: &[],
    };
}
