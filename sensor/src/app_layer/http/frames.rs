//! The frames of HTTP/1 (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Http1], Carried::Tcp;
    /// A request, from its first line to the end of its body.
    Request = "http1.request",
    /// A response, from its first line to the end of its body.
    Response = "http1.response",
}
