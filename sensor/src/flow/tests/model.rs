//! Any course of packets and ticks: the table does what a plain list of flows does.

use super::*;
use crate::event::{Direction, EndReason};
use crate::flow::lifecycle::{IdleLimits, Seen, opens};
use proptest::prelude::*;
use std::time::Duration;

const CAPACITY: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// A packet on one of a few port pairs.
    Packet {
        port: u16,
        to_server: bool,
        tcp_flags: Option<u8>,
        time_ns: u64,
    },
    Tick {
        clock_ns: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moment = prop_oneof![
        8 => 0..400_u64.saturating_mul(1_000_000_000),
        4 => (0..400_u64).prop_map(|s| s * 1_000_000_000),
        1 => 0..20_000_000_000_000_u64,
        1 => Just(u64::MAX),
    ];
    let flags = prop_oneof![Just(SYN), Just(SYN | ACK), Just(ACK), Just(FIN | ACK), Just(RST)];
    let packet = (1..12_u16, any::<bool>(), proptest::option::of(flags), moment.clone()).prop_map(
        |(port, to_server, tcp_flags, time_ns)| Step::Packet { port, to_server, tcp_flags, time_ns },
    );
    let tick = moment.prop_map(|clock_ns| Step::Tick { clock_ns });
    proptest::collection::vec(prop_oneof![6 => packet, 1 => tick], 0..300)
}

/// Steps in the order of their times for the most part, as captures are.
fn mostly_in_order() -> impl Strategy<Value = Vec<Step>> {
    (steps(), proptest::collection::vec(any::<bool>(), 300)).prop_map(|(steps, late)| {
        let mut now = 0_u64;
        let pace = |ns: u64| if ns == u64::MAX { 0 } else { ns / 16 };
        let mut on = |ns: u64, late: bool| {
            now = now.saturating_add(pace(ns));
            if late { now.saturating_sub(pace(ns) / 2) } else { now }
        };
        let step = |(step, late)| match step {
            Step::Packet { port, to_server, tcp_flags, time_ns } => {
                Step::Packet { port, to_server, tcp_flags, time_ns: on(time_ns, late) }
            }
            Step::Tick { clock_ns } => Step::Tick { clock_ns: on(clock_ns, false) },
        };
        steps.into_iter().zip(late).map(step).collect()
    })
}

#[derive(Clone, Debug)]
struct Known {
    port: u16,
    number: u8,
    client_is_low: bool,
    first_ordinal: u64,
    packets: [u64; 2],
    last: Timestamp,
    idle_from: Timestamp,
    lifecycle: Lifecycle,
    seen: Seen,
    active: bool,
    /// When it came to its standing: the queue's order.
    queued: u64,
}

/// How a flow ended: port, protocol, reason, counts.
type End = (u16, u8, EndReason, [u64; 2]);

struct Model {
    flows: Vec<Known>,
    limits: IdleLimits,
    clock: Timestamp,
    queued: u64,
    ends: Vec<End>,
}

impl Model {
    fn idle_ns(&self, flow: &Known) -> u64 {
        self.limits.idle_ns(flow.number, flow.lifecycle)
    }

    fn deadline(&self, flow: &Known) -> Timestamp {
        flow.idle_from.after(Duration::from_nanos(self.idle_ns(flow)))
    }

    fn end(&mut self, at: usize, otherwise: EndReason) {
        let flow = self.flows.remove(at);
        let reason = match flow.lifecycle {
            Lifecycle::Closed => EndReason::Closed,
            Lifecycle::Reset => EndReason::Reset,
            _ => otherwise,
        };
        self.ends.push((flow.port, flow.number, reason, flow.packets));
    }

    fn standing(flow: &Known) -> u8 {
        match flow.lifecycle {
            Lifecycle::Closed | Lifecycle::Reset => 0,
            Lifecycle::New => 1,
            Lifecycle::Established => 2,
        }
    }

    fn evict(&mut self) {
        for _ in 0..8 {
            let first = self.first_out();
            if Self::standing(&self.flows[first]) == 0 || !self.flows[first].active {
                break;
            }
            self.queued += 1;
            self.flows[first].active = false;
            self.flows[first].queued = self.queued;
        }
        let first = self.first_out();
        self.end(first, EndReason::Evicted);
    }

    fn first_out(&self) -> usize {
        let rank = |at: &usize| (Self::standing(&self.flows[*at]), self.flows[*at].queued);
        (0..self.flows.len()).min_by_key(rank).expect("only a full table evicts")
    }

