//! From a rule's match to the facts of its event.

use crate::app_layer::conversation::Conversation;
use crate::collect::FoundRule;
use crate::detect::{Match, SharedMemory};
use crate::event::{Alert, Detection, Direction, Http, MacPair};
use crate::flow::Flow;
use crate::time::Timestamp;
use rules::header::protocol::AppProtocol;
use rules::ruleset::RuleSet;
use rules::view::{Network, Packet, Transport};
use std::sync::Arc;

/// A rule set as all workers share it.
#[derive(Clone, Debug)]
pub struct SharedRules {
    /// The rules.
    pub set: Arc<RuleSet>,
    /// What events say of them.
    pub texts: AlertTexts,
    /// What they remember across flows.
    pub memory: Arc<SharedMemory>,
}

/// What the events of a rule set's alerts say of their rules, made once.
#[derive(Clone, Debug)]
pub struct AlertTexts {
    alerts: Arc<[Arc<Alert>]>,
}

impl AlertTexts {
    /// Of every rule in the set.
    pub fn new(rules: &RuleSet) -> Self {
        let alerts = rules.signatures().iter().map(|signature| {
            let meta = &signature.meta;
            Arc::new(Alert {
                gid: meta.gid,
                sid: meta.sid,
                rev: meta.rev,
                rule: meta.rule.clone(),
                signature: meta.message.clone(),
                category: meta.category.clone(),
                severity: meta.priority,
            })
        });
        Self { alerts: alerts.collect() }
    }
}

/// A flow as an alert tells it.
#[derive(Debug)]
pub(super) struct AlertFlow<'a, X> {
    pub(super) flow: &'a mut Flow<X>,
    pub(super) id: u64,
    pub(super) direction: Direction,
    /// What it speaks.
    pub(super) protocol: Option<AppProtocol>,
    /// What it said, if it was parsed.
    pub(super) conversation: Option<&'a dyn Conversation>,
}

/// The finding of a match on `packet`.
pub(super) fn found<X>(
    matched: Match,
    packet: &Packet<'_>,
    time: Timestamp,
    flow: Option<&mut AlertFlow<'_, X>>,
    rules: &RuleSet,
    texts: &AlertTexts,
) -> FoundRule {
    let alert = Arc::clone(&texts.alerts[matched.signature as usize]);
    let mut detection = of_packet(packet, time, alert);
    detection.transaction = matched.transaction;
    if let Some(AlertFlow { flow, id, direction, protocol, conversation }) = flow {
        (detection.source, detection.source_port) = flow.client();
        (detection.destination, detection.destination_port) = flow.server();
        detection.mac = flow.mac();
        detection.flow_id = Some(*id);
        detection.direction = Some(*direction);
        detection.flow = Some(flow.statistics(None));
        detection.ordinal = flow.next_detection();
        detection.app_proto = protocol.map(app_proto);
        detection.http = conversation.and_then(|conversation| http(conversation, matched.transaction));
    }
    FoundRule {
        detection: Box::new(detection),
        packet_source: packet.source,
        packet_destination: packet.destination,
        thresholds: Arc::clone(&rules.signature(matched.signature).thresholds),
    }
}

/// A protocol's name as Suricata's events have it.
pub(super) fn app_proto(protocol: AppProtocol) -> &'static str {
    match protocol {
        AppProtocol::Http1 => AppProtocol::Http.name(),
        other => other.name(),
    }
}

/// HTTP as far as it is known: of the transaction that matched, for rules on packets and streams of the latest.
fn http(conversation: &dyn Conversation, transaction: Option<u64>) -> Option<Box<Http>> {
    let number = transaction.or_else(|| conversation.transactions().end.checked_sub(1))?;
    conversation.http(number).map(Box::new)
}

/// What a packet tells by itself.
fn of_packet(packet: &Packet<'_>, time: Timestamp, alert: Arc<Alert>) -> Detection {
    let ported = matches!(packet.transport, Transport::Tcp(_) | Transport::Udp(_) | Transport::Sctp(_));
    Detection {
        time,
        source: packet.source,
        destination: packet.destination,
        source_port: ported.then_some(packet.source_port),
        destination_port: ported.then_some(packet.destination_port),
        mac: packet.ethernet.map(|e| MacPair { source: e.source(), destination: e.destination() }),
        flow_id: None,
        app_proto: None,
        protocol: (packet.network != Network::None).then_some(packet.protocol),
        direction: None,
        alert,
        http: None,
        flow: None,
        transaction: None,
        ordinal: 0,
    }
}
