//! What a record tells of a command with its reply.

use super::fields;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of FTP.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Ftp, protocols: &[AppProtocol::Ftp], tell };

fn tell(teller: &mut Teller<'_>) {
    teller.text("command", &fields::COMMAND, ToServer);
    teller.text("argument", &fields::COMMAND_DATA, ToServer);
    teller.texts("codes", &fields::COMPLETION_CODE, ToClient);
    teller.texts("reply", &fields::REPLY, ToClient);
    let port = teller.number(&fields::DYNAMIC_PORT, ToServer);
    teller.count("data_port", port);
    if port.is_some() {
        teller.named("mode", &fields::MODE, ToServer);
    }
}
