//! SMTP (RFC 5321) and the mail it carries.
//!
//! A transaction reaches from a command to the end of the mail, or to RSET, and goes both ways: replies belong to the
//! commands that they answer. Commands wait for their replies in order; what DATA and STARTTLS change, they change
//! once the server agrees.

mod awaited;
pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
mod transaction;
mod wire;

pub use transaction::Transaction;

use super::conversation::{begin, field_rows};
use super::file::transfer::Files;
use super::frames::FrameLog;
use super::identify::{Carrier, Likeness, Probe, Speech, begins_with_welcome, begins_with_word};
use super::line::{Line, Lines};
use super::mime::Mail;
use super::parser::{Change, Input, Malformed, Parser, Reader, Requests};
use super::progress::{COMPLETE, STARTED, TWO_STATES};
use super::transaction::{self as tx, Transactions};
use crate::event::Direction;
use awaited::{Awaited, Waiting};
use event::Event;
use frames::Frame;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon};
use transaction::{READERS, note_anomalies};
use wire::{Command, Reply};

/// What SMTP lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Smtp],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How SMTP is found: clients by their first word anywhere, servers by their welcome where mail is expected.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Smtp,
    probes: &[
        Probe { carrier: Carrier::Tcp, ports: &[], likeness: client_likeness },
        Probe { carrier: Carrier::Tcp, ports: &[25, 465], likeness: begins_with_welcome },
    ],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Smtp>,
    fields: field_rows::<Smtp>,
};

fn client_likeness(bytes: &[u8], direction: Direction) -> Likeness {
    match direction {
        Direction::ToServer => begins_with_word(bytes, &[b"ehlo", b"helo", b"quit"]),
        Direction::ToClient => Likeness::None,
    }
}

/// The longest line of commands and replies that is looked at (Suricata: 4096); also what of a mail's long lines is
/// read at once.
const MAX_LINE: usize = 4096;

/// What the client's next bytes are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Mode {
    #[default]
    Commands,
    /// Lines of a mail, up to a dot on a line of its own.
    Mail,
    /// A chunk of a mail, with so many bytes left.
    Chunk { left: u64, last: bool },
    /// Another protocol's.
    Tls,
}

/// Whether the server has welcomed the client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Welcome {
    #[default]
    Awaited,
    /// Commands were read before it, the first of them of that transaction. The welcome may be on its way: bytes of
    /// the two ways need not come in the order in which they were sent.
    Overtaken(u64),
    Given,
}

/// The parser of one SMTP session.
#[derive(Debug, Default)]
pub struct Smtp {
    lines: [Lines; 2],
    mode: Mode,
    /// The transaction that commands belong to.
    current: Option<u64>,
    helo: Vec<u8>,
    waiting: Waiting,
    welcome: Welcome,
    /// Whether the server has said that clients need not wait for each reply (RFC 2920).
    pipelining: bool,
    /// Whether DATA waits for the server's word. Mail that comes before it is read all the same: who takes it without
    /// a word gets it.
    data_pending: bool,
    /// Of chunks: what is not a whole line yet, and how far it was looked at.
    chunk: Vec<u8>,
    chunk_lines: Lines,
    /// Whether the last chunk ended within a line.
    chunk_cut: bool,
}

impl Parser for Smtp {
    type Transaction = Transaction;
    const READERS: &'static [Reader<Transaction>] = READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const CARRIES_FILES: bool = true;
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        match input.direction {
            Direction::ToServer => self.read_client(input, transactions, requests),
            Direction::ToClient => self.read_server(input, transactions, requests),
        }
    }

    fn files(transaction: &Transaction, direction: Direction) -> Option<&Files> {
        transaction.mail(direction).map(Mail::files)
    }

    fn files_mut(transaction: &mut Transaction, direction: Direction) -> Option<&mut Files> {
        let mail = transaction.mail.as_deref_mut().filter(|_| direction == Direction::ToServer);
        mail.map(Mail::files_mut)
    }

    fn inspected(transaction: &mut Transaction, direction: Direction) {
        if direction == Direction::ToServer {
            transaction.inspected();
        }
    }
}