    fn packet(
        &mut self,
        ordinal: u64,
        port: u16,
        to_server: bool,
        tcp_flags: Option<u8>,
        time: Timestamp,
    ) -> (Direction, bool, bool) {
        let number = if tcp_flags.is_some() { 6 } else { 17 };
        let mut found = self.flows.iter().position(|flow| flow.port == port && flow.number == number);
        if let Some(at) = found {
            let flow = &self.flows[at];
            let reopens = flow.lifecycle.is_over() && tcp_flags.is_some_and(opens);
            let idle = time.nanos_since(flow.last) > self.idle_ns(flow);
            if idle || reopens {
                self.end(at, if idle { EndReason::Timeout } else { EndReason::Closed });
                found = None;
            }
        }
        let created = found.is_none();
        if created {
            if self.flows.len() == CAPACITY {
                self.evict();
            }
            self.queued += 1;
            self.flows.push(Known {
                port,
                number,
                client_is_low: to_server,
                first_ordinal: ordinal,
                packets: [0; 2],
                last: time,
                idle_from: time,
                lifecycle: Lifecycle::New,
                seen: Seen::default(),
                active: false,
                queued: self.queued,
            });
        }
        let at = found.unwrap_or(self.flows.len() - 1);
        let clock = self.clock;
        self.queued += 1;
        let queued = self.queued;
        let flow = &mut self.flows[at];
        let direction =
            if flow.client_is_low == to_server { Direction::ToServer } else { Direction::ToClient };
        flow.packets[usize::from(direction == Direction::ToClient)] += 1;
        flow.last = flow.last.max(time);
        flow.idle_from = flow.last.max(clock);
        flow.active = !created;
        let handshake = flow.seen.contains(Seen::HANDSHAKE);
        let before = Self::standing(flow);
        let both = flow.packets.iter().all(|&count| count > 0);
        flow.lifecycle = match tcp_flags {
            Some(flags) => flow.seen.follow_tcp(flow.lifecycle, direction, flags),
            None if both => Lifecycle::Established,
            None => Lifecycle::New,
        };
        if Self::standing(flow) != before {
            flow.queued = queued;
        }
        (direction, created, if tcp_flags.is_some() { handshake } else { both })
    }

    fn tick(&mut self, clock: Timestamp) {
        let moved = clock.as_secs() > self.clock.as_secs();
        self.clock = self.clock.max(clock);
        if !moved {
            return;
        }
        let mut due: Vec<_> = self
            .flows
            .iter()
            .map(|flow| (self.deadline(flow), flow.first_ordinal))
            .filter(|(deadline, _)| deadline.as_secs() < clock.as_secs())
            .collect();
        due.sort_unstable();
        for (_, ordinal) in due {
            let at = self.flows.iter().position(|flow| flow.first_ordinal == ordinal);
            self.end(at.expect("was just listed"), EndReason::Timeout);
        }
    }
}

fn run(steps: Vec<Step>, hash_key: HashKey) -> Result<(), TestCaseError> {
    let mut table: FlowTable<()> = table_of(CAPACITY as u64, hash_key);
    let mut model = Model {
        flows: Vec::new(),
        limits: IdleLimits::new(&Timeouts::default()),
        clock: Timestamp::ZERO,
        queued: 0,
        ends: Vec::new(),
    };
    let (mut counters, mut ended) = (Counters::default(), Vec::new());
    for (ordinal, step) in (0..).zip(steps) {
        match step {
            Step::Packet { port, to_server, tcp_flags, time_ns } => {
                let (low, high) = (format!("10.0.0.1:{port}"), "10.0.0.2:80".to_owned());
                let (from, to) = if to_server { (low, high) } else { (high, low) };
                let transport = if tcp_flags.is_some() { tcp() } else { udp() };
                let time = Timestamp::from_nanos(time_ns);
                let sought = table.seek(&packet(transport, &from, &to)).expect("has a flow");
                let observed = table
                    .observe(&sought, &arrival(ordinal, time, tcp_flags), &mut counters, &mut ended)
                    .expect("one flow can always be evicted");
                let expected = model.packet(ordinal, port, to_server, tcp_flags, time);
                prop_assert_eq!((observed.direction, observed.created, observed.established), expected);
            }
            Step::Tick { clock_ns } => {
                table.advance(Timestamp::from_nanos(clock_ns), &mut counters, &mut ended);
                model.tick(Timestamp::from_nanos(clock_ns));
            }
        }
        let ends: Vec<End> = ended.drain(..).map(|ended| end_of(&ended)).collect();
        prop_assert_eq!(&ends, &model.ends);
        model.ends.clear();
        prop_assert_eq!(table.len(), model.flows.len());
    }
    table.drain(&mut counters, &mut ended);
    let mut left: Vec<u64> = model.flows.iter().map(|flow| flow.first_ordinal).collect();
    left.sort_unstable();
    prop_assert_eq!(ended.iter().map(|ended| ended.flow.first_ordinal()).collect::<Vec<_>>(), left);
    Ok(())
}

fn end_of(ended: &Ended<()>) -> End {
    let statistics = ended.flow.statistics(Some(ended.reason));
    let port = ended.flow.key().port(Side::Low).expect("has ports");
    let packets = [statistics.packets_to_server, statistics.packets_to_client];
    (port, ended.flow.key().protocol(), ended.reason, packets)
}

proptest! {
    #[test]
    fn times_in_any_order(steps in steps()) {
        run(steps, HashKey::from_bytes([5; 16]))?;
    }

    #[test]
    fn times_mostly_in_order(steps in mostly_in_order()) {
        run(steps, HashKey::from_bytes([5; 16]))?;
    }

    #[test]
    fn every_hash_alike(steps in mostly_in_order()) {
        run(steps, HashKey::WEAK)?;
    }
}

#[test]
fn thousands_of_flows_under_one_hash() {
    let mut table: FlowTable<()> = table_of(3000, HashKey::WEAK);
    let (mut counters, mut ended) = (Counters::default(), Vec::new());
    for ordinal in 0..4000 {
        let sought = table.seek(&packet(udp(), &format!("10.0.0.1:{ordinal}"), "10.0.0.2:80")).unwrap();
        let arrival = arrival(ordinal, seconds(1), None);
        table.observe(&sought, &arrival, &mut counters, &mut ended).unwrap();
    }
    assert_eq!((table.len(), ended.len()), (3000, 1000));
    assert!(ended.iter().zip(0..).all(|(ended, ordinal)| ended.flow.first_ordinal() == ordinal));
}
