//! FTP (RFC 959), its control connection and its data connections.
//!
//! On the control connection each command is a transaction with its reply, which may come in several lines and, after
//! preliminary ones, several times. What PORT, PASV and their like agree on is expected once RETR or STOR says which
//! file is to come.

mod data;
pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
mod transaction;
mod wire;

pub use data::{FtpData, Transfer};
pub use transaction::Transaction;

use super::conversation::{begin, field_rows};
use super::identify::{Carrier, Likeness, Probe, Speech, begins_with_welcome, begins_with_word};
use super::line::{Line, Lines};
use super::parser::{Change, Expectation, Input, Malformed, Parser, Reader, Requests};
use super::progress::{COMPLETE, STARTED, TWO_STATES};
use super::transaction::{self as tx, MAX_OPEN, Transactions};
use crate::event::Direction;
use event::Event;
use frames::Frame;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon};
use std::collections::VecDeque;
use transaction::READERS;
use wire::{Command, ReplyLine, Verb};

/// What FTP's control connection lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Ftp],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// What FTP's data connections lend to rules.
pub static DATA: Lexicon = Lexicon {
    protocols: &[AppProtocol::FtpData],
    fields: &[],
    keywords: fields::DATA_KEYWORDS,
    hooks: TWO_STATES,
    events: None,
    frames: &[],
};

/// How FTP is found: by the words that clients begin with and by one form of welcome anywhere, by any welcome where
/// it is expected.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Ftp,
    probes: &[
        Probe { carrier: Carrier::Tcp, ports: &[], likeness: likeness_anywhere },
        Probe { carrier: Carrier::Tcp, ports: &[21], likeness: begins_with_welcome },
    ],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Ftp>,
    fields: field_rows::<Ftp>,
};

/// Data connections are told by the control connection alone.
pub static DATA_SPEECH: Speech = Speech {
    protocol: AppProtocol::FtpData,
    probes: &[],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<FtpData>,
    fields: field_rows::<FtpData>,
};

fn likeness_anywhere(bytes: &[u8], direction: Direction) -> Likeness {
    let words: &[&[u8]] = match direction {
        Direction::ToServer => &[b"USER ", b"PASS ", b"PORT ", b"FEAT"],
        Direction::ToClient => &[b"220 ("],
    };
    begins_with_word(bytes, words)
}

/// The longest line that is looked at (suricata.yaml, `app-layer.protocols.ftp.max-line-length`).
const MAX_LINE: usize = 4096;

/// The parser of one control connection.
#[derive(Debug, Default)]
pub struct Ftp {
    lines: [Lines; 2],
    /// Transactions whose reply has not come, the oldest first.
    pending: VecDeque<u64>,
    /// The code of the reply that is under way in several lines, with its transaction.
    reply: Option<([u8; 3], u64)>,
    /// The port agreed on for the next data connection.
    port: Option<u16>,
    /// What follows is TLS.
    is_tls: bool,
}

impl Parser for Ftp {
    type Transaction = Transaction;
    const READERS: &'static [Reader<Transaction>] = READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let mut consumed = 0;
        // An announced connection is told before the next is read of.
        while !self.is_tls && requests.expect.is_none() {
            let lines = &mut self.lines[input.direction.index()];
            let Some((line, len)) = lines.next(&input.bytes[consumed..], MAX_LINE) else { break };
            requests.frames.stand_at(consumed);
            consumed += len;
            if !line.begins || line.text.is_empty() {
                continue;
            }
            let kind = match input.direction {
                Direction::ToServer => Frame::CommandLine,
                Direction::ToClient => Frame::ResponseLine,
            };
            requests.frames.add(kind as u8, 0, len);
            match input.direction {
                Direction::ToServer => self.command(line, transactions, requests),
                Direction::ToClient => self.reply_line(line, transactions, requests),
            }
        }
        if input.end && input.direction == Direction::ToClient {
            self.leave_unanswered(transactions);
        }
        Ok(consumed)
    }
}

impl Ftp {
    fn command(
        &mut self,
        line: Line<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) {
        let Command { name, argument, verb } = Command::parse(line.text);
        let (id, transaction) = begin_transaction(transactions);
        transaction.data.command = name.to_ascii_uppercase();
        transaction.data.argument = argument.to_vec();
        transaction.data.verb = verb;
        if line.ending.is_empty() {
            transaction.event(Event::RequestCommandTooLong as u8);
        }
        if matches!(verb, Verb::Retr | Verb::Stor) {
            match self.port.take() {
                _ if argument.is_empty() => transaction.event(Event::FileWithoutName as u8),
                None => transaction.event(Event::FileBeforePort as u8),
                Some(port) => requests.expect = Some(expectation(port, verb, argument)),
            }
        }
        if self.pending.len() == MAX_OPEN {
            self.pending.pop_front();
        }
        self.pending.push_back(id);
    }

