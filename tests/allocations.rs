//! What a worker allocates: nothing for a packet of a flow that it knows, once its buffers have grown.

#![allow(unsafe_code, reason = "counting what the allocator is asked for")]

use fixtures::packet::ethernet;
use fixtures::tcp::Session;
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::ruleset::RuleSet;
use rules::text::Source;
use sensor::app_layer::vocabulary;
use sensor::capture::{Burst, LinkType};
use sensor::config::Config;
use sensor::runtime;
use sensor::time::Timestamp;
use sensor::worker::{Assignment, Shard};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RULES: &str = "\
alert tcp any any -> any any (msg:\"stream\"; flow:established,to_server; content:\"not there\"; sid:1;)
alert tcp any any -> any any (msg:\"packet\"; content:\"some\"; depth:4; content:\"not there\"; sid:2;)
alert tcp any any -> any any (msg:\"pcre\"; content:\"data\"; pcre:\"/data[0-9]{9}/\"; sid:3;)
alert udp any any -> any any (msg:\"datagram\"; content:\"data\"; byte_test:1,>,250,0; sid:4;)
alert http any any -> any any (msg:\"http\"; http.uri; content:\"/not-there\"; sid:5;)
";

/// Frames of each burst.
const FRAMES: usize = 2000;

fn shard() -> Shard {
    let source = Source::new("test.rules", RULES).unwrap();
    let (vocabulary, classes, names, variables) =
        (vocabulary(), Classes::default(), Names::default(), Variables::default());
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let compiled =
        parse(&source).rules.iter().map(|rule| compile(rule, &context, &mut resolver).unwrap().0).collect();
    let config = Config::default();
    let rules = runtime::shared_rules(&config, RuleSet::new(compiled), &Arc::default());
    Shard::new(0, runtime::shards(&config, 1, rules).unwrap())
}

/// A long session without a protocol, and datagrams, in bursts.
fn bursts() -> Vec<Arc<Burst>> {
    let mut session = Session::v4("10.0.0.1:4000", "203.0.113.9:9999").handshake();
    for round in 0..4 * FRAMES / 3 {
        session = session.client(format!("some data of round {round:08}, and more of it").as_bytes());
    }
    let udp = ethernet().ipv4("10.0.0.1", "203.0.113.9").udp(5000, 6000);
    let datagram = udp.payload(b"some data");
    let mut frames = Vec::new();
    for (time, frame) in session.frames() {
        frames.push((time, frame));
        frames.push((time, datagram.clone()));
    }
    let burst = |(number, frames): (usize, &[(u64, Vec<u8>)])| {
        let mut burst = Burst::default();
        burst.restart((number * FRAMES) as u64);
        for (time, frame) in frames {
            let len = frame.len() as u32;
            burst.push(Timestamp::from_nanos(*time), len, LinkType::ETHERNET, 0, frame);
        }
        Arc::new(burst)
    };
    frames.chunks_exact(FRAMES).enumerate().map(burst).collect()
}

#[test]
fn packets_of_known_flows_cost_no_allocation() {
    let mut shard = shard();
    let bursts = bursts();
    assert!(bursts.len() >= 4);
    let mut counted = Vec::new();
    for (number, burst) in bursts.into_iter().enumerate() {
        let assignment = Assignment { number: number as u64, burst, verify_before: 0 };
        let before = ALLOCATIONS.with(Cell::get);
        drop(shard.run(&assignment));
        counted.push(ALLOCATIONS.with(Cell::get) - before);
    }
    let last = counted[counted.len() - 1];
    assert!(last <= 16, "{last} allocations for {FRAMES} packets; by burst: {counted:?}");
}
