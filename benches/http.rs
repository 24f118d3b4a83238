//! HTTP/1: requests and responses read, and bodies passed on to whoever looks at them.

mod peers;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peers::look;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::http::SPEECH;
use sensor::event::Direction;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUEST: &[u8] = b"GET /images/logo.png?size=large&v=17 HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n\
    Accept: image/avif,image/webp,*/*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n\
    Connection: keep-alive\r\nReferer: http://www.example.com/\r\nCookie: session=0123456789abcdef\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n\
    Content-Type: image/png\r\nContent-Length: 12\r\nConnection: keep-alive\r\nCache-Control: max-age=3600\r\n\r\n\
    0123456789ab";
/// Bytes of a segment.
const SEGMENT: usize = 1448;
const BODY: usize = 1 << 20;

/// Has bytes parsed that are consumed at once.
fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) {
    assert_eq!(peers::say(conversation, direction, black_box(bytes)), bytes.len());
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http");
    // Three requests: 200, 404, HEAD.
    let flows = peers::flows("http/keep-alive.pcap");
    group.throughput(Throughput::Elements(3));
    group.bench_function("parse/flow", |bencher| {
        bencher.iter(|| flows.iter().for_each(|flow| flow.parse(&SPEECH, true)));
    });
    let mut conversation = (SPEECH.begin)();
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse/request_and_response", |bencher| {
        bencher.iter(|| {
            for (direction, bytes) in [(Direction::ToServer, REQUEST), (Direction::ToClient, RESPONSE)] {
                say(&mut *conversation, direction, bytes);
                look(&mut *conversation, direction);
            }
        });
    });
    let requests = REQUEST.repeat(100);
    group.throughput(Throughput::Elements(100));
    group.bench_function("parse/pipelined_requests", |bencher| {
        bencher.iter(|| {
            let mut conversation = (SPEECH.begin)();
            say(&mut *conversation, Direction::ToServer, &requests);
            black_box(&conversation);
        });
    });
    group.finish();
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http");
    group.throughput(Throughput::Bytes(BODY as u64));
    let segment = [b'x'; SEGMENT];
    let plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n").into_bytes();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n".to_vec();
    for (name, head, tail) in [("length", plain, &b""[..]), ("chunked", chunked, b"\r\n0\r\n\r\n")] {
        group.bench_function(format!("body/{name}"), |bencher| {
            let mut conversation = (SPEECH.begin)();
            bencher.iter(|| {
                say(&mut *conversation, Direction::ToServer, REQUEST);
                look(&mut *conversation, Direction::ToServer);
                say(&mut *conversation, Direction::ToClient, &head);
                let mut left = BODY;
                while left > 0 {
                    let len = left.min(SEGMENT);
                    say(&mut *conversation, Direction::ToClient, &segment[..len]);
                    look(&mut *conversation, Direction::ToClient);
                    left -= len;
                }
                if !tail.is_empty() {
                    say(&mut *conversation, Direction::ToClient, tail);
                    look(&mut *conversation, Direction::ToClient);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, messages, bodies);
criterion_main!(benches);
