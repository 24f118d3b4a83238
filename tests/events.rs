//! Events as consumers get them: every form against its schema, an official SDK as a reader, hostile texts.

use crate::schema;
use cloudevents::{AttributesReader, Event as SdkEvent};
use sensor::counter::{Counter, Counters};
use sensor::event::cloudevents::{Encoder, MAX_EVENT_BYTES};
use sensor::event::{
    Activity, ActivityKind, Alert, Detection, DetectionType, Dhcp, DhcpKind, Direction, EncoderConfig,
    Endpoints, Event, Fact, HardwareAddress, Http, Layout,
};
use sensor::time::Timestamp;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

const NETWORK: &str = "0196b087-9ba3-aefe-5c83-96b6bbb3c976";
const TIME: Timestamp = Timestamp::new(1_746_718_399, 469_480_000);

fn config() -> EncoderConfig {
    EncoderConfig { network: NETWORK.parse().unwrap(), ..EncoderConfig::default() }
}

fn encode_as(config: EncoderConfig, event: &Event) -> String {
    let mut line = Vec::new();
    let mut counters = Counters::default();
    let id = Encoder::new(config).unwrap().encode(event, &mut line, &mut counters);
    let line = String::from_utf8(line).unwrap();
    schema::of_line(&line);
    assert!(line.contains(&id.to_string()));
    assert_eq!(counters.value(Counter::EventsCut), 0);
    line
}

fn value(config: EncoderConfig, event: &Event) -> Value {
    serde_json::from_str(&encode_as(config, event)).unwrap()
}

/// A detection with every field, taken from the test event.
fn detection() -> Box<Detection> {
    let Event::Test(detection) = Event::test(config().network, TIME) else { panic!("not a test event") };
    detection
}

/// One with nothing that may be missing.
fn bare() -> Box<Detection> {
    Box::new(Detection {
        source_port: None,
        destination_port: None,
        mac: None,
        flow_id: None,
        app_proto: None,
        protocol: None,
        direction: None,
        alert: Arc::new(Alert::default()),
        http: None,
        flow: None,
        transaction: None,
        ..*detection()
    })
}

fn dhcp() -> Box<Dhcp> {
    let mut hardware = [0; 16];
    hardware[..6].copy_from_slice(&[0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]);
    Box::new(Dhcp {
        time: TIME,
        kind: DhcpKind::Ack,
        transaction_id: u32::MAX,
        client: HardwareAddress::new(hardware, 6),
        client_ip: Some([192, 168, 1, 100].into()),
        relay_ip: Some([192, 168, 1, 1].into()),
        vlan_id: Some(10),
        ordinal: 3,
    })
}

fn activity() -> Box<Activity> {
    Box::new(Activity {
        kind: ActivityKind::Dns,
        time: TIME,
        source: [10, 0, 0, 2].into(),
        source_port: Some(5353),
        destination: [192, 0, 2, 1].into(),
        destination_port: Some(53),
        mac: None,
        flow_id: 7,
        app_proto: Some("dns"),
        protocol: 17,
        flow: None,
        facts: vec![
            ("message", Fact::Text(b"request".to_vec())),
            ("opcode", Fact::Text(b"QUERY".to_vec())),
            ("queries", Fact::Texts(vec![b"a\xff\0".to_vec()])),
        ],
        ordinal: 3,
    })
}

#[test]
fn a_record_tells_its_kind_by_its_type_and_its_member() {
    let event = value(config(), &Event::Activity(activity()));
    assert_eq!(event["type"], "com.meter.dns");
    assert_eq!(
        event["data"],
        json!({
            "src_ip": "10.0.0.2", "src_port": 5353, "dest_ip": "192.0.2.1", "dest_port": 53, "flow_id": 7,
            "app_proto": "dns", "protocol": "IANA_PROTOCOL_UDP",
            "dns": { "message": "request", "opcode": "QUERY", "queries": ["a\u{fffd}\0"] }
        })
    );
}

