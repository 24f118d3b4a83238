//! HTTP/2 in clear text (RFC 9113), begun by a client that knows its server speaks it, or by an upgrade from HTTP/1
//! (RFC 7540, section 3.2).
//!
//! As in Suricata, a stream is a transaction, and so is each frame about the whole connection, going one way. Frames are
//! read as they come: DATA is passed on piece by piece, and no more is held than one other frame and one header block.

mod block;
mod doh;
pub mod event;
pub mod fields;
mod frame;
pub mod frames;
mod headers;
mod hpack;
mod identify;
mod lane;
mod reader;
mod stream;
mod streams;
mod upgrade;

pub use stream::Stream;

use super::conversation::{begin, field_rows};
use super::file::transfer::Files;
use super::http::Body;
use super::http::progress::{COMPLETE, STARTED};
use super::identify::Speech;
use super::parser::{HandedOver, Input, Malformed, Parser, Reader, Requests};
use super::transaction::Transactions;
use crate::event::{Direction, Http};
use lane::Lane;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Hook, Lexicon};
use streams::Streams;

/// What HTTP/2 lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Http2, AppProtocol::Doh2],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How flows of HTTP/2 are found and parsed.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Http2,
    probes: identify::PROBES,
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Http2>,
    fields: field_rows::<Http2>,
};

/// Flows of HTTP/2 that turn out to carry DNS (RFC 8484).
pub static DOH_SPEECH: Speech = Speech {
    protocol: AppProtocol::Doh2,
    probes: &[],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Http2>,
    fields: field_rows::<Http2>,
};

/// States of a transaction; those between have no names, since both ways of a stream end together.
static HOOKS: &[Hook] = &[
    Hook::request("request_started", STARTED),
    Hook::request("request_complete", COMPLETE),
    Hook::response("response_started", STARTED),
    Hook::response("response_complete", COMPLETE),
];

/// The parser of a flow of HTTP/2.
#[derive(Debug, Default)]
pub struct Http2 {
    lanes: [Lane; 2],
    streams: Streams,
}

impl Parser for Http2 {
    type Transaction = Stream;
    const READERS: &'static [Reader<Stream>] = reader::READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const CARRIES_FILES: bool = true;
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Stream>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let way = input.direction;
        let lane = &mut self.lanes[way.index()];
        let mut taken = 0;
        loop {
            requests.frames.stand_at(taken);
            let bytes = &input.bytes[taken..];
            let Some(more) = lane.step(way, bytes, &mut self.streams, transactions, &mut requests.frames)?
            else {
                break;
            };
            taken += more;
            requests.inspect_raw |= lane.is_between_frames();
        }
        if input.end {
            transactions.iter_mut().for_each(|stream| stream.end_body(way));
        }
        requests.becomes = self.streams.carry_dns.then_some(AppProtocol::Doh2);
        Ok(taken)
    }

    fn take_over(&mut self, handed: &HandedOver, transactions: &mut Transactions<Stream>) {
        upgrade::take_over(handed, &mut self.streams, transactions);
    }

    fn files(stream: &Stream, direction: Direction) -> Option<&Files> {
        stream.way(direction).body.as_deref().map(Body::files)
    }

    fn files_mut(stream: &mut Stream, direction: Direction) -> Option<&mut Files> {
        stream.way_mut(direction).body.as_deref_mut().map(Body::files_mut)
    }

    fn inspected(stream: &mut Stream, direction: Direction) {
        if let Some(body) = &mut stream.way_mut(direction).body {
            body.inspected();
        }
    }

    fn http(stream: &Stream) -> Option<Http> {
        stream.event()
    }
}

#[cfg(test)]
mod tests;
