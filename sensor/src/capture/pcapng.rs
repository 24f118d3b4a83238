//! pcapng files: sections of blocks, each section with its own byte order and interfaces.
//!
//! Reads section headers, interface descriptions and the three kinds of packet block; steps over all others.
//! Source: draft-ietf-opsawg-pcapng.

use super::error::FormatFault;
use super::format::{Format, Step};
use super::frame::{FoundFrame, LinkType};
use crate::limits::CaptureLimits;
use crate::time::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// Type, length and trailing length.
const FRAMING_BYTES: usize = 12;
/// Before the body: type and length.
const BLOCK_HEADER_BYTES: usize = 8;

/// The state of reading a pcapng file: what the section said so far.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// The length with which the block being stepped over must end.
    trailer: Option<u32>,
    /// The time of the packet before, which a simple packet block takes over, having none of its own.
    last_time: Timestamp,
    frame_limit: u32,
    block_limit: u32,
    interface_limit: u32,
}

#[derive(Clone, Copy, Debug)]
enum ByteOrder {
    Big,
    Little,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// In bytes; 0 for no limit.
    snap_len: u32,
    clock: InterfaceClock,
}

impl ByteOrder {
    #[inline]
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = [bytes[at], bytes[at + 1]];
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    #[inline]
    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }

    fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Big => i64::from_be_bytes(bytes),
            Self::Little => i64::from_le_bytes(bytes),
        }
    }
}

impl Pcapng {
    /// Whether a section header begins here.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    /// Whether `bytes` are the beginning of a section header's type and no more.
    pub(super) fn cut(bytes: &[u8]) -> bool {
        SECTION_HEADER.to_be_bytes().starts_with(bytes)
    }

    /// At the beginning of a file.
    pub(super) fn new(limits: &CaptureLimits) -> Self {
        Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            trailer: None,
            last_time: Timestamp::ZERO,
            frame_limit: limits.frame_bytes,
            block_limit: limits.block_bytes,
            interface_limit: limits.interfaces,
        }
    }

    /// The body of the block in front, whose length is checked at both ends; or how many bytes that takes.
    #[inline]
    fn body<'a>(&self, bytes: &'a [u8], order: ByteOrder, least: u32) -> Result<Body<'a>, FormatFault> {
        let len = block_len(bytes, order, FRAMING_BYTES as u32 + least)?;
        if len > self.block_limit {
            return Err(FormatFault::BlockTooLong { len, limit: self.block_limit });
        }
        let Some(block) = bytes.get(..len as usize) else { return Ok(Body::More(len as usize)) };
        let end = block.len() - 4;
        check_trailer(order.u32(block, end), len)?;
        Ok(Body::Whole(&block[BLOCK_HEADER_BYTES..end]))
    }

    fn section_header(&mut self, bytes: &[u8]) -> Result<Step, FormatFault> {
        let found = ByteOrder::Big.u32(bytes, BLOCK_HEADER_BYTES);
        let order = match found {
            BYTE_ORDER_MAGIC => ByteOrder::Big,
            _ if found.swap_bytes() == BYTE_ORDER_MAGIC => ByteOrder::Little,
            _ => return Err(FormatFault::ByteOrderMagic { found }),
        };
        let body = match self.body(bytes, order, 16)? {
            Body::Whole(body) => body,
            Body::More(len) => return Ok(Step::More(len)),
        };
        let (major, minor) = (order.u16(body, 4), order.u16(body, 6));
        if major != 1 {
            return Err(FormatFault::Version { format: "pcapng", expected: "1", major, minor });
        }
        self.order = order;
        self.interfaces.clear();
        Ok(skip(body))
    }

    fn interface_description(&mut self, bytes: &[u8]) -> Result<Step, FormatFault> {
        let body = match self.body(bytes, self.order, 8)? {
            Body::Whole(body) => body,
            Body::More(len) => return Ok(Step::More(len)),
        };
        if self.interfaces.len() >= self.interface_limit as usize {
            return Err(FormatFault::TooManyInterfaces { limit: self.interface_limit });
        }
        self.interfaces.push(Interface {
            link: LinkType::from_field(u32::from(self.order.u16(body, 0))),
            snap_len: self.order.u32(body, 4),
            clock: InterfaceClock::from_options(&body[8..], self.order)?,
        });
        Ok(skip(body))
    }

    /// An enhanced packet block, or the obsolete packet block, which differs in its first word.
    #[inline]
    fn packet(&mut self, bytes: &[u8], obsolete: bool) -> Result<Step, FormatFault> {
        const FIXED_BYTES: u32 = 20;
        let order = self.order;
        let body = match self.body(bytes, order, FIXED_BYTES)? {
            Body::Whole(body) => body,
            Body::More(len) => return Ok(Step::More(len)),
        };
        let id = if obsolete { u32::from(order.u16(body, 0)) } else { order.u32(body, 0) };
        let interface = self.interface(id)?;
        let ticks = u64::from(order.u32(body, 4)) << 32 | u64::from(order.u32(body, 8));
        let (captured_len, wire_len) = (order.u32(body, 12), order.u32(body, 16));
        self.check_captured(captured_len, body.len() as u32 - FIXED_BYTES)?;
        self.last_time = interface.clock.time(ticks);
        let frame = FoundFrame {
            time: self.last_time,
            wire_len: wire_len.max(captured_len),
            link: interface.link,
            offset: BLOCK_HEADER_BYTES + FIXED_BYTES as usize,
            captured_len,
        };
        Ok(Step::Frame { frame, record_len: body.len() + FRAMING_BYTES })
    }

    /// A simple packet block: of the first interface, without a time, its length known from the snap length.
    fn simple_packet(&mut self, bytes: &[u8]) -> Result<Step, FormatFault> {
        let body = match self.body(bytes, self.order, 4)? {
            Body::Whole(body) => body,
            Body::More(len) => return Ok(Step::More(len)),
        };
        let interface = self.interface(0)?;
        let wire_len = self.order.u32(body, 0);
        let captured_len = match interface.snap_len {
            0 => wire_len,
            snap_len => wire_len.min(snap_len),
        };
        self.check_captured(captured_len, body.len() as u32 - 4)?;
        let frame = FoundFrame {
            time: self.last_time,
            wire_len,
            link: interface.link,
            offset: BLOCK_HEADER_BYTES + 4,
            captured_len,
        };
        Ok(Step::Frame { frame, record_len: body.len() + FRAMING_BYTES })
    }

    #[inline]
    fn interface(&self, id: u32) -> Result<Interface, FormatFault> {
        let unknown = FormatFault::UnknownInterface { id, count: self.interfaces.len() as u32 };
        self.interfaces.get(id as usize).copied().ok_or(unknown)
    }

    #[inline]
    fn check_captured(&self, len: u32, room: u32) -> Result<(), FormatFault> {
        if len > self.frame_limit {
            return Err(FormatFault::FrameTooLong { len, limit: self.frame_limit });
        }
        if len > room {
            return Err(FormatFault::CapturedLength { len, room });
        }
        Ok(())
    }
}

