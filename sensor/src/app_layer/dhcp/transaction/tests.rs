use super::*;
use crate::app_layer::dhcp::parse;
use fixtures::dhcp::{self as build, option};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const XID: u32 = 0x1234;

/// Addresses that messages tell.
const A: Option<[u8; 4]> = Some([192, 0, 2, 1]);
const B: Option<[u8; 4]> = Some([192, 0, 2, 2]);
const C: Option<[u8; 4]> = Some([192, 0, 2, 3]);

/// Sends messages a second apart.
struct Exchange {
    table: TransactionTable,
    counters: Counters,
    time: Timestamp,
}

impl Exchange {
    fn new() -> Self {
        Self {
            table: TransactionTable::new(&DhcpLimits::default()),
            counters: Counters::default(),
            time: Timestamp::new(1_000, 0),
        }
    }

    fn send(&mut self, message: &build::Message) -> Dhcp {
        self.time = self.time.after(Duration::from_secs(1));
        let message = parse(&message.bytes()).unwrap();
        self.table.observe(&message, self.time, None, &mut self.counters)
    }

    fn client_ip(&mut self, message: &build::Message) -> Option<[u8; 4]> {
        self.send(message).client_ip.map(|address| address.octets())
    }
}

fn message(kind: u8) -> build::Message {
    build::Message::new(kind, MAC, XID)
}

fn requesting(message: build::Message, address: Option<[u8; 4]>) -> build::Message {
    message.option(option::REQUESTED_ADDRESS, &address.unwrap())
}

#[test]
fn each_type_tells_the_address_that_it_is_about() {
    let alone = |message: &build::Message| Exchange::new().client_ip(message);
    let told = |kind| {
        let used = message(kind).client_address(A.unwrap());
        let full = requesting(used.clone(), B).your_address(C.unwrap());
        (alone(&full), alone(&used), alone(&message(kind)))
    };
    for kind in [build::OFFER, build::ACK] {
        assert_eq!(told(kind), (C, A, None));
    }
    for kind in [build::DISCOVER, build::REQUEST, build::DECLINE] {
        assert_eq!(told(kind), (B, A, None));
    }
    for kind in [build::RELEASE, build::INFORM] {
        assert_eq!(told(kind), (A, A, None));
    }
    assert_eq!(told(build::NAK), (None, None, None));
}

#[test]
fn bootp_goes_by_who_speaks() {
    let mut bootp = build::Message::bootp(MAC, XID).client_address(A.unwrap()).your_address(B.unwrap());
    bootp.cookie = [0; 4];
    assert_eq!(Exchange::new().client_ip(&bootp), A);
    bootp.op = 2;
    assert_eq!(Exchange::new().client_ip(&bootp), B);
}

#[test]
fn a_nak_is_about_what_was_asked_for() {
    let mut exchange = Exchange::new();
    assert_eq!(exchange.client_ip(&message(build::DISCOVER)), None);
    assert_eq!(exchange.client_ip(&message(build::OFFER).your_address(A.unwrap())), A);
    assert_eq!(exchange.client_ip(&requesting(message(build::REQUEST), B)), B);
    assert_eq!(exchange.client_ip(&message(build::NAK).client_address(C.unwrap())), B);
}

#[test]
fn an_earlier_message_tells_what_a_later_one_leaves_open() {
    let mut exchange = Exchange::new();
    exchange.send(&message(build::OFFER).your_address(A.unwrap()));
    assert_eq!(exchange.client_ip(&message(build::REQUEST)), A);
    assert_eq!(exchange.client_ip(&message(build::ACK)), A);
    let mut other = message(build::ACK);
    other.xid += 1;
    assert_eq!(exchange.client_ip(&other), None, "another transaction");
    other = message(build::ACK);
    other.chaddr[5] += 1;
    assert_eq!(exchange.client_ip(&other), None, "another client");
}

#[test]
fn messages_are_counted_within_their_transaction() {
    let mut exchange = Exchange::new();
    let ordinals = [0; 3].map(|_| exchange.send(&message(build::DISCOVER)).ordinal);
    assert_eq!(ordinals, [0, 1, 2]);
    assert_eq!(exchange.send(&build::Message::new(build::DISCOVER, MAC, 9)).ordinal, 0);
    assert_eq!(exchange.counters.value(Counter::DhcpMessages), 4);
}

