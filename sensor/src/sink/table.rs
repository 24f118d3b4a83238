//! Events as rows of a table, for eyes: time, type, severity, sid, what happened, who with whom.
//!
//! Knows both layouts of an event by their JSON alone. What came from packets or rules can't move the cursor.

use super::ndjson::fault;
use super::{Record, RecordKind, Sink, SinkError};
use crate::time::Timestamp;
use console::{Style, pad_str, truncate_str};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;

/// The width of a terminal that doesn't tell its own, in columns.
const DEFAULT_WIDTH: usize = 100;
/// The narrowest the signature becomes, in columns.
const SIGNATURE_LEAST: usize = 16;
/// Columns that hold two IPv4 addresses with ports; what is left goes to the signature.
const PEERS_WIDTH: usize = 45;
/// The narrowest the peers become, in columns.
const PEERS_LEAST: usize = 24;
const TIME_WIDTH: usize = 12;
const KIND_WIDTH: usize = 5;
const SEVERITY_WIDTH: usize = 3;
const SID_WIDTH: usize = 8;
/// Columns taken before the signature, a blank after each.
const FIXED_WIDTH: usize = TIME_WIDTH + KIND_WIDTH + SEVERITY_WIDTH + SID_WIDTH + 4;

/// Writes each event as a row.
#[derive(Debug)]
pub struct TableSink<W: Write> {
    output: W,
    rows: String,
    signature_width: usize,
    peers_width: usize,
    colors: bool,
    begun: bool,
    /// The date of the row before, which stands above the first row of each day.
    day: String,
}

impl<W: Write> TableSink<W> {
    /// Writes to `output`, a terminal `width` columns wide, with colours if it has them.
    pub fn new(output: W, width: Option<usize>, colors: bool) -> Self {
        let room = width.unwrap_or(DEFAULT_WIDTH).saturating_sub(FIXED_WIDTH + 1);
        let peers_width = room.saturating_sub(SIGNATURE_LEAST).clamp(PEERS_LEAST, PEERS_WIDTH);
        let signature_width = room.saturating_sub(peers_width).max(SIGNATURE_LEAST);
        Self {
            output,
            rows: String::new(),
            signature_width,
            peers_width,
            colors,
            begun: false,
            day: String::new(),
        }
    }

    fn row(&mut self, cells: [&str; 6], style: &Style) {
        let [time, kind, severity, sid, what, peers] = cells;
        let mut row = String::new();
        let fixed = [(time, TIME_WIDTH), (kind, KIND_WIDTH), (severity, SEVERITY_WIDTH), (sid, SID_WIDTH)];
        for (cell, width) in fixed.into_iter().chain([(what, self.signature_width)]) {
            row.push_str(&pad_str(cell, width, console::Alignment::Left, Some("…")));
            row.push(' ');
        }
        row.push_str(&truncate_str(peers, self.peers_width, "…"));
        self.line(&row, style);
    }

    fn line(&mut self, text: &str, style: &Style) {
        writeln!(self.rows, "{}", style.apply_to(text)).expect("writing to memory does not fail");
    }

    fn style(&self, severity: Option<u32>) -> Style {
        let style = Style::new().force_styling(self.colors);
        match severity {
            Some(1) => style.red(),
            Some(2) => style.yellow(),
            _ => style,
        }
    }

    fn event(&mut self, record: &Record) {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(&record.json) else {
            debug_assert!(false, "an event that is none: {}", String::from_utf8_lossy(&record.json));
            return;
        };
        let (day, time) = day_and_time(record.time);
        if day != self.day {
            self.line(&day, &self.style(None).bold());
            self.day = day;
        }
        let kind = match record.kind {
            RecordKind::Alert => "alert",
            RecordKind::Dhcp => "dhcp",
            RecordKind::Test => "test",
            RecordKind::Activity(kind) => kind.name(),
            RecordKind::Summary => "note",
        };
        let payload = event.data;
        if let RecordKind::Activity(_) = record.kind {
            let told = told(&record.json, kind);
            self.row([&time, kind, "", "", &printable(&told), &payload.peers()], &self.style(None));
            return;
        }
        match &payload.alert {
            Some(alert) => self.row(
                [
                    &time,
                    kind,
                    &alert.severity.to_string(),
                    &alert.sid.to_string(),
                    &printable(&alert.signature),
                    &payload.peers(),
                ],
                &self.style(Some(alert.severity)),
            ),
            None => self.row(
                [&time, kind, "", "", payload.packet_type.as_deref().unwrap_or_default(), &payload.lease()],
                &self.style(None),
            ),
        }
    }
}

