//! Fields of multicast DNS (Suricata documentation: "mDNS Keywords").

use super::event;
use crate::app_layer::events_of;
use crate::app_layer::progress::COMPLETE;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field, Reach};

const MDNS: &[AppProtocol] = &[AppProtocol::Mdns];
const REQUEST: Reach = Reach::to_server(COMPLETE);

fields! {
    /// Each name asked for.
    QUERY_NAME = Field::many_bytes("mdns.queries.rrname", MDNS, REQUEST);
    /// The owner of each answer.
    ANSWER_NAME = Field::many_bytes("mdns.answers.rrname", MDNS, REQUEST);
    /// The owner of each authority record.
    AUTHORITY_NAME = Field::many_bytes("mdns.authorities.rrname", MDNS, REQUEST);
    /// The owner of each additional record.
    ADDITIONAL_NAME = Field::many_bytes("mdns.additionals.rrname", MDNS, REQUEST);
    /// Each name in a response: asked for, owners, and names that records point to.
    RESPONSE_NAME = Field::many_bytes("mdns.response.rrname", MDNS, REQUEST);
}

frames! {
    MDNS, Carried::Udp;
    /// A message.
    Pdu = "mdns.pdu",
}

/// The events of a transaction: those of DNS.
pub static EVENTS: Field = events_of(MDNS, event::NAMES);
