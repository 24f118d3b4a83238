//! Records of transactions and of flows that are over, where somebody wants them.

use super::Shard;
use super::inspection::FlowAt;
use crate::collect::{Found, Order};
use crate::event::{Activity, ActivityKind, EndReason, Facts, FlowStatistics, flow_id};
use crate::flow::Flow;
use crate::time::Timestamp;
use crate::worker::alert::app_proto;
use crate::worker::tracked::{Extension, Tracked};
use rules::header::protocol::AppProtocol;

/// What was known of a flow that has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ToldFlow {
    /// What it spoke.
    pub(super) protocol: Option<AppProtocol>,
    /// Records made of it.
    pub(super) records: u32,
}

impl Shard {
    /// Makes records of transactions that are over: of all that there are, where the flow ends.
    pub(super) fn record(
        &mut self,
        tracked: &mut Tracked,
        flow: FlowAt<'_>,
        time: Timestamp,
        order: Order,
        ends: bool,
    ) {
        let Self { config, flows, found, .. } = self;
        let Tracked { application, records, .. } = tracked;
        let (Some(protocol), false) = (application.protocol(), config.records.is_empty()) else { return };
        let Some(conversation) = application.conversation() else { return };
        let flow = match flow {
            FlowAt::Table(id) => flows.flow(id),
            FlowAt::Ended(flow) => &*flow,
        };
        config.records.tell(protocol, &mut **conversation, ends, &mut |kind, facts| {
            let id = flow_id(config.network, &flow.identity(), flow.start());
            let activity = activity(kind, flow, id, time, Some(protocol), *records);
            *records += 1;
            found.push((order, Found::Activity(Box::new(Activity { facts, ..activity }))));
        });
    }

    /// Makes the record of a flow that has ended.
    pub(super) fn record_flow(
        &mut self,
        flow: &Flow<Extension>,
        reason: EndReason,
        told: ToldFlow,
        order: Order,
    ) {
        if !self.config.flow_records {
            return;
        }
        let id = flow_id(self.config.network, &flow.identity(), flow.start());
        let activity = activity(ActivityKind::Flow, flow, id, flow.last(), told.protocol, told.records);
        let statistics: FlowStatistics = flow.statistics(Some(reason));
        let order = Order { index: u32::MAX, ..order };
        self.found.push((order, Found::Activity(Box::new(Activity { flow: Some(statistics), ..activity }))));
    }
}

fn activity(
    kind: ActivityKind,
    flow: &Flow<Extension>,
    flow_id: u64,
    time: Timestamp,
    protocol: Option<AppProtocol>,
    ordinal: u32,
) -> Activity {
    let ((source, source_port), (destination, destination_port)) = (flow.client(), flow.server());
    Activity {
        kind,
        time,
        source,
        source_port,
        destination,
        destination_port,
        mac: flow.mac(),
        flow_id,
        app_proto: protocol.map(app_proto),
        protocol: flow.key().protocol(),
        flow: None,
        facts: Facts::new(),
        ordinal,
    }
}
