//! Fingerprints of hellos: JA3 and JA3S (Salesforce, "JA3 - A method for profiling SSL/TLS Clients"), and JA4 of
//! clients (FoxIO, "JA4: TLS Client Fingerprinting").

use super::hello::{Carriage, Hello, extension};
use super::wire::{Cursor, is_grease, version, words};
use crate::app_layer::hex::hex;
use md5::{Digest, Md5};
use sha2::Sha256;
use std::fmt::{Display, Write};

/// Version, cipher suites, extensions, groups and point formats of a client.
pub(super) fn ja3(hello: &Hello) -> String {
    let groups = Cursor(hello.extension(extension::SUPPORTED_GROUPS).unwrap_or_default()).vector16();
    let formats = Cursor(hello.extension(extension::POINT_FORMATS).unwrap_or_default()).vector8();
    let mut text = hello.legacy_version().to_string();
    let extensions = hello.extensions().map(|(kind, _)| kind);
    push_list(&mut text, hello.ciphers().filter(known));
    push_list(&mut text, extensions.filter(known));
    push_list(&mut text, words(groups.unwrap_or_default()).filter(known));
    push_list(&mut text, formats.unwrap_or_default());
    text
}

/// Version, cipher suite and extensions of a server.
pub(super) fn ja3s(hello: &Hello) -> String {
    let mut text = hello.legacy_version().to_string();
    push_list(&mut text, hello.ciphers());
    push_list(&mut text, hello.extensions().map(|(kind, _)| kind).filter(known));
    text
}

/// The MD5 of such a string, in hex.
pub(super) fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text))
}

fn known(value: &u16) -> bool {
    !is_grease(*value)
}

/// A comma, and values with `-` between them.
fn push_list(text: &mut String, values: impl IntoIterator<Item = impl Display>) {
    text.push(',');
    for (at, value) in values.into_iter().enumerate() {
        let between = if at > 0 { "-" } else { "" };
        write!(text, "{between}{value}").expect("a string takes all");
    }
}

/// JA4 of a client.
pub(super) fn ja4(hello: &Hello) -> String {
    let mut ciphers: Vec<u16> = hello.ciphers().filter(known).collect();
    let mut extensions: Vec<u16> = hello.extensions().map(|(kind, _)| kind).filter(known).collect();
    let name = if extensions.contains(&extension::SERVER_NAME) { 'd' } else { 'i' };
    let carriage = match hello.carriage {
        Carriage::Stream => 't',
        Carriage::Datagrams => 'd',
    };
    let start = format!(
        "{carriage}{}{name}{:02}{:02}{}",
        version_code(hello),
        ciphers.len().min(99),
        extensions.len().min(99),
        protocol_code(hello.protocols().next().unwrap_or_default()),
    );
    ciphers.sort_unstable();
    extensions.retain(|kind| !matches!(*kind, extension::SERVER_NAME | extension::ALPN));
    extensions.sort_unstable();
    let mut sorted = hex_list(&extensions);
    let algorithms = Cursor(hello.extension(extension::SIGNATURE_ALGORITHMS).unwrap_or_default()).vector16();
    let algorithms: Vec<u16> = words(algorithms.unwrap_or_default()).filter(known).collect();
    if !algorithms.is_empty() {
        sorted.push('_');
        sorted.push_str(&hex_list(&algorithms));
    }
    format!("{start}_{}_{}", short_hash(&hex_list(&ciphers)), short_hash(&sorted))
}

/// The highest version that the client would take.
fn version_code(hello: &Hello) -> &'static str {
    // Versions of DTLS count down (RFC 6347, section 4.1).
    let rank = |version: &u16| if *version >= 0xfe00 { u16::MAX - version } else { *version };
    match hello.offered_versions().max_by_key(rank).unwrap_or(hello.legacy_version()) {
        version::TLS13 => "13",
        version::TLS12 => "12",
        version::TLS11 => "11",
        version::TLS10 => "10",
        version::SSL3 => "s3",
        version::SSL2 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// The first and the last character of a protocol's name; of their hex digits if they are neither digits nor letters.
fn protocol_code(name: &[u8]) -> String {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return String::from_utf8_lossy(&[first, last]).into_owned();
    }
    let digits = hex(&[first, last]);
    format!("{}{}", &digits[..1], &digits[3..])
}

fn hex_list(values: &[u16]) -> String {
    values.iter().map(|value| hex(&value.to_be_bytes())).collect::<Vec<_>>().join(",")
}

/// The first 12 hex digits of the SHA-256; zeros for nothing.
fn short_hash(text: &str) -> String {
    if text.is_empty() { "0".repeat(12) } else { hex(&Sha256::digest(text)[..6]) }
}
