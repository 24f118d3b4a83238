//! SMB 2: small messages, and a file that is written.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::parser::{Input, Requests};
use sensor::app_layer::smb::SPEECH;
use sensor::event::Direction::{self, ToClient, ToServer};
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ECHO: u16 = 13;
const WRITE: u16 = 9;
const FILE: usize = 1 << 20;
const SEGMENT: usize = 1460;

/// The beginning of a packet with a message, of which so many bytes are still to come.
fn begin(command: u16, response: bool, body: &[u8], more: usize) -> Vec<u8> {
    let mut message = vec![0; 64];
    message[..4].copy_from_slice(b"\xfeSMB");
    message[12..14].copy_from_slice(&command.to_le_bytes());
    message[16] = response.into();
    message.extend_from_slice(body);
    let len = u32::try_from(message.len() + more).expect("a message is short").to_be_bytes();
    [&[0], &len[1..], &message].concat()
}

/// The beginning of a WRITE of the whole file.
fn write() -> Vec<u8> {
    let mut body = [0; 48];
    body[2] = 112;
    body[4..8].copy_from_slice(&u32::try_from(FILE).expect("a file is short").to_le_bytes());
    begin(WRITE, false, &body, FILE)
}

fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) {
    let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
    assert_eq!(conversation.parse(&input, &mut Requests::default()), Ok(bytes.len()), "all is consumed");
}

/// Rules have looked at everything.
fn forget(conversation: &mut dyn Conversation) {
    let kept: Vec<u64> = conversation.kept().collect();
    for number in kept {
        for direction in Direction::ALL {
            conversation.finish(number, direction);
        }
    }
    conversation.release();
}

fn smb(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("smb");
    let (request, response) = (begin(ECHO, false, &[4, 0, 0, 0], 0), begin(ECHO, true, &[4, 0, 0, 0], 0));
    let mut conversation = (SPEECH.begin)();
    group.throughput(Throughput::Elements(1));
    group.bench_function("request_and_response", |bencher| {
        bencher.iter(|| {
            say(&mut *conversation, ToServer, black_box(&request));
            say(&mut *conversation, ToClient, black_box(&response));
            forget(&mut *conversation);
        });
    });
    let (head, file) = (write(), vec![b'x'; FILE]);
    group.throughput(Throughput::Bytes(FILE as u64));
    group.bench_function("write", |bencher| {
        bencher.iter(|| {
            let mut conversation = (SPEECH.begin)();
            say(&mut *conversation, ToServer, &head);
            for segment in file.chunks(SEGMENT) {
                say(&mut *conversation, ToServer, black_box(segment));
                conversation.inspected(0, ToServer);
            }
            black_box(&conversation);
        });
    });
    group.finish();
}

criterion_group!(benches, smb);
criterion_main!(benches);
