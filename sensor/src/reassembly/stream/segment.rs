//! What the tracker reads of a packet.

use crate::event::Direction;
use crate::time::Timestamp;
use rules::view::{Packet, Tcp, TcpOption, Transport};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// The largest shift of a window that counts (RFC 7323 §2.3).
pub(super) const MAX_SCALE: u8 = 14;

/// One TCP segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    header: Tcp<'a>,
    pub(super) direction: Direction,
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    pub(super) flags: u8,
    pub(super) payload: &'a [u8],
    /// The second in which it was captured.
    pub(super) second: u64,
}

impl<'a> Segment<'a> {
    /// The segment in `packet`, if it is TCP.
    pub(super) fn of(packet: &Packet<'a>, direction: Direction, time: Timestamp) -> Option<Self> {
        let Transport::Tcp(header) = packet.transport else { return None };
        Some(Self {
            header,
            direction,
            sequence: header.sequence(),
            acknowledgement: header.acknowledgement(),
            flags: header.flags(),
            payload: packet.payload,
            second: time.as_secs(),
        })
    }

    /// Whether any of the flags is set.
    pub(super) fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Whether all of the flags are set.
    pub(super) fn has_all(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// The window, unscaled.
    pub(super) fn window(&self) -> u32 {
        u32::from(self.header.window())
    }

    /// The place in the payload of the last urgent byte: before the one that the urgent pointer points at, as all
    /// systems take it (RFC 6093 §3.1). Nothing when that is in a later segment.
    pub(super) fn urgent(&self) -> Option<u64> {
        let pointer = u64::from(self.header.urgent_pointer());
        (self.has(URG) && pointer > 0 && pointer <= self.len()).then(|| pointer - 1)
    }

    pub(super) fn len(&self) -> u64 {
        self.payload.len() as u64
    }

    /// The sender's clock and what it last heard of the receiver's.
    pub(super) fn timestamps(&self) -> Option<(u32, u32)> {
        // As nearly all systems lay it out (RFC 7323, appendix A).
        if let &[1, 1, 8, 10, a, b, c, d, e, f, g, h] = self.header.options() {
            return Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
        }
        self.header.option_list().find_map(|option| match option {
            TcpOption::Timestamps { value, echo } => Some((value, echo)),
            _ => None,
        })
    }

    /// What a SYN or SYN/ACK says of its sender.
    pub(super) fn opening(&self) -> Opening {
        let mut opening = Opening {
            sequence: self.sequence,
            acknowledgement: self.acknowledgement,
            window: self.window(),
            scale: None,
            timestamp: None,
            fast_open: false,
        };
        for option in self.header.option_list() {
            match option {
                TcpOption::WindowScale(shift) => opening.scale = Some(shift.min(MAX_SCALE)),
                TcpOption::Timestamps { value, .. } => opening.timestamp = Some(value),
                TcpOption::FastOpen(_) => opening.fast_open = true,
                // The experimental option that came before (RFC 7413 §4.1.1 and appendix A: kind 254, 0xf989).
                TcpOption::Other { kind: 253 | 254, data: [0xf9, 0x89, ..] } => opening.fast_open = true,
                _ => {}
            }
        }
        opening
    }
}

/// What a SYN or SYN/ACK says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Opening {
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    /// The sender's window, never scaled here.
    pub(super) window: u32,
    /// By how much the sender's later windows are shifted, if it offers that.
    pub(super) scale: Option<u8>,
    pub(super) timestamp: Option<u32>,
    pub(super) fast_open: bool,
}