#[test]
fn a_transaction_is_forgotten_when_it_was_idle_for_too_long() {
    let idle = Duration::from_secs(DhcpLimits::default().idle_seconds);
    let mut exchange = Exchange::new();
    exchange.send(&message(build::OFFER).your_address(A.unwrap()));
    exchange.time = exchange.time.after(idle - Duration::from_secs(1));
    assert_eq!(exchange.client_ip(&message(build::NAK)), A);
    exchange.time = exchange.time.after(idle);
    let late = exchange.send(&message(build::NAK));
    assert_eq!((late.client_ip, late.ordinal), (None, 0));
    exchange.time = Timestamp::ZERO;
    assert_eq!(exchange.send(&message(build::NAK)).ordinal, 1, "time that runs backwards ends nothing");
    assert_eq!(exchange.counters.value(Counter::DhcpEvicted), 0);
}

#[test]
fn a_flood_evicts_the_oldest_of_its_set_and_is_counted() {
    let mut table = TransactionTable::new(&DhcpLimits { transactions: 1, ..DhcpLimits::default() });
    let mut counters = Counters::default();
    let flood = 4 * SETS as u32;
    let mut discover = parse(&message(build::DISCOVER).bytes()).unwrap();
    for xid in 0..flood {
        discover.transaction_id = xid;
        table.observe(&discover, Timestamp::new(u64::from(xid / 1_000), 0), None, &mut counters);
    }
    let evicted = counters.value(Counter::DhcpEvicted);
    let kept = u64::from(flood) - evicted;
    assert!(kept <= SETS as u64 && kept > SETS as u64 / 2, "{kept} kept");
    let again = table.observe(&discover, Timestamp::new(u64::from(flood / 1_000), 0), None, &mut counters);
    assert_eq!(again.ordinal, 1, "the youngest stays");
}

/// A few clients, ids, types and addresses, so that they meet; with the seconds since the message before.
fn messages() -> impl Strategy<Value = Vec<(Message, u64)>> {
    let one = (0_u8..3, 0_u32..40, 0_u8..10, 0_u8..3, 0_u8..3, 0_u64..200);
    let message = one.prop_map(|(client, xid, kind, yiaddr, requested, gap)| {
        let message = build::Message::new(kind, [2, 0, 0, 0, 0, client], xid)
            .your_address([0, 0, 0, yiaddr])
            .option(option::REQUESTED_ADDRESS, &[0, 0, 0, requested]);
        (parse(&message.bytes()).unwrap(), gap)
    });
    prop::collection::vec(message, 1..200)
}

proptest! {
    #[test]
    fn any_number_of_shards_tells_the_same(
        messages in messages(),
        shards in 2_usize..9,
        transactions in 1_u32..20_000,
    ) {
        let limits = DhcpLimits { transactions, ..DhcpLimits::default() };
        let mut whole = TransactionTable::new(&limits);
        let mut parts: Vec<_> = (0..shards).map(|_| TransactionTable::new(&limits)).collect();
        let mut counters = [Counters::default(), Counters::default()];
        let mut seconds = 0;
        for (message, gap) in messages {
            seconds += gap;
            let time = Timestamp::new(seconds, 0);
            let alone = whole.observe(&message, time, Some(5), &mut counters[0]);
            let shard = shard_of(message.transaction_key(), shards);
            let shared = parts[shard].observe(&message, time, Some(5), &mut counters[1]);
            prop_assert_eq!(alone, shared);
        }
        let [alone, shared] = counters.map(|counters| counters.value(Counter::DhcpEvicted));
        prop_assert_eq!(alone, shared);
    }

    #[test]
    fn the_table_tells_what_a_plain_map_would(messages in messages()) {
        let mut table = TransactionTable::new(&DhcpLimits::default());
        let mut counters = Counters::default();
        let mut model: HashMap<(HardwareAddress, u32), (u32, Option<Ipv4Addr>)> = HashMap::new();
        for (message, _) in messages {
            let known = model.entry((message.client, message.transaction_id)).or_default();
            known.1 = message.client_ip().or(known.1);
            let event = table.observe(&message, Timestamp::ZERO, None, &mut counters);
            prop_assert_eq!((event.ordinal, event.client_ip), *known);
            known.0 += 1;
        }
    }
}
