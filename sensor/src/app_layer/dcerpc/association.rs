//! What a client and a server have agreed on, and the calls that are open, over whatever carries them.

use super::call::{Asked, Call};
use super::wire::{self, HEADER_LEN, Header, Interface, REQUEST_STUB, kind};
use crate::app_layer::bounded::Bounded;
use crate::app_layer::parser::Malformed;
use crate::event::Direction;
use smallvec::SmallVec;

/// The most interfaces that one association agrees on.
const MAX_CONTEXTS: usize = 256;
/// The most calls of one association that are open.
const MAX_CALLS: usize = 512;

/// Where calls are kept: transactions of DCE/RPC, or of SMB.
pub trait Ledger {
    /// A unit of so many bytes begins so many bytes behind the first; it may be told more than once.
    fn unit(&mut self, _at: usize, _len: usize) {}

    /// A new transaction for a call.
    fn begin(&mut self) -> u64;

    /// The call of a transaction, as long as it is kept.
    fn call(&mut self, transaction: u64) -> Option<&mut Call>;

    /// A way of a call is complete.
    fn complete(&mut self, transaction: u64, direction: Direction);

    /// Whether there is room for more of what calls carry; takes it.
    fn take_room(&mut self, bytes: usize) -> bool;

    /// Something was left out for lack of room.
    fn refuse(&mut self);
}

#[derive(Clone, Copy, Debug)]
struct Open {
    transaction: u64,
    /// Its request is whole.
    asked: bool,
}

/// One association.
#[derive(Debug)]
pub struct Association {
    /// Where what a response carries begins.
    response_stub: usize,
    offered: SmallVec<[(u16, Interface); 4]>,
    contexts: Bounded<u16, Interface, MAX_CONTEXTS>,
    /// The offer that is not answered yet.
    negotiation: Option<u64>,
    calls: Bounded<u32, Open, MAX_CALLS>,
}

impl Association {
    /// An association of its own connection. What responses carry is shown with the fields before it, as Suricata
    /// does.
    pub fn of_connection() -> Self {
        Self::new(HEADER_LEN)
    }

    /// An association over a named pipe.
    pub fn of_pipe() -> Self {
        Self::new(REQUEST_STUB)
    }

    fn new(response_stub: usize) -> Self {
        Self {
            response_stub,
            offered: SmallVec::new(),
            contexts: Bounded::default(),
            negotiation: None,
            calls: Bounded::default(),
        }
    }

    /// Takes the whole units that bytes begin with; says how many bytes these are.
    ///
    /// # Errors
    ///
    /// When the bytes are no units.
    pub fn take_all(
        &mut self,
        bytes: &[u8],
        direction: Direction,
        ledger: &mut impl Ledger,
    ) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while rest.len() >= HEADER_LEN {
            let header = Header::parse(rest).ok_or(Malformed)?;
            ledger.unit(bytes.len() - rest.len(), header.len);
            let Some((unit, next)) = rest.split_at_checked(header.len) else { break };
            self.take(unit, &header, direction, ledger);
            rest = next;
        }
        Ok(bytes.len() - rest.len())
    }

    /// Takes a whole unit. One that goes the wrong way says nothing.
    fn take(&mut self, unit: &[u8], header: &Header, direction: Direction, ledger: &mut impl Ledger) {
        match (header.kind, direction) {
            (kind::BIND | kind::ALTER_CONTEXT, Direction::ToServer) => self.offer(unit, header, ledger),
            (kind::BIND_ACK | kind::ALTER_CONTEXT_RESPONSE, Direction::ToClient) => {
                self.accept(unit, header, ledger);
                self.answer(ledger);
            }
            (kind::BIND_NAK, Direction::ToClient) => self.answer(ledger),
            (kind::REQUEST, Direction::ToServer) => self.request(unit, header, ledger),
            (kind::RESPONSE | kind::FAULT, Direction::ToClient) => self.response(unit, header, ledger),
            _ => {}
        }
    }

    fn offer(&mut self, unit: &[u8], header: &Header, ledger: &mut impl Ledger) {
        self.offered = wire::offered(unit, header);
        let id = ledger.begin();
        ledger.complete(id, Direction::ToServer);
        self.negotiation = Some(id);
    }

    fn accept(&mut self, unit: &[u8], header: &Header, ledger: &mut impl Ledger) {
        let accepted = wire::accepted(unit, header);
        for ((context, interface), _) in
            self.offered.drain(..).zip(accepted).filter(|&(_, accepted)| accepted)
        {
            if self.contexts.insert(context, interface).is_some() {
                ledger.refuse();
            }
        }
    }

    fn answer(&mut self, ledger: &mut impl Ledger) {
        if let Some(id) = self.negotiation.take() {
            ledger.complete(id, Direction::ToClient);
        }
    }

    fn request(&mut self, unit: &[u8], header: &Header, ledger: &mut impl Ledger) {
        let Some((context, operation)) = wire::requested(unit, header) else { return };
        let open = self.calls.get(&header.call).copied();
        let goes_on =
            open.filter(|open| !open.asked && !header.is_first && ledger.call(open.transaction).is_some());
        let mut open = goes_on.unwrap_or_else(|| Open { transaction: ledger.begin(), asked: false });
        if goes_on.is_none()
            && let Some(call) = ledger.call(open.transaction)
        {
            let interface = self.contexts.get(&context).copied();
            call.asked = Some(Asked { operation, interface, begins: header.is_first });
        }
        add(unit, REQUEST_STUB, header, open.transaction, Direction::ToServer, ledger);
        open.asked = header.is_last;
        if self.calls.insert(header.call, open).is_some() {
            ledger.refuse();
        }
    }

    fn response(&mut self, unit: &[u8], header: &Header, ledger: &mut impl Ledger) {
        let open = self.calls.get(&header.call).copied();
        let known = open.filter(|open| ledger.call(open.transaction).is_some());
        let id = match known {
            Some(open) => open.transaction,
            None => {
                let transaction = ledger.begin();
                ledger.complete(transaction, Direction::ToServer);
                if self.calls.insert(header.call, Open { transaction, asked: true }).is_some() {
                    ledger.refuse();
                }
                transaction
            }
        };
        let begin = if header.kind == kind::FAULT { unit.len() } else { self.response_stub };
        add(unit, begin, header, id, Direction::ToClient, ledger);
        if header.is_last {
            self.calls.remove(&header.call);
        }
    }
}

/// Adds what a unit carries to its call, and ends that way with the last.
fn add(unit: &[u8], begin: usize, header: &Header, id: u64, direction: Direction, ledger: &mut impl Ledger) {
    let stub = unit.get(begin..).unwrap_or_default();
    let fits = ledger.take_room(stub.len());
    let Some(call) = ledger.call(id) else { return };
    let kept = if fits { call.add(direction, stub, header.big_endian) } else { 0 };
    if header.is_last {
        call.end(direction);
    }
    if kept < stub.len() {
        ledger.refuse();
    }
    if header.is_last {
        ledger.complete(id, direction);
    }
}