    fn reply_line(
        &mut self,
        line: Line<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) {
        let said = ReplyLine::parse(line.text);
        let code: Option<[u8; 3]> = said.code.try_into().ok();
        if let Some((_, id)) =
            self.reply.take_if(|reply| is_left_open(*reply, &said, &self.pending, transactions))
        {
            self.finish(id, transactions);
        }
        let id = match self.reply {
            Some((_, id)) => id,
            None => self.answered(transactions),
        };
        let Some(transaction) = transactions.get_mut(id) else { return };
        transaction.data.add_line(said.code, said.text);
        transaction.data.replied = Some(true);
        if line.ending.is_empty() {
            transaction.event(Event::ResponseCommandTooLong as u8);
        }
        self.note_effect(&said, &mut transaction.data, requests);
        self.reply = match (self.reply, code) {
            (Some((begun, _)), _) if code == Some(begun) && !said.goes_on => None,
            (None, Some(code)) if said.goes_on => Some((code, id)),
            (reply, _) => reply,
        };
        // A preliminary reply is not the last (RFC 959, section 4.2.1).
        let is_preliminary = said.code.first() == Some(&b'1');
        if self.reply.is_none() && !is_preliminary {
            self.finish(id, transactions);
        }
    }

    /// A reply is whole.
    fn finish(&mut self, id: u64, transactions: &mut Transactions<Transaction>) {
        if let Some(transaction) = transactions.get_mut(id) {
            complete(transaction);
        }
        if self.pending.front() == Some(&id) {
            self.pending.pop_front();
        }
    }

    /// The transaction that a reply belongs to: the oldest without one, or a new one if nothing was asked.
    fn answered(&mut self, transactions: &mut Transactions<Transaction>) -> u64 {
        while let Some(&id) = self.pending.front() {
            if transactions.get(id).is_some() {
                return id;
            }
            self.pending.pop_front();
        }
        begin_transaction(transactions).0
    }

    /// What the reply to a command changes.
    fn note_effect(&mut self, said: &ReplyLine<'_>, transaction: &mut Transaction, requests: &mut Requests) {
        let port = match transaction.verb {
            Verb::Port => wire::port_of_numbers(&transaction.argument).map(|port| (port, false)),
            Verb::Eprt => wire::port_of_address(&transaction.argument).map(|port| (port, false)),
            Verb::Pasv if said.code == b"227" => wire::port_of_numbers(said.text).map(|port| (port, true)),
            Verb::Epsv if said.code == b"229" => {
                wire::port_in_parentheses(said.text).map(|port| (port, true))
            }
            Verb::Auth if said.code == b"234" => {
                self.is_tls = true;
                requests.change = Some(Change::To(AppProtocol::Tls));
                None
            }
            _ => None,
        };
        if let Some((number, _)) = port {
            self.port = Some(number);
            transaction.port = port;
        }
    }

    /// The server is gone.
    fn leave_unanswered(&mut self, transactions: &mut Transactions<Transaction>) {
        for id in self.pending.drain(..) {
            if let Some(transaction) = transactions.get_mut(id) {
                transaction.data.replied.get_or_insert(false);
                complete(transaction);
            }
        }
    }
}

/// Whether a reply in several lines has no end: a line has another code, and commands wait for an answer behind it.
fn is_left_open(
    (begun, id): ([u8; 3], u64),
    said: &ReplyLine<'_>,
    pending: &VecDeque<u64>,
    transactions: &Transactions<Transaction>,
) -> bool {
    let answers_another = !said.code.is_empty() && said.code != begun && pending.len() > 1;
    answers_another || transactions.get(id).is_none()
}

fn begin_transaction(
    transactions: &mut Transactions<Transaction>,
) -> (u64, &mut tx::Transaction<Transaction>) {
    let crowded = transactions.numbers().count() == MAX_OPEN;
    let (id, transaction) = transactions.begin();
    Direction::ALL.iter().for_each(|&way| transaction.advance(way, STARTED));
    if crowded {
        transaction.event(Event::TooManyTransactions as u8);
    }
    (id, transaction)
}

fn complete(transaction: &mut tx::Transaction<Transaction>) {
    Direction::ALL.iter().for_each(|&way| transaction.advance(way, COMPLETE));
}

fn expectation(port: u16, verb: Verb, name: &[u8]) -> Expectation {
    let data = if verb == Verb::Retr { Direction::ToClient } else { Direction::ToServer };
    // Addresses in commands and replies need not be those that the other side sees.
    Expectation { address: None, port, protocol: AppProtocol::FtpData, data, about: name.to_vec() }
}

#[cfg(test)]
mod tests;
