//! What is fuzzed: each function takes any bytes and must neither panic nor hang. The fuzz targets run them under
//! libFuzzer; the test `corpora` runs them over the corpus in the repository.

use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::text::Source;
use sensor::app_layer::identify::Speech;
use sensor::app_layer::parser::{Input, Requests};
use sensor::app_layer::{dhcp, dns, smtp, tls, vocabulary};
use sensor::capture::{Frame, LinkType};
use sensor::counter::Counters;
use sensor::decode::{Decoder, checksum};
use sensor::event::Direction;
use sensor::time::Timestamp;

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

/// A flow of TLS, or with an odd first byte of DTLS.
pub(crate) fn tls(data: &[u8]) {
    let Some((&first, said)) = data.split_first() else { return };
    converse(if first % 2 == 0 { &tls::SPEECH } else { &tls::DTLS_SPEECH }, said);
}

/// A flow in pieces, each behind a byte that tells its length and, by its highest bit, its way. After each piece all
/// fields are read, as rules do.
fn converse(speech: &Speech, mut said: &[u8]) {
    let mut conversation = (speech.begin)();
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
        for transaction in conversation.transactions() {
            for direction in Direction::ALL {
                for row in (speech.fields)() {
                    conversation.read(transaction, row.reader, direction, &mut |_, _| false);
                }
                conversation.inspected(transaction, direction);
                let complete = conversation.is_complete(transaction, direction);
                conversation.noted(transaction, direction).expect("it is kept").finished = complete;
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
