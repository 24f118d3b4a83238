//! What rules see of one connection: a single transaction, which goes both ways.

use super::fields;
use super::wire::{Banner, KeyExchange};
use crate::app_layer::hex::hex;
use crate::app_layer::parser::{Reader, Visit, VisitWindow};
use crate::event::Direction;
use md5::{Digest, Md5};

/// What one side has shown.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) banner: Option<Banner>,
    pub(super) exchange: Option<KeyExchange>,
}

/// What both sides have shown.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) sides: [Side; 2],
}

impl Session {
    fn hassh(&self, way: Direction) -> Option<Vec<u8>> {
        self.sides[way.index()].exchange.as_ref()?.hassh(way)
    }
}

/// How rules read it. Keys are exchanged some time after the banner was there.
pub(super) const READERS: &[Reader<Session>] = &[
    Reader::new(&fields::PROTO, |session, way, visit| {
        of_banner(session, way, visit, |banner| &banner.protocol)
    }),
    Reader::new(&fields::SOFTWARE, |session, way, visit| {
        of_banner(session, way, visit, |banner| &banner.software);
    }),
    Reader::streaming(&fields::HASSH, hash),
    Reader::streaming(&fields::HASSH_STRING, string),
    Reader::streaming(&fields::HASSH_SERVER, hash),
    Reader::streaming(&fields::HASSH_SERVER_STRING, string),
];

fn of_banner(session: &Session, way: Direction, visit: &mut Visit<'_>, part: fn(&Banner) -> &[u8]) {
    let banner = session.sides[way.index()].banner.as_ref();
    if let Some(part) = banner.map(part).filter(|part| !part.is_empty()) {
        visit(part);
    }
}

fn hash(session: &Session, way: Direction, visit: &mut VisitWindow<'_>) {
    if let Some(hassh) = session.hassh(way) {
        visit(0, hex(&Md5::digest(hassh)).as_bytes());
    }
}

fn string(session: &Session, way: Direction, visit: &mut VisitWindow<'_>) {
    if let Some(hassh) = session.hassh(way) {
        visit(0, &hassh);
    }
}
