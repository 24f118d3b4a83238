//! What rules see of one connection: a single transaction, which goes both ways.

use super::certificate::Chain;
use super::fields;
use super::fingerprint::{ja3, ja3s, ja4, md5_hex};
use super::hello::Hello;
use super::wire::version;
use crate::app_layer::parser::{Reader, Visit, visit_number};
use crate::event::Direction;
use crate::time::Timestamp;

/// What one side has shown.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) hello: Option<Hello>,
    pub(super) chain: Option<Chain>,
    /// Whether it speaks SSL 2.
    pub(super) is_ssl2: bool,
    /// Whether it has sent application data: nothing more is shown.
    pub(super) is_done: bool,
    /// Whether rules have looked at it since.
    is_seen: bool,
}

/// What both sides have shown.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) sides: [Side; 2],
    /// The message by which rules know how far the handshake is, and whether one was seen.
    pub(super) state: Option<u8>,
    /// When the certificates were shown.
    pub(super) certified: Timestamp,
}

impl Session {
    fn side(&self, way: Direction) -> &Side {
        &self.sides[way.index()]
    }

    pub(super) fn side_mut(&mut self, way: Direction) -> &mut Side {
        &mut self.sides[way.index()]
    }

    fn hello(&self, way: Direction) -> Option<&Hello> {
        self.side(way).hello.as_ref()
    }

    fn chain(&self, way: Direction) -> Option<&Chain> {
        self.side(way).chain.as_ref()
    }

    /// Whether both sides have sent application data: nothing more is shown.
    pub(super) fn is_done(&self) -> bool {
        self.sides.iter().all(|side| side.is_done)
    }

    /// Rules have looked at it one way. What no rule will ask for any more is let go of.
    pub(super) fn inspected(&mut self, way: Direction) {
        let side = self.side_mut(way);
        side.is_seen |= side.is_done;
        if self.sides.iter().all(|side| side.is_seen) {
            for side in &mut self.sides {
                (side.hello, side.chain) = (None, None);
            }
        }
    }
}

/// How rules read it.
pub(super) const READERS: &[Reader<Session>] = &[
    Reader::new(&fields::SNI, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| hello.server_name().is_some_and(visit));
    }),
    Reader::new(&fields::ALPN, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| hello.protocols().any(visit));
    }),
    Reader::new(&fields::RANDOM, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(hello.random()));
    }),
    Reader::new(&fields::RANDOM_TIME, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(&hello.random()[..4]));
    }),
    Reader::new(&fields::RANDOM_BYTES, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(&hello.random()[4..]));
    }),
    Reader::new(&fields::JA3_HASH, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(md5_hex(&ja3(hello)).as_bytes()));
    }),
    Reader::new(&fields::JA3_STRING, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(ja3(hello).as_bytes()));
    }),
    Reader::new(&fields::JA3S_HASH, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(md5_hex(&ja3s(hello)).as_bytes()));
    }),
    Reader::new(&fields::JA3S_STRING, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(ja3s(hello).as_bytes()));
    }),
    Reader::new(&fields::JA4_HASH, |session, way, visit| {
        of_hello(session, way, visit, |hello, visit| visit(ja4(hello).as_bytes()));
    }),
    Reader::new(&fields::VERSION, |session, way, visit| {
        if session.side(way).is_ssl2 {
            visit_number(visit, u64::from(version::SSL2));
        } else {
            of_hello(session, way, visit, |hello, visit| visit_number(visit, u64::from(hello.version)));
        }
    }),
    Reader::new(&fields::CERT_SUBJECT, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit(chain.subject().as_bytes()));
    }),
    Reader::new(&fields::CERT_ISSUER, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit(chain.issuer().as_bytes()));
    }),
    Reader::new(&fields::CERT_SERIAL, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit(chain.serial().as_bytes()));
    }),
    Reader::new(&fields::CERT_FINGERPRINT, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit(chain.fingerprint().as_bytes()));
    }),
    Reader::new(&fields::CERTS, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| chain.certificates().any(visit));
    }),
    Reader::new(&fields::SUBJECT_ALT_NAME, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| {
            chain.alternative_names().iter().any(|name| visit(name.as_bytes()))
        });
    }),
    Reader::new(&fields::CERT_CHAIN_LEN, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit_number(visit, chain.len() as u64));
    }),
    Reader::new(&fields::NOT_BEFORE, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit_number(visit, chain.not_before()));
    }),
    Reader::new(&fields::NOT_AFTER, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| visit_number(visit, chain.not_after()));
    }),
    Reader::new(&fields::VALID, |session, way, visit| {
        of_chain(session, way, visit, |chain, visit| {
            visit_number(visit, u64::from(chain.not_after() > session.certified.as_secs()))
        });
    }),
    Reader::streaming(&fields::STATE, |session, _, visit| {
        if let Some(state) = session.state {
            visit(0, &u64::from(state).to_be_bytes());
        }
    }),
];

/// Reads something out of a side's hello, if it is there.
fn of_hello(
    session: &Session,
    way: Direction,
    visit: &mut Visit<'_>,
    read: fn(&Hello, &mut Visit<'_>) -> bool,
) {
    if let Some(hello) = session.hello(way) {
        read(hello, visit);
    }
}

/// Reads something out of a side's certificates, if it has shown any.
fn of_chain(
    session: &Session,
    way: Direction,
    visit: &mut Visit<'_>,
    read: impl Fn(&Chain, &mut Visit<'_>) -> bool,
) {
    if let Some(chain) = session.chain(way) {
        read(chain, visit);
    }
}
