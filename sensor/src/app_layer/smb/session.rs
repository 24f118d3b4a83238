//! What a connection has open, whichever version it speaks: requests without a response, shares, files, named pipes.

use super::event::Event;
use super::frames::Frame;
use super::pipe::{Calls, Channel};
use super::transaction::{Kind, Transaction};
use super::transfer::{Fault, Transfer};
use crate::app_layer::bounded::{Bounded, Room};
use crate::app_layer::dcerpc::call::Held;
use crate::app_layer::dcerpc::wire as rpc;
use crate::app_layer::file::transfer::Files;
use crate::app_layer::frames::FrameLog;
use crate::app_layer::progress::{COMPLETE, STARTED};
use crate::app_layer::transaction::Transactions;
use crate::event::Direction;
use smallvec::SmallVec;

/// The most requests that wait for a response, shares and files that are open (Suricata: 1024 of each).
const MAX_PENDING: usize = 1024;
const MAX_TREES: usize = 1024;
const MAX_FILES: usize = 1024;
/// The most requests of one message that wait for a response.
const MAX_CHAINED: usize = 16;
/// The most bytes that wait for those before them in all files, and in all pipes for the rest of their units.
const MAX_WAITING: usize = 4 << 20;

/// How files and pipes are named once they are open: 16 bytes in SMB 2, two in SMB 1.
pub(super) type Handle = [u8; 16];

/// The handle of the file that a message before in the compound opens (MS-SMB2, section 3.3.5.2.7.2).
pub(super) const RELATED: Handle = [0xff; 16];

/// A file that the latest CREATE asks for, which what follows in the compound may write before its handle is known.
#[derive(Debug)]
struct Asked {
    /// The number of the message.
    message: u64,
    name: Vec<u8>,
    tree: u32,
}

/// A request that waits for its response, told by its command among those of the message.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) command: u16,
    pub(super) transaction: Option<u64>,
    pub(super) purpose: Purpose,
}

/// What a response tells once it is there.
#[derive(Debug)]
pub(super) enum Purpose {
    Other,
    /// The limits of the server.
    Negotiate,
    /// What kind of share it is.
    Tree,
    /// The handle of a file of that name on a share.
    Create {
        name: Vec<u8>,
        tree: u32,
    },
    /// The contents of a file from an offset on.
    Read {
        handle: Handle,
        offset: u64,
    },
    /// What a call over a pipe returns.
    Pipe {
        handle: Handle,
    },
}

/// A file or named pipe.
#[derive(Debug, Default)]
struct Open {
    name: Vec<u8>,
    /// Where it is known.
    is_pipe: Option<bool>,
    transfers: [Option<Transfer>; 2],
    channel: Option<Box<Channel>>,
}

impl Open {
    /// Bytes of it that wait.
    fn waiting(&self) -> usize {
        let transfers = self.transfers.iter().flatten().map(Transfer::waiting).sum::<usize>();
        transfers + self.channel.as_ref().map_or(0, |channel| channel.waiting())
    }
}

/// Where bulk data go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Target {
    /// Nowhere.
    #[default]
    Nothing,
    /// Into a file, at an offset.
    File { handle: Handle, offset: u64 },
    /// Into a pipe.
    Pipe { handle: Handle },
}

/// What messages change besides the session.
pub(super) struct Context<'a> {
    pub(super) direction: Direction,
    pub(super) transactions: &'a mut Transactions<Transaction>,
    pub(super) frames: &'a mut FrameLog,
}

impl Context<'_> {
    /// There are frames where the parser stands: of the kinds the whole, its header, and as much as follows that.
    pub(super) fn announce(&mut self, [pdu, hdr, data]: [Frame; 3], header: usize, rest: usize) {
        self.frames.add(pdu as u8, 0, header + rest);
        self.frames.add(hdr as u8, 0, header);
        self.frames.add(data as u8, header, rest);
    }

    /// A new transaction.
    pub(super) fn begin(&mut self, version: u8, kind: Kind) -> u64 {
        let crowded = self.transactions.is_full();
        let (id, transaction) = self.transactions.begin();
        transaction.data = Transaction { version, kind };
        Direction::ALL.iter().for_each(|&way| transaction.advance(way, STARTED));
        if crowded {
            transaction.event(Event::TooManyTransactions as u8);
        }
        id
    }

    /// A way of a transaction is complete.
    pub(super) fn complete(&mut self, id: u64, direction: Direction) {
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.advance(direction, COMPLETE);
        }
    }

    /// Something is wrong that belongs to no transaction: the newest tells it.
    pub(super) fn event(&mut self, event: Event) {
        if let Some(transaction) = self.transactions.last_mut() {
            transaction.event(event as u8);
        }
    }

    /// Something is wrong with a transaction.
    pub(super) fn event_of(&mut self, id: u64, event: Event) {
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.event(event as u8);
        }
    }
}

