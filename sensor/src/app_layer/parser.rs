//! What a protocol's parser is: bytes of both ways in, transactions out.
//!
//! A parser never looks back: it is given the bytes it has not consumed yet and says how many it is done with. It
//! remembers how far into the rest it has looked, so that input in single bytes costs no more than input at once.

use super::file::transfer::Files;
use super::frames::FrameLog;
use super::transaction::Transactions;
use crate::event::{Direction, Http};
use crate::time::Timestamp;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;
use std::fmt::Debug;
use std::net::IpAddr;

/// Bytes going one way.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Which way they go.
    pub direction: Direction,
    /// All that was not consumed yet, without a hole. Of a datagram: all of it.
    pub bytes: &'a [u8],
    /// Whether nothing more comes this way.
    pub end: bool,
    /// The time of the packet that brought them.
    pub time: Timestamp,
}

/// The bytes are not what the protocol allows, and the parser cannot find its way again: nothing more of the flow is
/// parsed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// What a parser asks of whoever runs it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Requests {
    /// From here on the flow speaks another protocol.
    pub change: Option<Change>,
    /// The flow turns out to speak this, which the same parser goes on reading.
    pub becomes: Option<AppProtocol>,
    /// A connection that this one has announced.
    pub expect: Option<Expectation>,
    /// A message is whole: rules on the raw stream of this way should look at what there is now instead of waiting
    /// for more.
    pub inspect_raw: bool,
    /// What follows is encrypted: payload is not worth inspecting any more.
    pub encrypted: bool,
    /// Nothing that follows is worth parsing: transactions stand as they are, and no more input comes. Together with
    /// `encrypted`, nothing of the flow is inspected any more (SSH).
    pub finished: bool,
    /// Frames, where rules ask for any.
    pub frames: FrameLog,
}

impl Requests {
    /// What takes up memory elsewhere from now on, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.expect.as_ref().map_or(0, |expectation| expectation.about.capacity())
    }
}

/// A change of protocol in the middle of a flow, behind the bytes consumed (STARTTLS, CONNECT, an upgrade).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// To this one.
    To(AppProtocol),
    /// To whatever it is then found to be.
    Unknown,
}

/// A connection between the same two hosts that will speak a known protocol, such as that of FTP's data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expectation {
    /// The host that will be connected to, if it was named; else either.
    pub address: Option<IpAddr>,
    /// The port that will be connected to.
    pub port: u16,
    /// What it will speak.
    pub protocol: AppProtocol,
    /// Which way its data will go, seen from whoever opened the announcing connection.
    pub data: Direction,
    /// What its parser wants to know, such as the name of the file.
    pub about: Vec<u8>,
}

/// What a protocol hands over to the one that the flow changes to: a request that was made in the one and is answered
/// in the other, as fields with their values.
pub type HandedOver = Vec<(Vec<u8>, Vec<u8>)>;

/// Takes one value of a field; says whether that is enough.
pub type Visit<'v> = dyn FnMut(&[u8]) -> bool + 'v;

/// Takes one window of a growing field, after its offset in the field; says whether that is enough.
pub type VisitWindow<'v> = dyn FnMut(u64, &[u8]) -> bool + 'v;

/// Takes one value of a field of files, after the file's number in its transaction and the value's offset in the field;
/// says whether that is enough.
pub type VisitFile<'v> = dyn FnMut(usize, u64, &[u8]) -> bool + 'v;

/// How a field is read out of a transaction.
#[derive(Debug)]
pub struct Reader<T> {
    /// Which field.
    pub field: &'static Field,
    read: Read<T>,
}

