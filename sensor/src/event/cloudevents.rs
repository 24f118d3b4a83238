//! Events as JSON of one line: the CloudEvents 1.0 envelope (structured mode) or the published base structure.
//!
//! The form is fixed by the event contract; `sensor/schemas` holds it as JSON Schema. An [`Encoder`] knows the
//! network and the configured names, and nothing of where its lines go.

use super::address::EventId;
use super::cut::Texts;
use super::json::{Plain, Text, Value, Written, push_object};
use super::payload::{ActivityData, AlertData, DetectionData, DhcpData};
use super::{
    ActivityKind, Alert, Detection, Direction, EncoderConfig, EncoderConfigError, Endpoints, Event, Layout,
    id,
};
use crate::counter::{Counter, Counters};
use crate::time::Timestamp;
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
                let payload = Payload::Dhcp(DhcpData(message));
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

/// One of the payloads.
enum Payload<'a> {
    Detection(DetectionData<'a>),
    Test(DetectionData<'a>),
    Dhcp(DhcpData<'a>),
    Activity(ActivityData<'a>),
}

/// The envelope's `type` tells which it is, so it is written bare.
impl Value for &Payload<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Payload::Detection(data) | Payload::Test(data) => data.write(out),
            Payload::Dhcp(data) => data.write(out),
            Payload::Activity(data) => data.write(out),
        }
    }
}

/// What does not change from event to event; the strings as JSON.
#[derive(Debug)]
struct Form {
    config: EncoderConfig,
    source: Vec<u8>,
    network: Vec<u8>,
    slug: Vec<u8>,
    detection_type: Vec<u8>,
    dhcp_type: Vec<u8>,
    /// By kind.
    activity_types: Vec<Vec<u8>>,
}

impl Form {
    fn new(config: EncoderConfig) -> Self {
        let r#type = |name: &str| string(&format!("{}.{name}", config.type_prefix));
        Self {
            source: string(&config.source),
            network: string(&config.network.to_string()),
            slug: string(&config.network_slug),
            detection_type: r#type("ids.detection"),
            dhcp_type: r#type("dhcp"),
            activity_types: ActivityKind::ALL.iter().map(|kind| r#type(kind.name())).collect(),
            config,
        }
    }

    fn write_detection(
        &self,
        id: Uuid,
        detection: &Detection,
        test: bool,
        texts: &Texts<'_>,
        alert: &[u8],
        out: &mut Vec<u8>,
    ) {
        let r#type = if test { "TYPE_TEST" } else { self.config.detection_type.name() };
        let swap =
            self.config.endpoints == Endpoints::Packet && detection.direction == Some(Direction::ToClient);
        let data = DetectionData { detection, texts, alert, r#type, swap };
        let payload = if test { Payload::Test(data) } else { Payload::Detection(data) };
        self.write(id, detection.time, &self.detection_type, &payload, out);
    }

    fn write(&self, id: Uuid, time: Timestamp, r#type: &[u8], payload: &Payload<'_>, out: &mut Vec<u8>) {
        match self.config.layout {
            Layout::Cloudevents => self.write_cloud_event(id, time, r#type, payload, out),
            Layout::Event => self.write_base_event(id, time, payload, out),
        }
    }

    /// The CloudEvents 1.0 envelope.
    fn write_cloud_event(
        &self,
        id: Uuid,
        time: Timestamp,
        r#type: &[u8],
        payload: &Payload<'_>,
        out: &mut Vec<u8>,
    ) {
        push_object!(out,
            "specversion": Plain("1.0"),
            "id": EventId(id),
            "source": Written(&self.source),
            "type": Written(r#type),
            "subject": Written(&self.network),
            "datacontenttype": Plain("application/json"),
            "time": time,
            "networkslug": self.config.slug_extension.then_some(Written(&self.slug)),
            "data": payload,
        );
    }

    /// The published base structure.
    fn write_base_event(&self, id: Uuid, time: Timestamp, payload: &Payload<'_>, out: &mut Vec<u8>) {
        let one = |is_it: bool| is_it.then_some(payload);
        push_object!(out,
            "network_uuid": Written(&self.network),
            "id": EventId(id),
            "timestamp": time,
            "ids_event": one(matches!(payload, Payload::Detection(_))),
            "dhcp_event": one(matches!(payload, Payload::Dhcp(_))),
            "test_event": one(matches!(payload, Payload::Test(_))),
            "activity_event": one(matches!(payload, Payload::Activity(_))),
            "network_slug": (!self.config.network_slug.is_empty()).then_some(Written(&self.slug)),
        );
    }
}

/// As JSON.
fn string(text: &str) -> Vec<u8> {
    let mut json = Vec::new();
    Text(text.as_bytes()).write(&mut json);
    json
}

/// The alerts of the rules that matched lately, written out: more than half of an event.
#[derive(Debug, Default)]
struct AlertCache(HashMap<usize, CachedAlert>);

#[derive(Debug)]
struct CachedAlert {
    /// Held, so that its address is given to no other alert.
    alert: Arc<Alert>,
    json: Vec<u8>,
}

impl AlertCache {
    /// How many alerts are kept; then all are forgotten, those of rules that a reload replaced among them.
    const CAPACITY: usize = 4096;

    fn json(&mut self, alert: &Arc<Alert>) -> &[u8] {
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
