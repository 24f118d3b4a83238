//! When a rule is looked at (Suricata documentation: "Rule Types and Categorization"; observed behaviour where that
//! is silent).

use crate::draft::{DraftBuffer, DraftStep};
use crate::header::protocol::{AppProtocol, PacketProtocol};
use crate::signature::{Condition, FlowOption, HeaderMatch, Hint, Kind, Scope, Source, Way};

/// What decides the kind.
pub(super) struct Facts<'a> {
    pub(super) header: &'a HeaderMatch,
    pub(super) app_protocol: Option<AppProtocol>,
    pub(super) asks_protocol: bool,
    pub(super) hooked: bool,
    pub(super) flow: FlowOption,
    /// The way that `flow` says.
    pub(super) way: Way,
    pub(super) conditions: &'a [Box<dyn Condition>],
    pub(super) buffers: &'a [DraftBuffer],
}

/// The kind of a rule.
pub(super) fn of(facts: &Facts<'_>) -> Kind {
    let frame = |buffer: &DraftBuffer| matches!(buffer.source, Source::Field(field) if field.is_frame());
    if facts.buffers.iter().any(frame) {
        return Kind::Frame;
    }
    if facts.hooked || facts.buffers.iter().any(|buffer| matches!(buffer.source, Source::Field(_))) {
        return Kind::Transaction;
    }
    if facts.conditions.iter().any(|condition| condition.hint() == Hint::DecodeEvent) {
        return Kind::DecodeEvent;
    }
    let payload = facts.buffers.iter().find(|b| b.source == Source::Payload && !b.steps.is_empty());
    if let Some(payload) = payload {
        return of_payload(facts, payload);
    }
    if facts.buffers.iter().any(|buffer| !buffer.steps.is_empty()) {
        return Kind::Packet;
    }
    let bare = !facts.flow.present && facts.way == Way::Both;
    if facts.asks_protocol && bare && facts.app_protocol.is_none() && facts.conditions.len() == 1 {
        return Kind::ProtocolDetection;
    }
    if facts.app_protocol.is_some() {
        return Kind::AppProtocol;
    }
    let addresses_alone = facts.conditions.iter().all(|condition| condition.scope() == Scope::Address);
    match bare && addresses_alone && facts.header.protocol != PacketProtocol::Pkthdr {
        false => Kind::Packet,
        true if facts.header.negated_address => Kind::LikeIpOnly,
        true => Kind::IpOnly,
    }
}

fn of_payload(facts: &Facts<'_>, payload: &DraftBuffer) -> Kind {
    use PacketProtocol as P;
    match facts.header.protocol {
        P::TcpStream => return Kind::Stream,
        P::Ip | P::Ipv4 | P::Ipv6 | P::Tcp => {}
        _ => return Kind::Packet,
    }
    match facts.flow.stream {
        Some(true) => return Kind::Stream,
        Some(false) => return Kind::Packet,
        None => {}
    }
    let header = |buffer: &DraftBuffer| matches!(buffer.source, Source::Header(_));
    if facts.buffers.iter().any(header)
        || facts.conditions.iter().any(|condition| condition.scope() == Scope::Packet)
    {
        return Kind::Packet;
    }
    let placed = |step: &DraftStep| {
        step.content().is_some_and(|c| c.offset.is_some() || c.depth.is_some() || c.starts_with)
    };
    if payload.steps.iter().any(placed) { Kind::PacketAndStream } else { Kind::Stream }
}
