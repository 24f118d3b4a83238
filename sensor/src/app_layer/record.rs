//! Records of transactions: what of a protocol's fields is told once a transaction is over.
//!
//! A protocol's record is a file beside its parser and a row of [`RECORDS`]; it reads the fields that rules read.

use super::SPEECHES;
use super::conversation::{Conversation, FieldRow};
use super::{dcerpc, dns, ftp, http, smb, smtp, ssh, tls};
use crate::event::{ActivityKind, Direction, Fact, Facts, Http};
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, FieldKind};

/// The longest text that is told whole.
const MAX_TEXT: usize = 1024;
/// The most texts under one name.
const MAX_TEXTS: usize = 64;
/// The most bytes of texts in one record, so that it fits an event however it is escaped.
const MAX_BYTES: usize = 8 << 10;

/// What a protocol's records tell.
#[derive(Debug)]
pub struct RecordType {
    /// Their kind.
    pub kind: ActivityKind,
    /// Flows of which protocols have them.
    pub protocols: &'static [AppProtocol],
    /// Tells of one transaction.
    pub tell: fn(&mut Teller<'_>),
}

/// The records of each protocol.
pub static RECORDS: &[&RecordType] = &[
    &http::facts::RECORD,
    &dns::facts::RECORD,
    &tls::facts::RECORD,
    &ssh::facts::RECORD,
    &smtp::facts::RECORD,
    &ftp::facts::RECORD,
    &smb::facts::RECORD,
    &dcerpc::facts::RECORD,
];

/// The records that are wanted, with how the fields of each protocol are read.
#[derive(Clone, Debug, Default)]
pub struct Records(Vec<(AppProtocol, &'static RecordType, Vec<FieldRow>)>);

impl Records {
    /// Those of these kinds.
    pub fn new(kinds: &[ActivityKind]) -> Self {
        let wanted = |protocol: AppProtocol| {
            RECORDS.iter().find(|one| kinds.contains(&one.kind) && one.protocols.contains(&protocol))
        };
        let mut records: Vec<_> = SPEECHES
            .iter()
            .filter_map(|speech| Some((speech.protocol, *wanted(speech.protocol)?, (speech.fields)())))
            .collect();
        records.dedup_by_key(|(protocol, ..)| *protocol);
        Self(records)
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether flows of a protocol have some.
    pub fn wants(&self, protocol: AppProtocol) -> bool {
        self.0.iter().any(|(known, ..)| *known == protocol)
    }

    /// Tells of each transaction that is over by now and was not told of: of all where `ends` says so. What has nothing
    /// to tell is passed over.
    pub fn tell(
        &self,
        protocol: AppProtocol,
        conversation: &mut dyn Conversation,
        ends: bool,
        sink: &mut dyn FnMut(ActivityKind, Facts),
    ) {
        let Some((_, record, rows)) = self.0.iter().find(|(known, ..)| *known == protocol) else { return };
        let mut next = 0;
        while let Some(number) = conversation.untold(next, ends) {
            next = number + 1;
            let mut teller = Teller { conversation, number, rows, facts: Facts::new(), bytes: 0 };
            (record.tell)(&mut teller);
            let facts = teller.facts;
            conversation.set_told(number);
            if !facts.is_empty() {
                sink(record.kind, facts);
            }
        }
    }
}

/// Puts together what is told of one transaction.
#[derive(Debug)]
pub struct Teller<'a> {
    conversation: &'a dyn Conversation,
    number: u64,
    rows: &'a [FieldRow],
    facts: Facts,
    bytes: usize,
}

impl Teller<'_> {
    /// Whether the transaction has come anywhere one way.
    pub fn goes(&self, way: Direction) -> bool {
        self.conversation.progress(self.number, way).is_some()
    }

    /// What events tell of an HTTP transaction.
    pub fn http(&self) -> Option<Http> {
        self.conversation.http(self.number)
    }

    /// Tells a text, if there is one.
    pub fn bytes(&mut self, name: &'static str, text: Option<Vec<u8>>) {
        if let Some(text) = text {
            let text = self.cut(&text);
            self.facts.push((name, Fact::Text(text)));
        }
    }

    /// Tells a number, if there is one.
    pub fn count(&mut self, name: &'static str, number: Option<u64>) {
        self.facts.extend(number.map(|number| (name, Fact::Number(number))));
    }

    /// Tells the first value of a field of bytes.
    pub fn text(&mut self, name: &'static str, field: &'static Field, way: Direction) {
        let first = self.value(field, way);
        self.bytes(name, first);
    }

    /// Tells all values of a field of bytes.
    pub fn texts(&mut self, name: &'static str, field: &'static Field, way: Direction) {
        let values = self.values(field, way, MAX_TEXTS);
        self.list(name, values);
    }

    /// The first value of a field, as rules read it.
    pub fn value(&self, field: &'static Field, way: Direction) -> Option<Vec<u8>> {
        self.values(field, way, 1).pop()
    }

    /// The first value of a field of numbers.
    pub fn number(&self, field: &'static Field, way: Direction) -> Option<u64> {
        Some(u64::from_be_bytes(self.value(field, way)?.try_into().ok()?))
    }

    /// Whether anything was told.
    pub fn has_told(&self) -> bool {
        !self.facts.is_empty()
    }

    /// Tells the first value of a field of numbers by its name, or in digits where it has none.
    pub fn named(&mut self, name: &'static str, field: &'static Field, way: Direction) {
        let first = self.value(field, way);
        self.bytes(name, first.map(|value| name_of(field, &value)));
    }

    /// Tells all values of a field of numbers by their names.
    pub fn all_named(&mut self, name: &'static str, field: &'static Field, way: Direction) {
        let values = self.values(field, way, MAX_TEXTS);
        self.list(name, values.iter().map(|value| name_of(field, value)).collect());
    }

    fn list(&mut self, name: &'static str, values: Vec<Vec<u8>>) {
        if !values.is_empty() {
            let texts = values.iter().map(|value| self.cut(value)).collect();
            self.facts.push((name, Fact::Texts(texts)));
        }
    }

    fn values(&self, field: &'static Field, way: Direction, most: usize) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        if let Some(row) = self.rows.iter().find(|row| std::ptr::eq(row.field, field)) {
            self.conversation.read(self.number, row.reader, way, &mut |_, value| {
                values.push(value[..value.len().min(MAX_TEXT)].to_vec());
                values.len() == most
            });
        }
        values
    }

    fn cut(&mut self, text: &[u8]) -> Vec<u8> {
        let len = text.len().min(MAX_TEXT).min(MAX_BYTES - self.bytes);
        self.bytes += len;
        text[..len].to_vec()
    }
}

fn name_of(field: &Field, value: &[u8]) -> Vec<u8> {
    let number = value.try_into().map_or(0, u64::from_be_bytes);
    let names = match field.kind {
        FieldKind::Number { names, .. } | FieldKind::ManyNumbers { names, .. } => names,
        FieldKind::Bytes | FieldKind::ManyBytes | FieldKind::Frame(_) => &[],
    };
    let name = names.iter().find(|&&(_, known)| known == number).map(|(name, _)| (*name).to_owned());
    name.unwrap_or_else(|| number.to_string()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::http::Http1;
    use crate::app_layer::testing::Dialogue;
    use crate::event::ActivityKind;
    use Direction::{ToClient, ToServer};

    fn told(records: &Records, dialogue: &mut Dialogue, ends: bool) -> Vec<Facts> {
        let mut told = Vec::new();
        records.tell(AppProtocol::Http1, &mut *dialogue.conversation, ends, &mut |kind, facts| {
            assert_eq!(kind, ActivityKind::Http);
            told.push(facts);
        });
        told
    }

    fn text(facts: &Facts, name: &str) -> Option<usize> {
        facts.iter().find_map(|(known, fact)| match fact {
            Fact::Text(text) if *known == name => Some(text.len()),
            _ => None,
        })
    }

    #[test]
    fn each_transaction_is_told_once_when_it_is_over() {
        let records = Records::new(&[ActivityKind::Http, ActivityKind::Flow]);
        let mut dialogue = Dialogue::new::<Http1>();
        dialogue.say(ToServer, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(told(&records, &mut dialogue, false).is_empty(), "nothing was answered");
        dialogue.say(ToClient, b"HTTP/1.1 204 No\r\n\r\n");
        assert_eq!(told(&records, &mut dialogue, false).len(), 1);
        assert!(told(&records, &mut dialogue, false).is_empty());
        let rest = told(&records, &mut dialogue, true);
        assert_eq!((rest.len(), text(&rest[0], "url")), (1, Some(2)), "the flow has ended");
        assert!(told(&records, &mut dialogue, true).is_empty());
    }

    #[test]
    fn what_nobody_wants_is_not_told() {
        let mut dialogue = Dialogue::new::<Http1>();
        dialogue.say(ToServer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        for kinds in [&[][..], &[ActivityKind::Dns], &[ActivityKind::Flow]] {
            assert!(told(&Records::new(kinds), &mut dialogue, true).is_empty());
        }
        assert!(Records::new(&[ActivityKind::Flow]).is_empty());
    }

    #[test]
    fn texts_are_bounded() {
        let records = Records::new(&[ActivityKind::Http]);
        let long = "x".repeat(15_000);
        let mut dialogue = Dialogue::new::<Http1>();
        let request =
            format!("GET /{long} HTTP/1.1\r\nHost: {long}\r\nUser-Agent: {long}\r\nReferer: {long}\r\n\r\n");
        dialogue.say(ToServer, request.as_bytes());
        let facts = &told(&records, &mut dialogue, true)[0];
        for name in ["url", "hostname", "user_agent", "referer"] {
            assert_eq!(text(facts, name), Some(MAX_TEXT), "{name}");
        }
    }
}
