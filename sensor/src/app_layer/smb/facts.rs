//! What a record tells of a session that is set up, a share that is connected to, a file, or a call over a named pipe.

use super::fields;
use crate::app_layer::dcerpc;
use crate::app_layer::file;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{self, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of SMB.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Smb, protocols: &[AppProtocol::Smb], tell };

fn tell(teller: &mut Teller<'_>) {
    teller.text("user", &fields::NTLMSSP_USER, ToServer);
    teller.text("domain", &fields::NTLMSSP_DOMAIN, ToServer);
    teller.text("share", &fields::SHARE, ToServer);
    teller.text("named_pipe", &fields::NAMED_PIPE, ToServer);
    // A transaction has a file one way alone.
    for way in Direction::ALL {
        teller.text("filename", &file::fields::NAME, way);
        let size = teller.number(&file::fields::SIZE, way);
        teller.count("size", size);
    }
    dcerpc::facts::tell(teller);
    if teller.has_told() {
        let version = teller.number(&fields::VERSION, ToServer);
        teller.count("version", version);
    }
}
