//! What is fuzzed: each function takes any bytes and must neither panic nor hang. The fuzz targets run them under
//! libFuzzer; the test `corpora` runs them over the corpus in the repository.

use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::inspect::Scratch;
use rules::names::Names;
use rules::parse::parse;
use rules::ruleset::RuleSet;
use rules::text::Source;
use rules::view::{AppFacts, Blank, Packet, StreamEvents, Tcp, Transport, View};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::identify::Speech;
use sensor::app_layer::parser::{Input, Requests};
use sensor::app_layer::{dcerpc, dhcp, dns, ftp, http, http2, smb, smtp, ssh, tls, vocabulary};
use sensor::capture::{Burst, Frame, LinkType};
use sensor::config::Config;
use sensor::counter::{Counter, Counters};
use sensor::decode::{Decoder, checksum};
use sensor::event::Direction;
use sensor::limits::StreamLimits;
use sensor::memory;
use sensor::reassembly::stream::{Session, StreamConfig, StreamEngine};
use sensor::reassembly::{HostPolicies, OverlapPolicy};
use sensor::runtime;
use sensor::time::Timestamp;
use sensor::worker::{Assignment, Shard, SharedRules};
use std::sync::{Arc, OnceLock};

/// The text of a rule file.
pub(crate) fn rule_parse(data: &[u8]) {
    let Ok(source) = Source::new("fuzz.rules", data) else { return };
    let parsed = parse(&source);
    for diagnostic in &parsed.diagnostics {
        assert!(!diagnostic.render(&source).is_empty());
    }
    for rule in &parsed.rules {
        let again = Source::new("again.rules", rule.to_bytes()).expect("a rule is small");
        assert_eq!(parse(&again).rules.first(), Some(rule), "a printed rule parses to the same tree");
    }
}

/// Rules that parse, compiled.
pub(crate) fn rule_compile(data: &[u8]) {
    let Ok(source) = Source::new("fuzz.rules", data) else { return };
    let (vocabulary, classes, names) = (vocabulary(), Classes::default(), Names::default());
    let variables = Variables::default();
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    for rule in &parse(&source).rules {
        match compile(rule, &context, &mut resolver) {
            Ok((signature, _)) => assert!(!signature.meta.rule.is_empty()),
            Err(faults) => assert!(!faults.is_empty(), "a refusal says why"),
        }
    }
}

/// A frame of the link type that its first byte chooses.
pub(crate) fn decode(data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else { return };
    let links =
        [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL, LinkType::LINUX_SLL2, LinkType::NULL];
    let frame = Frame {
        ordinal: 0,
        time: Timestamp::ZERO,
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        link: links[usize::from(first) % links.len()],
        bytes,
    };
    let mut packets = Vec::new();
    Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
    for packet in &packets {
        let _ = checksum::verify(packet);
    }
    let _ = sensor::decode::shard(bytes, frame.link);
}

/// The payload of a datagram on DHCP's ports.
pub(crate) fn dhcp(data: &[u8]) {
    if let Ok(message) = dhcp::parse(data) {
        let _ = message.client_ip();
    }
}

/// A flow of DNS over TCP, over UDP, or of multicast DNS, as its first byte says.
pub(crate) fn dns(data: &[u8]) {
    let Some((&first, said)) = data.split_first() else { return };
    converse([&dns::TCP_SPEECH, &dns::SPEECH, &dns::MDNS_SPEECH][usize::from(first) % 3], said);
}

/// A flow of HTTP/1.
pub(crate) fn http(data: &[u8]) {
    converse(&http::SPEECH, data);
}

/// A flow of HTTP/2.
pub(crate) fn http2(data: &[u8]) {
    converse(&http2::SPEECH, data);
}

/// A flow of TLS, or with an odd first byte of DTLS.
pub(crate) fn tls(data: &[u8]) {
    let Some((&first, said)) = data.split_first() else { return };
    converse(if first % 2 == 0 { &tls::SPEECH } else { &tls::DTLS_SPEECH }, said);
}

/// A flow of SSH.
pub(crate) fn ssh(data: &[u8]) {
    converse(&ssh::SPEECH, data);
}

