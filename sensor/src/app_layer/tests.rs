use super::{PROTOCOLS, SPEECHES, Spoken, vocabulary};
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::diagnostic::Severity;
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::protocol::Support;
use rules::signature::{Signature, Way};
use rules::text::Source;
use rules::vocabulary::{Vocabulary, Word};
use std::collections::HashSet;

fn compiled(rule: &str, vocabulary: &Vocabulary) -> Result<Signature, (Severity, &'static str)> {
    let source = Source::new("test", rule).unwrap();
    let parsed = parse(&source);
    assert!(parsed.refused.is_empty(), "{rule}: {:?}", parsed.diagnostics);
    let (classes, names, variables) = (Classes::default(), Names::default(), Variables::none());
    let context = Context { vocabulary, classes: &classes, names: &names };
    compile(&parsed.rules[0], &context, &mut Resolver::new(&variables))
        .map(|(signature, _)| signature)
        .map_err(|faults| (faults[0].severity, faults[0].code))
}

fn options(protocol: &str, options: &str) -> Result<Signature, (Severity, &'static str)> {
    compiled(&format!("alert {protocol} any any -> any any ({options}; sid:1;)"), &vocabulary())
}

#[test]
fn every_word_is_lent_once_and_explained() {
    let vocabulary = vocabulary();
    let mut seen = HashSet::new();
    for lexicon in PROTOCOLS {
        for field in lexicon.fields {
            assert!(!field.doc.is_empty(), "{}", field.name);
            for name in [field.name].iter().chain(field.aliases).chain(field.modifier.as_slice()) {
                assert!(seen.insert(*name), "{name} twice");
                assert!(
                    matches!(vocabulary.word(name), Some(Word::Field(_) | Word::Modifier(_))),
                    "{name} is hidden by another word"
                );
            }
        }
        for keyword in lexicon.keywords {
            assert!(!keyword.doc.is_empty(), "{}", keyword.name);
            assert!(
                [keyword.name].iter().chain(keyword.aliases).all(|name| seen.insert(name)),
                "{}",
                keyword.name
            );
        }
    }
    assert!(seen.len() > 120, "{}", seen.len());
}