impl<W: Write + Send> Sink for TableSink<W> {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        self.rows.clear();
        if !self.begun && !records.is_empty() {
            let heads = ["time", "type", "sev", "sid", "signature", "source → destination"];
            self.row(heads, &self.style(None).bold());
            self.begun = true;
        }
        for record in records {
            self.event(record);
        }
        self.output.write_all(self.rows.as_bytes()).map_err(|error| fault("the terminal", error))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.output.flush().map_err(|error| fault("the terminal", error))
    }
}

/// Milliseconds are enough for eyes, and a fixed width for the column.
fn day_and_time(time: Timestamp) -> (String, String) {
    let ns = i128::from(time.as_nanos());
    // jiff ends with the year 9999, the sensor's time with 2554: the conversion cannot fail.
    let moment = jiff::Timestamp::from_nanosecond(ns).unwrap_or(jiff::Timestamp::MAX);
    (moment.strftime("%Y-%m-%d").to_string(), moment.strftime("%H:%M:%S.%3f").to_string())
}

/// An event in either layout, as far as a row tells it.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(
        borrow,
        alias = "ids_event",
        alias = "dhcp_event",
        alias = "test_event",
        alias = "activity_event"
    )]
    data: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    alert: Option<Alert<'a>>,
    #[serde(borrow)]
    src_ip: Option<Cow<'a, str>>,
    src_port: Option<u16>,
    #[serde(borrow)]
    dest_ip: Option<Cow<'a, str>>,
    dest_port: Option<u16>,
    #[serde(borrow)]
    packet_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_mac: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    relay_ip: Option<Cow<'a, str>>,
    vlan_id: Option<i32>,
}

#[derive(Deserialize)]
struct Alert<'a> {
    sid: u32,
    severity: u32,
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

impl Payload<'_> {
    fn peers(&self) -> String {
        let source = endpoint(self.src_ip.as_deref(), self.src_port);
        let destination = endpoint(self.dest_ip.as_deref(), self.dest_port);
        format!("{source} → {destination}")
    }

    fn lease(&self) -> String {
        let mut text = self.client_mac.as_deref().unwrap_or("?").to_owned();
        let facts = [
            ("", self.client_ip.as_deref().map(Cow::Borrowed)),
            ("via ", self.relay_ip.as_deref().map(Cow::Borrowed)),
            ("vlan ", self.vlan_id.map(|id| Cow::Owned(id.to_string()))),
        ];
        for (label, fact) in facts {
            if let Some(fact) = fact {
                write!(text, " {label}{fact}").expect("writing to memory does not fail");
            }
        }
        text
    }
}

