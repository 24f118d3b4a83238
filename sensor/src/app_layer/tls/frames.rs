//! The frames of TLS (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Tls], Carried::Tcp;
    /// A record.
    Pdu = "tls.pdu",
    /// The header of a record: its first five bytes.
    Hdr = "tls.hdr",
    /// What a record carries.
    Data = "tls.data",
    /// What a record of an alert carries.
    Alert = "tls.alert",
    /// What a record of a heartbeat carries.
    Heartbeat = "tls.heartbeat",
    /// The header of a record of SSL 2.
    Ssl2Hdr = "tls.ssl2.hdr",
    /// A record of SSL 2.
    Ssl2Pdu = "tls.ssl2.pdu",
}