#[test]
fn keywords_with_values_of_their_own_form_are_read() {
    for (protocol, said) in [
        ("tcp", r#"uricontent:"one"; nocase; uricontent:"two"; within:5"#),
        ("tcp", "urilen:17, raw"),
        ("http", "urilen:<70,norm"),
        ("tls", r#"tls.version:"1.2""#),
        ("tls", "tls.version:0x7f12"),
        ("tls", "ssl_version:!sslv2,!sslv3"),
        ("tls", "ssl_state:client_hello|server_hello"),
        ("tls", "tls_cert_notbefore:1998-05-01<>2008-05-01"),
        ("tls", "tls_cert_notafter:>2015"),
        ("tls", "tls_cert_expired"),
        ("tls", r#"tls.fingerprint:!"f3:40""#),
        ("tls", "tls.store"),
        ("ssh", "ssh.protoversion:2_compat"),
        ("ftp", "ftpbounce"),
        ("ftp", "ftp.reply_received:no"),
        ("ftp-data", "ftpdata_command:stor"),
        ("smb", "dcerpc.iface:12345678-1234-abcd-ef00-0123456789ab,>1,any_frag"),
        ("tcp", "dcerpc.opnum:1-10,15"),
        ("http2", "http2.settings:SETTINGS_HEADER_TABLE_SIZE>1000"),
        ("http2", "http2.frametype:GOAWAY"),
        ("dns", "dns.rrtype:AAAA"),
        ("tcp", r#"filename:!"x"; fileext:"pdf"; filesize:1KB<>2MB; filestore"#),
        ("http", "filestore:both,file"),
        ("http", "filemd5:bad.md5; filesha1:!good.sha1; filesha256: lists/bad.sha256"),
    ] {
        options(protocol, said).unwrap_or_else(|fault| panic!("{protocol} {said}: {fault:?}"));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (protocol, said, code) in [
        ("dns", r#"http.uri; content:"x""#, "other-protocol"),
        ("http", r#"flow:to_client; http.request_body; content:"x""#, "mixed-directions"),
        ("http", r#"http.uri; content:"x"; http.stat_code; content:"200""#, "mixed-directions"),
        ("http", r#"http.uri; sid:2; http.host; content:"x""#, "empty-buffer"),
        ("tls", r#"tls.sni:"x""#, "unexpected-value"),
        ("tls", "tls.version:1.4", "unknown-version"),
        ("tls", "ssl_version:sslv2,!sslv3", "contradictory-versions"),
        ("tls", "tls_cert_notafter:tomorrow", "bad-date"),
        ("http", "urilen:5,cooked", "unknown-word"),
        ("http", "uricontent:bare", "unquoted"),
        ("http2", "http2.settings:SETTINGS_NONE>1", "unknown-setting"),
        ("smb", "dcerpc.iface:12345678", "bad-uuid"),
        ("smb", "dcerpc.opnum:10-1", "empty-range"),
        ("ftp-data", "ftpdata_command:list", "unknown-word"),
        ("http", "filesize:1TB", "bad-size"),
        ("http", "filestore:up,file", "bad-filestore"),
        ("http", "filemd5", "missing-value"),
        ("http", "filemd5:/etc/bad.md5", "bad-path"),
        ("http", "filesha1:!../bad.sha1", "bad-path"),
        ("dns", "filesha256:bad.sha256", "other-protocol"),
        ("udp", r#"dsize:10; content:"boom"; content:"loom"; distance:3"#, "beyond-payload"),
        ("tls:no_such_state", r#"content:"x""#, "unknown-hook"),
    ] {
        let fault = options(protocol, said).expect_err(said);
        assert_eq!(fault, (Severity::Error, code), "{protocol} {said}");
    }
}

#[test]
fn what_is_not_supported_yet_is_not_called_a_mistake() {
    for (protocol, said) in [
        ("sip", r#"sip.method; content:"INVITE""#),
        ("tcp", "krb5_msg_type:10"),
        ("udp", "quic.version; content:\"1\""),
        ("tcp", "mqtt.type:CONNECT"),
        ("tcp:flow_start", "dsize:>0"),
    ] {
        assert_eq!(options(protocol, said).unwrap_err().0, Severity::NotSupported, "{protocol} {said}");
    }
}

#[test]
fn a_hook_says_the_way_and_the_progress() {
    let signature = options("tls:client_hello_done", r#"tls.sni; content:"x""#).unwrap();
    let hook = signature.hook.unwrap();
    assert_eq!((hook.to_server, hook.progress), (true, super::tls::progress::HELLO));
    assert_eq!(signature.kind, rules::signature::Kind::Transaction);
}

#[test]
fn a_content_that_a_modifier_moves_leaves_no_buffer_behind() {
    let buffers = |said: &str| options("http", said).unwrap().inspections.len();
    assert_eq!(buffers(r#"content:"x"; http_uri"#), 1);
    assert_eq!(buffers(r#"content:"x"; http_uri; content:"y"; http_method"#), 2);
    assert_eq!(buffers(r#"content:"y"; content:"x"; http_uri"#), 2);
}

#[test]
fn a_rule_says_which_parser_it_waits_for() {
    let spoken = Spoken::default();
    let waits = |protocol: &str, said: &str| spoken.waits_for(&options(protocol, said).unwrap());
    let lent = PROTOCOLS.iter().flat_map(|lexicon| lexicon.protocols);
    for protocol in lent.filter(|protocol| protocol.support() == Support::Loaded) {
        let parsed = SPEECHES.iter().any(|speech| speech.protocol.is(*protocol));
        let waited_for = (!parsed).then_some(protocol.name());
        assert_eq!(waits(protocol.name(), "flow:established"), waited_for);
    }
    assert_eq!(waits("dns", r#"dns.query; content:"x"; app-layer-state:request_complete"#), None);
    assert_eq!(waits("http", r#"http.uri; content:"x""#), None);
    assert_eq!(waits("http", r#"file.magic; content:"x""#), None);
    assert_eq!(waits("tcp", r#"content:"x""#), None);
}

#[test]
fn one_way_of_a_field_can_be_meant() {
    let said =
        r#"http.method; content:"POST"; file.data:to_client; content:"x"; file.data:to_server; content:"y""#;
    let rule = format!("alert http any any => any any ({said}; sid:1;)");
    let signature = compiled(&rule, &vocabulary()).unwrap();
    let ways: Vec<Way> = signature.inspections.iter().map(|inspection| inspection.way).collect();
    assert_eq!((signature.way, &*ways), (Way::Both, &[Way::Both, Way::ToClient, Way::ToServer][..]));
    let one = options("http", r#"file.data:to_client; content:"x""#).unwrap();
    assert_eq!(one.way, Way::ToClient, "where a rule looks one way, it looks that way");
    let mixed = options("http", r#"flow:to_server; file.data:to_client; content:"x""#);
    assert_eq!(mixed.unwrap_err().1, "mixed-directions");
    assert_eq!(options("http", r#"http.uri:to_client; content:"x""#).unwrap_err().1, "unexpected-value");
}
