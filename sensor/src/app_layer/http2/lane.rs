//! One direction of a connection: its frames, as they come.

use super::block::Blocks;
use super::event::Event;
use super::fields::SETTINGS;
use super::frame::{
    END_STREAM, Frame, HEADER_LEN, Kind, PADDED, PREFACE, headers, number_and_bit, push_promise, settings,
};
use super::frames;
use super::stream::{Number, Stream};
use super::streams::{Streams, begin_global};
use crate::app_layer::frames::FrameLog;
use crate::app_layer::parser::Malformed;
use crate::app_layer::transaction::{Transaction, Transactions};
use crate::event::Direction;

/// Frames of so many bytes are read in part (Suricata reads them so).
const LONG_FRAME: u32 = 64 << 10;
/// How much of a long frame is read.
const LONG_FRAME_READ: u32 = 256;
/// The setting that grants a size of the table of header fields (RFC 9113, section 6.5.2).
const HEADER_TABLE_SIZE: u16 = 1;

/// What comes next.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The client's preface; the server has none.
    #[default]
    Start,
    /// The header of a frame.
    Header,
    /// The payload of a frame, of which so many bytes are read.
    Payload(Frame, u32),
    /// The length of the padding of DATA.
    Padding(Data),
    /// DATA.
    Data(Data),
    /// Bytes that nobody wants.
    Over(u32),
}

/// Reads one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Lane {
    state: State,
    blocks: Blocks,
    /// Something was wrong before there was a transaction.
    pending: Option<Event>,
}

/// What reading needs besides the bytes.
pub(super) struct Context<'c> {
    pub(super) way: Direction,
    pub(super) streams: &'c mut Streams,
    pub(super) transactions: &'c mut Transactions<Stream>,
}

impl Lane {
    /// Reads one thing of what comes next, and says how long it was; nothing while there have to be more bytes.
    ///
    /// # Errors
    ///
    /// When what comes is no HTTP/2, or a bomb.
    pub(super) fn step(
        &mut self,
        way: Direction,
        bytes: &[u8],
        streams: &mut Streams,
        transactions: &mut Transactions<Stream>,
        frames: &mut FrameLog,
    ) -> Result<Option<usize>, Malformed> {
        let mut context = Context { way, streams, transactions };
        let taken = match self.state {
            State::Start => return self.start(way, bytes),
            State::Header => match Frame::read(bytes) {
                Some(frame) => {
                    let len = frame.len as usize;
                    frames.add(frames::Frame::Pdu as u8, 0, HEADER_LEN + len);
                    frames.add(frames::Frame::Hdr as u8, 0, HEADER_LEN);
                    frames.add(frames::Frame::Data as u8, HEADER_LEN, len);
                    self.blocks.count_wire(HEADER_LEN + frame.len as usize);
                    self.begin(frame, &mut context);
                    HEADER_LEN
                }
                None => return Ok(None),
            },
            State::Payload(frame, len) => {
                let Some(payload) = bytes.get(..len as usize) else { return Ok(None) };
                self.state = over(frame.len - len);
                self.frame(frame, payload, &mut context)?;
                len as usize
            }
            State::Padding(data) => {
                let Some(&padding) = bytes.first() else { return Ok(None) };
                let (taken, data) = data.padded(padding);
                self.state = data.next(&mut context);
                taken
            }
            State::Data(data) => {
                let taken = bytes.len().min(data.len as usize);
                if taken == 0 {
                    return Ok(None);
                }
                self.state = data.take(&bytes[..taken], &mut context).next(&mut context);
                taken
            }
            State::Over(len) => {
                let taken = bytes.len().min(len as usize);
                if taken == 0 {
                    return Ok(None);
                }
                self.state = over(len - taken as u32);
                taken
            }
        };
        Ok(Some(taken))
    }

