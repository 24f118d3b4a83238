//! What a record tells of a call.

use super::fields;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::ToServer;
use rules::header::protocol::AppProtocol;
use uuid::Uuid;

/// The records of DCE/RPC over TCP and UDP.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Dcerpc, protocols: &[AppProtocol::Dcerpc], tell };

/// Tells of a call, whatever carried it.
pub(in crate::app_layer) fn tell(teller: &mut Teller<'_>) {
    let interface = teller.value(&fields::INTERFACE, ToServer);
    let uuid = interface.and_then(|value| Some(Uuid::from_bytes(*value.first_chunk()?).to_string()));
    teller.bytes("interface", uuid.map(String::into_bytes));
    let operation = teller.number(&fields::OPERATION, ToServer);
    teller.count("opnum", operation);
}