impl Format for Pcapng {
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Result<Step, FormatFault> {
        if let Some(expected) = self.trailer {
            if bytes.len() < 4 {
                return Ok(Step::More(4));
            }
            check_trailer(self.order.u32(bytes, 0), expected)?;
            self.trailer = None;
            return Ok(Step::Skip(4));
        }
        if bytes.len() < FRAMING_BYTES {
            return Ok(Step::More(FRAMING_BYTES));
        }
        match self.order.u32(bytes, 0) {
            ENHANCED_PACKET => self.packet(bytes, false),
            PACKET => self.packet(bytes, true),
            SIMPLE_PACKET => self.simple_packet(bytes),
            INTERFACE_DESCRIPTION => self.interface_description(bytes),
            SECTION_HEADER => self.section_header(bytes),
            _ => {
                let len = block_len(bytes, self.order, FRAMING_BYTES as u32)?;
                self.trailer = Some(len);
                Ok(Step::Skip(u64::from(len) - 4))
            }
        }
    }

    fn may_end(&self) -> bool {
        self.trailer.is_none()
    }
}

/// A block's body, or how many bytes from the front of the block must be in memory to see it.
enum Body<'a> {
    Whole(&'a [u8]),
    More(usize),
}

/// The length of the block in front, at least `least`.
#[inline]
fn block_len(bytes: &[u8], order: ByteOrder, least: u32) -> Result<u32, FormatFault> {
    let len = order.u32(bytes, 4);
    if len < least || !len.is_multiple_of(4) {
        return Err(FormatFault::BlockLength { len, least });
    }
    Ok(len)
}

#[inline]
fn check_trailer(found: u32, expected: u32) -> Result<(), FormatFault> {
    if found == expected { Ok(()) } else { Err(FormatFault::BlockTrailer { expected, found }) }
}