#[derive(Debug)]
enum Read<T> {
    Whole(fn(&T, Direction, &mut Visit<'_>)),
    Windows(fn(&T, Direction, &mut VisitWindow<'_>)),
}

impl<T> Reader<T> {
    /// Of a field that is there at once: shows each of its values, none where there is none; numbers as 8 bytes,
    /// most significant first.
    pub const fn new(field: &'static Field, read: fn(&T, Direction, &mut Visit<'_>)) -> Self {
        Self { field, read: Read::Whole(read) }
    }

    /// Of a field that grows: shows what is new enough to be looked at, as often as there is something, until its
    /// transaction goes on.
    pub const fn streaming(field: &'static Field, read: fn(&T, Direction, &mut VisitWindow<'_>)) -> Self {
        Self { field, read: Read::Windows(read) }
    }

    /// Whether the field is shown in windows.
    pub const fn is_streaming(&self) -> bool {
        matches!(self.read, Read::Windows(_))
    }

    /// Shows the field's values, with their offsets: 0 for what is there at once.
    pub fn show(&self, transaction: &T, direction: Direction, visit: &mut VisitWindow<'_>) {
        match self.read {
            Read::Whole(read) => read(transaction, direction, &mut |value| visit(0, value)),
            Read::Windows(read) => read(transaction, direction, visit),
        }
    }
}

/// Shows a number as fields of numbers are read.
pub fn visit_number(visit: &mut Visit<'_>, number: u64) -> bool {
    visit(&number.to_be_bytes())
}

/// The parser of one flow.
pub trait Parser: Debug + Default + Send + 'static {
    /// What it makes.
    type Transaction: Debug + Default + Send + 'static;

    /// How each field is read.
    const READERS: &'static [Reader<Self::Transaction>];

    /// What can be wrong, as rules name it: numbers below 128.
    const EVENTS: Option<&'static Field>;

    /// The progress at which a request and a response are complete.
    const COMPLETE: [u8; 2];

    /// The frames that it tells of, each at its number.
    const FRAMES: &'static [Field] = &[];

    /// Whether its transactions carry files.
    const CARRIES_FILES: bool = false;

    /// Reads what it can and says how many bytes it is done with. The others come again, with more behind them.
    ///
    /// # Errors
    ///
    /// When it cannot go on at all.
    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Self::Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed>;

    /// Goes on after `bytes` that were never seen, behind all that was consumed; what was not consumed is gone too.
    ///
    /// # Errors
    ///
    /// When it cannot, which is so unless the protocol says otherwise.
    fn skip(
        &mut self,
        _direction: Direction,
        _bytes: u64,
        _transactions: &mut Transactions<Self::Transaction>,
    ) -> Result<(), Malformed> {
        Err(Malformed)
    }

    /// Takes notice of what the flow before was expected to bring, see [`Expectation::about`].
    fn expected(&mut self, _expectation: &Expectation) {}

    /// What the protocol that the flow changes to has to know.
    fn hand_over(&self, _transactions: &Transactions<Self::Transaction>) -> Option<HandedOver> {
        None
    }

    /// Takes notice of what the protocol before has handed over.
    fn take_over(&mut self, _handed: &HandedOver, _transactions: &mut Transactions<Self::Transaction>) {}

    /// The files that go one way within a transaction.
    fn files(_transaction: &Self::Transaction, _direction: Direction) -> Option<&Files> {
        None
    }

    /// The same.
    fn files_mut(_transaction: &mut Self::Transaction, _direction: Direction) -> Option<&mut Files> {
        None
    }

    /// Rules have looked at a transaction one way: windows of growing fields move on, but for those of files.
    fn inspected(_transaction: &mut Self::Transaction, _direction: Direction) {}

    /// Whether numbers that go one way stand most significant byte first, where rules leave that to the protocol.
    fn is_big_endian(_transaction: &Self::Transaction, _direction: Direction) -> bool {
        false
    }

    /// Whether a transaction tells all that its record wants, although it is not complete.
    fn tells_all(_transaction: &Self::Transaction) -> bool {
        false
    }

    /// What events tell of an HTTP transaction.
    fn http(_transaction: &Self::Transaction) -> Option<Http> {
        None
    }
}