fn endpoint(address: Option<&str>, port: Option<u16>) -> String {
    match (address, port) {
        (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
        (Some(address), Some(port)) => format!("{address}:{port}"),
        (Some(address), None) => address.to_owned(),
        (None, _) => "?".to_owned(),
    }
}

/// What a record of a kind tells, in one line: its values without their names, of several the first.
fn told(json: &[u8], kind: &str) -> String {
    let event: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
    let data = event.get("data").or_else(|| event.get("activity_event"));
    let facts = data.and_then(|data| data.get(kind)?.as_object());
    let values = facts.into_iter().flatten().filter_map(|(_, value)| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Array(values) => Some(values.first()?.as_str()?.to_owned()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    values.collect::<Vec<_>>().join(" ")
}

/// The text with whatever could move the cursor or turn the writing direction made visible instead.
fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::measure_text_width;
    use serde_json::json;
    use std::time::Instant;
    use uuid::Uuid;

    fn record_at(seconds: u64, event: &serde_json::Value) -> Record {
        let is_lease = event.to_string().contains("packet_type");
        let kind = if is_lease { RecordKind::Dhcp } else { RecordKind::Alert };
        Record {
            id: Uuid::nil(),
            kind,
            rule: None,
            severity: 1,
            order_key: 0,
            time: Timestamp::new(seconds, 469_480_000),
            created: Instant::now(),
            json: event.to_string().into_bytes().into(),
        }
    }

    fn record(event: &serde_json::Value) -> Record {
        record_at(1_746_718_399, event)
    }

    fn alert(signature: &str) -> serde_json::Value {
        json!({ "src_ip": "10.0.0.1", "src_port": 4242, "dest_ip": "2001:db8::1", "dest_port": 80, "type": "TYPE_DETECT",
                "alert": { "sid": 2_019_401, "severity": 1, "signature": signature } })
    }

    fn table(events: &[serde_json::Value], width: usize) -> Vec<String> {
        let mut written = Vec::new();
        let mut sink = TableSink::new(&mut written, Some(width), false);
        let records: Vec<_> = events.iter().map(record).collect();
        sink.accept(&records).unwrap();
        lines(written)
    }

    fn lines(written: Vec<u8>) -> Vec<String> {
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn rows_of_both_layouts_are_alike() {
        let rows = table(&[json!({ "data": alert("A b") }), json!({ "ids_event": alert("A b") })], 120);
        assert!(rows[0].starts_with("time "), "{rows:?}");
        assert_eq!(rows[1], "2025-05-08");
        assert_eq!(rows[2], rows[3]);
        assert!(rows[2].starts_with("15:33:19.469 alert 1   2019401  A b "), "{rows:?}");
        assert!(rows[2].ends_with(" 10.0.0.1:4242 → [2001:db8::1]:80"), "{rows:?}");
    }

    #[test]
    fn the_date_stands_above_each_day() {
        let mut written = Vec::new();
        let mut sink = TableSink::new(&mut written, None, false);
        let event = json!({ "data": alert("A") });
        for day in [1, 1, 2] {
            sink.accept(&[record_at(day * 86_400, &event)]).unwrap();
        }
        let rows = lines(written);
        let dates: Vec<_> = rows.iter().enumerate().filter(|(_, row)| row.starts_with("1970-")).collect();
        assert_eq!(dates, [(1, &"1970-01-02".to_owned()), (4, &"1970-01-03".to_owned())]);
    }

    #[test]
    fn dhcp_rows_tell_the_lease() {
        let lease = json!({ "packet_type": "PACKET_ACK", "tid": 1, "client_mac": "02:00:00:00:00:01",
                            "client_ip": "192.0.2.7", "vlan_id": 12 });
        let rows = table(&[json!({ "dhcp_event": lease })], 120);
        assert!(rows[2].contains(" dhcp "), "{rows:?}");
        assert!(rows[2].contains("PACKET_ACK "), "{rows:?}");
        assert!(rows[2].ends_with("02:00:00:00:00:01 192.0.2.7 vlan 12"), "{rows:?}");
    }

    #[test]
    fn rows_of_records_tell_their_values() {
        let told = json!({ "src_ip": "10.0.0.1", "src_port": 4242, "dest_ip": "10.0.0.2", "dest_port": 80,
                           "flow_id": 1, "http": { "method": "GET", "status": 200, "a": ["x\u{1b}", "y"] } });
        for event in [json!({ "data": told }), json!({ "activity_event": told })] {
            let mut written = Vec::new();
            let kind = RecordKind::Activity(crate::event::ActivityKind::Http);
            TableSink::new(&mut written, Some(120), false)
                .accept(&[Record { kind, ..record(&event) }])
                .unwrap();
            let rows = lines(written);
            assert!(
                rows[2].contains(" http ") && rows[2].contains("GET") && rows[2].contains("x\u{fffd}"),
                "{rows:?}"
            );
            assert!(rows[2].ends_with(" 10.0.0.1:4242 → 10.0.0.2:80"), "{rows:?}");
        }
    }

    #[test]
    fn rows_keep_to_the_width() {
        for width in [80, 90, 100, 140, 300] {
            let rows = table(&[json!({ "data": alert(&"long ".repeat(100)) })], width);
            assert!(rows.iter().all(|row| measure_text_width(row) <= width), "{width}: {rows:?}");
        }
        assert_eq!(table(&[json!({ "data": alert("short") })], 1).len(), 3);
    }

    #[test]
    fn a_signature_cannot_drive_the_terminal() {
        let rows = table(&[json!({ "data": alert("a\u{1b}[2Jb\nc\u{202e}d") })], 120);
        assert_eq!(rows.len(), 3);
        assert!(rows[2].contains("a\u{fffd}[2Jb\u{fffd}c\u{fffd}d"), "{rows:?}");
    }
}
