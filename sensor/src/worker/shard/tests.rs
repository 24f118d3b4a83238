//! Shards that stumble, and shards whose rules change.

use super::*;
use crate::capture::LinkType;
use crate::detect::SharedMemory;
use crate::worker::AlertTexts;
use fixtures::tcp::Session;
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::ruleset::RuleSet;
use rules::text::Source;
use rules::vocabulary::Vocabulary;

fn rules(text: &str) -> SharedRules {
    let source = Source::new("test.rules", text).expect("short enough");
    let (names, classes, variables) = (Names::default(), Classes::default(), Variables::default());
    let vocabulary = Vocabulary::new(&[]);
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let parsed = parse(&source);
    let signature = |rule| compile(rule, &context, &mut Resolver::new(&variables)).expect("a sound rule").0;
    let set = RuleSet::new(parsed.rules.iter().map(signature).collect());
    let memory = Arc::new(SharedMemory::default());
    SharedRules { texts: AlertTexts::new(&set), set: Arc::new(set), memory }
}

fn shard(rules: SharedRules) -> Shard {
    let config = ShardConfig {
        shards: 1,
        limits: Limits::default(),
        tunnels: TunnelPorts::default(),
        flow: FlowConfig::default(),
        hash_key: HashKey::random().expect("there are random numbers"),
        network: NetworkId::default(),
        stream: StreamConfig::default(),
        host_policies: HostPolicies::default(),
        tell_flow_ends: false,
        records: Records::default(),
        flow_records: false,
        rules: Some(rules),
        profile_every: None,
        file_intake: None,
        file_stream_depth: None,
        turns: Arc::new(Turns::none()),
    };
    Shard::new(0, config)
}

/// Two sessions at the same time, their packets in turn.
fn two_sessions() -> Arc<Burst> {
    let session = |client: &str| {
        let session = Session::v4(client, "203.0.113.80:80").handshake();
        session.client(b"one needle").server(b"hay").client(b"another needle").server(b"hay").close().frames()
    };
    let mut burst = Burst::default();
    for (one, other) in session("10.0.0.1:1001").into_iter().zip(session("10.0.0.2:1002")) {
        for (time_ns, frame) in [one, other] {
            let len = frame.len() as u32;
            burst.push(Timestamp::from_nanos(time_ns), len, LinkType::ETHERNET, 0, &frame);
        }
    }
    Arc::new(burst)
}

/// Clients' ports of the alerts.
fn alerts(found: &[(Order, Found)]) -> Vec<u16> {
    let rules = found.iter().filter_map(|(_, found)| match found {
        Found::Rules(rules) => Some(rules),
        Found::Dhcp(_) | Found::Activity(_) | Found::FlowEnd { .. } => None,
    });
    rules.flatten().filter_map(|rule| rule.detection.source_port).collect()
}

const NEEDLE: &str = "alert tcp any any -> any 80 (content:\"needle\"; sid:1;)\n";

fn run(shard: &mut Shard) -> Vec<u16> {
    let burst = two_sessions();
    let mut found = shard.run(&Assignment { number: 0, burst, verify_before: 0 }).found;
    found.extend(shard.finish(1, u64::MAX).found);
    alerts(&found)
}

#[test]
fn a_panic_costs_one_flow_and_no_other() {
    let sound = run(&mut shard(rules(NEEDLE)));
    assert!(sound.contains(&1001) && sound.contains(&1002), "{sound:?}");
    let mut stumbling = shard(rules(NEEDLE));
    // The first session's SYN/ACK.
    stumbling.stumbles_over = Some(2);
    let left = run(&mut stumbling);
    assert!(!left.contains(&1001), "{left:?}");
    assert_eq!(
        left.iter().filter(|&&port| port == 1002).count(),
        sound.iter().filter(|&&port| port == 1002).count()
    );
    assert_eq!(stumbling.counters().value(Counter::WorkerPanics), 1);
    assert_eq!(stumbling.counters().value(Counter::FlowsCreated), 2);
}

#[test]
fn rules_with_other_numbers_take_over_flows_with_open_transactions() {
    let mut shard = shard(rules(&format!("{}{NEEDLE}", NEEDLE.replace("sid:1", "sid:7"))));
    let burst = two_sessions();
    shard.run(&Assignment { number: 0, burst, verify_before: 0 });
    shard.adopt(rules("alert tcp any any -> any any (content:\"hay\"; sid:9;)\n"));
    shard.finish(1, u64::MAX);
    assert_eq!(shard.counters().value(Counter::WorkerPanics), 0);
    assert_eq!(shard.counters().value(Counter::FlowsCreated), 2);
}