#[test]
fn records_of_one_flow_have_ids_of_their_own() {
    let id = |change: fn(&mut Activity)| {
        let mut activity = activity();
        change(&mut activity);
        value(config(), &Event::Activity(activity))["id"].clone()
    };
    let ids = [
        id(|_| {}),
        id(|one| one.ordinal = 4),
        id(|one| one.flow_id = 8),
        id(|one| {
            one.kind = ActivityKind::Ftp;
            one.facts = vec![("command", Fact::Text(b"NOOP".to_vec()))];
        }),
        id(|one| one.time = Timestamp::ZERO),
    ];
    assert_eq!(ids[0], id(|one| one.app_proto = None), "what is told of it changes nothing");
    for (at, one) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(one), "{at}");
    }
}

#[test]
fn a_detection_reads_as_the_contract_says() {
    let event = value(config(), &Event::Detection(detection()));
    let id = event["id"].clone();
    let flow_id = event["data"]["flow_id"].clone();
    assert_eq!(
        event,
        json!({
            "specversion": "1.0", "id": id, "source": "https://meter.com", "type": "com.meter.ids.detection",
            "subject": NETWORK, "datacontenttype": "application/json", "time": "2025-05-08T15:33:19.46948Z",
            "data": {
                "src_ip": "192.0.2.10", "src_port": 49152, "dest_ip": "198.51.100.20", "dest_port": 80,
                "src_mac": "00:00:5e:00:53:0a", "dst_mac": "00:00:5e:00:53:14",
                "flow_id": flow_id, "app_proto": "http", "protocol": "IANA_PROTOCOL_TCP",
                "direction": "DIRECTION_TO_SERVER", "type": "TYPE_DETECT",
                "alert": {
                    "action": "ACTION_ALLOWED", "gid": 1, "sid": 1, "rev": 1,
                    "rule": "alert http any any -> any any (msg:\"Test event\"; sid:1; rev:1;)",
                    "signature": "Test event", "category": "Misc activity", "severity": 3
                },
                "http": {
                    "hostname": "www.example.com", "url": "/test-event?complete=yes", "user_agent": "sensor",
                    "method": "GET", "protocol": "HTTP/1.1", "status": 200, "content_type": "text/html",
                    "length": 1024
                },
                "flow": {
                    "pkts_toserver": 6, "pkts_toclient": 5, "bytes_toserver": 620, "bytes_toclient": 1480,
                    "start": "2025-05-08T15:33:19.21948Z", "end": "2025-05-08T15:33:19.46948Z",
                    "reason": "closed"
                }
            }
        })
    );
}

