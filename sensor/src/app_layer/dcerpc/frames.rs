//! The frames of DCE/RPC (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Dcerpc], Carried::Both;
    /// A unit.
    Pdu = "dcerpc.pdu",
    /// The header that all units begin with.
    Hdr = "dcerpc.hdr",
    /// What stands behind the header of a unit.
    Data = "dcerpc.data",
}
