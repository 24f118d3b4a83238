//! Fields of TLS (Suricata documentation: "SSL/TLS Keywords", "JA3/JA4 Keywords").

use super::keywords;
use super::progress::{CERTIFICATES, HELLO, STARTED};
use rules::field::ask_content;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, LentKeyword, Reach};

const TLS: &[AppProtocol] = &[AppProtocol::Tls];
const FINGERPRINTED: &[AppProtocol] = &[AppProtocol::Tls, AppProtocol::Quic];
const CLIENT_HELLO: Reach = Reach::to_server(HELLO);
const SERVER_HELLO: Reach = Reach::to_client(HELLO);
const EITHER_HELLO: Reach = Reach::both(HELLO, HELLO);
const EITHER_CERTIFICATE: Reach = Reach::both(CERTIFICATES, CERTIFICATES);

fields! {
    /// The server name that the client asks for.
    SNI = Field::bytes("tls.sni", TLS, CLIENT_HELLO).alias(&["tls_sni"]);
    /// Each application protocol offered or chosen (RFC 7301).
    ALPN = Field::many_bytes("tls.alpn", TLS, EITHER_HELLO);
    /// The 32 random bytes of the hello.
    RANDOM = Field::bytes("tls.random", TLS, EITHER_HELLO);
    /// The first 4 of them, once meant as time.
    RANDOM_TIME = Field::bytes("tls.random_time", TLS, EITHER_HELLO);
    /// The other 28 of them.
    RANDOM_BYTES = Field::bytes("tls.random_bytes", TLS, EITHER_HELLO);
    /// The subject of the certificate.
    CERT_SUBJECT = Field::bytes("tls.cert_subject", TLS, EITHER_CERTIFICATE).alias(&["tls_cert_subject"]);
    /// The issuer of the certificate.
    CERT_ISSUER = Field::bytes("tls.cert_issuer", TLS, EITHER_CERTIFICATE).alias(&["tls_cert_issuer"]);
    /// The serial number of the certificate: hex in upper case, a colon between bytes.
    CERT_SERIAL = Field::bytes("tls.cert_serial", TLS, EITHER_CERTIFICATE).alias(&["tls_cert_serial"]);
    /// The SHA-1 of the certificate: hex in lower case, a colon between bytes.
    CERT_FINGERPRINT =
        Field::bytes("tls.cert_fingerprint", TLS, EITHER_CERTIFICATE).alias(&["tls_cert_fingerprint"]);
    /// Each certificate of the chain, in DER.
    CERTS = Field::many_bytes("tls.certs", TLS, EITHER_CERTIFICATE).alias(&["tls_certs"]);
    /// Each alternative name of the certificate's subject.
    SUBJECT_ALT_NAME = Field::many_bytes("tls.subjectaltname", TLS, EITHER_CERTIFICATE);
    /// The number of certificates in the chain.
    CERT_CHAIN_LEN = Field::number("tls.cert_chain_len", TLS, EITHER_CERTIFICATE, 0xffff_ffff);
    /// JA3 of the client: its MD5 in hex.
    JA3_HASH = Field::bytes("ja3.hash", FINGERPRINTED, CLIENT_HELLO).alias(&["ja3_hash"]);
    /// JA3 of the client, before it is hashed.
    JA3_STRING = Field::bytes("ja3.string", FINGERPRINTED, CLIENT_HELLO).alias(&["ja3_string"]);
    /// JA3S of the server: its MD5 in hex.
    JA3S_HASH = Field::bytes("ja3s.hash", FINGERPRINTED, SERVER_HELLO);
    /// JA3S of the server, before it is hashed.
    JA3S_STRING = Field::bytes("ja3s.string", FINGERPRINTED, SERVER_HELLO);
    /// JA4 of the client.
    JA4_HASH = Field::bytes("ja4.hash", FINGERPRINTED, CLIENT_HELLO).alias(&["ja4_hash"]);
}

