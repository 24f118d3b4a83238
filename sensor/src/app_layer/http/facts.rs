//! What a record tells of a request with its response, of either version: what the alerts on it tell, and the sides'
//! further names.

use super::fields;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// The records of HTTP.
pub(in crate::app_layer) static RECORD: RecordType = RecordType {
    kind: ActivityKind::Http,
    protocols: &[AppProtocol::Http1, AppProtocol::Http2, AppProtocol::Doh2],
    tell,
};

fn tell(teller: &mut Teller<'_>) {
    let Some(http) = teller.http() else { return };
    teller.bytes("hostname", http.hostname);
    teller.bytes("url", http.url);
    teller.bytes("user_agent", http.user_agent);
    teller.bytes("method", http.method);
    teller.bytes("protocol", http.protocol);
    teller.count("status", http.status.map(u64::from));
    teller.bytes("content_type", http.content_type);
    teller.count("length", http.length);
    teller.text("referer", &fields::REFERER, ToServer);
    teller.text("server", &fields::SERVER, ToClient);
    teller.text("location", &fields::LOCATION, ToClient);
}