/// A flow in pieces. What it says to take up is given back once it is let go of.
fn converse(speech: &Speech, said: &[u8]) {
    let mut conversation = (speech.begin)();
    say(conversation.as_mut(), speech, said);
    let (account, before) = (conversation.held(), memory::held());
    drop(conversation);
    assert_eq!(before - memory::held(), account);
}

/// The pieces, each behind a byte that tells its length and, by its highest bit, its way. After each piece all fields
/// are read, as rules do.
fn say(conversation: &mut dyn Conversation, speech: &Speech, mut said: &[u8]) {
    let mut left = [Vec::new(), Vec::new()];
    while let [head, rest @ ..] = said {
        let (piece, next) = rest.split_at(usize::from(head & 0x7f).min(rest.len()));
        let direction = Direction::ALL[usize::from(head >> 7)];
        let left = &mut left[direction.index()];
        left.extend_from_slice(piece);
        let input = Input { direction, bytes: left, end: next.is_empty(), time: Timestamp::ZERO };
        for probe in speech.probes {
            let _ = (probe.likeness)(left, direction);
        }
        match conversation.parse(&input, &mut Requests::default()) {
            Ok(consumed) => drop(left.drain(..consumed)),
            Err(_) => return,
        }
        let kept: Vec<u64> = conversation.kept().collect();
        for transaction in kept {
            for direction in Direction::ALL {
                for row in (speech.fields)() {
                    conversation.read(transaction, row.reader, direction, &mut |_, _| false);
                }
                conversation.inspected(transaction, direction);
                if conversation.is_complete(transaction, direction) {
                    conversation.finish(transaction, direction);
                }
            }
        }
        conversation.release();
        said = next;
    }
}

/// A session of SMTP.
pub(crate) fn smtp(data: &[u8]) {
    converse(&smtp::SPEECH, data);
}

/// Segments of one TCP session, eight bytes and a payload each: flags, what else happens, sequence number,
/// acknowledgement, length, urgent pointer. The first byte chooses the configuration.
pub(crate) fn stream(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let config = StreamConfig {
        depth_bytes: 4096,
        midstream: first & 0x10 != 0,
        one_sided: first & 0x20 != 0,
        ..StreamConfig::default()
    };
    let limits = StreamLimits {
        memory_bytes: if first & 0x40 != 0 { 2048 } else { 1 << 20 },
        ..StreamLimits::default()
    };
    let policy = OverlapPolicy::ALL[usize::from(first & 0x0f) % OverlapPolicy::ALL.len()];
    let mut engine = StreamEngine::new(&config, &limits, HostPolicies::all(policy));
    let mut session: Option<Box<Session>> = None;
    let (mut counters, mut second) = (Counters::default(), 0);
    while let Some((&[flags, bits, a, b, c, d, len, urgent], after)) = rest.split_first_chunk() {
        let (payload, next) = after.split_at(usize::from(len).min(after.len()));
        rest = next;
        second += u64::from(bits >> 5);
        let mut header = vec![0; 20];
        header[4..8].copy_from_slice(&i32::from(i16::from_be_bytes([a, b])).to_be_bytes());
        header[8..12].copy_from_slice(&i32::from(i16::from_be_bytes([c, d])).to_be_bytes());
        header[13..16].copy_from_slice(&[flags, bits & 0x1c, 0xff]);
        header[19] = urgent;
        if bits & 2 != 0 {
            header.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, urgent, 0, 0, 0, len]);
        }
        let tcp = Tcp::new(&header).expect("20 bytes and more");
        let packet = Packet { transport: Transport::Tcp(tcp), payload, ..Packet::EMPTY };
        let direction = Direction::ALL[usize::from(bits & 1)];
        if session.as_ref().is_some_and(|it| engine.reuses(it, &packet, direction)) {
            engine.end(session.take().expect("just seen"));
        }
        engine.follow(&mut session, &packet, direction, Timestamp::new(second, 0), &mut counters);
        assert!(engine.memory() as u64 <= limits.memory_bytes);
        let Some(session) = &mut session else { continue };
        look_at(session);
        match bits >> 5 {
            5 => engine.release(session, direction, session.side(direction).usable_end()),
            6 => session.disable(direction),
            7 => engine.finish(session),
            _ => {}
        }
    }
    if let Some(session) = session {
        engine.end(session);
    }
    assert_eq!((engine.memory(), engine.sessions()), (0, 0));
}