/// The version of each side's hello, and once negotiated that: the two bytes of the protocol.
pub static VERSION: Field = Field::number("tls.version", TLS, EITHER_HELLO, 65_535);
/// Since when the certificate is valid, in seconds since 1970.
pub static NOT_BEFORE: Field = Field::number("tls_cert_notbefore", TLS, EITHER_CERTIFICATE, u64::MAX);
/// Until when the certificate is valid, in seconds since 1970.
pub static NOT_AFTER: Field = Field::number("tls_cert_notafter", TLS, EITHER_CERTIFICATE, u64::MAX);
/// 1 if the certificate has not expired at the time of the handshake, 0 if it has.
pub static VALID: Field = Field::number("tls_cert_valid", TLS, EITHER_CERTIFICATE, 1);
/// The types of the handshake's messages (RFC 8446, section 4).
pub static STATE: Field = Field::many_numbers("ssl_state", TLS, Reach::both(STARTED, STARTED), 255);

/// Keywords about these fields with values of their own form.
pub static KEYWORDS: &[LentKeyword] = &[
    LentKeyword {
        name: "tls.version",
        aliases: &[],
        doc: "The negotiated version: `1.0` to `1.3`, or its two bytes in hex.",
        read: keywords::version,
    },
    LentKeyword {
        name: "ssl_version",
        aliases: &[],
        doc: "One of several versions: sslv2, sslv3, tls1.0 to tls1.3, or with `!` before each none of them.",
        read: keywords::versions,
    },
    LentKeyword {
        name: "ssl_state",
        aliases: &[],
        doc: "A message of the handshake: client_hello, server_hello, client_keyx, server_keyx, unknown; \
              several with `|`.",
        read: keywords::state,
    },
    LentKeyword {
        name: "tls_cert_notbefore",
        aliases: &[],
        doc: "Since when the certificate is valid, compared with a date: `2008-05-01`, `>2015`, `2014<>2016`.",
        read: |argument, draft| keywords::date(&NOT_BEFORE, argument, draft),
    },
    LentKeyword {
        name: "tls_cert_notafter",
        aliases: &[],
        doc: "Until when the certificate is valid, compared with a date.",
        read: |argument, draft| keywords::date(&NOT_AFTER, argument, draft),
    },
    LentKeyword {
        name: "tls_cert_valid",
        aliases: &[],
        doc: "The certificate has not expired at the time of the handshake; nothing else of it is checked.",
        read: |argument, draft| keywords::valid(true, argument, draft),
    },
    LentKeyword {
        name: "tls_cert_expired",
        aliases: &[],
        doc: "The certificate has expired at the time of the handshake.",
        read: |argument, draft| keywords::valid(false, argument, draft),
    },
    LentKeyword {
        name: "tls.subject",
        aliases: &["tls_subject"],
        doc: "Bytes that the certificate's subject holds: the older form of `tls.cert_subject`.",
        read: |argument, draft| ask_content(&CERT_SUBJECT, argument, draft, |_| {}),
    },
    LentKeyword {
        name: "tls.issuerdn",
        aliases: &["tls_issuerdn"],
        doc: "Bytes that the certificate's issuer holds: the older form of `tls.cert_issuer`.",
        read: |argument, draft| ask_content(&CERT_ISSUER, argument, draft, |_| {}),
    },
    LentKeyword {
        name: "tls.fingerprint",
        aliases: &["tls_fingerprint"],
        doc: "The certificate's SHA-1 in hex: the older form of `tls.cert_fingerprint`.",
        read: |argument, draft| ask_content(&CERT_FINGERPRINT, argument, draft, |_| {}),
    },
    LentKeyword {
        name: "tls.store",
        aliases: &["tls_store"],
        doc: "Holds wherever a certificate is seen; what is known of it stands in the event, nothing is written to \
              disk.",
        read: keywords::store,
    },
];
