//! The frames of SSH (Suricata documentation: "SSH Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Ssh], Carried::Tcp;
    /// The first six bytes of a packet in the clear: lengths, and the number of its message.
    RecordHdr = "ssh.record.hdr",
    /// What stands behind these six bytes.
    RecordData = "ssh.record.data",
    /// A packet in the clear.
    RecordPdu = "ssh.record.pdu",
}
