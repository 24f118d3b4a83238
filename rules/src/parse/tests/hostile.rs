//! Text that nobody would write: a positioned error or a rule, no panic, in time linear in the input.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::corpus::sample;
use super::*;
use crate::ast::{Header, OptionNode, Value};
use crate::header::action::Action;
use crate::header::address::AddressRange;
use crate::header::group::{Group, GroupKind};
use crate::header::port::PortRange;

/// Far more than any input here takes when time is linear, far less than a quadratic one would.
const LONG: Duration = Duration::from_secs(60);

/// Parses, and renders what was found: both must end soon and point into the file.
fn survive(bytes: Vec<u8>) -> Parsed {
    let started = Instant::now();
    let source = Source::new("hostile.rules", bytes).unwrap();
    let parsed = parse(&source);
    for found in &parsed.diagnostics {
        assert!(found.span.start <= found.span.end && found.span.end as usize <= source.bytes().len());
    }
    for found in parsed.diagnostics.iter().take(MAX_DIAGNOSTICS_PER_RULE) {
        assert!(found.render(&source).contains(found.code));
    }
    assert!(started.elapsed() < LONG, "took {:?} for {} bytes", started.elapsed(), source.bytes().len());
    parsed
}

fn repeated(head: &str, part: &str, tail: &str, bytes: usize) -> Vec<u8> {
    [head, &part.repeat(bytes / part.len()), tail].concat().into_bytes()
}

#[test]
fn ten_megabytes_on_one_line() {
    const SIZE: usize = 10_000_000;
    let head = format!("{HEAD}(");
    for part in ["nocase; ", "content:\"a\"; ", "metadata:x;", "content:\"\\\"\";"] {
        let parsed = survive(repeated(&head, part, "sid:1;)", SIZE));
        assert_eq!((parsed.rules.len(), parsed.rules[0].options.len()), (1, SIZE / part.len() + 1), "{part}");
    }
    for part in [
        "a",
        ";",
        "\"",
        "(",
        ")",
        ":",
        "\\",
        "!",
        "x ",
        "x:",
        "x:\"",
        "x:\";",
        "x:\"a\" ",
        "x:1 y:\"",
        "\" a:\"",
        "x:!",
        "%",
        "x:\"/a/",
        " \t",
        "|41",
        "\u{1F980}",
        "a:\"b;",
    ] {
        let parsed = survive(repeated(&head, part, "", SIZE / 10));
        assert!(parsed.rules.is_empty(), "{part}");
        assert!((1..=2 * MAX_DIAGNOSTICS_PER_RULE).contains(&parsed.diagnostics.len()), "{part}");
    }
}

#[test]
fn a_megabyte_of_header() {
    const SIZE: usize = 1_000_000;
    for part in ["[", "]", "!", "a", "$", ",", "[,", "[1,", "10.0.0.1,", "- ", ":", "[1]", "![", "->", " ("] {
        survive(repeated("alert tcp ", part, "", SIZE));
        survive(repeated("alert tcp any [", part, " -> any any (sid:1;)", SIZE));
    }
    let parsed = survive(repeated("alert tcp any [", "1,", "2] -> any any (sid:1;)", SIZE));
    assert_eq!(parsed.rules.len(), 1);
}

#[test]
fn many_rules_and_many_lines() {
    let rule = format!("{HEAD}(sid:1;)\n");
    assert_eq!(survive(rule.repeat(100_000).into_bytes()).rules.len(), 100_000);
    assert_eq!(survive("x\n".repeat(100_000).into_bytes()).refused.len(), 100_000);
    let continued = repeated(&format!("{HEAD}("), "nocase;\\\r\n", "sid:1;)", 5_000_000);
    assert_eq!(survive(continued).rules.len(), 1);
}

#[test]
#[ignore = "long: a million rules"]
fn a_million_rules() {
    let rule = format!("{HEAD}(sid:1;)\n");
    assert_eq!(survive(rule.repeat(1_000_000).into_bytes()).rules.len(), 1_000_000);
    assert_eq!(survive("alert tcp (\n".repeat(1_000_000).into_bytes()).refused.len(), 1_000_000);
}

/// Every prefix of some rules, and the rules with each byte replaced by those that `others` gives for its place.
fn mutate<'b>(rules: &[Vec<u8>], others: impl Fn(usize) -> &'b [u8]) {
    for rule in rules {
        for length in 0..rule.len() {
            let parsed = parsed(&rule[..length]);
            assert!(parsed.rules.is_empty() || rule[length..].iter().all(u8::is_ascii_whitespace));
        }
        let mut mutant = rule.clone();
        for at in 0..rule.len() {
            for &byte in others(at) {
                mutant[at] = byte;
                let source = Source::new("", &*mutant).unwrap();
                let parsed = parse(&source);
                assert!(
                    parsed.refused.is_empty() || !parsed.diagnostics.is_empty(),
                    "refused without a word"
                );
                parsed.diagnostics.iter().for_each(|found| drop(found.render(&source)));
            }
            mutant[at] = rule[at];
        }
    }
}

