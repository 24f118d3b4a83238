//! What a record tells of a handshake.

use super::fields;
use super::wire::version;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of TLS.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Tls, protocols: &[AppProtocol::Tls], tell };

fn tell(teller: &mut Teller<'_>) {
    let version = [ToClient, ToServer].into_iter().find_map(|way| teller.number(&fields::VERSION, way));
    teller.bytes("version", version.map(|number| name_of(number).into_bytes()));
    teller.text("sni", &fields::SNI, ToServer);
    teller.texts("alpn_offered", &fields::ALPN, ToServer);
    teller.text("alpn", &fields::ALPN, ToClient);
    teller.text("ja3", &fields::JA3_HASH, ToServer);
    teller.text("ja3s", &fields::JA3S_HASH, ToClient);
    teller.text("ja4", &fields::JA4_HASH, ToServer);
    teller.text("subject", &fields::CERT_SUBJECT, ToClient);
    teller.text("issuer", &fields::CERT_ISSUER, ToClient);
    teller.text("serial", &fields::CERT_SERIAL, ToClient);
    teller.text("fingerprint", &fields::CERT_FINGERPRINT, ToClient);
    teller.texts("alternative_names", &fields::SUBJECT_ALT_NAME, ToClient);
    let valid = [("not_before", &fields::NOT_BEFORE), ("not_after", &fields::NOT_AFTER)];
    for (name, field) in valid {
        let seconds = teller.number(field, ToClient);
        teller.count(name, seconds);
    }
}

/// The name of a version, such as `TLS 1.2`.
fn name_of(number: u64) -> String {
    const NAMES: [(u64, &str); 8] = [
        (version::SSL2 as u64, "SSL 2.0"),
        (0x0300, "SSL 3.0"),
        (0x0301, "TLS 1.0"),
        (0x0302, "TLS 1.1"),
        (0x0303, "TLS 1.2"),
        (0x0304, "TLS 1.3"),
        (0xfeff, "DTLS 1.0"),
        (0xfefd, "DTLS 1.2"),
    ];
    let name = NAMES.iter().find(|&&(known, _)| known == number).map(|(_, name)| (*name).to_owned());
    name.unwrap_or_else(|| format!("{number:#06x}"))
}