/// Everything that a session shows must fit together.
fn look_at(session: &Session) {
    for direction in Direction::ALL {
        let side = session.side(direction);
        let mut at = 0;
        while let Some(block) = side.next_block(at) {
            assert!(block.offset >= at.max(side.base()) && !block.bytes.is_empty());
            assert!(!side.is_gap(block.offset));
            at = block.offset + block.bytes.len() as u64;
        }
        assert!(at <= side.right_edge() && side.usable_end() <= side.acked());
    }
}

/// A session of FTP, of its control connection or of a data connection, as its first byte says.
pub(crate) fn ftp(data: &[u8]) {
    let Some((&first, said)) = data.split_first() else { return };
    converse(if first % 2 == 0 { &ftp::SPEECH } else { &ftp::DATA_SPEECH }, said);
}

/// A connection of SMB.
pub(crate) fn smb(data: &[u8]) {
    converse(&smb::SPEECH, data);
}

/// A flow of DCE/RPC over TCP, or with an odd first byte over UDP.
pub(crate) fn dcerpc(data: &[u8]) {
    let Some((&first, said)) = data.split_first() else { return };
    converse(if first % 2 == 0 { &dcerpc::SPEECH } else { &dcerpc::UDP_SPEECH }, said);
}

/// Options of a rule up to the first line end, and the payload that they look at.
pub(crate) fn stepper(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (Some(options), Some(payload)) = (parts.next(), parts.next()) else { return };
    let rule = [b"alert tcp any any -> any any (", options, b" sid:1;)"].concat();
    let Ok(source) = Source::new("fuzz.rules", rule) else { return };
    let (vocabulary, classes, names) = (vocabulary(), Classes::default(), Names::default());
    let variables = Variables::default();
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut scratch = Scratch::default();
    let packet = Packet { payload, ..Packet::EMPTY };
    let view = View {
        packet: &packet,
        flow: None,
        stream_events: StreamEvents::NONE,
        app: AppFacts::default(),
        memory: &Blank,
        big_endian: None,
    };
    for rule in &parse(&source).rules {
        let Ok((signature, _)) = compile(rule, &context, &mut Resolver::new(&variables)) else { continue };
        for inspection in &signature.inspections {
            let once = inspection.hold_on(payload, 0, &view, &mut scratch);
            scratch.captures.truncate(0);
            assert_eq!(once, inspection.hold_on(payload, 0, &view, &mut scratch), "the same again");
            scratch.captures.truncate(0);
        }
    }
}

/// Rules of many kinds, for [`packets`].
const RULES: &str = include_str!("packets.rules");

static SHARED_RULES: OnceLock<Option<SharedRules>> = OnceLock::new();

fn shared_rules(config: &Config) -> Option<SharedRules> {
    let source = Source::new("packets.rules", RULES).expect("small");
    let (vocabulary, classes, names) = (vocabulary(), Classes::default(), Names::default());
    let variables = Variables::default();
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let parsed = parse(&source).rules;
    let compiled = parsed.iter().map(|rule| compile(rule, &context, &mut resolver).expect("sound").0);
    runtime::shared_rules(config, RuleSet::new(compiled.collect()), &Arc::default())
}

/// Frames with the time that passes before each, through a worker with rules: two bytes of length, one of time.
pub(crate) fn packets(mut data: &[u8]) {
    let mut burst = Burst::default();
    let mut second = 0;
    while let Some((&[high, low, passes], rest)) = data.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([high & 7, low])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        second += u64::from(passes);
        let link = if high & 8 == 0 { LinkType::ETHERNET } else { LinkType::RAW };
        burst.push(Timestamp::new(second, 0), len as u32, link, 0, frame);
        data = rest;
    }
    let mut config = Config::default();
    config.stream.midstream = true;
    config.limits.flow.memory_bytes = 1 << 20;
    let rules = SHARED_RULES.get_or_init(|| shared_rules(&config)).clone();
    let mut shard = Shard::new(0, runtime::shards(&config, 1, rules).expect("there are random numbers"));
    shard.run(&Assignment { number: 0, burst: Arc::new(burst), verify_before: 0 });
    shard.finish(1, u64::MAX);
    assert_eq!(shard.counters().value(Counter::WorkerPanics), 0, "a panic is caught and counted");
}
