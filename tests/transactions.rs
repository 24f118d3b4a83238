//! How often rules on transactions alert.

use crate::cases::replay;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// How often each rule alerts over a session.
fn alerts(session: Session, rules: &str) -> BTreeMap<u64, u64> {
    let folder = TempDir::new().unwrap();
    let capture = folder.path().join("test.pcap");
    fs::write(&capture, pcap(&session.close().frames())).unwrap();
    alerts_on(&capture, rules)
}

/// How often each rule alerts on a capture.
fn alerts_on(capture: &Path, rules: &str) -> BTreeMap<u64, u64> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("test.rules");
    fs::write(&file, rules).unwrap();
    let output = replay(&[capture], &["-S", &file.display().to_string()]);
    let mut alerts = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        *alerts.entry(event["data"]["alert"]["sid"].as_u64().unwrap()).or_default() += 1;
    }
    alerts
}

/// The parts of a form, each a file of that name that holds that text.
fn form(files: &[(&str, &str)]) -> Vec<String> {
    let part = |(name, text): &(&str, &str)| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n{text}\r\n"
        )
    };
    files.iter().map(part).chain(["--b--\r\n".to_owned()]).collect()
}

/// A form that is sent part by part, each acknowledged before the next.
fn upload(files: &[(&str, &str)]) -> Session {
    let parts = form(files);
    let len: usize = parts.iter().map(String::len).sum();
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {len}\r\n\r\n"
    );
    let session = Session::v4("10.0.0.1:40000", "203.0.113.1:80").handshake().client(head.as_bytes());
    let session =
        parts.iter().fold(session.server_ack(), |session, part| session.client(part.as_bytes()).server_ack());
    session.server(b"HTTP/1.1 204 No Content\r\n\r\n").client_ack()
}

#[test]
fn a_rule_on_whole_files_alerts_for_each() {
    let files = [("one.jpg", "first"), ("two.txt", "second"), ("three.jpg", "third")];
    let rules = "\
        alert http any any -> any any (http.uri; content:\"/upload\"; filename:\".jpg\"; filestore; sid:1;)\n\
        alert http any any -> any any (filestore; sid:2;)\n\
        alert http any any -> any any (filesize:5; sid:3;)\n\
        alert http any any -> any any (filename:\".jpg\"; sid:4;)\n\
        alert http any any -> any any (file.data; content:\"first\"; file.name; content:\"two\"; sid:5;)\n\
        alert http any any -> any any (http.uri; content:\"/other\"; filestore; sid:6;)\n";
    let expected = [(1, 2), (2, 3), (3, 2), (4, 1), (5, 1)];
    assert_eq!(alerts(upload(&files), rules), BTreeMap::from(expected));
    assert_eq!(alerts(upload(&files[..1]), rules), BTreeMap::from([(1, 1), (2, 1), (3, 1), (4, 1)]));
}

#[test]
fn rules_on_dns_and_on_http_see_dns_over_http_2() {
    let rules = "\
        alert dns any any -> any any (dns.query; content:\"www.example.com\"; sid:1;)\n\
        alert doh2 any any -> any any (dns.query; content:\"missing.example.com\"; sid:2;)\n\
        alert dns any any -> any any (dns.rcode:NXDOMAIN; sid:3;)\n\
        alert dns any any -> any any (dns.response.rrname; content:\"mail.example.com\"; sid:4;)\n\
        alert http2 any any -> any any (http.uri; content:\"/dns-query\"; startswith; sid:5;)\n\
        alert doh2 any any -> any any (http.method; content:\"GET\"; dns.query; content:\"missing\"; sid:6;)\n\
        alert dns any any -> any any (dns.query; content:\"example.org\"; sid:7;)\n";
    let expected = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 3), (6, 1)];
    assert_eq!(alerts_on(&fixtures::pcap("dns/over-http2.pcap"), rules), BTreeMap::from(expected));
}

#[test]
fn a_rule_on_nothing_but_a_state_alerts_with_all_that_comes_in_it() {
    let session = Session::v4("10.0.0.1:40000", "203.0.113.1:80")
        .handshake()
        .client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .server_ack()
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        .client_ack()
        .server(b"def")
        .client_ack()
        .server(b"ghi")
        .client_ack();
    let rules = "\
        alert http1:response_started any any -> any any (sid:1;)\n\
        alert http1:response_headers any any -> any any (sid:2;)\n\
        alert http1:response_body any any -> any any (sid:3;)\n\
        alert http1:response_complete any any -> any any (sid:4;)\n\
        alert http1:response_headers any any -> any any (http.stat_code; content:\"200\"; sid:5;)\n";
    let expected = [(1, 1), (2, 1), (3, 2), (4, 1), (5, 1)];
    assert_eq!(alerts(session, rules), BTreeMap::from(expected));
}

#[test]
fn data_that_are_to_go_to_somebody_else_are_a_bounce() {
    let rule = "alert ftp any any -> any any (ftpbounce; sid:1;)\n";
    for (port, bounces) in [("10,0,0,1,4,1", 0), ("10,0,0,9,4,1", 1), ("10,0,0,9", 0)] {
        let session = Session::v4("10.0.0.1:40000", "203.0.113.1:21")
            .handshake()
            .server(b"220 (ready)\r\n")
            .client_ack()
            .client(format!("PORT {port}\r\n").as_bytes())
            .server(b"200 fine\r\n")
            .client_ack();
        assert_eq!(alerts(session, rule).get(&1).copied().unwrap_or(0), bounces, "{port}");
    }
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    [&[0, 0, len, kind, flags, 0, 0, 0, stream], payload].concat()
}

#[test]
fn rules_for_dns_and_for_http_2_look_at_dns_over_http_2() {
    let field = |(name, value): (&str, &str)| {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        [vec![0], text(name), text(value)].concat()
    };
    // RFC 8484, section 4.1.1, with another name.
    let path = "/dns-query?dns=AAABAAABAAAAAAAAB2V4YW1wbGUDY29tAAABAAE";
    let fields = [(":method", "GET"), (":path", path), (":authority", "dns.example")].map(field).concat();
    let request =
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(4, 0, 0, b""), &frame(1, 5, 1, &fields)].concat();
    let session = || {
        Session::v4("10.0.0.1:40000", "203.0.113.1:80")
            .handshake()
            .client(&request)
            .server_ack()
            .server(&frame(4, 0, 0, b""))
            .client_ack()
    };
    let rules = "\
        alert doh2 any any -> any any (dns.query; content:\"example.com\"; sid:1;)\n\
        alert dns any any -> any any (dns.query; content:\"example.com\"; sid:2;)\n\
        alert http2 any any -> any any (http.method; content:\"GET\"; sid:3;)\n\
        alert tcp any any -> any any (dns.rrtype:A; sid:4;)\n\
        alert dns any any -> any any (dns.query; content:\"other\"; sid:5;)\n\
        alert http1 any any -> any any (http.method; content:\"GET\"; sid:6;)\n";
    assert_eq!(alerts(session(), rules), BTreeMap::from([(1, 1), (2, 1), (3, 1), (4, 1)]));
}
