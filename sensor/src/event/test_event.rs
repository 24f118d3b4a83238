//! The event that somebody asks for to see whether events arrive.

use super::{
    Alert, Detection, Direction, EndReason, Event, FlowStatistics, Http, MacPair, NetworkId, flow_id,
};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// TEST-NET-1 and TEST-NET-2 (RFC 5737), and a MAC range for documentation (RFC 9542 §2.1.2).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20));
const CLIENT_MAC: [u8; 6] = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x0a];
const SERVER_MAC: [u8; 6] = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x14];

impl Event {
    /// A test event with every field filled in. `time` is the moment it was asked for, and what tells it from
    /// other test events of the network.
    pub fn test(network: NetworkId, time: Timestamp) -> Self {
        let lasted = Duration::from_millis(250);
        let start = Timestamp::from_nanos(time.nanos_since(Timestamp::ZERO.after(lasted)));
        Self::Test(Box::new(Detection {
            time,
            source: CLIENT,
            destination: SERVER,
            source_port: Some(49152),
            destination_port: Some(80),
            mac: Some(MacPair { source: CLIENT_MAC, destination: SERVER_MAC }),
            flow_id: Some(flow_id(network, b"test event", time)),
            app_proto: Some("http"),
            protocol: Some(6),
            direction: Some(Direction::ToServer),
            alert: Arc::new(alert()),
            http: Some(Box::new(http())),
            flow: Some(FlowStatistics {
                packets_to_server: 6,
                packets_to_client: 5,
                bytes_to_server: 620,
                bytes_to_client: 1480,
                start,
                end: time,
                reason: Some(EndReason::Closed),
            }),
            transaction: Some(0),
            ordinal: 0,
        }))
    }
}

fn alert() -> Alert {
    Alert {
        gid: 1,
        sid: 1,
        rev: 1,
        rule: r#"alert http any any -> any any (msg:"Test event"; sid:1; rev:1;)"#.to_owned(),
        signature: "Test event".to_owned(),
        category: "Misc activity".to_owned(),
        severity: 3,
    }
}

fn http() -> Http {
    let text = |text: &str| Some(text.as_bytes().to_vec());
    Http {
        hostname: text("www.example.com"),
        url: text("/test-event?complete=yes"),
        user_agent: text("sensor"),
        content_type: text("text/html"),
        method: text("GET"),
        protocol: text("HTTP/1.1"),
        status: Some(200),
        length: Some(1024),
    }
}
