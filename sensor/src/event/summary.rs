//! What the sensor tells of itself: alerts that it held back, events that it lost. In the form of a detection without
//! addresses, which every consumer of detections can read.

use super::{Alert, Detection, Event};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// A loss is worth a look.
const LOSS_SEVERITY: u32 = 2;

impl Event {
    /// Stands for `count` alerts of a rule that were held back in the `span` before `until`: the rule's own alert, the
    /// number behind its signature.
    pub fn held_back(rule: &Alert, count: u64, span: Duration, until: Timestamp) -> Self {
        let signature = format!(
            "{} ({count} more alerts of this rule were held back within {} s)",
            rule.signature,
            span.as_secs()
        );
        summary(Alert { signature, ..rule.clone() }, count, until)
    }

    /// Tells that events were lost before `until`: each reason with its count. Its alert has the generator 0, the
    /// sensor itself.
    pub fn lost(reasons: &[(&str, u64)], until: Timestamp) -> Self {
        let total = reasons.iter().map(|(_, count)| count).sum();
        let each: Vec<_> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let signature = format!("Events lost by the sensor: {total} ({})", each.join(", "));
        summary(Alert { signature, severity: LOSS_SEVERITY, ..Alert::default() }, total, until)
    }
}

fn summary(alert: Alert, count: u64, time: Timestamp) -> Event {
    Event::Summary(Box::new(Detection {
        time,
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        source_port: None,
        destination_port: None,
        mac: None,
        flow_id: None,
        app_proto: None,
        protocol: None,
        direction: None,
        alert: Arc::new(alert),
        http: None,
        flow: None,
        transaction: None,
        ordinal: u32::try_from(count).unwrap_or(u32::MAX),
    }))
}