    /// Whether the last step was the last of a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Header)
    }

    /// Looks for the preface. What else a client begins with may be a frame, if it is text.
    fn start(&mut self, way: Direction, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let taken = match way {
            Direction::ToClient => 0,
            Direction::ToServer => {
                let Some(preface) = bytes.get(..PREFACE.len()) else { return Ok(None) };
                if preface == PREFACE {
                    PREFACE.len()
                } else if std::str::from_utf8(preface).is_ok() {
                    self.pending = Some(Event::InvalidClientMagic);
                    0
                } else {
                    return Err(Malformed);
                }
            }
        };
        self.state = State::Header;
        Ok(Some(taken))
    }

    /// Takes notice of a frame's header, and decides how its payload is read.
    fn begin(&mut self, frame: Frame, context: &mut Context<'_>) {
        let sound = match frame.kind() {
            Some(Kind::RstStream | Kind::WindowUpdate) => frame.len == 4,
            Some(Kind::Priority) => frame.len == 5,
            Some(Kind::GoAway) => frame.len >= 8,
            _ => true,
        };
        self.state = match frame.kind() {
            // An acknowledgement, or as good as one.
            Some(Kind::Settings) if frame.len == 0 => State::Header,
            Some(Kind::Data) => self.begin_data(frame, context),
            Some(_) if !sound => {
                let transaction = self.open(frame, frame.stream, context);
                context.note(transaction, Event::InvalidFrameLength);
                over(frame.len)
            }
            None | Some(Kind::Ping) => {
                self.open(frame, frame.stream, context);
                over(frame.len)
            }
            Some(Kind::GoAway) => State::Payload(frame, 8),
            Some(_) if frame.len >= LONG_FRAME => State::Payload(frame, LONG_FRAME_READ),
            Some(_) => State::Payload(frame, frame.len),
        };
    }

    /// Reads what was read of a frame's payload.
    fn frame(&mut self, frame: Frame, payload: &[u8], context: &mut Context<'_>) -> Result<(), Malformed> {
        let push =
            if frame.kind() == Some(Kind::PushPromise) { push_promise(frame.flags, payload) } else { None };
        let target = match (frame.kind(), push) {
            (_, Some((promised, _))) if frame.stream != 0 => promised,
            (Some(Kind::Continuation), _) => self.blocks.target(frame.stream),
            _ => frame.stream,
        };
        let Some(transaction) = self.open(frame, target, context) else { return Ok(()) };
        let is_whole = frame.len as usize == payload.len() || frame.kind() == Some(Kind::GoAway);
        if !is_whole {
            context.note(Some(transaction), Event::LongFrameData);
        }
        let number = match frame.kind() {
            Some(Kind::RstStream) => Number::ErrorCode(word(payload)),
            Some(Kind::GoAway) => Number::ErrorCode(word(&payload[4..])),
            Some(Kind::WindowUpdate) => {
                Number::Window(number_and_bit(payload).map_or(0, |(_, number)| number))
            }
            Some(Kind::Priority) => Number::Priority(payload[4]),
            Some(Kind::Settings) => {
                context.settings(transaction, payload);
                return Ok(());
            }
            _ => {
                let fragment = fragment(frame, payload, transaction, context);
                return match fragment {
                    Some(fragment) => {
                        self.blocks.take(frame, target, transaction, fragment, is_whole, context)
                    }
                    None => {
                        context.note(Some(transaction), Event::InvalidFrameData);
                        Ok(())
                    }
                };
            }
        };
        context.number(transaction, number);
        if frame.kind() == Some(Kind::RstStream) {
            context.with(transaction, Transaction::close);
        }
        Ok(())
    }

    /// The transaction of a frame of that stream; nothing where the frame is looked at no further.
    fn open(&mut self, frame: Frame, stream: u32, context: &mut Context<'_>) -> Option<u64> {
        let transaction = match frame.stream {
            0 => begin_global(context.way, context.transactions),
            _ => context.streams.find(stream, context.way, context.transactions),
        };
        if let Some(event) = self.pending.take() {
            context.note(Some(transaction), event);
        }
        if frame.stream == 0 && !frame.kind().is_some_and(Kind::is_of_connection) {
            let is_data = frame.kind() == Some(Kind::Data);
            let event = if is_data { Event::DataStreamZero } else { Event::InvalidFrameHeader };
            context.note(Some(transaction), event);
            return None;
        }
        let opened = context.transactions.get_mut(transaction)?;
        let may_be_late = matches!(frame.kind(), Some(Kind::RstStream | Kind::WindowUpdate | Kind::Priority));
        if frame.stream != 0 && opened.is_closed() && !may_be_late {
            opened.note(Event::StreamIdReuse);
        }
        if opened.count_frame(context.way) {
            context.transactions.refused += 1;
        } else {
            context.number(transaction, Number::FrameType(frame.number));
        }
        Some(transaction)
    }

    fn begin_data(&mut self, frame: Frame, context: &mut Context<'_>) -> State {
        let Some(transaction) = self.open(frame, frame.stream, context) else { return over(frame.len) };
        if frame.len >= LONG_FRAME {
            context.note(Some(transaction), Event::LongFrameData);
        }
        let way = context.way;
        context.with(transaction, |stream| stream.open_body(way));
        let data = Data { transaction, len: frame.len, padding: 0, end_stream: frame.has(END_STREAM) };
        if frame.has(PADDED) && frame.len > 0 { State::Padding(data) } else { data.next(context) }
    }
}