fn skip(body: &[u8]) -> Step {
    Step::Skip((body.len() + FRAMING_BYTES) as u64)
}

/// How an interface counts time: `if_tsresol` and `if_tsoffset`.
#[derive(Clone, Copy, Debug)]
struct InterfaceClock {
    resolution: Resolution,
    offset_ns: i128,
}

/// What one unit of a timestamp is.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// So many nanoseconds.
    Multiple(u64),
    /// So many to a nanosecond.
    Fraction(u64),
    /// So many halvings of a second.
    Halvings(u8),
}

impl InterfaceClock {
    fn from_options(mut options: &[u8], order: ByteOrder) -> Result<Self, FormatFault> {
        // 10⁻⁶ s unless the interface says otherwise.
        let mut clock = Self { resolution: Resolution::Multiple(1000), offset_ns: 0 };
        while let Some((header, rest)) = options.split_first_chunk::<4>() {
            let (code, len) = (order.u16(header, 0), order.u16(header, 2));
            if code == OPTION_END {
                break;
            }
            let value = rest.get(..usize::from(len)).ok_or(FormatFault::OptionLength { code, len })?;
            match code {
                OPTION_TSRESOL => {
                    let [tsresol] = value else { return Err(FormatFault::OptionLength { code, len }) };
                    clock.resolution = Resolution::from_tsresol(*tsresol);
                }
                OPTION_TSOFFSET => {
                    let seconds = value.try_into().map_err(|_| FormatFault::OptionLength { code, len })?;
                    clock.offset_ns = i128::from(order.i64(seconds)) * 1_000_000_000;
                }
                _ => {}
            }
            options = rest.get(usize::from(len).next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(clock)
    }

    /// The moment at which this clock shows `ticks`; saturates at either end of time.
    #[inline]
    fn time(self, ticks: u64) -> Timestamp {
        let ns = match self.resolution {
            Resolution::Multiple(ns) => i128::from(ticks) * i128::from(ns),
            Resolution::Fraction(parts) => i128::from(ticks / parts),
            Resolution::Halvings(halvings) => (i128::from(ticks) * 1_000_000_000) >> halvings,
        };
        let ns = ns + self.offset_ns;
        Timestamp::from_nanos(u64::try_from(ns).unwrap_or(if ns < 0 { 0 } else { u64::MAX }))
    }
}

impl Resolution {
    /// The upper bit chooses between powers of 2 and of 10, the others are the negative exponent.
    fn from_tsresol(value: u8) -> Self {
        let exponent = value & 0x7f;
        match (value & 0x80 != 0, exponent) {
            (true, _) => Self::Halvings(exponent),
            (false, ..=9) => Self::Multiple(10_u64.pow(9 - u32::from(exponent))),
            // Beyond 10⁻²⁸ s all of 64 bits are less than a nanosecond, as they are at 2⁻¹²⁷ s.
            (false, _) => {
                10_u64.checked_pow(u32::from(exponent) - 9).map_or(Self::Halvings(127), Self::Fraction)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tsresol: u8, offset_s: i64, ticks: u64) -> u64 {
        let resolution = Resolution::from_tsresol(tsresol);
        let clock = InterfaceClock { resolution, offset_ns: i128::from(offset_s) * 1_000_000_000 };
        clock.time(ticks).as_nanos()
    }

    #[test]
    fn resolutions_by_powers_of_ten_and_two() {
        assert_eq!(at(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(at(0, 0, 3), 3_000_000_000);
        assert_eq!(at(9, 0, 7), 7);
        assert_eq!(at(12, 0, 7_999), 7);
        assert_eq!(at(28, 0, u64::MAX), 1);
        assert_eq!(at(127, 0, u64::MAX), 0);
        assert_eq!(at(0x80 | 10, 0, 1536), 1_500_000_000);
        assert_eq!(at(0x80 | 127, 0, u64::MAX), 0);
    }

    #[test]
    fn offsets_shift_and_saturate() {
        assert_eq!(at(6, 10, 1), 10_000_001_000);
        assert_eq!(at(6, -1, 1_500_000), 500_000_000);
        assert_eq!(at(6, i64::MIN, 1), 0);
        assert_eq!(at(6, i64::MAX, 1), u64::MAX);
        assert_eq!(at(0, 0, u64::MAX), u64::MAX);
    }
}