/// The state of a connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// By the number of the message.
    pending: Bounded<u64, SmallVec<[Pending; 1]>, MAX_PENDING>,
    /// Whether the share is a named pipe, by the tree's number.
    trees: Bounded<u32, bool, MAX_TREES>,
    files: Bounded<Handle, Open, MAX_FILES>,
    /// The transaction of a negotiation in SMB 1, which may be answered in SMB 2.
    pub(super) negotiation: Option<u64>,
    /// The most bytes that the server reads and writes at once, where it has said so.
    pub(super) max_read: Option<u32>,
    pub(super) max_write: Option<u32>,
    /// The file opened last, which what follows in a compound may mean.
    pub(super) opened: Handle,
    asked: Option<Asked>,
    /// What calls hold.
    held: Held,
    /// What waits in files and pipes.
    waiting: Room<MAX_WAITING>,
}

impl Session {
    /// Notes that a request waits for its response.
    pub(super) fn wait(&mut self, message: u64, pending: Pending, context: &mut Context<'_>) {
        let refused = match self.pending.get_mut(&message) {
            Some(chain) if chain.len() == MAX_CHAINED => true,
            Some(chain) => {
                chain.push(pending);
                false
            }
            None => self.pending.insert(message, SmallVec::from_iter([pending])).is_some(),
        };
        context.transactions.refused += u64::from(refused);
    }

    /// The request that a response answers.
    pub(super) fn answered(&mut self, message: u64, command: u16) -> Option<Pending> {
        let chain = self.pending.get_mut(&message)?;
        let at = chain.iter().position(|pending| pending.command == command)?;
        let pending = chain.remove(at);
        if chain.is_empty() {
            self.pending.remove(&message);
        }
        Some(pending)
    }

    /// A share was connected to: by a transaction, if its request was seen.
    pub(super) fn connect(
        &mut self,
        tree: u32,
        is_pipe: bool,
        transaction: Option<u64>,
        context: &mut Context<'_>,
    ) {
        context.transactions.refused += u64::from(self.trees.insert(tree, is_pipe).is_some());
        if let Some(transaction) = transaction.and_then(|id| context.transactions.get_mut(id))
            && let Kind::Tree { is_pipe: known, .. } = &mut transaction.data.kind
        {
            *known = is_pipe;
        }
    }

    /// A share is left.
    pub(super) fn disconnect(&mut self, tree: u32) {
        self.trees.remove(&tree);
    }

    /// Notes that a file or pipe is asked for, by the message of that number.
    pub(super) fn ask_for(&mut self, name: &[u8], tree: u32, message: u64, context: &mut Context<'_>) {
        self.close(&RELATED, context);
        self.asked = Some(Asked { message, name: name.to_vec(), tree });
    }

    /// What was written to a file before its handle was known goes on under the handle that the answer to a message
    /// gives.
    pub(super) fn name_asked(&mut self, message: u64, handle: &Handle) {
        if self.asked.take_if(|asked| asked.message == message).is_some()
            && let Some(Open { transfers, channel, .. }) = self.files.remove(&RELATED)
            && let Some(open) = self.files.get_mut(handle)
        {
            (open.transfers, open.channel) = (transfers, channel);
        }
    }

    /// Notes that a file or pipe was opened.
    pub(super) fn open(&mut self, handle: Handle, name: Vec<u8>, tree: u32, context: &mut Context<'_>) {
        self.close(&handle, context);
        let is_pipe = self.trees.get(&tree).copied();
        self.insert(handle, Open { name, is_pipe, ..Open::default() }, context);
        self.opened = handle;
    }

    fn insert(&mut self, handle: Handle, open: Open, context: &mut Context<'_>) {
        if let Some(gone) = self.files.insert(handle, open) {
            context.transactions.refused += 1;
            gone.transfers.into_iter().flatten().for_each(|transfer| end(transfer, context));
        }
    }

    /// A file or pipe is closed.
    pub(super) fn close(&mut self, handle: &Handle, context: &mut Context<'_>) {
        if let Some(open) = self.files.remove(handle) {
            open.transfers.into_iter().flatten().for_each(|transfer| end(transfer, context));
        }
    }

    /// Nothing more comes of a file the context's way, until it is read or written once more.
    pub(super) fn end_of(&mut self, handle: &Handle, context: &mut Context<'_>) {
        let open = self.files.get_mut(handle);
        if let Some(transfer) = open.and_then(|open| open.transfers[context.direction.index()].take()) {
            end(transfer, context);
        }
    }

    /// Nothing more comes the context's way: every file ends as far as it has come.
    pub(super) fn end(&mut self, context: &mut Context<'_>) {
        let way = context.direction.index();
        for transfer in self.files.values_mut().filter_map(|open| open.transfers[way].take()) {
            end(transfer, context);
        }
    }

    /// Whether a handle is of a pipe; nothing if that is not known.
    pub(super) fn is_pipe(&mut self, handle: &Handle) -> Option<bool> {
        self.files.get(handle)?.is_pipe
    }

    /// Whether what a pipe has carried so far are calls.
    pub(super) fn carries_calls(&mut self, handle: &Handle) -> bool {
        let channel = self.files.get(handle).and_then(|open| open.channel.as_ref());
        channel.is_some_and(|channel| channel.carries_calls())
    }

