//! What a record tells of a message.

use super::fields;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of DNS.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Dns, protocols: &[AppProtocol::Dns], tell };

fn tell(teller: &mut Teller<'_>) {
    for (way, message) in [(ToServer, "request"), (ToClient, "response")] {
        if !teller.goes(way) {
            continue;
        }
        teller.bytes("message", Some(message.into()));
        teller.named("opcode", &fields::OPCODE, way);
        if way == ToClient {
            teller.named("rcode", &fields::RCODE, way);
        }
        teller.texts("queries", &fields::QUERY_NAME, way);
        teller.all_named(if way == ToServer { "query_types" } else { "answer_types" }, &fields::RRTYPE, way);
        teller.texts("answers", &fields::ANSWER_NAME, way);
    }
}
