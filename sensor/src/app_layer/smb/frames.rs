//! The frames of SMB (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Smb], Carried::Tcp;
    /// A packet of NetBIOS.
    NbssPdu = "smb.nbss.pdu",
    /// The four bytes before what a packet of NetBIOS carries.
    NbssHdr = "smb.nbss.hdr",
    /// What a packet of NetBIOS carries.
    NbssData = "smb.nbss.data",
    /// A message of SMB 1.
    Smb1Pdu = "smb.smb1.pdu",
    /// The header of a message of SMB 1.
    Smb1Hdr = "smb.smb1.hdr",
    /// What stands behind the header of a message of SMB 1.
    Smb1Data = "smb.smb1.data",
    /// A message of SMB 2.
    Smb2Pdu = "smb.smb2.pdu",
    /// The header of a message of SMB 2.
    Smb2Hdr = "smb.smb2.hdr",
    /// What stands behind the header of a message of SMB 2.
    Smb2Data = "smb.smb2.data",
    /// An encrypted message of SMB 3.
    Smb3Pdu = "smb.smb3.pdu",
    /// The header before what is encrypted.
    Smb3Hdr = "smb.smb3.hdr",
    /// What is encrypted.
    Smb3Data = "smb.smb3.data",
}
