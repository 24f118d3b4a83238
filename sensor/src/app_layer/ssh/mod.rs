//! SSH (RFC 4253): what is said in the clear before both sides encrypt.
//!
//! As in Suricata, a connection is one transaction that goes both ways.

pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
mod session;
mod wire;

use super::conversation::{begin, field_rows};
use super::identify::{Carrier, Likeness, Probe, Speech};
use super::parser::{Input, Malformed, Parser, Reader, Requests};
use super::transaction::{Sole, Transaction, Transactions};
use crate::event::Direction;
use event::Event;
use frames::Frame;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Hook, Lexicon};
use session::Session;
use wire::{Banner, KeyExchange, MAX_BANNER, PACKET_HEAD, Packet, message};

/// What SSH lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Ssh],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How flows are found and parsed.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Ssh,
    probes: &[Probe { carrier: Carrier::Tcp, ports: &[], likeness: of_banner }],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Ssh>,
    fields: field_rows::<Ssh>,
};

fn of_banner(bytes: &[u8], _: Direction) -> Likeness {
    let start = b"SSH-";
    if bytes.starts_with(start) {
        Likeness::Certain
    } else if start.starts_with(bytes) {
        Likeness::Possible
    } else {
        Likeness::None
    }
}

/// States of one side (Suricata documentation: "Firewall Mode Design").
static HOOKS: &[Hook] = &[
    Hook::request("request_in_progress", progress::STARTED),
    Hook::request("request_banner_wait_eol", progress::BANNER_BEGUN),
    Hook::request("request_banner_done", progress::BANNER),
    Hook::request("request_finished", progress::FINISHED),
    Hook::response("response_in_progress", progress::STARTED),
    Hook::response("response_banner_wait_eol", progress::BANNER_BEGUN),
    Hook::response("response_banner_done", progress::BANNER),
    Hook::response("response_finished", progress::FINISHED),
];

/// How far one side has come.
pub mod progress {
    /// Its first byte was seen.
    pub const STARTED: u8 = 0;
    /// Its banner has begun.
    pub const BANNER_BEGUN: u8 = 1;
    /// Its banner is there.
    pub const BANNER: u8 = 2;
    /// Its keys are exchanged: what follows is encrypted.
    pub const FINISHED: u8 = 3;
}

/// The longest key exchange that is kept. RFC 4253, section 6.1, asks for 35,000 bytes to be taken.
const MAX_KEY_EXCHANGE: usize = 1 << 16;

/// What is expected of one side next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    /// Its first line.
    #[default]
    Banner,
    /// The end of that line, which is too long.
    BannerEnd,
    /// Packets in the clear.
    Packets,
    /// It encrypts.
    Encrypted,
}

/// One side.
#[derive(Debug, Default)]
struct Side {
    stage: Stage,
    /// Bytes of the packet at hand that are passed over as they come.
    passing: usize,
}

/// One connection.
#[derive(Debug, Default)]
struct Ssh {
    session: Sole,
    sides: [Side; 2],
}

impl Parser for Ssh {
    type Transaction = Session;
    const READERS: &'static [Reader<Session>] = session::READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const COMPLETE: [u8; 2] = [progress::FINISHED; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Session>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let way = input.direction;
        let Some(transaction) = self.session.get_mut(transactions) else { return Ok(input.bytes.len()) };
        let mut rest = input.bytes;
        if !rest.is_empty() {
            transaction.advance(way, progress::STARTED);
        }
        loop {
            requests.frames.stand_at(input.bytes.len() - rest.len());
            let side = &mut self.sides[way.index()];
            let taken = match side.stage {
                Stage::Banner => side.banner(rest, way, transaction, requests),
                Stage::BannerEnd => Ok(side.banner_end(rest, way, transaction, requests)),
                Stage::Packets => side.packet(rest, way, transaction, requests),
                Stage::Encrypted => Ok(rest.len()),
            };
            match taken {
                Ok(0) => break,
                Ok(taken) => rest = &rest[taken..],
                Err(event) => {
                    transaction.event(event as u8);
                    return Err(Malformed);
                }
            }
        }
        if self.sides.iter().all(|side| side.stage == Stage::Encrypted) {
            (requests.encrypted, requests.finished) = (true, true);
        }
        Ok(input.bytes.len() - rest.len())
    }
}

impl Side {
    /// Reads the first line; says how many bytes that were, none if more are needed.
    fn banner(
        &mut self,
        bytes: &[u8],
        way: Direction,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) -> Result<usize, Event> {
        // A carriage return may stand behind the longest.
        let looked_at = &bytes[..bytes.len().min(MAX_BANNER + 1)];
        let end = memchr::memchr(b'\n', looked_at);
        if end.is_none() && looked_at.len() <= MAX_BANNER {
            return Ok(0);
        }
        let line = &looked_at[..end.unwrap_or(MAX_BANNER)];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let banner = Banner::read(line).ok_or(Event::InvalidBanner)?;
        transaction.data.sides[way.index()].banner = Some(banner);
        if line.len() >= MAX_BANNER {
            transaction.event(Event::LongBanner as u8);
        }
        let Some(end) = end else {
            self.stage = Stage::BannerEnd;
            transaction.advance(way, progress::BANNER_BEGUN);
            return Ok(looked_at.len());
        };
        self.banner_is_done(way, transaction, requests);
        Ok(end + 1)
    }

    fn banner_end(
        &mut self,
        bytes: &[u8],
        way: Direction,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) -> usize {
        let Some(end) = memchr::memchr(b'\n', bytes) else { return bytes.len() };
        self.banner_is_done(way, transaction, requests);
        end + 1
    }

    fn banner_is_done(
        &mut self,
        way: Direction,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) {
        self.stage = Stage::Packets;
        transaction.advance(way, progress::BANNER);
        requests.inspect_raw = true;
    }

    /// Reads a packet, or passes over a part of one; says how many bytes that were, none if more are needed.
    fn packet(
        &mut self,
        bytes: &[u8],
        way: Direction,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) -> Result<usize, Event> {
        if self.passing > 0 {
            let passed = bytes.len().min(self.passing);
            self.passing -= passed;
            return Ok(passed);
        }
        let Some(packet) = Packet::read(bytes).map_err(|()| Event::InvalidRecord)? else { return Ok(0) };
        requests.frames.add(Frame::RecordHdr as u8, 0, PACKET_HEAD);
        requests.frames.add(Frame::RecordData as u8, PACKET_HEAD, packet.len);
        requests.frames.add(Frame::RecordPdu as u8, 0, PACKET_HEAD + packet.len);
        if packet.message == message::KEXINIT && packet.len < MAX_KEY_EXCHANGE {
            let Some(contents) = bytes.get(PACKET_HEAD..PACKET_HEAD + packet.len) else { return Ok(0) };
            let side = &mut transaction.data.sides[way.index()];
            side.exchange.get_or_insert_with(|| KeyExchange::new(contents));
            requests.inspect_raw = true;
            return Ok(PACKET_HEAD + packet.len);
        }
        if packet.message == message::NEWKEYS {
            self.stage = Stage::Encrypted;
            transaction.advance(way, progress::FINISHED);
        }
        self.passing = packet.len;
        Ok(PACKET_HEAD)
    }
}

#[cfg(test)]
mod tests;
