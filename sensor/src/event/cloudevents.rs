//! Events as JSON of one line: the CloudEvents 1.0 envelope (structured mode) or the published base structure.
//!
//! The form is fixed by the event contract; `sensor/schemas` holds it as JSON Schema. An [`Encoder`] knows the
//! network and the configured names, and nothing of where its lines go.

use super::cut::Texts;
use super::escape::escape_controls;
use super::payload::{ActivityData, AlertData, DetectionData, DhcpData, EventId};
use super::{
    ActivityKind, Alert, Detection, Direction, EncoderConfig, EncoderConfigError, Endpoints, Event, Layout,
    NetworkId, id,
};
use crate::counter::{Counter, Counters};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The size of an event in bytes, without the line's end. What is larger is cut.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Writes events.
#[derive(Debug)]
pub struct Encoder {
    form: Form,
    alerts: AlertCache,
}

impl Encoder {
    /// An encoder for one network.
    ///
    /// # Errors
    /// When the names in the configuration cannot stand in an event.
    pub fn new(config: EncoderConfig) -> Result<Self, EncoderConfigError> {
        config.check()?;
        Ok(Self { form: Form::new(config), alerts: AlertCache::default() })
    }

    /// Appends the event to `out`, as one line of JSON without its end and of at most [`MAX_EVENT_BYTES`], and
    /// returns its id. Counts an event that had to be cut.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>, counters: &mut Counters) -> Uuid {
        let id = id::event_id(self.form.config.network, event);
        match event {
            Event::Detection(detection) | Event::Test(detection) | Event::Summary(detection) => {
                let test = matches!(event, Event::Test(_));
                self.encode_detection(id, detection, test, out, counters);
            }
            Event::Dhcp(message) => {
                let payload = Payload::Dhcp(DhcpData::from(&**message));
                self.form.write(id, message.time, &self.form.dhcp_type, &payload, out);
            }
            Event::Activity(activity) => {
                let r#type = &self.form.activity_types[activity.kind as usize];
                self.form.write(id, activity.time, r#type, &Payload::Activity(ActivityData(activity)), out);
            }
        }
        id
    }

    fn encode_detection(
        &mut self,
        id: Uuid,
        detection: &Detection,
        test: bool,
        out: &mut Vec<u8>,
        counters: &mut Counters,
    ) {
        let start = out.len();
        let mut texts = Texts::of(detection);
        let alert = self.alerts.json(&detection.alert);
        self.form.write_detection(id, detection, test, &texts, alert, out);
        let excess = (out.len() - start).saturating_sub(MAX_EVENT_BYTES);
        if excess == 0 {
            return;
        }
        counters.increment(Counter::EventsCut);
        out.truncate(start);
        texts.shorten(excess);
        let alert = AlertData::cut(&detection.alert, &texts).to_json();
        self.form.write_detection(id, detection, test, &texts, &alert, out);
    }
}

/// One of the payloads. The envelope's `type` tells which, so it is written bare.
#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Detection(DetectionData<'a>),
    Test(DetectionData<'a>),
    Dhcp(DhcpData),
    Activity(ActivityData<'a>),
}

/// The CloudEvents 1.0 envelope.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: EventId,
    source: &'a str,
    r#type: &'a str,
    subject: NetworkId,
    datacontenttype: &'static str,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    networkslug: Option<&'a str>,
    data: &'a Payload<'a>,
}

/// The published base structure.
#[derive(Serialize)]
struct BaseEvent<'a> {
    network_uuid: NetworkId,
    id: EventId,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids_event: Option<&'a Payload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dhcp_event: Option<&'a Payload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_event: Option<&'a Payload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_event: Option<&'a Payload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_slug: Option<&'a str>,
}

/// What does not change from event to event.
#[derive(Debug)]
struct Form {
    config: EncoderConfig,
    detection_type: String,
    dhcp_type: String,
    /// By kind.
    activity_types: Vec<String>,
}

