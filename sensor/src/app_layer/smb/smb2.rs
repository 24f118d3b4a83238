//! Messages of SMB 2 and 3 (MS-SMB2, section 2.2).

use super::event::Event;
use super::ntlmssp::{self, Said};
use super::session::{Context, Handle, Pending, Purpose, RELATED, Session};
use super::transaction::Kind;
use super::wire::{Bulk, SMB2_LEN, range, text, u16_at, u32_at, u64_at};
use crate::event::Direction;

/// What transactions say of the version.
pub(super) const VERSION: u8 = 2;

/// Commands (section 2.2.1.2).
mod command {
    pub(super) const NEGOTIATE: u16 = 0;
    pub(super) const SESSION_SETUP: u16 = 1;
    pub(super) const TREE_CONNECT: u16 = 3;
    pub(super) const TREE_DISCONNECT: u16 = 4;
    pub(super) const CREATE: u16 = 5;
    pub(super) const CLOSE: u16 = 6;
    pub(super) const READ: u16 = 8;
    pub(super) const WRITE: u16 = 9;
    pub(super) const IOCTL: u16 = 11;
    pub(super) const CANCEL: u16 = 12;
    pub(super) const QUERY_INFO: u16 = 16;
    pub(super) const SET_INFO: u16 = 17;
}

/// Statuses of responses (MS-ERREF, section 2.3).
mod status {
    pub(super) const SUCCESS: u32 = 0;
    /// There will be another response.
    pub(super) const PENDING: u32 = 0x103;
    /// There is more to read.
    pub(super) const BUFFER_OVERFLOW: u32 = 0x8000_0005;
    pub(super) const END_OF_FILE: u32 = 0xc000_0011;
}

const FLAG_RESPONSE: u32 = 1;
/// Asks a pipe something and waits for what it answers.
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
/// What SET_INFO sets (MS-FSCC, section 2.4): of files, names and whether they are deleted.
const OF_FILE: u8 = 1;
const RENAME: u8 = 10;
const DISPOSITION: u8 = 13;
/// The most that is read or written at once if the server sets no lower limit (suricata.yaml, `max-read-size` and
/// `max-write-size`).
pub(super) const MAX_SIZE: u32 = 16 << 20;

/// The header that all messages share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    command: u16,
    status: u32,
    is_response: bool,
    message: u64,
    tree: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..SMB2_LEN)?;
        Some(Self {
            command: u16_at(header, 12)?,
            status: u32_at(header, 8)?,
            is_response: u32_at(header, 16)? & FLAG_RESPONSE != 0,
            message: u64_at(header, 24)?,
            tree: u32_at(header, 36)?,
        })
    }

    /// Whether it goes the way that it says.
    fn is_of(&self, direction: Direction) -> bool {
        self.is_response == (direction == Direction::ToClient)
    }
}

/// Data that are read or written, recognised by what stands before them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) handle: Handle,
    pub(super) offset: u64,
    pub(super) bulk: Bulk,
    /// Whether they are more than is read or written at once.
    pub(super) too_large: bool,
}

/// The data of a request to write or a response to read, if the message is one. The response is taken as answered.
pub(super) fn access(
    message: &[u8],
    header: &Header,
    session: &mut Session,
    context: &Context<'_>,
) -> Option<Access> {
    if !header.is_of(context.direction) {
        return None;
    }
    match header.command {
        command::WRITE if !header.is_response => {
            let len = u32_at(message, 68)?;
            Some(Access {
                handle: *message.get(80..)?.first_chunk()?,
                offset: u64_at(message, 72)?,
                bulk: Bulk { at: usize::from(u16_at(message, 66)?), len: usize::try_from(len).ok()? },
                too_large: is_beyond(len, session.max_write),
            })
        }
        command::READ if matches!(header.status, status::SUCCESS | status::BUFFER_OVERFLOW) => {
            let (at, len) = (usize::from(*message.get(66)?), u32_at(message, 68)?);
            let Purpose::Read { handle, offset } = session.answered(header.message, command::READ)?.purpose
            else {
                return None;
            };
            let bulk = Bulk { at, len: usize::try_from(len).ok()? };
            let handle = if handle == RELATED { session.opened } else { handle };
            Some(Access { handle, offset, bulk, too_large: is_beyond(len, session.max_read) })
        }
        _ => None,
    }
}