#[test]
fn members_stand_in_the_order_of_the_published_example() {
    let line = encode_as(config(), &Event::Detection(detection()));
    let members = ["specversion", "id", "source", "type", "subject", "datacontenttype", "time", "data"];
    let places: Vec<usize> =
        members.iter().map(|member| line.find(&format!("\"{member}\":")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn what_is_not_known_is_left_out() {
    let event = value(config(), &Event::Detection(bare()));
    assert_eq!(
        event["data"],
        json!({
            "protocol": "IANA_PROTOCOL_UNSPECIFIED", "direction": "DIRECTION_UNSPECIFIED",
            "type": "TYPE_DETECT",
            "alert": { "action": "ACTION_ALLOWED", "gid": 0, "sid": 0, "rev": 0, "rule": "", "severity": 0 }
        })
    );
    let empty = Dhcp {
        client: HardwareAddress::new([1; 16], 16),
        client_ip: None,
        relay_ip: None,
        vlan_id: None,
        ..*dhcp()
    };
    let event = value(config(), &Event::Dhcp(Box::new(empty)));
    assert_eq!(event["data"], json!({ "packet_type": "PACKET_ACK", "tid": u32::MAX }));
}

fn held_back() -> Event {
    Event::held_back(&detection().alert, 12_345, Duration::from_secs(60), TIME)
}

#[test]
fn a_summary_reads_as_an_alert_without_addresses() {
    let (event, alert) = (value(config(), &held_back()), detection().alert);
    let signature =
        format!("{} (12345 more alerts of this rule were held back within 60 s)", alert.signature);
    assert_eq!(event["type"], "com.meter.ids.detection");
    let members: Vec<&str> = event["data"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alert", "direction", "protocol", "type"]);
    assert_eq!(event["data"]["alert"]["signature"], signature);
    assert_eq!(event["data"]["alert"]["sid"], alert.sid);
    assert_eq!(event["data"]["alert"]["rule"], alert.rule);
    let lost = value(config(), &Event::lost(&[("evicted", 3), ("expired", 4)], TIME));
    assert_eq!(lost["data"]["alert"]["signature"], "Events lost by the sensor: 7 (evicted 3, expired 4)");
    assert_eq!(lost["data"]["alert"]["gid"], 0);
}

#[test]
fn a_dhcp_message_reads_as_the_contract_says() {
    let event = value(config(), &Event::Dhcp(dhcp()));
    assert_eq!(event["type"], "com.meter.dhcp");
    assert_eq!(
        event["data"],
        json!({
            "packet_type": "PACKET_ACK", "tid": 4_294_967_295_u32, "client_mac": "aa:bb:cc:dd:ee:ff",
            "client_ip": "192.168.1.100", "relay_ip": "192.168.1.1", "vlan_id": 10
        })
    );
}

#[test]
fn the_base_structure_holds_exactly_one_payload() {
    let config = EncoderConfig { layout: Layout::Event, network_slug: "head-office".to_owned(), ..config() };
    let events = [
        (Event::Detection(detection()), "ids_event", "event.detection.json"),
        (Event::Test(detection()), "test_event", "event.test.json"),
        (Event::Dhcp(dhcp()), "dhcp_event", "event.dhcp.json"),
        (held_back(), "ids_event", "event.detection.json"),
        (Event::Activity(activity()), "activity_event", "event.record.json"),
    ];
    for (event, member, form) in events {
        let line = encode_as(config.clone(), &event);
        assert_eq!(schema::of_line(&line), form);
        let written: Value = serde_json::from_str(&line).unwrap();
        let members: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = ["id", "network_slug", "network_uuid", "timestamp", member];
        expected.sort_unstable();
        assert_eq!(members, expected);
        assert_eq!(written[member], value(self::config(), &event)["data"]);
        assert_eq!(written["id"], value(self::config(), &event)["id"]);
        assert_eq!(written["network_slug"], "head-office");
    }
}

#[test]
fn names_are_configurable() {
    let config = EncoderConfig {
        source: "urn:example:sensor".to_owned(),
        type_prefix: "com.example".to_owned(),
        network_slug: "head-office".to_owned(),
        slug_extension: true,
        detection_type: DetectionType::OutOfBandProtect,
        ..config()
    };
    let event = value(config.clone(), &Event::Detection(detection()));
    assert_eq!(event["source"], "urn:example:sensor");
    assert_eq!(event["type"], "com.example.ids.detection");
    assert_eq!(event["networkslug"], "head-office");
    assert_eq!(event["data"]["type"], "TYPE_OOB_PROTECT");
    let without = EncoderConfig { slug_extension: false, ..config };
    assert_eq!(value(without, &Event::Dhcp(dhcp())).get("networkslug"), None);
}

#[test]
fn a_test_event_is_a_complete_detection() {
    let event = value(config(), &Event::test(config().network, TIME));
    assert_eq!(event["type"], "com.meter.ids.detection");
    assert_eq!(event["data"]["type"], "TYPE_TEST");
    assert_eq!(event["data"]["alert"]["signature"], "Test event");
    let detected = value(config(), &Event::Detection(detection()));
    assert_ne!(event["id"], detected["id"]);
    let keys = |event: &Value| event["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&event), keys(&detected));
    let later = Event::test(config().network, Timestamp::from_nanos(TIME.as_nanos() + 1));
    assert_ne!(event["id"], value(config(), &later)["id"]);
}

#[test]
fn endpoints_of_the_packet_turn_with_it() {
    let reply =
        Event::Detection(Box::new(Detection { direction: Some(Direction::ToClient), ..*detection() }));
    let flow = value(config(), &reply);
    let packet = value(EncoderConfig { endpoints: Endpoints::Packet, ..config() }, &reply);
    assert_eq!(flow["id"], packet["id"]);
    for (source, destination) in [("src_ip", "dest_ip"), ("src_port", "dest_port"), ("src_mac", "dst_mac")] {
        assert_eq!(flow["data"][source], packet["data"][destination]);
        assert_eq!(flow["data"][destination], packet["data"][source]);
    }
    let request = Event::Detection(detection());
    assert_eq!(
        value(EncoderConfig { endpoints: Endpoints::Packet, ..config() }, &request),
        value(config(), &request)
    );
}

#[test]
fn protocols_and_addresses_by_name() {
    let named = |protocol| {
        let event = Event::Detection(Box::new(Detection { protocol: Some(protocol), ..*detection() }));
        value(config(), &event)["data"]["protocol"].as_str().unwrap().to_owned()
    };
    let names = [1, 6, 17, 50, 51, 58, 132, 0].map(named);
    let expected = ["ICMP", "TCP", "UDP", "ESP", "AH", "UNSPECIFIED", "UNSPECIFIED", "UNSPECIFIED"];
    assert_eq!(names, expected.map(|name| format!("IANA_PROTOCOL_{name}")));

    let v6: Ipv6Addr = "2001:0DB8:0:0:1:0:0:1".parse().unwrap();
    let longest = IpAddr::V6("1111:2222:3333:4444:5555:6666:7777:8888".parse().unwrap());
    let event = Detection { source: v6.into(), destination: longest, ..*detection() };
    let data = &value(config(), &Event::Detection(Box::new(event)))["data"];
    assert_eq!(data["src_ip"], "2001:db8::1:0:0:1");
    assert_eq!(data["dest_ip"], longest.to_string());
}

#[test]
fn an_official_sdk_reads_them() {
    let config = EncoderConfig { network_slug: "head-office".to_owned(), slug_extension: true, ..config() };
    for event in [Event::Detection(detection()), Event::Dhcp(dhcp()), Event::Test(detection())] {
        let line = encode_as(config.clone(), &event);
        let read: SdkEvent = serde_json::from_str(&line).unwrap();
        let raw: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read.specversion().as_str(), "1.0");
        assert_eq!(read.id(), raw["id"]);
        assert_eq!(read.ty(), raw["type"]);
        assert_eq!(read.source(), "https://meter.com");
        assert_eq!(read.subject(), Some(NETWORK));
        assert_eq!(read.datacontenttype(), Some("application/json"));
        assert_eq!(read.time().unwrap().timestamp_nanos_opt(), Some(TIME.as_nanos() as i64));
        assert_eq!(read.extension("networkslug").unwrap().to_string(), "head-office");
        assert_eq!(serde_json::to_value(&read).unwrap()["data"], raw["data"]);
    }
}

fn with_http(http: Http) -> Event {
    Event::Detection(Box::new(Detection { http: Some(Box::new(http)), ..*detection() }))
}

#[test]
fn no_text_of_a_packet_breaks_a_line() {
    let hostile = "\0\u{1}\u{1b}[31m\r\n\t\"\\\u{7f}\u{85}\u{2028}\u{2029}é\u{20ac}\u{a9}";
    let line =
        encode_as(config(), &with_http(Http { url: Some(hostile.as_bytes().to_vec()), ..Http::default() }));
    assert!(line.chars().all(|c| !c.is_control() && c != '\u{2028}' && c != '\u{2029}'));
    for escaped in ["\\u0000\\u0001\\u001b[31m", "\\u007f\\u0085\\u2028\\u2029é€©"] {
        assert!(line.contains(escaped), "{escaped} is not in {line}");
    }
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["data"]["http"]["url"], hostile);
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced() {
    let http = Http { hostname: Some(b"a\xff\xe2\x82z".to_vec()), url: Some(Vec::new()), ..Http::default() };
    let event = value(config(), &with_http(http));
    assert_eq!(event["data"]["http"], json!({ "hostname": "a\u{fffd}\u{fffd}z", "url": "" }));
}

fn cut(event: &Event) -> (Value, usize) {
    let mut line = b"what was there before\n".to_vec();
    let before = line.len();
    let mut counters = Counters::default();
    Encoder::new(config()).unwrap().encode(event, &mut line, &mut counters);
    assert_eq!(counters.value(Counter::EventsCut), 1);
    assert!(line.starts_with(b"what was there before\n{"));
    let line = str::from_utf8(&line[before..]).unwrap();
    schema::of_line(line);
    assert!(line.len() <= MAX_EVENT_BYTES);
    (serde_json::from_str(line).unwrap(), line.len())
}

#[test]
fn too_large_an_event_loses_rule_then_url_then_user_agent() {
    let event = |rule: usize, url: usize, user_agent: usize| {
        let mut detection = detection();
        Arc::make_mut(&mut detection.alert).rule = "ä".repeat(rule);
        detection.http = Some(Box::new(Http {
            url: Some(vec![b'u'; url]),
            user_agent: Some(vec![0xff; user_agent]),
            ..Http::default()
        }));
        Event::Detection(detection)
    };
    let lengths = |event: &Value| {
        let http = &event["data"]["http"];
        [&event["data"]["alert"]["rule"], &http["url"], &http["user_agent"]]
            .map(|text| text.as_str().unwrap().chars().count())
    };

    let (written, len) = cut(&event(40_000, 100, 100));
    assert!(len >= MAX_EVENT_BYTES - 1, "cut no more than a character too much: {len}");
    assert!(matches!(lengths(&written), [30_000..40_000, 100, 100]));

    let (written, len) = cut(&event(100, 70_000, 100));
    assert_eq!(len, MAX_EVENT_BYTES);
    assert!(matches!(lengths(&written), [0, 60_000..70_000, 100]));

    let (written, len) = cut(&event(100, 100, 70_000));
    assert!(len >= MAX_EVENT_BYTES - 2);
    assert!(matches!(lengths(&written), [0, 0, 20_000..22_000]));
}

#[test]
fn no_header_makes_an_event_too_large() {
    let stuffed = || Some(vec![1; 100_000]);
    let http = Http {
        hostname: stuffed(),
        url: stuffed(),
        user_agent: stuffed(),
        content_type: stuffed(),
        method: stuffed(),
        protocol: stuffed(),
        status: Some(1),
        length: Some(u64::MAX),
    };
    let (written, _) = cut(&with_http(http));
    assert_eq!(written["data"]["alert"]["signature"], "Test event");
    assert_eq!(written["data"]["http"]["hostname"], "");
}

#[test]
fn an_alert_is_written_as_it_is_even_at_an_address_used_before() {
    let mut encoder = Encoder::new(config()).unwrap();
    let mut counters = Counters::default();
    for sid in 0..10_000 {
        let mut detection = bare();
        Arc::make_mut(&mut detection.alert).sid = sid;
        let mut line = Vec::new();
        encoder.encode(&Event::Detection(detection), &mut line, &mut counters);
        let line = String::from_utf8(line).unwrap();
        assert!(line.contains(&format!("\"sid\":{sid},")));
    }
}
