//! Header blocks: put together from their frames, decoded, and held against bombs.

use super::event::Event;
use super::frame::{END_HEADERS, END_STREAM, Frame, Kind};
use super::hpack::{Fault, Item};
use super::lane::Context;
use super::stream::Number;
use crate::app_layer::parser::Malformed;

/// The most bytes of a block that comes in several frames (suricata.yaml, `http2.max-reassembly-size`).
const MAX_BLOCK: usize = 100 << 10;
/// Bytes of header fields that a direction of a connection may have whatever came for them.
const BOMB_LIMIT: u64 = 1 << 20;
/// Beyond [`BOMB_LIMIT`], the most bytes of header fields for each byte of the direction. What repeats whole tables of
/// the default size in each request stays below that.
const BOMB_RATIO: u64 = 512;

/// A block whose end has not come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The stream on which its frames go.
    stream: u32,
    /// The stream that it is about.
    target: u32,
    end_stream: bool,
    promise: bool,
}

/// The blocks of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pending: Option<Pending>,
    /// What has come of the block.
    fragments: Vec<u8>,
    /// Bytes of the direction.
    wire: u64,
    /// Bytes that header fields became.
    expanded: u64,
}

impl Blocks {
    /// Counts bytes of the direction.
    pub(super) fn count_wire(&mut self, bytes: usize) {
        self.wire += bytes as u64;
    }

    /// The stream that a CONTINUATION on that stream is about.
    pub(super) fn target(&self, stream: u32) -> u32 {
        self.pending.filter(|pending| pending.stream == stream).map_or(stream, |pending| pending.target)
    }

    /// Takes what a frame holds of a block, and decodes the block when that is whole. A CONTINUATION of nothing counts as
    /// a block of its own.
    ///
    /// # Errors
    ///
    /// When the block is a bomb.
    pub(super) fn take(
        &mut self,
        frame: Frame,
        target: u32,
        transaction: u64,
        fragment: &[u8],
        is_whole: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        let goes_on =
            |pending: &Pending| frame.kind() == Some(Kind::Continuation) && pending.stream == frame.stream;
        let before = self.pending.filter(goes_on);
        let block = before.unwrap_or(Pending {
            stream: frame.stream,
            target,
            end_stream: frame.kind() == Some(Kind::Headers) && frame.has(END_STREAM),
            promise: frame.kind() == Some(Kind::PushPromise),
        });
        let ends = frame.has(END_HEADERS) || frame.kind() == Some(Kind::Continuation) && before.is_none();
        if before.is_none() && ends {
            return self.decode(block, transaction, fragment, is_whole, context);
        }
        if before.is_none() {
            self.fragments.clear();
            self.pending = Some(block);
        }
        let room = MAX_BLOCK - self.fragments.len();
        if fragment.len() > room {
            context.note(Some(transaction), Event::ReassemblyLimitReached);
            context.transactions.refused += 1;
        }
        self.fragments.extend_from_slice(&fragment[..fragment.len().min(room)]);
        if ends {
            self.pending = None;
            let fragments = std::mem::take(&mut self.fragments);
            self.decode(block, transaction, &fragments, is_whole, context)?;
        }
        Ok(())
    }

    fn decode(
        &mut self,
        block: Pending,
        transaction: u64,
        bytes: &[u8],
        is_whole: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        let way = context.way;
        let Some(stream) = context.transactions.get_mut(transaction) else { return Ok(()) };
        let at = stream.data.way(way).headers.len();
        let (mut bomb, mut refused) = (false, 0);
        let faults = context.streams.decoders[way.index()].decode(bytes, &mut |item| {
            match item {
                Item::Field(field) => {
                    self.expanded += field.len() as u64;
                    let fits = stream.data.way_mut(way).headers.push(field);
                    bomb = !fits || self.is_bomb();
                }
                Item::SizeUpdate(size) => {
                    refused += u64::from(!stream.number(way, Number::SizeUpdate(size)));
                }
            }
            !bomb
        });
        for fault in faults {
            let events: &[Event] = match fault {
                Fault::Index => &[Event::InvalidHeader],
                Fault::Overflow => {
                    &[Event::HeaderIntegerOverflow, Event::InvalidHeader, Event::ExtraHeaderData]
                }
                Fault::Truncated if is_whole => &[Event::InvalidFrameData],
                Fault::Truncated => &[],
            };
            events.iter().for_each(|&event| stream.note(event));
        }
        if bomb {
            stream.note(Event::CompressionBomb);
            return Err(Malformed);
        }
        if block.promise {
            stream.promised();
        } else {
            stream.block_ended(way, at, block.end_stream);
            context.streams.carry_dns |= stream.data.carries_dns();
        }
        context.transactions.refused += refused;
        Ok(())
    }

    fn is_bomb(&self) -> bool {
        self.expanded > BOMB_LIMIT && self.expanded > self.wire.saturating_mul(BOMB_RATIO)
    }
}
