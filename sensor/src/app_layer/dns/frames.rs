//! The frames of DNS (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Dns], Carried::Both;
    /// A message, over TCP without the length before it.
    Pdu = "dns.pdu",
}
