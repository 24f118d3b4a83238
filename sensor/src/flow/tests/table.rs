//! What the table does with single flows.

use super::*;
use crate::counter::Counter;
use crate::event::{Direction, EndReason, MacPair};

struct Bench {
    table: FlowTable<Option<Box<u64>>>,
    counters: Counters,
    ended: Vec<Ended<Option<Box<u64>>>>,
    ordinal: u64,
}

impl Bench {
    fn new(capacity: u64) -> Self {
        Self {
            table: table_of(capacity, HashKey::from_bytes([3; 16])),
            counters: Counters::default(),
            ended: Vec::new(),
            ordinal: 0,
        }
    }

    fn observe(&mut self, packet: &Packet<'_>, time: Timestamp, flags: Option<u8>) -> Option<Observed> {
        let sought = self.table.seek(packet).expect("has a flow");
        self.table.preload(&sought);
        self.ordinal += 1;
        let arrival = arrival(self.ordinal, time, flags);
        self.table.observe(&sought, &arrival, &mut self.counters, &mut self.ended)
    }

    fn udp(&mut self, source: &str, destination: &str, time: Timestamp) -> Observed {
        self.observe(&packet(udp(), source, destination), time, None).expect("there is room")
    }

    fn tcp(&mut self, source: &str, destination: &str, time: u64, flags: u8) -> Observed {
        self.observe(&packet(tcp(), source, destination), seconds(time), Some(flags)).expect("there is room")
    }

    fn advance(&mut self, clock: Timestamp) {
        self.table.advance(clock, &mut self.counters, &mut self.ended);
    }

    fn drain(&mut self) {
        self.table.drain(&mut self.counters, &mut self.ended);
    }

    /// Takes the ended flows: client port and reason.
    fn ends(&mut self) -> Vec<(u16, EndReason)> {
        let port = |ended: &Ended<_>| ended.flow.client().1.expect("has ports");
        self.ended.drain(..).map(|ended| (port(&ended), ended.reason)).collect()
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.value(counter)
    }
}

const A: &str = "10.0.0.1:1001";
const B: &str = "10.0.0.2:80";

#[test]
fn an_idle_flow_takes_under_200_bytes() {
    let bytes = FlowTable::<Option<Box<u64>>>::BYTES_PER_FLOW;
    assert!(bytes < 200, "{bytes}");
}

#[test]
fn counts_by_direction_and_remembers_who_began() {
    let mut bench = Bench::new(10);
    let first = bench.udp(B, A, Timestamp::new(50, 1));
    let second = bench.udp(A, B, Timestamp::new(51, 2));
    bench.udp(B, A, Timestamp::new(50, 9));
    assert_eq!((first.direction, first.created, first.established), (Direction::ToServer, true, false));
    assert_eq!((second.direction, second.created, second.established), (Direction::ToClient, false, true));
    let flow = bench.table.flow(first.flow);
    assert_eq!(flow.client(), ("10.0.0.2".parse().unwrap(), Some(80)));
    assert_eq!(flow.server(), ("10.0.0.1".parse().unwrap(), Some(1001)));
    let statistics = flow.statistics(None);
    assert_eq!((statistics.packets_to_server, statistics.packets_to_client), (2, 1));
    assert_eq!((statistics.bytes_to_server, statistics.bytes_to_client), (200, 100));
    assert_eq!((statistics.start, statistics.end), (Timestamp::new(50, 1), Timestamp::new(51, 2)));
    let flow = bench.table.flow_mut(first.flow);
    assert_eq!([flow.next_detection(), flow.next_detection()], [0, 1]);
    assert_eq!(flow.first_ordinal(), 1);
}

#[test]
fn ethernet_addresses_are_the_clients_first() {
    let mut bench = Bench::new(10);
    let bare = bench.udp(A, B, seconds(1));
    assert_eq!(bench.table.flow(bare.flow).mac(), None);
    let sought = bench.table.seek(&packet(udp(), B, A)).unwrap();
    let mac = MacPair { source: [2; 6], destination: [1; 6] };
    let reply = Arrival { mac: Some(mac), ..arrival(2, seconds(1), None) };
    let reply = bench.table.observe(&sought, &reply, &mut bench.counters, &mut bench.ended).unwrap();
    let swapped = MacPair { source: [1; 6], destination: [2; 6] };
    assert_eq!(bench.table.flow(reply.flow).mac(), Some(swapped));
}

#[test]
fn tcp_is_established_from_the_packet_after_the_handshake() {
    let mut bench = Bench::new(10);
    let established = [
        bench.tcp(A, B, 1, SYN),
        bench.tcp(B, A, 1, SYN | ACK),
        bench.tcp(A, B, 1, ACK),
        bench.tcp(A, B, 1, ACK),
        bench.tcp(A, B, 1, FIN | ACK),
        bench.tcp(B, A, 1, FIN | ACK),
        bench.tcp(A, B, 1, ACK),
    ]
    .map(|observed| observed.established);
    assert_eq!(established, [false, false, false, true, true, true, true]);
}

