//! The fuzz corpora in the repository, run through the same functions as the fuzz targets (`tests/fuzz`), whole and cut
//! at every length.

#[path = "fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus")).join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs = 0;
    for entry in entries {
        let bytes =
            fs::read(entry.expect("a listed entry can be read").path()).expect("a corpus file can be read");
        (0..=bytes.len()).for_each(|len| target(&bytes[..len]));
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}

#[test]
fn rule_parse() {
    replay("rule_parse", targets::rule_parse);
}

#[test]
fn rule_compile() {
    replay("rule_compile", targets::rule_compile);
}

#[test]
fn decode() {
    replay("decode", targets::decode);
}

#[test]
fn dhcp() {
    replay("dhcp", targets::dhcp);
}

#[test]
fn dns() {
    replay("dns", targets::dns);
}

#[test]
fn http() {
    replay("http", targets::http);
}

#[test]
fn http2() {
    replay("http2", targets::http2);
}

#[test]
fn tls() {
    replay("tls", targets::tls);
}

#[test]
fn smtp() {
    replay("smtp", targets::smtp);
}

#[test]
fn stream() {
    replay("stream", targets::stream);
}

#[test]
fn ssh() {
    replay("ssh", targets::ssh);
}

#[test]
fn ftp() {
    replay("ftp", targets::ftp);
}

#[test]
fn smb() {
    replay("smb", targets::smb);
}

#[test]
fn dcerpc() {
    replay("dcerpc", targets::dcerpc);
}

#[test]
fn stepper() {
    replay("stepper", targets::stepper);
}

#[test]
fn packets() {
    replay("packets", targets::packets);
}
