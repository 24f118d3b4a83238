//! What a worker allocates: nothing for a packet of a flow that it knows, once its buffers have grown.

use crate::counting::asked;
use crate::worker::{assignments, shared, worker};
use fixtures::TimedFrame;
use fixtures::packet::ethernet;
use fixtures::tcp::Session;
use sensor::config::Config;

const RULES: &str = "\
alert tcp any any -> any any (msg:\"stream\"; flow:established,to_server; content:\"not there\"; sid:1;)
alert tcp any any -> any any (msg:\"packet\"; content:\"some\"; depth:4; content:\"not there\"; sid:2;)
alert tcp any any -> any any (msg:\"pcre\"; content:\"data\"; pcre:\"/data[0-9]{9}/\"; sid:3;)
alert udp any any -> any any (msg:\"datagram\"; content:\"data\"; byte_test:1,>,250,0; sid:4;)
alert http any any -> any any (msg:\"http\"; http.uri; content:\"/not-there\"; sid:5;)
";

/// Frames of each burst.
const FRAMES: usize = 2000;

/// A long session without a protocol, and datagrams.
fn frames() -> Vec<TimedFrame> {
    let mut session = Session::v4("10.0.0.1:4000", "203.0.113.9:9999").handshake();
    for round in 0..4 * FRAMES / 3 {
        session = session.client(format!("some data of round {round:08}, and more of it").as_bytes());
    }
    let udp = ethernet().ipv4("10.0.0.1", "203.0.113.9").udp(5000, 6000);
    let datagram = udp.payload(b"some data");
    session.frames().into_iter().flat_map(|(time, frame)| [(time, frame), (time, datagram.clone())]).collect()
}

#[test]
fn packets_of_known_flows_cost_no_allocation() {
    let config = Config::default();
    let mut worker = worker(&shared(RULES, &config), &config);
    let mut counted = Vec::new();
    for assignment in assignments(&frames(), FRAMES, 0).filter(|burst| burst.burst.len() == FRAMES) {
        let before = asked().times;
        drop(worker.run(&assignment));
        counted.push(asked().times - before);
    }
    assert!(counted.len() >= 4);
    let last = counted[counted.len() - 1];
    assert!(last <= 16, "{last} allocations for {FRAMES} packets; by burst: {counted:?}");
}