#[test]
fn exactly_at_the_timeout_a_flow_lives_and_a_nanosecond_later_it_is_another() {
    let mut bench = Bench::new(10);
    bench.udp(A, B, Timestamp::new(100, 5));
    assert!(!bench.udp(A, B, Timestamp::new(130, 5)).created);
    assert!(bench.udp(A, B, Timestamp::new(160, 6)).created);
    assert_eq!(bench.ends(), [(1001, EndReason::Timeout)]);
    bench.udp(B, A, Timestamp::new(160, 7));
    assert!(!bench.udp(A, B, Timestamp::new(460, 7)).created, "both directions: 300 s");
}

#[test]
fn a_new_connection_on_used_ports_is_a_new_flow() {
    let mut bench = Bench::new(10);
    bench.tcp(A, B, 1, SYN);
    bench.tcp(B, A, 1, RST | ACK);
    assert!(!bench.tcp(B, A, 1, RST).created);
    assert!(bench.tcp(A, B, 2, SYN).created);
    assert_eq!(bench.ends(), [(1001, EndReason::Reset)]);
    assert!(!bench.tcp(A, B, 2, SYN).created, "a retransmission while it is open is not");
}

#[test]
fn a_stream_engine_has_the_last_word() {
    let mut bench = Bench::new(10);
    let flow = bench.tcp(A, B, 1, SYN).flow;
    bench.table.set_lifecycle(flow, Lifecycle::Established);
    assert!(bench.tcp(A, B, 1, RST).established);
    assert_eq!(bench.table.flow(flow).lifecycle(), Lifecycle::Established, "the RST was out of window, say");
    bench.table.set_lifecycle(flow, Lifecycle::Closed);
    assert!(!bench.tcp(A, B, 2, SYN).created);
    let sought = bench.table.seek(&packet(tcp(), A, B)).unwrap();
    let (counters, ended) = (&mut bench.counters, &mut bench.ended);
    let found = bench.table.find(&sought, seconds(2), counters, ended).expect("still there");
    let syn = arrival(9, seconds(2), Some(SYN));
    let new = bench.table.replace(found, &sought, &syn, counters, ended).expect("there is room");
    assert!(new.created);
    assert_eq!(bench.ends(), [(1001, EndReason::Closed)]);
    bench.advance(seconds(63));
    assert_eq!(bench.ends(), [(1001, EndReason::Timeout)], "the new flow has its own timer");
}

#[test]
fn closing_brings_the_timer_forward() {
    let mut bench = Bench::new(10);
    for flags in [SYN, ACK, FIN | ACK] {
        bench.tcp(A, B, 100, flags);
        bench.tcp(B, A, 100, if flags == SYN { SYN | ACK } else { flags });
    }
    bench.advance(seconds(160));
    assert_eq!(bench.ends(), []);
    bench.advance(seconds(161));
    assert_eq!(bench.ends(), [(1001, EndReason::Closed)]);
    assert_eq!(bench.count(Counter::FlowsClosed), 1);
}

#[test]
fn flows_end_in_the_order_of_deadline_then_first_packet() {
    let mut bench = Bench::new(10);
    bench.advance(seconds(99));
    bench.udp("10.0.0.1:3", B, Timestamp::new(101, 0));
    bench.udp("10.0.0.1:1", B, Timestamp::new(100, 0));
    bench.udp("10.0.0.1:2", B, Timestamp::new(100, 0));
    bench.udp("10.0.0.1:4", B, Timestamp::new(100, 0));
    bench.udp("10.0.0.1:4", B, Timestamp::new(119, 0));
    bench.advance(seconds(140));
    let timeout = |port| (port, EndReason::Timeout);
    assert_eq!(bench.ends(), [timeout(1), timeout(2), timeout(3)]);
    bench.udp("10.0.0.1:5", B, seconds(140));
    bench.drain();
    assert_eq!(bench.ends(), [(4, EndReason::Shutdown), (5, EndReason::Shutdown)]);
    assert!(bench.table.is_empty());
}

#[test]
fn idle_time_of_late_packets_counts_from_the_clock() {
    let mut bench = Bench::new(10);
    bench.advance(seconds(10_000));
    bench.udp(A, B, seconds(6_000));
    bench.advance(seconds(10_030));
    assert_eq!(bench.ends(), [], "an interface an hour behind keeps its flows");
    assert!(!bench.udp(A, B, seconds(5_000)).created);
    bench.advance(seconds(10_061));
    assert_eq!(bench.ends(), [(1001, EndReason::Timeout)]);
}