/// What a frame holds of a header block; nothing where its padding or what stands before the block do not fit.
fn fragment<'p>(
    frame: Frame,
    payload: &'p [u8],
    transaction: u64,
    context: &mut Context<'_>,
) -> Option<&'p [u8]> {
    match frame.kind() {
        Some(Kind::Headers) => {
            let (weight, block) = headers(frame.flags, payload)?;
            if let Some(weight) = weight {
                context.number(transaction, Number::Priority(weight));
            }
            Some(block)
        }
        Some(Kind::PushPromise) => push_promise(frame.flags, payload).map(|(_, block)| block),
        _ => Some(payload),
    }
}

/// The number of 32 bits that bytes begin with.
fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |&word| u32::from_be_bytes(word))
}

/// A frame of DATA under way.
#[derive(Clone, Copy, Debug)]
struct Data {
    transaction: u64,
    /// What is to come of it.
    len: u32,
    /// What is to come behind that.
    padding: u32,
    end_stream: bool,
}

impl Data {
    /// Takes the length of the padding off; padding that does not fit is none.
    fn padded(self, padding: u8) -> (usize, Self) {
        let padding = u32::from(padding);
        if padding < self.len {
            (1, Self { len: self.len - 1 - padding, padding, ..self })
        } else {
            (0, self)
        }
    }

    fn take(self, bytes: &[u8], context: &mut Context<'_>) -> Self {
        let way = context.way;
        context.with(self.transaction, |stream| stream.take_body(way, bytes));
        Self { len: self.len - bytes.len() as u32, ..self }
    }

    /// What comes next.
    fn next(self, context: &mut Context<'_>) -> State {
        if self.len > 0 {
            return State::Data(self);
        }
        if self.end_stream {
            let way = context.way;
            context.with(self.transaction, |stream| stream.end(way));
        }
        over(self.padding)
    }
}

/// Passes over so many bytes.
fn over(len: u32) -> State {
    if len == 0 { State::Header } else { State::Over(len) }
}

impl Context<'_> {
    /// Does something with a transaction, as long as it is kept.
    pub(super) fn with(&mut self, transaction: u64, act: impl FnOnce(&mut Transaction<Stream>)) {
        if let Some(stream) = self.transactions.get_mut(transaction) {
            act(stream);
            self.streams.carry_dns |= stream.data.carries_dns();
        }
    }

    /// Notes what is wrong.
    pub(super) fn note(&mut self, transaction: Option<u64>, event: Event) {
        if let Some(transaction) = transaction {
            self.with(transaction, |stream| stream.note(event));
        }
    }

    /// Notes a number of a frame; says whether there was room.
    pub(super) fn number(&mut self, transaction: u64, number: Number) -> bool {
        let Some(stream) = self.transactions.get_mut(transaction) else { return false };
        let fits = stream.number(self.way, number);
        self.transactions.refused += u64::from(!fits);
        fits
    }

    /// Notes the settings of a payload.
    pub(super) fn settings(&mut self, transaction: u64, payload: &[u8]) {
        for (identifier, value) in settings(payload) {
            if identifier == HEADER_TABLE_SIZE {
                self.streams.decoders[self.way.opposite().index()].grant(value);
            }
            let is_known = (1..=SETTINGS.len()).contains(&usize::from(identifier));
            if is_known && !self.number(transaction, Number::Setting(identifier, value)) {
                return;
            }
        }
    }
}