    /// Where data of a file or pipe go. `begin` is what they begin with.
    pub(super) fn target(
        &mut self,
        handle: Handle,
        offset: u64,
        begin: &[u8],
        context: &mut Context<'_>,
    ) -> Target {
        if self.files.get(&handle).is_none() {
            let asked = self.asked.as_ref().filter(|_| handle == RELATED);
            let asked = asked.map(|asked| (asked.name.clone(), asked.tree));
            let open = asked.map_or_else(Open::default, |(name, tree)| Open {
                name,
                is_pipe: self.trees.get(&tree).copied(),
                ..Open::default()
            });
            self.insert(handle, open, context);
        }
        let Some(open) = self.files.get_mut(&handle) else { return Target::Nothing };
        // Of what was opened before the first packet, its contents tell what it is.
        let is_pipe = *open.is_pipe.get_or_insert_with(|| rpc::Header::parse(begin).is_some());
        if is_pipe { Target::Pipe { handle } } else { Target::File { handle, offset } }
    }

    /// Takes the next data of a target; says where those after them go.
    pub(super) fn take(
        &mut self,
        target: Target,
        version: u8,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Target {
        match target {
            Target::Nothing => target,
            Target::Pipe { handle } => {
                self.take_calls(&handle, version, bytes, context);
                target
            }
            Target::File { handle, offset } => {
                self.take_contents(&handle, version, offset, bytes, context);
                Target::File { handle, offset: offset.saturating_add(bytes.len() as u64) }
            }
        }
    }

    /// Data of a target are missing.
    pub(super) fn lose(&mut self, target: Target, context: &mut Context<'_>) -> Target {
        let way = context.direction.index();
        match target {
            Target::File { handle, .. } => {
                let open = self.files.get_mut(&handle);
                if let Some(transfer) = open.and_then(|open| open.transfers[way].as_mut()) {
                    transfer.cut();
                }
            }
            Target::Pipe { handle } => {
                if let Some(channel) = self.files.get_mut(&handle).and_then(|open| open.channel.as_mut()) {
                    channel.lose(context.direction);
                }
            }
            Target::Nothing => {}
        }
        Target::Nothing
    }

    fn take_contents(
        &mut self,
        handle: &Handle,
        version: u8,
        offset: u64,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) {
        let direction = context.direction;
        let Some(open) = self.files.get(handle) else { return };
        let waits = offset > open.transfers[direction.index()].as_ref().map_or(0, Transfer::end);
        let fits = !waits || self.take_room(bytes.len(), context);
        let Some(open) = self.files.get_mut(handle) else { return };
        let transfer = open.transfers[direction.index()].get_or_insert_with(|| {
            let mut files = Files::new(context.transactions.wanted.clone());
            files.begin(open.name.clone());
            Transfer::new(context.begin(version, Kind::File { goes: direction, files }))
        });
        let Some(transaction) = context.transactions.get_mut(transfer.transaction) else { return };
        let Kind::File { files, .. } = &mut transaction.data.kind else { return };
        let fault = if fits { transfer.add(offset, bytes, files) } else { transfer.refuse() };
        let Some(fault) = fault else { return };
        let event = match (fault, direction) {
            (Fault::Overlap, _) => Event::FileOverlap,
            (Fault::Crowded, Direction::ToServer) => Event::WriteQueueCntExceeded,
            (Fault::Crowded, Direction::ToClient) => Event::ReadQueueCntExceeded,
            (Fault::TooLong, Direction::ToServer) => Event::WriteQueueSizeExceeded,
            (Fault::TooLong, Direction::ToClient) => Event::ReadQueueSizeExceeded,
        };
        transaction.event(event as u8);
    }

    fn take_calls(&mut self, handle: &Handle, version: u8, bytes: &[u8], context: &mut Context<'_>) {
        let fits = self.take_room(bytes.len(), context);
        let Some(open) = self.files.get_mut(handle) else { return };
        let channel = open.channel.get_or_insert_default();
        if fits {
            channel.take(bytes, Calls { version, context, held: &mut self.held });
        } else {
            channel.lose(context.direction);
        }
    }

    /// Whether so many bytes more may wait.
    fn take_room(&mut self, bytes: usize, context: &mut Context<'_>) -> bool {
        let fits = self.waiting.take(bytes, || self.files.values().map(Open::waiting).sum());
        context.transactions.refused += u64::from(!fits);
        fits
    }
}

/// The contents of a file are whole, or nothing more comes of them.
fn end(transfer: Transfer, context: &mut Context<'_>) {
    if let Some(transaction) = context.transactions.get_mut(transfer.transaction)
        && let Kind::File { files, .. } = &mut transaction.data.kind
    {
        if transfer.is_whole() {
            files.end();
        } else {
            files.cut();
        }
        Direction::ALL.iter().for_each(|&way| transaction.advance(way, COMPLETE));
    }
}
