//! HTTP of both versions: what their transactions have in common, and the parser of HTTP/1.
//!
//! HTTP/1 is read as libhtp reads it with Suricata's default configuration (Suricata documentation: "Suricata.yaml",
//! Configure HTTP; RFC 9110 and RFC 9112 for what it should be): whatever a server or a browser may make of odd bytes
//! counts for more than what a specification forbids.

mod best_fit;
mod body;
mod decode;
pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
mod framing;
mod headers;
mod identify;
mod line;
mod multipart;
mod octets;
mod request;
mod response;
mod transaction;
mod uri;

pub(super) use body::Body;
pub(super) use decode::Decoder;
pub(super) use event::Event;
pub(super) use line::Faults;
pub(super) use response::is_range;
pub use transaction::Exchange;

use super::conversation::{begin, field_rows};
use super::file::transfer::Files;
use super::identify::Speech;
use super::parser::{HandedOver, Input, Malformed, Parser, Reader, Requests};
use super::transaction::Transactions;
use crate::event::{Direction, Http};
use frames::Frame;
use request::{Context, RequestReader};
use response::ResponseReader;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Hook, Lexicon};

/// What HTTP lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Http, AppProtocol::Http1],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How flows of HTTP/1 are found and parsed.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Http1,
    probes: identify::PROBES,
    first: Some(Direction::ToServer),
    bridges_gaps: true,
    unlimited_depth: false,
    begin: begin::<Http1>,
    fields: field_rows::<Http1>,
};

/// States of a transaction of HTTP/1 (Suricata documentation: "Firewall Mode Design").
static HOOKS: &[Hook] = &[
    Hook::request("request_started", progress::STARTED),
    Hook::request("request_line", progress::LINE),
    Hook::request("request_headers", progress::HEADERS),
    Hook::request("request_body", progress::BODY),
    Hook::request("request_trailer", progress::TRAILER),
    Hook::request("request_complete", progress::COMPLETE),
    Hook::response("response_started", progress::STARTED),
    Hook::response("response_line", progress::LINE),
    Hook::response("response_headers", progress::HEADERS),
    Hook::response("response_body", progress::BODY),
    Hook::response("response_trailer", progress::TRAILER),
    Hook::response("response_complete", progress::COMPLETE),
];

/// How far a request or a response has come.
pub mod progress {
    /// Its first byte was seen.
    pub const STARTED: u8 = 0;
    /// Its first line is there.
    pub const LINE: u8 = 1;
    /// Its header fields are there.
    pub const HEADERS: u8 = 2;
    /// Its body is coming.
    pub const BODY: u8 = 3;
    /// Its trailer is there.
    pub const TRAILER: u8 = 4;
    /// All of it is there.
    pub const COMPLETE: u8 = 5;
}

/// The parser of a flow of HTTP/1: requests and responses, each in their order, the first with the first.
#[derive(Debug, Default)]
pub struct Http1 {
    requests: RequestReader,
    responses: ResponseReader,
    shared: Shared,
    /// A message was taken as whole while bytes of that way were passed over.
    whole_in_gap: [bool; 2],
}

impl Frame {
    /// What goes that way.
    const fn of(direction: Direction) -> Self {
        match direction {
            Direction::ToServer => Self::Request,
            Direction::ToClient => Self::Response,
        }
    }
}

/// What one way has to know of the other.
#[derive(Debug, Default)]
struct Shared {
    connect: Connect,
    /// The transaction whose request's body will not come: it waited for a 100 (Continue) and got an error.
    unwanted_body: Option<u64>,
}

/// Whether there is a tunnel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Connect {
    /// Nobody asked for one.
    #[default]
    None,
    Asked,
    Granted,
    Refused,
}

/// What became of looking at bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// That many are done with, perhaps none, and the next thing can be looked at.
    Took(usize),
    /// There have to be more.
    Wait,
}

impl Step {
    fn took_or_wait(taken: usize) -> Self {
        if taken == 0 { Self::Wait } else { Self::Took(taken) }
    }

    fn all(bytes: &[u8]) -> Self {
        Self::took_or_wait(bytes.len())
    }
}

impl Parser for Http1 {
    type Transaction = Exchange;
    const READERS: &'static [Reader<Exchange>] = transaction::READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const CARRIES_FILES: bool = true;
    const COMPLETE: [u8; 2] = [progress::COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Exchange>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        if std::mem::take(&mut self.whole_in_gap[input.direction.index()]) {
            requests.inspect_raw = true;
            requests.frames.close(Frame::of(input.direction) as u8, 0);
        }
        let mut context = Context { transactions, requests, shared: &mut self.shared };
        let mut taken = 0;
        loop {
            let bytes = &input.bytes[taken..];
            context.requests.frames.stand_at(taken);
            let step = match input.direction {
                Direction::ToServer => self.requests.step(bytes, input.end, &mut context)?,
                Direction::ToClient => self.responses.step(bytes, input.end, &mut context)?,
            };
            match step {
                Step::Took(more) => taken += more,
                Step::Wait => return Ok(taken),
            }
            if context.requests.change.is_some() || context.requests.finished {
                return Ok(taken);
            }
        }
    }

    fn skip(
        &mut self,
        direction: Direction,
        bytes: u64,
        transactions: &mut Transactions<Exchange>,
    ) -> Result<(), Malformed> {
        let mut requests = Requests::default();
        let mut context = Context { transactions, requests: &mut requests, shared: &mut self.shared };
        match direction {
            Direction::ToServer => self.requests.skip(bytes, &mut context)?,
            Direction::ToClient => self.responses.skip(bytes, &mut context),
        }
        self.whole_in_gap[direction.index()] |= requests.inspect_raw;
        Ok(())
    }

    /// The request that a 101 (Switching Protocols) answers: its method and target, then its header fields.
    fn hand_over(&self, transactions: &Transactions<Exchange>) -> Option<HandedOver> {
        let Exchange { request, .. } = &transactions.get(self.responses.last()?)?.data;
        let line = request.line.as_ref()?;
        let first = [(&b":method"[..], Some(line.method())), (b":path", line.uri())];
        let first = first.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let own = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
        Some(first.chain(request.headers.iter()).map(own).collect())
    }

    fn files(exchange: &Exchange, direction: Direction) -> Option<&Files> {
        exchange.body(direction).map(Body::files)
    }

    fn files_mut(exchange: &mut Exchange, direction: Direction) -> Option<&mut Files> {
        exchange.body_mut(direction).map(Body::files_mut)
    }

    fn inspected(exchange: &mut Exchange, direction: Direction) {
        if let Some(body) = exchange.body_mut(direction) {
            body.inspected();
        }
    }

    fn http(exchange: &Exchange) -> Option<Http> {
        Some(exchange.event())
    }
}

#[cfg(test)]
mod tests;
