//! Units of connection-oriented DCE/RPC (C706, section 12.6) and datagrams of connectionless DCE/RPC (section 12.5).

use smallvec::SmallVec;

/// The header that all units begin with.
pub const HEADER_LEN: usize = 16;
/// Where what a request carries begins.
pub const REQUEST_STUB: usize = 24;
/// The header of a datagram.
pub const DATAGRAM_HEADER_LEN: usize = 80;

/// Kinds of units (section 12.6.4).
pub mod kind {
    /// Calls an operation.
    pub const REQUEST: u8 = 0;
    /// What an operation returns.
    pub const RESPONSE: u8 = 2;
    /// The operation failed.
    pub const FAULT: u8 = 3;
    /// Offers interfaces.
    pub const BIND: u8 = 11;
    /// Says which are accepted.
    pub const BIND_ACK: u8 = 12;
    /// Refuses all.
    pub const BIND_NAK: u8 = 13;
    /// Offers more interfaces.
    pub const ALTER_CONTEXT: u8 = 14;
    /// Says which of these are accepted.
    pub const ALTER_CONTEXT_RESPONSE: u8 = 15;
}

const FIRST_FRAGMENT: u8 = 1;
const LAST_FRAGMENT: u8 = 2;
/// How an interface is accepted.
const ACCEPTANCE: u16 = 0;

/// Numbers in the byte order that a unit names.
#[derive(Clone, Copy, Debug)]
struct Numbers<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Numbers<'_> {
    fn u16(self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A UUID, its bytes in the order in which it is written.
    fn uuid(self, at: usize) -> Option<[u8; 16]> {
        let mut uuid: [u8; 16] = *self.bytes.get(at..)?.first_chunk()?;
        if !self.big_endian {
            uuid[..4].reverse();
            uuid[4..6].reverse();
            uuid[6..8].reverse();
        }
        Some(uuid)
    }
}

/// Whether a data representation is one that there is: integers, characters and floating-point numbers of known forms
/// (section 14.1).
fn is_representation(label: [u8; 2]) -> bool {
    label[0] & 0xee == 0 && label[1] <= 3
}

fn is_big_endian(label: u8) -> bool {
    label & 0xf0 == 0
}

/// The header of a unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// See [`kind`].
    pub kind: u8,
    /// Whether a call begins with the unit.
    pub is_first: bool,
    /// Whether a call ends with it.
    pub is_last: bool,
    /// Whether numbers stand most significant byte first.
    pub big_endian: bool,
    /// The whole unit's length.
    pub len: usize,
    /// The number of the call.
    pub call: u32,
}

impl Header {
    /// Reads the header that bytes begin with; nothing if they begin with none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &[5, 0, kind, flags, label, floats, ..] = bytes.first_chunk::<HEADER_LEN>()? else { return None };
        let big_endian = is_big_endian(label);
        let numbers = Numbers { bytes, big_endian };
        let len = usize::from(numbers.u16(8)?);
        (is_representation([label, floats]) && len >= HEADER_LEN).then_some(Self {
            kind,
            is_first: flags & FIRST_FRAGMENT != 0,
            is_last: flags & LAST_FRAGMENT != 0,
            big_endian,
            len,
            call: numbers.u32(12)?,
        })
    }
}

/// An interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interface {
    /// In the order in which it is written.
    pub uuid: [u8; 16],
    /// The major version.
    pub version: u16,
}

/// The interfaces that a bind offers, each with the number of its context; of a unit that is cut off, those that are
/// there.
pub fn offered(unit: &[u8], header: &Header) -> SmallVec<[(u16, Interface); 4]> {
    let numbers = Numbers { bytes: unit, big_endian: header.big_endian };
    let mut offered = SmallVec::new();
    let mut at = HEADER_LEN + 12;
    for _ in 0..unit.get(HEADER_LEN + 8).copied().unwrap_or(0) {
        let (Some(context), Some(&transfers)) = (numbers.u16(at), unit.get(at + 2)) else { break };
        let (Some(uuid), Some(version)) = (numbers.uuid(at + 4), numbers.u32(at + 20)) else { break };
        // The minor version stands in the upper half.
        offered.push((context, Interface { uuid, version: version as u16 }));
        at += 24 + 20 * usize::from(transfers);
    }
    offered
}

/// Which of the interfaces offered are accepted, in their order.
pub fn accepted(unit: &[u8], header: &Header) -> SmallVec<[bool; 8]> {
    let numbers = Numbers { bytes: unit, big_endian: header.big_endian };
    let mut accepted = SmallVec::new();
    let Some(address_len) = numbers.u16(HEADER_LEN + 8) else { return accepted };
    let at = (HEADER_LEN + 10 + usize::from(address_len)).next_multiple_of(4);
    for result in 0..usize::from(unit.get(at).copied().unwrap_or(0)) {
        let Some(result) = numbers.u16(at + 4 + 24 * result) else { break };
        accepted.push(result == ACCEPTANCE);
    }
    accepted
}

/// The context and the operation that a request names.
pub fn requested(unit: &[u8], header: &Header) -> Option<(u16, u16)> {
    let numbers = Numbers { bytes: unit, big_endian: header.big_endian };
    Some((numbers.u16(20)?, numbers.u16(22)?))
}

/// The header of a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DatagramHeader {
    /// See [`kind`]; of those of datagrams requests and responses matter.
    pub kind: u8,
    /// Whether the call ends with it.
    pub is_last: bool,
    /// Whether numbers stand most significant byte first.
    pub big_endian: bool,
    /// Whose call it is: the activity, and its number there.
    pub call: ([u8; 16], u32),
    /// The interface called.
    pub interface: Interface,
    /// The operation called.
    pub operation: u16,
    /// How much stands behind the header.
    pub len: usize,
    /// Which fragment of the call it is, counted from 0.
    fragment: u16,
}

impl DatagramHeader {
    /// Reads the header that a datagram begins with; nothing if it begins with none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        const FRAGMENT: u8 = 4;
        let &[4, kind, flags, more_flags, label, floats, ..] = bytes.first_chunk::<DATAGRAM_HEADER_LEN>()?
        else {
            return None;
        };
        let big_endian = is_big_endian(label);
        let numbers = Numbers { bytes, big_endian };
        (is_representation([label, floats]) && more_flags & 0xfc == 0).then_some(Self {
            kind,
            is_last: flags & FRAGMENT == 0 || flags & LAST_FRAGMENT != 0,
            big_endian,
            call: (numbers.uuid(40)?, numbers.u32(64)?),
            interface: Interface { uuid: numbers.uuid(24)?, version: numbers.u32(60)? as u16 },
            operation: numbers.u16(68)?,
            len: usize::from(numbers.u16(74)?),
            fragment: numbers.u16(76)?,
        })
    }

    /// Whether the call begins with it.
    pub fn is_first(&self) -> bool {
        self.fragment == 0
    }
}