impl Form {
    fn new(config: EncoderConfig) -> Self {
        Self {
            detection_type: format!("{}.ids.detection", config.type_prefix),
            dhcp_type: format!("{}.dhcp", config.type_prefix),
            activity_types: ActivityKind::ALL
                .iter()
                .map(|kind| format!("{}.{}", config.type_prefix, kind.name()))
                .collect(),
            config,
        }
    }

    fn write_detection(
        &self,
        id: Uuid,
        detection: &Detection,
        test: bool,
        texts: &Texts<'_>,
        alert: &RawValue,
        out: &mut Vec<u8>,
    ) {
        let r#type = if test { "TYPE_TEST" } else { self.config.detection_type.name() };
        let swap =
            self.config.endpoints == Endpoints::Packet && detection.direction == Some(Direction::ToClient);
        let data = DetectionData::new(detection, texts, alert, r#type, swap);
        let payload = if test { Payload::Test(data) } else { Payload::Detection(data) };
        self.write(id, detection.time, &self.detection_type, &payload, out);
    }

    fn write(&self, id: Uuid, time: Timestamp, r#type: &str, payload: &Payload<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let written = match self.config.layout {
            Layout::Cloudevents => {
                serde_json::to_writer(&mut *out, &self.cloud_event(id, time, r#type, payload))
            }
            Layout::Event => serde_json::to_writer(&mut *out, &self.base_event(id, time, payload)),
        };
        written.expect("strings and numbers are always written, and memory takes them");
        escape_controls(out, start);
    }

    fn cloud_event<'a>(
        &'a self,
        id: Uuid,
        time: Timestamp,
        r#type: &'a str,
        data: &'a Payload<'a>,
    ) -> CloudEvent<'a> {
        CloudEvent {
            specversion: "1.0",
            id: EventId(id),
            source: &self.config.source,
            r#type,
            subject: self.config.network,
            datacontenttype: "application/json",
            time,
            networkslug: self.config.slug_extension.then_some(&self.config.network_slug),
            data,
        }
    }

    fn base_event<'a>(&'a self, id: Uuid, time: Timestamp, payload: &'a Payload<'a>) -> BaseEvent<'a> {
        let slug = &self.config.network_slug;
        let mut event = BaseEvent {
            network_uuid: self.config.network,
            id: EventId(id),
            timestamp: time,
            ids_event: None,
            dhcp_event: None,
            test_event: None,
            activity_event: None,
            network_slug: (!slug.is_empty()).then_some(slug),
        };
        let place = match payload {
            Payload::Detection(_) => &mut event.ids_event,
            Payload::Dhcp(_) => &mut event.dhcp_event,
            Payload::Test(_) => &mut event.test_event,
            Payload::Activity(_) => &mut event.activity_event,
        };
        *place = Some(payload);
        event
    }
}

/// The alerts of the rules that matched lately, written out. Without it an event of 1.3 kB takes 2.2 µs instead of
/// 1.5 (benches/event.rs).
#[derive(Debug, Default)]
struct AlertCache(HashMap<usize, CachedAlert>);

#[derive(Debug)]
struct CachedAlert {
    /// Held, so that its address is given to no other alert.
    alert: Arc<Alert>,
    json: Box<RawValue>,
}

impl AlertCache {
    /// How many alerts are kept; then all are forgotten, those of rules that a reload replaced among them.
    const CAPACITY: usize = 4096;

    fn json(&mut self, alert: &Arc<Alert>) -> &RawValue {
        if self.0.len() >= Self::CAPACITY {
            self.0.clear();
        }
        let cached = self.0.entry(Arc::as_ptr(alert).addr()).or_insert_with(|| CachedAlert {
            alert: Arc::clone(alert),
            json: AlertData::whole(alert).to_json(),
        });
        debug_assert!(Arc::ptr_eq(&cached.alert, alert), "an address is one alert's while it is held");
        &cached.json
    }
}
