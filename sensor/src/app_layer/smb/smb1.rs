//! Messages of SMB 1 (MS-CIFS, section 2.2; MS-SMB), with the commands that are chained in them.

use super::event::Event;
use super::ntlmssp::{self, Said};
use super::session::{Context, Handle, Pending, Purpose, Session};
use super::transaction::Kind;
use super::wire::{Bulk, SMB1_LEN, range, terminated, text, u16_at, u32_at};
use crate::event::Direction;

/// What transactions say of the version.
pub(super) const VERSION: u8 = 1;

/// Commands (MS-CIFS, section 2.2.2.1).
mod command {
    pub(super) const OPEN: u8 = 0x02;
    pub(super) const CREATE: u8 = 0x03;
    pub(super) const CLOSE: u8 = 0x04;
    pub(super) const WRITE: u8 = 0x0b;
    pub(super) const CREATE_NEW: u8 = 0x0f;
    pub(super) const LOCKING_ANDX: u8 = 0x24;
    pub(super) const TRANSACTION: u8 = 0x25;
    pub(super) const WRITE_AND_CLOSE: u8 = 0x2c;
    pub(super) const OPEN_ANDX: u8 = 0x2d;
    pub(super) const READ_ANDX: u8 = 0x2e;
    pub(super) const WRITE_ANDX: u8 = 0x2f;
    pub(super) const TRANSACTION2: u8 = 0x32;
    pub(super) const TRANSACTION2_SECONDARY: u8 = 0x33;
    pub(super) const TREE_DISCONNECT: u8 = 0x71;
    pub(super) const NEGOTIATE: u8 = 0x72;
    pub(super) const SESSION_SETUP_ANDX: u8 = 0x73;
    pub(super) const LOGOFF_ANDX: u8 = 0x74;
    pub(super) const TREE_CONNECT_ANDX: u8 = 0x75;
    pub(super) const NT_CREATE_ANDX: u8 = 0xa2;
    pub(super) const NT_CANCEL: u8 = 0xa4;
    pub(super) const NONE: u8 = 0xff;
}

/// The most commands in one chain.
const MAX_CHAIN: usize = 16;
const FLAG_RESPONSE: u8 = 0x80;
const FLAG_UNICODE: u16 = 0x8000;
/// Asks a pipe something and waits for what it answers (MS-CIFS, section 2.2.5.6).
const TRANSACT_NAMED_PIPE: u16 = 0x26;
/// What TRANSACTION2 does: it sets what is known of a file, by its path or its handle.
const SET_PATH_INFORMATION: u16 = 6;
const SET_FILE_INFORMATION: u16 = 8;
/// What is set: levels that pass information classes through (MS-SMB, section 2.2.2.3.5; MS-FSCC, section 2.4).
const RENAME: u16 = 1010;
const DISPOSITION: u16 = 1013;

/// The header that all messages share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    command: u8,
    status: u32,
    is_response: bool,
    unicode: bool,
    tree: u32,
    /// Process and multiplex number: tell messages apart.
    message: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..SMB1_LEN)?;
        Some(Self {
            command: header[4],
            status: u32_at(header, 5)?,
            is_response: header[9] & FLAG_RESPONSE != 0,
            unicode: u16_at(header, 10)? & FLAG_UNICODE != 0,
            tree: u16_at(header, 24)?.into(),
            message: u64::from(u16_at(header, 26)?) << 16 | u64::from(u16_at(header, 30)?),
        })
    }

    /// Whether it goes the way that it says.
    fn is_of(&self, direction: Direction) -> bool {
        self.is_response == (direction == Direction::ToClient)
    }
}

/// One command's parameters and data.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    words: &'a [u8],
    data: &'a [u8],
    /// Where in the message the data begin.
    data_at: usize,
}