impl Smtp {
    fn read_client(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let mut consumed = 0;
        while self.mode != Mode::Tls {
            let rest = &input.bytes[consumed..];
            if let Mode::Chunk { left, last } = self.mode {
                if rest.is_empty() && left > 0 {
                    break;
                }
                consumed += self.read_chunk(rest, left, last, transactions);
                continue;
            }
            let Some((line, len)) = self.lines[0].next(rest, MAX_LINE) else { break };
            requests.frames.stand_at(consumed);
            consumed += len;
            if self.mode == Mode::Mail {
                self.mail_line(line, transactions);
            } else if line.begins {
                requests.frames.add(Frame::CommandLine as u8, 0, len);
                requests.frames.add(Frame::CommandLine as u8, 0, line.text.len());
                self.command_line(line, transactions)?;
                requests.inspect_raw = true;
                self.announce_data(len, &mut requests.frames);
            }
            if self.mode == Mode::Commands {
                requests.frames.close(Frame::Data as u8, 0);
            }
        }
        if input.end && matches!(self.mode, Mode::Mail | Mode::Chunk { .. }) {
            self.break_off(&input.bytes[consumed..], transactions);
            consumed = input.bytes.len();
        }
        if let Some(transaction) = self.current(transactions) {
            note_anomalies(transaction);
        }
        Ok(consumed)
    }

    /// Tells of the mail that a command of so many bytes begins.
    fn announce_data(&self, len: usize, frames: &mut FrameLog) {
        match self.mode {
            Mode::Mail => frames.open(Frame::Data as u8, len),
            Mode::Chunk { left, .. } => {
                frames.add(Frame::Data as u8, len, usize::try_from(left).unwrap_or(usize::MAX));
            }
            Mode::Commands | Mode::Tls => {}
        }
    }

