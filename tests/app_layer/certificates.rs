//! What rules see of the certificates of TLS, as OpenSSL reads them. Left out on both sides are quotes and backslashes in
//! names, and the zero before a serial number that would be negative without, which Suricata shows. Some parts of names
//! have other abbreviations there ([`PARTS`]). Alternative names that have no plain form rules do not see.

use super::streams::conversations;
use super::{captures, frames_with, values};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::tls::SPEECH;
use sensor::event::Direction;
use std::collections::HashSet;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};

/// What both readers tell of a certificate.
#[derive(Debug, Eq, PartialEq)]
struct Fields {
    subject: String,
    issuer: String,
    serial: String,
    fingerprint: String,
    /// Since and until when it is valid, in seconds since 1970.
    validity: [i64; 2],
    alternative_names: Vec<String>,
}

/// Parts of names, as OpenSSL abbreviates them and as rules see them.
const PARTS: [(&str, &str); 4] = [
    ("emailAddress=", "Email="),
    ("street=", "streetAddress="),
    ("jurisdictionC=", "msJurisdictionCountry="),
    ("jurisdictionST=", "msJurisdictionStateOrProvince="),
];

fn plain(name: &str) -> String {
    name.replace(['"', '\\'], "")
}

fn as_the_sensor_reads(conversation: &dyn Conversation, way: Direction) -> Fields {
    let read = |field| values(&SPEECH, conversation, 0, way, field);
    let text = |field| String::from_utf8_lossy(&read(field).concat()).into_owned();
    let time = |field| i64::from_be_bytes(read(field).concat().try_into().unwrap());
    let names = read("tls.subjectaltname").into_iter();
    let serial = text("tls.cert_serial").replace(':', "");
    Fields {
        subject: plain(&text("tls.cert_subject")),
        issuer: plain(&text("tls.cert_issuer")),
        serial: serial.strip_prefix("00").filter(|rest| !rest.is_empty()).unwrap_or(&serial).to_owned(),
        fingerprint: text("tls.cert_fingerprint"),
        validity: ["tls_cert_notbefore", "tls_cert_notafter"].map(time),
        alternative_names: names.map(|name| String::from_utf8(name).unwrap()).collect(),
    }
}

/// Nothing if OpenSSL is not installed.
fn as_openssl_reads(der: &[u8]) -> Option<Fields> {
    let shown = ["-subject", "-issuer", "-serial", "-fingerprint", "-sha1", "-startdate", "-enddate"];
    let mut openssl = Command::new("openssl")
        .args(["x509", "-inform", "DER", "-noout", "-dateopt", "iso_8601"])
        .args(["-nameopt", "sname,utf8,sep_comma_plus_space", "-ext", "subjectAltName"])
        .args(shown)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    openssl.stdin.take().unwrap().write_all(der).unwrap();
    let text = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let time =
        |name| line(name).replace(' ', "T").parse::<jiff::Timestamp>().map_or(0, |time| time.as_second());
    let name = |of| PARTS.iter().fold(plain(line(of)), |name, (theirs, ours)| name.replace(theirs, ours));
    let names = text.lines().find_map(|line| line.strip_prefix("    ")).unwrap_or_default().split(", ");
    Some(Fields {
        subject: name("subject="),
        issuer: name("issuer="),
        serial: line("serial=").to_owned(),
        fingerprint: line("sha1 Fingerprint=").to_ascii_lowercase(),
        validity: ["notBefore=", "notAfter="].map(time),
        alternative_names: names.filter_map(alternative_name).collect(),
    })
}

fn alternative_name(shown: &str) -> Option<String> {
    match shown.split_once(':')? {
        ("DNS" | "email" | "URI", name) => Some(name.to_owned()),
        ("IP Address", address) => Some(address.parse::<IpAddr>().unwrap().to_string()),
        _ => None,
    }
}

#[test]
fn certificates_are_what_openssl_reads() {
    let mut seen = HashSet::new();
    for capture in captures("tls") {
        let frames =
            frames_with(&capture, |packet| [packet.source_port, packet.destination_port].contains(&443));
        for (peers, conversation) in conversations(&frames, &SPEECH) {
            for way in Direction::ALL {
                let Some(der) = values(&SPEECH, &*conversation, 0, way, "tls.certs").into_iter().next()
                else {
                    continue;
                };
                let Some(expected) = as_openssl_reads(&der) else {
                    eprintln!("certificates_are_what_openssl_reads: skipped, OpenSSL is not installed");
                    return;
                };
                if seen.insert(der) {
                    let read = as_the_sensor_reads(&*conversation, way);
                    assert_eq!(read, expected, "{} {peers:?} {way:?}", capture.display());
                }
            }
        }
    }
    assert!(seen.len() >= 3, "only {} certificates", seen.len());
}