impl<'a> Block<'a> {
    /// The block that begins at an offset; of data that are cut off, what there is.
    fn at(message: &'a [u8], at: usize) -> Option<Self> {
        let words_at = at + 1;
        let words = range(message, words_at, usize::from(*message.get(at)?) * 2)?;
        let count_at = words_at + words.len();
        let data_at = (count_at + 2).min(message.len());
        let count = u16_at(message, count_at).unwrap_or(0).into();
        let data = &message[data_at..];
        Some(Self { words, data: &data[..data.len().min(count)], data_at })
    }

    /// The command chained behind it, and where its block begins.
    fn next(&self, command: u8) -> Option<(u8, usize)> {
        let chains = matches!(
            command,
            command::LOCKING_ANDX
                | command::OPEN_ANDX
                | command::READ_ANDX
                | command::WRITE_ANDX
                | command::SESSION_SETUP_ANDX
                | command::LOGOFF_ANDX
                | command::TREE_CONNECT_ANDX
                | command::NT_CREATE_ANDX
        );
        let next = *self.words.first().filter(|_| chains)?;
        (next != command::NONE).then(|| Some((next, u16_at(self.words, 2)?.into())))?
    }
}

/// A handle of two bytes.
fn handle(words: &[u8], at: usize) -> Option<Handle> {
    let mut handle = Handle::default();
    handle[..2].copy_from_slice(range(words, at, 2)?);
    Some(handle)
}

/// Data that are read or written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) handle: Handle,
    pub(super) offset: u64,
    pub(super) bulk: Bulk,
}

/// The data of a request to write or a response to read, if the message is one and nothing else. The response is
/// taken as answered.
pub(super) fn access(
    message: &[u8],
    header: &Header,
    session: &mut Session,
    context: &Context<'_>,
) -> Option<Access> {
    if !header.is_of(context.direction) {
        return None;
    }
    let words = range(message, SMB1_LEN + 1, usize::from(*message.get(SMB1_LEN)?) * 2)?;
    if words.first() != Some(&command::NONE) {
        return None;
    }
    match (header.command, header.is_response) {
        (command::WRITE_ANDX, false) => written(words),
        (command::READ_ANDX, true) => read(words, header, session),
        _ => None,
    }
}

fn written(words: &[u8]) -> Option<Access> {
    let len = usize::from(u16_at(words, 18)?) << 16 | usize::from(u16_at(words, 20)?);
    let high = u32_at(words, 24).unwrap_or(0);
    Some(Access {
        handle: handle(words, 4)?,
        offset: u64::from(high) << 32 | u64::from(u32_at(words, 6)?),
        bulk: Bulk { at: u16_at(words, 22)?.into(), len },
    })
}

fn read(words: &[u8], header: &Header, session: &mut Session) -> Option<Access> {
    let len = usize::from(u16_at(words, 14)?) << 16 | usize::from(u16_at(words, 10)?);
    let bulk = Bulk { at: u16_at(words, 12)?.into(), len };
    let answered = session.answered(header.message, command::READ_ANDX.into())?;
    let Purpose::Read { handle, offset } = answered.purpose else { return None };
    Some(Access { handle, offset, bulk })
}

/// Reads a whole message, command by command.
pub(super) fn message(message: &[u8], header: &Header, session: &mut Session, context: &mut Context<'_>) {
    if !header.is_of(context.direction) {
        context.event(match context.direction {
            Direction::ToServer => Event::ResponseToServer,
            Direction::ToClient => Event::RequestToClient,
        });
        return;
    }
    let mut chain = Some((header.command, SMB1_LEN));
    for _ in 0..MAX_CHAIN {
        let Some((command, at)) = chain else { return };
        let Some(block) = Block::at(message, at) else {
            context.event(Event::MalformedData);
            return;
        };
        let one = One { message, header, command, block };
        let read = match context.direction {
            Direction::ToServer => one.request(session, context),
            Direction::ToClient => one.response(session, context),
        };
        if read.is_none() {
            context.event(Event::MalformedData);
        }
        // A chain leads forward alone.
        chain = block.next(command).filter(|&(_, next)| next > at);
    }
}

/// One command of a message.
#[derive(Clone, Copy)]
struct One<'a> {
    message: &'a [u8],
    header: &'a Header,
    command: u8,
    block: Block<'a>,
}

