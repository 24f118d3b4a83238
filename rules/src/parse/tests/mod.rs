mod corpus;
mod hostile;

use super::*;
use crate::ast::Direction;

const HEAD: &str = "alert tcp any any -> any any ";

fn parsed(bytes: impl Into<Vec<u8>>) -> Parsed {
    parse(&Source::new("test.rules", bytes).unwrap())
}

fn one(line: &str) -> Rule {
    let Parsed { mut rules, diagnostics, .. } = parsed(line);
    assert!(diagnostics.is_empty(), "{line}: {diagnostics:?}");
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

/// The codes found in the options given, each with the text from its place on.
fn faults(options: &str) -> Vec<(&'static str, String)> {
    let line = format!("{HEAD}{options}");
    let found = parsed(line.clone()).diagnostics;
    assert!(found.iter().all(|found| found.help.is_some()), "each fault has a help line");
    found.iter().map(|found| (found.code, line[found.span.start as usize..].to_owned())).collect()
}

fn header_faults(line: &str) -> Vec<(&'static str, String)> {
    let found = parsed(line).diagnostics;
    let part = |span: Span| line[span.start as usize..span.end as usize].to_owned();
    found.iter().map(|found| (found.code, part(found.span))).collect()
}

#[test]
fn a_rule_is_taken_apart() {
    let rule = one(
        "ALERT tls:client_hello_done  [$HOME_NET, !10.0.0.1 ] 1024: =>\tany ![80,443:444](msg : \"a\\;b\" ;\
                    content: ! \"c\";nocase ; isdataat:!2,relative; sid:1;)",
    );
    assert_eq!(rule.header.direction, Direction::Transactional);
    assert_eq!(rule.header.hook.as_deref(), Some(&b"client_hello_done"[..]));
    let names: Vec<&str> = rule.options.iter().map(|option| &*option.name).collect();
    assert_eq!(names, ["msg", "content", "nocase", "isdataat", "sid"]);
    assert_eq!(&*rule.option("msg").unwrap().value.as_ref().unwrap().unescaped(), b"a;b");
    assert!(rule.options[1].value.as_ref().unwrap().is_negated());
    assert!(!rule.options[3].value.as_ref().unwrap().is_negated(), "a bare value keeps its exclamation mark");
    assert_eq!(
        rule.to_string(),
        "alert tls:client_hello_done [$HOME_NET,!10.0.0.1] 1024: => any ![80,443:444] \
         (msg:\"a\\;b\"; content:!\"c\"; nocase; isdataat:!2,relative; sid:1;)"
    );
    assert_eq!(one(&rule.to_string()), rule);
}

#[test]
fn spans_point_into_the_file() {
    let line = "alert tcp any any -> 10.0.0.1 80 (content:!\"a\"; sid: 1 ;)";
    let rule = one(line);
    let part = |span: Span| &line[span.start as usize..span.end as usize];
    assert_eq!(part(rule.header.dst.span), "10.0.0.1");
    assert_eq!(part(rule.header.dst_port.span), "80");
    assert_eq!(part(rule.options[0].name_span), "content");
    assert_eq!(part(rule.options[0].span), "content:!\"a\"");
    assert_eq!(part(rule.options[0].value.as_ref().unwrap().span()), "!\"a\"");
    assert_eq!(part(rule.options[1].value.as_ref().unwrap().text().span()), "1");
}

#[test]
fn a_missing_semicolon_is_told_at_its_place() {
    assert_eq!(
        faults("(msg:\"x\" content:\"abc\"; sid:1;)"),
        [("missing-semicolon", " content:\"abc\"; sid:1;)".to_owned())]
    );
    for (options, at) in [
        ("(content:\"x\" nocase; sid:1;)", " nocase; sid:1;)"),
        ("(content:\"x\"content:!\"y\"; sid:1;)", "content:!\"y\"; sid:1;)"),
        ("(pcre:\"/a\\\"/i\" content:\"y\"; sid:1;)", " content:\"y\"; sid:1;)"),
        ("(content:\"x\"; nocase depth:3; sid:1;)", " depth:3; sid:1;)"),
        ("(content:\"x\"; depth:3 content:\"y\"; sid:1;)", " content:\"y\"; sid:1;)"),
        ("(flow:established content:\"y\"; sid:1;)", " content:\"y\"; sid:1;)"),
        ("(sid:1 rev:2;)", " rev:2;)"),
        ("(sid:1; rev:2)", ")"),
        ("(sid:1; msg:\"x\" )", " )"),
        ("(sid:1; nocase)", ")"),
    ] {
        assert_eq!(faults(options), [("missing-semicolon", at.to_owned())], "{options}");
    }
}

#[test]
fn quotes_inside_of_a_regular_expression_swallow_nothing() {
    for value in ["/^[\"']?post/Ri", "/(%22|\")org(\")=/", "/\"name:\"/", "/a \"url\" x:\"y\"/"] {
        one(&format!("{HEAD}(pcre:\"{value}\"; sid:1;)"));
    }
    one(&format!("{HEAD}(reference:url,\"example.com/a?id=1\"; sid:1;)"));
}

#[test]
fn faults_of_options() {
    for (options, code, at) in [
        ("(msg:\"a;b\"; sid:1;)", "unescaped-semicolon", ";b\"; sid:1;)"),
        ("(msg:\"a; content:\"b\"; sid:1;)", "unclosed-quote", "\"a; content:\"b\"; sid:1;)"),
        ("(msg:\"a; sid:1;)", "unclosed-quote", "\"a; sid:1;)"),
        ("(content:\"a\", nocase; sid:1;)", "text-after-quote", ", nocase; sid:1;)"),
        ("(sid:1;; rev:1;)", "empty-option", "; rev:1;)"),
        ("(sid:1; %x; rev:1;)", "not-a-keyword", "%x; rev:1;)"),
        ("(sid=1; rev:1;)", "bad-option", "=1; rev:1;)"),
        ("(sid:1;", "unclosed-rule", ""),
        ("(sid:1", "unclosed-rule", ""),
        ("(sid", "unclosed-rule", ""),
        ("(sid:1;) alert", "trailing-text", "alert"),
        ("sid:1;", "missing-options", "sid:1;"),
        ("", "missing-options", " "),
    ] {
        assert_eq!(faults(options), [(code, at.to_owned())], "{options}");
    }
}

#[test]
fn several_mistakes_in_one_rule_are_all_told() {
    let line = "alrt tcp 10.0.0.300 any <- any 70000 (msg:\"x\" content:\"a;b\"; %; sid:1 rev:1)";
    let codes: Vec<&str> = parsed(line).diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(
        codes,
        [
            "unknown-action",
            "bad-address",
            "reverse-direction",
            "bad-port",
            "missing-semicolon",
            "unescaped-semicolon",
            "not-a-keyword",
            "missing-semicolon",
            "missing-semicolon",
        ]
    );
}

#[test]
fn faults_of_headers() {
    for (line, code, part) in [
        ("log tcp any any -> any any (sid:1;)", "unknown-action", "log"),
        ("accept:hook tcp:all any any -> any any (sid:1;)", "firewall-action", "accept:hook"),
        ("drop:flow tcp any any -> any any (sid:1;)", "action-scope", "drop:flow"),
        ("alert (sid:1;)", "missing-protocol", ""),
        ("alert tls: any any -> any any (sid:1;)", "bad-hook", ":"),
        ("alert $X any any -> any any (sid:1;)", "bad-protocol", "$X"),
        ("alert tcp any -> any any (sid:1;)", "missing-port", ""),
        ("alert tcp any any -> any (sid:1;)", "missing-port", ""),
        ("alert tcp any any >> any any (sid:1;)", "missing-direction", ">>"),
        ("alert tcp any any <- any any (sid:1;)", "reverse-direction", "<-"),
        ("alert tcp any any -> any 80 81 (sid:1;)", "missing-options", "81 "),
        ("alert tcp any any -> any [80,81 (sid:1;)", "unclosed-bracket", "["),
        ("alert tcp [10.0.0.1 any -> any any (sid:1;)", "unclosed-bracket", "["),
        ("alert tcp any [80 -> any any (sid:1;)", "unclosed-bracket", "["),
        ("alert tcp any [80 81] -> any any (sid:1;)", "missing-comma", "8"),
        ("alert tcp any [] -> any any (sid:1;)", "empty-list-member", "]"),
        ("alert tcp any [80,,81] -> any any (sid:1;)", "empty-list-member", ","),
        ("alert tcp any !!80 -> any any (sid:1;)", "double-negation", "!"),
        ("alert tcp $A$B any -> any any (sid:1;)", "bad-variable-name", "$A$B"),
        ("alert tcp 10.0.0.1/33 any -> any any (sid:1;)", "bad-address", "33"),
        ("alert tcp any [1, 2:x] -> any any (sid:1;)", "bad-port", "x"),
    ] {
        assert_eq!(header_faults(line), [(code, part.to_owned())], "{line}");
    }
}

#[test]
fn the_others_load_when_one_is_refused() {
    let parsed = parsed(
        "alert tcp any any -> any any (sid:1;)\nalert tcp any any -> any any (sid:7; x y;)\n\
                         alert tcp any any -> any any (sid:2;)\n",
    );
    assert_eq!(parsed.rules.len(), 2);
    assert_eq!(parsed.refused.iter().map(|refused| refused.sid).collect::<Vec<_>>(), [Some(7)]);
}

#[test]
fn the_outermost_brackets_can_be_left_out() {
    let rule = one("alert tcp 10.0.0.1,!$HOME_NET !5800,!445 -> any 80 (sid:1;)");
    assert_eq!(rule.header.src.to_string(), "[10.0.0.1,!$HOME_NET]");
    assert_eq!(rule, one("alert tcp [10.0.0.1,!$HOME_NET] [!5800,!445] -> any 80 (sid:1;)"));
    assert_eq!(header_faults("alert tcp any 80, -> any any (sid:1;)"), [("missing-port", String::new())]);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        parsed(format!("alert tcp {open}10.0.0.1{close} any -> any any (sid:1;)"))
    };
    assert_eq!(nested(64).rules.len(), 1);
    for depth in [65, 10_000, 1_000_000] {
        let found = nested(depth).diagnostics;
        assert_eq!((found.len(), found[0].code, found[0].span.start), (1, "too-deeply-nested", 10 + 64));
    }
}

#[test]
fn a_group_stands_alone_in_a_variable() {
    use crate::header::address::AddressRange;
    let read = |text: &str| group::<AddressRange>(&Text::detached(text).unwrap());
    assert_eq!(read(" ! $HOME_NET ").unwrap().to_string(), "!$HOME_NET");
    assert_eq!(read("[10.0.0.0/8, ::1]").unwrap().to_string(), "[10.0.0.0/8,::1]");
    assert_eq!(read("10.0.0.1 10.0.0.2").unwrap_err().code, "trailing-text");
    assert_eq!(read("").unwrap_err().code, "missing-address");
}