#[test]
fn the_ends_of_time_are_harmless() {
    let mut bench = Bench::new(10);
    bench.udp(A, B, Timestamp::ZERO);
    assert!(bench.udp(A, B, Timestamp::MAX).created);
    assert!(!bench.udp(A, B, Timestamp::ZERO).created);
    bench.advance(Timestamp::MAX);
    bench.advance(Timestamp::ZERO);
    assert_eq!(bench.table.len(), 1, "nothing is later than the end of time");
    bench.drain();
    assert_eq!(bench.ends(), [(1001, EndReason::Timeout), (1001, EndReason::Shutdown)]);
}

#[test]
fn a_full_table_gives_up_the_ended_then_the_unproven_then_the_quiet() {
    let mut bench = Bench::new(4);
    let client = |port: u16| format!("10.0.0.1:{port}");
    for port in [1, 2] {
        bench.udp(&client(port), B, seconds(1));
        bench.udp(B, &client(port), seconds(1));
    }
    bench.udp(&client(3), B, seconds(1));
    bench.tcp(&client(4), B, 1, SYN);
    bench.tcp(B, &client(4), 1, RST);
    for port in 10..1000 {
        bench.udp(&client(port), B, seconds(2));
    }
    let ends = bench.ends();
    assert_eq!(ends[0], (4, EndReason::Reset));
    assert_eq!(ends[1], (3, EndReason::Evicted));
    assert_eq!(ends.len(), 990);
    assert!(ends[2..].iter().all(|(port, _)| *port >= 10), "a flood puts out its own");
    bench.udp(B, &client(998), seconds(2));
    bench.udp(B, &client(999), seconds(2));
    bench.udp(&client(2), B, seconds(2));
    bench.udp(&client(2000), B, seconds(3));
    bench.udp(B, &client(2000), seconds(3));
    assert_eq!(bench.count(Counter::FlowsRefused), 0);
    let created = bench.count(Counter::FlowsCreated);
    bench.drain();
    let all = [Counter::FlowsEvicted, Counter::FlowsReset, Counter::FlowsShutdown];
    assert_eq!(all.map(|counter| bench.count(counter)).iter().sum::<u64>(), created);
}

#[test]
fn an_active_flow_is_spared_before_a_quiet_one() {
    let mut bench = Bench::new(3);
    let client = |port: u16| format!("10.0.0.1:{port}");
    for port in 1..=3 {
        bench.udp(&client(port), B, seconds(1));
    }
    bench.udp(&client(1), B, seconds(2));
    bench.udp(&client(4), B, seconds(2));
    bench.udp(&client(5), B, seconds(2));
    bench.udp(&client(6), B, seconds(2));
    let evicted = |port| (port, EndReason::Evicted);
    assert_eq!(bench.ends(), [evicted(2), evicted(3), evicted(1)]);
}

#[test]
fn without_memory_packets_are_refused_and_counted() {
    let mut bench = Bench::new(0);
    assert_eq!(bench.observe(&packet(udp(), A, B), seconds(1), None), None);
    assert_eq!(bench.count(Counter::FlowsRefused), 1);
    assert_eq!(bench.count(Counter::FlowsCreated), 0);
}

#[test]
fn an_icmp_error_counts_to_its_flow_but_proves_nothing() {
    let quote = [
        &[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..],
        &[0x03, 0xe9, 0, 80, 0, 8, 0, 0],
    ]
    .concat();
    let error = packet(Transport::Icmpv4(icmp(&[3, 3, 0, 0, 0, 0, 0, 0])), "10.0.0.2:0", "10.0.0.1:0");
    let error = Packet { payload: &quote, ..error };
    let mut bench = Bench::new(10);
    assert_eq!(bench.observe(&error, seconds(1), None), None, "an error makes no flow");
    assert_eq!(bench.count(Counter::FlowsRefused), 0);
    let flow = bench.udp(A, B, seconds(1)).flow;
    let observed = bench.observe(&error, seconds(2), None).expect("its flow is there");
    assert_eq!((observed.flow, observed.direction), (flow, Direction::ToClient));
    assert!(!observed.established);
    assert_eq!(bench.table.flow(flow).lifecycle(), Lifecycle::New);
    assert_eq!(bench.table.flow(flow).statistics(None).packets_to_client, 1);
}

#[test]
fn what_hangs_on_a_flow_leaves_with_it() {
    let mut bench = Bench::new(10);
    let flow = bench.udp(A, B, seconds(1)).flow;
    bench.table.flow_mut(flow).extension = Some(Box::new(77));
    bench.drain();
    assert_eq!(bench.ended[0].flow.extension.as_deref(), Some(&77));
}