impl<'a> One<'a> {
    fn request(self, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
        let words = self.block.words;
        match self.command {
            command::READ_ANDX => {
                let handle = handle(words, 4)?;
                let offset = u64::from(u32_at(words, 20).unwrap_or(0)) << 32 | u64::from(u32_at(words, 6)?);
                self.wait(None, Purpose::Read { handle, offset }, session, context);
            }
            command::WRITE_ANDX => self.write(written(words)?, session, context)?,
            command::WRITE | command::WRITE_AND_CLOSE => self.write_core(session, context)?,
            command::TRANSACTION => self.transaction(session, context)?,
            command::TRANSACTION2 if !self.changes_file() => {}
            _ => self.begin(session, context),
        }
        Some(())
    }

    /// Whether a TRANSACTION2 renames or deletes a file (MS-CIFS, sections 2.2.6.7 and 2.2.6.9).
    fn changes_file(self) -> bool {
        let words = self.block.words;
        let level = || {
            let parameters = usize::from(u16_at(words, 20)?);
            match u16_at(words, 28).filter(|_| words[26] > 0)? {
                SET_PATH_INFORMATION => u16_at(self.message, parameters),
                SET_FILE_INFORMATION => u16_at(self.message, parameters + 2),
                _ => None,
            }
        };
        matches!(level(), Some(RENAME | DISPOSITION))
    }

    /// A request that is a transaction, and is whole with that.
    fn begin(self, session: &mut Session, context: &mut Context<'_>) {
        let asked = self.ask(session, context);
        let (kind, purpose, event) =
            asked.unwrap_or((Kind::Other, Purpose::Other, Some(Event::MalformedData)));
        let id = context.begin(VERSION, kind);
        context.complete(id, Direction::ToServer);
        if let Some(event) = event {
            context.event_of(id, event);
        }
        match self.command {
            command::NEGOTIATE => session.negotiation = Some(id),
            // Nobody waits for an answer to these.
            command::NT_CANCEL | command::TRANSACTION2_SECONDARY | command::LOCKING_ANDX => {
                context.complete(id, Direction::ToClient);
            }
            _ => {}
        }
        self.wait(Some(id), purpose, session, context);
    }

    /// What a request says, what its response will tell, and what is wrong with it.
    fn ask(self, session: &mut Session, context: &mut Context<'_>) -> Option<(Kind, Purpose, Option<Event>)> {
        let (words, data) = (self.block.words, self.block.data);
        let (mut kind, mut purpose, mut event) = (Kind::Other, Purpose::Other, None);
        match self.command {
            command::NEGOTIATE => {
                purpose = Purpose::Negotiate;
                if !has_dialects(data) {
                    event = Some(Event::NegotiateMalformedDialects);
                }
            }
            command::SESSION_SETUP_ANDX if words.len() == 24 => {
                match ntlmssp::identity(range(data, 0, u16_at(words, 14)?.into())?) {
                    Said::Identity(identity) => kind = Kind::Session(identity),
                    Said::Malformed => event = Some(Event::MalformedNtlmsspRequest),
                    Said::Nothing => {}
                }
            }
            command::TREE_CONNECT_ANDX => {
                let path = self.text_after(u16_at(words, 6)?.into())?;
                kind = Kind::Tree { share: text(path), is_pipe: false };
                purpose = Purpose::Tree;
            }
            command::NT_CREATE_ANDX => {
                let path = self.text_after(0)?;
                purpose = Purpose::Create { name: text(path), tree: self.header.tree };
            }
            command::OPEN_ANDX => {
                purpose = Purpose::Create { name: text(self.text_after(0)?), tree: self.header.tree };
            }
            command::OPEN | command::CREATE | command::CREATE_NEW => {
                // A byte says that text follows.
                purpose = Purpose::Create { name: text(self.text_after(1)?), tree: self.header.tree };
            }
            command::TREE_DISCONNECT => session.disconnect(self.header.tree),
            command::CLOSE => session.close(&handle(words, 0)?, context),
            _ => {}
        }
        Some((kind, purpose, event))
    }