/// Whether so much is read or written at once neither by the server, if it has named a limit, nor by anybody.
fn is_beyond(len: u32, limit: Option<u32>) -> bool {
    len > limit.unwrap_or(MAX_SIZE).min(MAX_SIZE)
}

/// Reads a whole message that carries no bulk data.
pub(super) fn message(message: &[u8], header: &Header, session: &mut Session, context: &mut Context<'_>) {
    if !header.is_of(context.direction) {
        context.event(match context.direction {
            Direction::ToServer => Event::ResponseToServer,
            Direction::ToClient => Event::RequestToClient,
        });
        return;
    }
    let read = match context.direction {
        Direction::ToServer => request(message, header, session, context),
        Direction::ToClient => response(message, header, session, context),
    };
    if read.is_none() {
        context.event(Event::MalformedData);
    }
}

/// Reads a request; most are transactions.
fn request(message: &[u8], header: &Header, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
    match header.command {
        command::READ => return read_request(message, header, session, context),
        command::IOCTL => return ioctl_request(message, header, session, context),
        // What was written was taken before, unless it is malformed.
        command::WRITE => return None,
        command::QUERY_INFO => return Some(()),
        command::SET_INFO if !changes_file(message) => return Some(()),
        _ => {}
    }
    let asked = ask(message, header, session, context);
    let (kind, purpose, event) = asked.unwrap_or((Kind::Other, Purpose::Other, Some(Event::MalformedData)));
    let id = begin(header, kind, purpose, session, context);
    if header.command == command::CANCEL {
        context.complete(id, Direction::ToClient);
    }
    if let Some(event) = event {
        context.event_of(id, event);
    }
    Some(())
}

/// A transaction whose request is whole.
fn begin(
    header: &Header,
    kind: Kind,
    purpose: Purpose,
    session: &mut Session,
    context: &mut Context<'_>,
) -> u64 {
    let id = context.begin(VERSION, kind);
    context.complete(id, Direction::ToServer);
    let pending = Pending { command: header.command, transaction: Some(id), purpose };
    session.wait(header.message, pending, context);
    id
}

/// Whether a SET_INFO renames or deletes a file.
fn changes_file(message: &[u8]) -> bool {
    matches!(message.get(66..), Some(&[OF_FILE, RENAME | DISPOSITION, ..]))
}

/// What a request says, what its response will tell, and what is wrong with it.
fn ask(
    message: &[u8],
    header: &Header,
    session: &mut Session,
    context: &mut Context<'_>,
) -> Option<(Kind, Purpose, Option<Event>)> {
    let (mut kind, mut purpose, mut event) = (Kind::Other, Purpose::Other, None);
    match header.command {
        command::NEGOTIATE => {
            let dialects = usize::from(u16_at(message, 66)?);
            range(message, 100, 2 * dialects)?;
            purpose = Purpose::Negotiate;
        }
        command::SESSION_SETUP => {
            let blob = buffer(message, u16_at(message, 76)?.into(), u16_at(message, 78)?.into())?;
            match ntlmssp::identity(blob) {
                Said::Identity(identity) => kind = Kind::Session(identity),
                Said::Malformed => event = Some(Event::MalformedNtlmsspRequest),
                Said::Nothing => {}
            }
        }
        command::TREE_CONNECT => {
            let path = buffer(message, u16_at(message, 68)?.into(), u16_at(message, 70)?.into())?;
            kind = Kind::Tree { share: text(path), is_pipe: false };
            purpose = Purpose::Tree;
        }
        command::TREE_DISCONNECT => session.disconnect(header.tree),
        command::CREATE => {
            let name = buffer(message, u16_at(message, 108)?.into(), u16_at(message, 110)?.into())?;
            let (name, tree) = (text(name), header.tree);
            session.ask_for(&name, tree, header.message, context);
            purpose = Purpose::Create { name, tree };
        }
        command::CLOSE => {
            session.close(message.get(72..)?.first_chunk()?, context);
        }
        _ => {}
    }
    Some((kind, purpose, event))
}

/// A buffer that a message names by its offset; where it is empty, the offset means nothing.
fn buffer(message: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    if len == 0 { Some(&[]) } else { range(message, at, len) }
}