    fn current<'t>(
        &self,
        transactions: &'t mut Transactions<Transaction>,
    ) -> Option<&'t mut tx::Transaction<Transaction>> {
        transactions.get_mut(self.current?)
    }

    fn event(&self, transactions: &mut Transactions<Transaction>, event: Event) {
        if let Some(transaction) = self.current(transactions) {
            transaction.event(event as u8);
        }
    }

    /// Both ways of the transaction are complete.
    fn complete(&self, transactions: &mut Transactions<Transaction>) {
        if let Some(transaction) = self.current(transactions) {
            Direction::ALL.iter().for_each(|&way| transaction.advance(way, COMPLETE));
        }
    }

    /// The transaction that a command belongs to: a new one behind a mail's end, unless it only says good-bye.
    fn transaction_for<'t>(
        &mut self,
        command: Command<'_>,
        transactions: &'t mut Transactions<Transaction>,
    ) -> &'t mut tx::Transaction<Transaction> {
        let current = self.current.and_then(|id| Some((id, transactions.get(id)?)));
        let goes_on = current.filter(|(_, transaction)| {
            matches!(command, Command::Rset | Command::Quit)
                || !transactions.is_complete(transaction, Direction::ToServer)
        });
        let id = match goes_on {
            Some((id, _)) => id,
            None => {
                let (id, transaction) = transactions.begin();
                transaction.data.helo.clone_from(&self.helo);
                Direction::ALL.iter().for_each(|&way| transaction.advance(way, STARTED));
                id
            }
        };
        self.current = Some(id);
        transactions.get_mut(id).expect("it is kept or was just begun")
    }

    fn command_line(
        &mut self,
        line: Line<'_>,
        transactions: &mut Transactions<Transaction>,
    ) -> Result<(), Malformed> {
        let command = Command::parse(line.text);
        let chunk_cut = std::mem::take(&mut self.chunk_cut);
        let transaction = self.transaction_for(command, transactions);
        if line.ending.is_empty() {
            transaction.event(Event::MaxCommandLineLenExceeded as u8);
        }
        if chunk_cut && !Command::is_known(line.text) {
            transaction.event(Event::BdatChunkLenExceeded as u8);
        }
        if self.welcome == Welcome::Awaited {
            self.welcome = Welcome::Overtaken(self.current.expect("a transaction was just found"));
        }
        match command {
            Command::Hello(name) if self.helo.is_empty() => {
                self.helo = name.to_vec();
                transaction.data.helo = name.to_vec();
            }
            Command::MailFrom(path) if transaction.data.mail_from.is_empty() => {
                transaction.data.mail_from = path.to_vec();
            }
            Command::Hello(_) | Command::MailFrom(_) => transaction.event(Event::DuplicateFields as u8),
            Command::RcptTo(path) => transaction.data.add_receiver(path),
            Command::Data if transaction.data.mail.is_some() => {
                transaction.event(Event::UnparsableContent as u8);
                return Ok(());
            }
            Command::Data => {
                transaction.data.mail = Some(Box::new(Mail::new(transaction.wanted.clone())));
                self.data_pending = true;
                self.mode = Mode::Mail;
            }
            Command::Bdat { size, last } => {
                let tx::Transaction { data, wanted, .. } = transaction;
                data.mail.get_or_insert_with(|| Box::new(Mail::new(wanted.clone())));
                self.mode = Mode::Chunk { left: size, last };
            }
            Command::Rset => {
                self.chunk.clear();
                self.chunk_lines = Lines::default();
                self.complete(transactions);
            }
            Command::StartTls | Command::Quit | Command::Other => {}
        }
        self.await_reply(command, transactions)
    }

    fn await_reply(
        &mut self,
        command: Command<'_>,
        transactions: &mut Transactions<Transaction>,
    ) -> Result<(), Malformed> {
        // These end what may be sent without waiting (RFC 2920, section 3.1).
        if matches!(self.waiting.last(), Some(Awaited::Data | Awaited::StartTls)) {
            self.event(transactions, Event::InvalidPipelinedSequence);
        }
        let fits = self.waiting.push(match command {
            Command::Data => Awaited::Data,
            Command::StartTls => Awaited::StartTls,
            _ => Awaited::Other,
        });
        // A client that sends more is not followed any further.
        if fits { Ok(()) } else { Err(Malformed) }
    }

    fn mail_line(&mut self, line: Line<'_>, transactions: &mut Transactions<Transaction>) {
        if self.data_pending && !self.pipelining {
            self.event(transactions, Event::InvalidPipelinedSequence);
            if line.begins && Command::parse(line.text) == Command::Data {
                self.event(transactions, Event::UnparsableContent);
                return;
            }
        }
        let ends = line.begins && line.text == b"." && !line.ending.is_empty();
        if ends {
            self.mode = Mode::Commands;
            self.waiting.push(Awaited::Other);
            self.finish_mail(transactions);
            return;
        }
        // A dot that stands first is doubled (RFC 5321, section 4.5.2).
        let text = if line.begins { line.text.strip_prefix(b".").unwrap_or(line.text) } else { line.text };
        if let Some(mail) = self.mail(transactions) {
            mail.push(Line { text, ..line });
        }
    }

    fn mail<'t>(&self, transactions: &'t mut Transactions<Transaction>) -> Option<&'t mut Mail> {
        self.current(transactions)?.data.mail.as_deref_mut()
    }

    fn finish_mail(&mut self, transactions: &mut Transactions<Transaction>) {
        if let Some(mail) = self.mail(transactions) {
            mail.end();
        }
        if let Some(transaction) = self.current(transactions) {
            note_anomalies(transaction);
        }
        self.complete(transactions);
    }

    /// The mail ends without its end: `rest` is the line that was under way.
    fn break_off(&mut self, rest: &[u8], transactions: &mut Transactions<Transaction>) {
        self.mode = Mode::Commands;
        let chunk = std::mem::take(&mut self.chunk);
        let lines = [self.chunk_lines.last(&chunk), self.lines[0].last(rest)];
        if let Some(mail) = self.mail(transactions) {
            lines.into_iter().flatten().for_each(|line| mail.push(line));
            mail.end();
        }
    }

    /// Reads what has come of a chunk (RFC 3030, section 2); says how much that is.
    fn read_chunk(
        &mut self,
        rest: &[u8],
        left: u64,
        last: bool,
        transactions: &mut Transactions<Transaction>,
    ) -> usize {
        let len = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.chunk.extend_from_slice(&rest[..len]);
        let mut taken = 0;
        while let Some((line, len)) = self.chunk_lines.next(&self.chunk[taken..], MAX_LINE) {
            if let Some(mail) = self.mail(transactions) {
                mail.push(line);
            }
            taken += len;
        }
        self.chunk.drain(..taken);
        let left = left - len as u64;
        self.mode = Mode::Chunk { left, last };
        if left == 0 {
            self.mode = Mode::Commands;
            self.chunk_cut = !self.chunk.is_empty();
            if last {
                let rest = std::mem::take(&mut self.chunk);
                let line = self.chunk_lines.last(&rest);
                if let (Some(line), Some(mail)) = (line, self.mail(transactions)) {
                    mail.push(line);
                }
                self.finish_mail(transactions);
            }
        }
        len
    }

    fn read_server(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let mut consumed = 0;
        while self.mode != Mode::Tls {
            let Some((line, len)) = self.lines[1].next(&input.bytes[consumed..], MAX_LINE) else { break };
            requests.frames.stand_at(consumed);
            consumed += len;
            if !line.begins || line.text.is_empty() {
                continue;
            }
            requests.frames.add(Frame::ResponseLine as u8, 0, len);
            if line.ending.is_empty() {
                self.event(transactions, Event::MaxReplyLineLenExceeded);
            }
            let Some(reply) = Reply::parse(line.text) else {
                self.event(transactions, Event::InvalidReply);
                return Err(Malformed);
            };
            if !reply.is_sound() {
                self.event(transactions, Event::InvalidReply);
            }
            self.pipelining |= reply.code == 250 && reply.text.eq_ignore_ascii_case(b"pipelining");
            if !reply.goes_on {
                requests.inspect_raw = true;
                self.reply(reply.code, transactions, requests);
            }
        }
        Ok(consumed)
    }

    /// The server has answered.
    fn reply(&mut self, code: u16, transactions: &mut Transactions<Transaction>, requests: &mut Requests) {
        match std::mem::replace(&mut self.welcome, Welcome::Given) {
            Welcome::Awaited | Welcome::Overtaken(_) if code == 220 => return,
            Welcome::Awaited => {
                self.event(transactions, Event::InvalidReply);
                return;
            }
            Welcome::Overtaken(id) => {
                if let Some(transaction) = transactions.get_mut(id) {
                    transaction.event(Event::NoServerWelcomeMessage as u8);
                }
            }
            Welcome::Given => {}
        }
        match self.waiting.answered(code) {
            Some(Awaited::StartTls) if code == 220 => {
                self.mode = Mode::Tls;
                self.complete(transactions);
                requests.change = Some(Change::To(AppProtocol::Tls));
            }
            Some(Awaited::StartTls) => self.event(transactions, Event::TlsRejected),
            Some(Awaited::Data) => self.answer_data(code, transactions),
            Some(Awaited::Other) => {}
            // A server may shut down at any time (RFC 5321, section 3.8).
            None if code == 421 => {}
            None => self.event(transactions, Event::UnableToMatchReplyWithRequest),
        }
    }

    /// The server agrees to take a mail, or does not.
    fn answer_data(&mut self, code: u16, transactions: &mut Transactions<Transaction>) {
        self.data_pending = false;
        if code == 354 {
            return;
        }
        self.event(transactions, Event::DataCommandRejected);
        if self.mode == Mode::Mail {
            self.mode = Mode::Commands;
            if let Some(transaction) = self.current(transactions) {
                transaction.data.mail = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