    fn wait(
        self,
        transaction: Option<u64>,
        purpose: Purpose,
        session: &mut Session,
        context: &mut Context<'_>,
    ) {
        let pending = Pending { command: self.command.into(), transaction, purpose };
        session.wait(self.header.message, pending, context);
    }

    /// The text that begins so many bytes into the data; in Unicode it stands at an even place of the message.
    fn text_after(self, skipped: usize) -> Option<&'a [u8]> {
        let unicode = self.header.unicode;
        let odd = usize::from(unicode && (self.block.data_at + skipped) % 2 == 1);
        Some(terminated(self.block.data.get(skipped + odd..)?, unicode).0)
    }

    fn write(self, access: Access, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
        let data = range(self.message, access.bulk.at, access.bulk.len)?;
        let target = session.target(access.handle, access.offset, data, context);
        session.take(target, VERSION, data, context);
        Some(())
    }

    /// WRITE and WRITE_AND_CLOSE, whose data stand behind a few bytes of their own.
    fn write_core(self, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
        let words = self.block.words;
        let handle = handle(words, 0)?;
        let begin = if self.command == command::WRITE { 3 } else { 1 };
        let data = self.block.data.get(begin..)?;
        let data = &data[..data.len().min(u16_at(words, 2)?.into())];
        let target = session.target(handle, u32_at(words, 4)?.into(), data, context);
        session.take(target, VERSION, data, context);
        if self.command == command::WRITE_AND_CLOSE {
            session.close(&handle, context);
        }
        Some(())
    }

    /// A transaction in the sense of SMB 1, of which those on pipes count.
    fn transaction(self, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
        let words = self.block.words;
        if words.get(26).is_none_or(|&setup| setup < 2) || u16_at(words, 28)? != TRANSACT_NAMED_PIPE {
            return Some(());
        }
        let handle = handle(words, 30)?;
        let data = range(self.message, u16_at(words, 24)?.into(), u16_at(words, 22)?.into())?;
        let target = session.target(handle, 0, data, context);
        session.take(target, VERSION, data, context);
        self.wait(None, Purpose::Pipe { handle }, session, context);
        Some(())
    }

    fn response(self, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
        let words = self.block.words;
        let answered = session.answered(self.header.message, self.command.into());
        let Some(Pending { transaction, purpose, .. }) = answered else { return Some(()) };
        if let Some(id) = transaction {
            context.complete(id, Direction::ToClient);
        }
        match purpose {
            Purpose::Negotiate => session.negotiation = None,
            Purpose::Tree if self.header.status == 0 => {
                let is_pipe = terminated(self.block.data, false).0 == b"IPC";
                session.connect(self.header.tree, is_pipe, transaction, context);
            }
            Purpose::Create { name, tree } if self.header.status == 0 => {
                let at = match self.command {
                    command::NT_CREATE_ANDX => 5,
                    command::OPEN_ANDX => 4,
                    _ => 0,
                };
                session.open(handle(words, at)?, name, tree, context);
            }
            Purpose::Read { handle, offset } if !words.is_empty() => {
                let len = usize::from(u16_at(words, 14)?) << 16 | usize::from(u16_at(words, 10)?);
                let data = range(self.message, u16_at(words, 12)?.into(), len)?;
                let target = session.target(handle, offset, data, context);
                session.take(target, VERSION, data, context);
            }
            Purpose::Pipe { handle } if !words.is_empty() => {
                let data = range(self.message, u16_at(words, 14)?.into(), u16_at(words, 12)?.into())?;
                let target = session.target(handle, 0, data, context);
                session.take(target, VERSION, data, context);
            }
            _ => {}
        }
        Some(())
    }
}

/// Whether the data of a negotiation are dialects: each a byte 2 and text that ends.
fn has_dialects(data: &[u8]) -> bool {
    let mut rest = data;
    while let [2, text @ ..] = rest {
        let Some(end) = memchr::memchr(0, text) else { return false };
        rest = &text[end + 1..];
    }
    rest.is_empty()
}
