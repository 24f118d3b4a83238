//! The frames of HTTP/2 (Suricata documentation: "HTTP2 Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Http2], Carried::Tcp;
    /// A frame of HTTP/2.
    Pdu = "http2.pdu",
    /// The header of a frame of HTTP/2: its first nine bytes.
    Hdr = "http2.hdr",
    /// The payload of a frame of HTTP/2.
    Data = "http2.data",
}