fn read_request(
    message: &[u8],
    header: &Header,
    session: &mut Session,
    context: &mut Context<'_>,
) -> Option<()> {
    let handle = *message.get(80..)?.first_chunk()?;
    if is_beyond(u32_at(message, 68)?, session.max_read) {
        context.event(Event::ReadRequestTooLarge);
    }
    let purpose = Purpose::Read { handle, offset: u64_at(message, 72)? };
    session.wait(header.message, Pending { command: header.command, transaction: None, purpose }, context);
    Some(())
}

fn ioctl_request(
    message: &[u8],
    header: &Header,
    session: &mut Session,
    context: &mut Context<'_>,
) -> Option<()> {
    let handle: Handle = *message.get(72..)?.first_chunk()?;
    if u32_at(message, 68)? != PIPE_TRANSCEIVE || session.is_pipe(&handle) == Some(false) {
        begin(header, Kind::Other, Purpose::Other, session, context);
        return Some(());
    }
    let at = usize::try_from(u32_at(message, 88)?).ok()?;
    let data = buffer(message, at, usize::try_from(u32_at(message, 92)?).ok()?)?;
    let target = session.target(handle, 0, data, context);
    session.take(target, VERSION, data, context);
    let purpose = Purpose::Pipe { handle };
    if session.carries_calls(&handle) {
        session.wait(
            header.message,
            Pending { command: header.command, transaction: None, purpose },
            context,
        );
    } else {
        // What the pipe carries makes no transaction of its own.
        begin(header, Kind::Other, purpose, session, context);
    }
    Some(())
}

fn response(message: &[u8], header: &Header, session: &mut Session, context: &mut Context<'_>) -> Option<()> {
    if header.status == status::PENDING {
        return Some(());
    }
    let answered = session.answered(header.message, header.command);
    // A client that speaks both versions begins with the first.
    let negotiation = (header.command == command::NEGOTIATE).then(|| session.negotiation.take()).flatten();
    let (transaction, purpose) = match answered {
        Some(Pending { transaction, purpose, .. }) => (transaction, purpose),
        None if negotiation.is_some() => (negotiation, Purpose::Negotiate),
        None => return Some(()),
    };
    if let Some(id) = transaction {
        context.complete(id, Direction::ToClient);
    }
    let succeeds = header.status == status::SUCCESS;
    match purpose {
        Purpose::Negotiate if succeeds => limits(message, transaction, session, context)?,
        Purpose::Tree if succeeds => {
            session.connect(header.tree, *message.get(66)? == 2, transaction, context);
        }
        Purpose::Create { name, tree } if succeeds => {
            let handle = message.get(128..)?.first_chunk()?;
            session.open(*handle, name, tree, context);
            session.name_asked(header.message, handle);
        }
        Purpose::Read { handle, .. } if header.status == status::END_OF_FILE => {
            session.end_of(&handle, context);
        }
        Purpose::Read { .. } if succeeds || header.status == status::BUFFER_OVERFLOW => return None,
        Purpose::Pipe { handle } if succeeds || header.status == status::BUFFER_OVERFLOW => {
            let at = usize::try_from(u32_at(message, 96)?).ok()?;
            let data = buffer(message, at, usize::try_from(u32_at(message, 100)?).ok()?)?;
            let target = session.target(handle, 0, data, context);
            session.take(target, VERSION, data, context);
        }
        _ => {}
    }
    Some(())
}

/// What the server says it reads and writes at once.
fn limits(
    message: &[u8],
    transaction: Option<u64>,
    session: &mut Session,
    context: &mut Context<'_>,
) -> Option<()> {
    let (read, write) = (u32_at(message, 96)?, u32_at(message, 100)?);
    session.max_read = Some(read).filter(|&limit| limit > 0);
    session.max_write = Some(write).filter(|&limit| limit > 0);
    let Some(id) = transaction else { return Some(()) };
    if read > MAX_SIZE {
        context.event_of(id, Event::NegotiateMaxReadSizeTooLarge);
    }
    if write > MAX_SIZE {
        context.event_of(id, Event::NegotiateMaxWriteSizeTooLarge);
    }
    Some(())
}