#[test]
fn prefixes_and_mutations_of_fifty_rules() {
    let Some(rules) = sample(50, "prefixes_and_mutations_of_fifty_rules") else { return };
    mutate(&rules, |at| &b"\";:)\\"[at % 5..][..1]);
}

#[test]
#[ignore = "long: every byte of 500 rules in every value"]
fn prefixes_and_mutations_of_five_hundred_rules() {
    let Some(rules) = sample(500, "prefixes_and_mutations_of_five_hundred_rules") else { return };
    let every: Vec<u8> = (0..=u8::MAX).collect();
    mutate(&rules, |_| &every);
}

fn text() -> impl Strategy<Value = Text> {
    "[a-zA-Z0-9_]{1,8}".prop_map(|name| Text::detached(name).unwrap())
}

fn group_of<T: Clone + std::fmt::Debug + 'static>(
    one: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Group<T>> {
    let group = |(negated, kind)| Group { negated, kind, span: Span::default() };
    let leaf = prop_oneof![
        Just(GroupKind::Any),
        one.prop_map(GroupKind::One),
        text().prop_map(GroupKind::Variable),
    ];
    let leaf = (any::<bool>(), leaf).prop_map(group);
    leaf.prop_recursive(4, 20, 5, move |inner| {
        (any::<bool>(), proptest::collection::vec(inner, 1..5).prop_map(GroupKind::List)).prop_map(group)
    })
    .boxed()
}

fn addresses() -> BoxedStrategy<Group<AddressRange>> {
    use std::net::IpAddr;
    let network = any::<IpAddr>().prop_flat_map(|address| {
        let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
        (Just(address), 0..=longest)
            .prop_map(|(address, prefix_bits)| AddressRange::Network { address, prefix_bits })
    });
    let range = any::<(u32, u32)>().prop_map(|(one, two)| {
        let address = |bits: u32| IpAddr::from(std::net::Ipv4Addr::from(bits));
        AddressRange::Range { first: address(one.min(two)), last: address(one.max(two)) }
    });
    group_of(prop_oneof![any::<IpAddr>().prop_map(AddressRange::Address), network, range])
}

fn ports() -> BoxedStrategy<Group<PortRange>> {
    group_of(any::<(u16, u16)>().prop_map(|(one, two)| PortRange { first: one.min(two), last: one.max(two) }))
}

fn header() -> impl Strategy<Value = Header> {
    let direction =
        prop_oneof![Just(Direction::Forward), Just(Direction::Both), Just(Direction::Transactional)];
    let hook = proptest::option::of(text());
    (text(), hook, addresses(), ports(), direction, addresses(), ports()).prop_map(
        |(protocol, hook, src, src_port, direction, dst, dst_port)| Header {
            protocol,
            hook,
            src,
            src_port,
            direction,
            dst,
            dst_port,
        },
    )
}

fn option() -> impl Strategy<Value = OptionNode> {
    let value = |quoted: bool, negated: bool, bytes: Vec<u8>| {
        let text = Text::detached(bytes).unwrap();
        Value::new(text.clone(), quoted, negated, text.span())
    };
    // Any bytes but those with a meaning of their own, which come escaped.
    let inside = proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| {
        let escape = |byte: u8| match byte {
            b'\n' => vec![b' '],
            b'"' | b';' | b'\\' => vec![b'\\', byte],
            _ => vec![byte],
        };
        bytes.into_iter().flat_map(escape).collect::<Vec<u8>>()
    });
    let quoted = (inside, any::<bool>()).prop_map(move |(bytes, negated)| value(true, negated, bytes));
    let bare = "[!a-z0-9,.$<>|()]{0,12}( [a-z]{1,4}){0,2}"
        .prop_map(move |text| value(false, false, text.trim().as_bytes().to_vec()));
    let value = proptest::option::of(prop_oneof![quoted, bare]);
    ("[a-z][a-z0-9_.-]{0,12}", value).prop_map(|(name, value)| OptionNode {
        name: name.into(),
        name_span: Span::default(),
        value,
        span: Span::default(),
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survive(bytes);
    }

    #[test]
    fn any_tokens_are_survived(
        tokens in proptest::collection::vec(
            prop::sample::select(&[
                "alert", " ", "tcp", "any", "->", "<>", "=>", "(", ")", "[", "]", "!", ",", "$HOME_NET", "80", ":", ";", "\"",
                "\\", "\n", "\r\n", "content", "msg:\"x\"", "sid:1;", "10.0.0.0/8", "-", "#", "|", "\t", "\u{e9}",
            ][..]),
            0..60,
        ),
        whole_header in any::<bool>(),
    ) {
        let head = if whole_header { "alert tcp any any -> any any (" } else { "" };
        survive([head, &tokens.concat()].concat().into_bytes());
    }

    #[test]
    fn a_printed_tree_parses_to_itself(
        action in prop::sample::select(Action::ALL),
        header in header(),
        options in proptest::collection::vec(option(), 0..8),
    ) {
        let rule = Rule { action, header, options, text: Text::detached("").unwrap() };
        let Parsed { rules, diagnostics, .. } = parsed(rule.to_bytes());
        prop_assert!(diagnostics.is_empty(), "{}: {:?}", rule, diagnostics);
        prop_assert_eq!(&rules[..], &[rule][..]);
    }
}
