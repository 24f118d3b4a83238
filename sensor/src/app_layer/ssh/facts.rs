//! What a record tells of a connection.

use super::fields;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of SSH.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Ssh, protocols: &[AppProtocol::Ssh], tell };

fn tell(teller: &mut Teller<'_>) {
    teller.text("client_protocol", &fields::PROTO, ToServer);
    teller.text("client_software", &fields::SOFTWARE, ToServer);
    teller.text("server_protocol", &fields::PROTO, ToClient);
    teller.text("server_software", &fields::SOFTWARE, ToClient);
    teller.text("hassh", &fields::HASSH, ToServer);
    teller.text("hassh_server", &fields::HASSH_SERVER, ToClient);
}
