//! What the sensor tells the world: detections and DHCP messages, first as facts, then as JSON.
//!
//! [`Detection`] and [`Dhcp`] are the facts, [`cloudevents`] writes them. Knows nothing of how they came about,
//! nor of where they go.

mod activity;
mod address;
pub mod cloudevents;
mod config;
mod cut;
mod detection;
mod dhcp;
mod escape;
mod id;
mod json;
mod payload;
mod summary;
mod test_event;

pub use activity::{Activity, ActivityKind, Fact, Facts};
pub use config::{DetectionType, EncoderConfig, EncoderConfigError, Endpoints, Layout};
pub use detection::{Alert, Detection, Direction, EndReason, FlowStatistics, Http, MacPair};
pub use dhcp::{Dhcp, DhcpKind, HardwareAddress, transaction_key};
pub use id::{NetworkId, NetworkIdError, flow_id};

use crate::time::Timestamp;
use std::sync::Arc;

/// One event, before it has an id or a form.
#[derive(Clone, Debug)]
pub enum Event {
    /// A rule matched.
    Detection(Box<Detection>),
    /// A DHCPv4 message was seen.
    Dhcp(Box<Dhcp>),
    /// A transaction or a flow is over.
    Activity(Box<Activity>),
    /// Somebody asked for a test event.
    Test(Box<Detection>),
    /// What the sensor tells of itself.
    Summary(Box<Detection>),
}

impl Event {
    /// When it was observed.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Detection(of) | Self::Test(of) | Self::Summary(of) => of.time,
            Self::Dhcp(message) => message.time,
            Self::Activity(activity) => activity.time,
        }
    }

    /// What keeps order among events: the flow's number, for DHCP the transaction's; 0 without a flow.
    pub fn order_key(&self) -> u64 {
        match self {
            Self::Detection(of) | Self::Test(of) | Self::Summary(of) => of.flow_id.unwrap_or(0),
            Self::Dhcp(message) => message.transaction_key(),
            Self::Activity(activity) => activity.flow_id,
        }
    }

    /// What its rule says of itself; nothing where no rule made it.
    pub fn rule(&self) -> Option<&Arc<Alert>> {
        match self {
            Self::Detection(of) | Self::Summary(of) => Some(&of.alert),
            Self::Dhcp(_) | Self::Activity(_) | Self::Test(_) => None,
        }
    }
}
