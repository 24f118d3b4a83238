//! Frames, and the bursts in which they travel from the reader to the workers.

use crate::time::Timestamp;

/// How a frame begins, as the pcap registry numbers it (`LINKTYPE_` values,
/// <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// From the link-type field of a capture file: the lower 26 bits, without the length of the frame check sequence
    /// that pcap keeps above them.
    ///
    /// Raw IP under the numbers that it has on Linux and OpenBSD (12, 14), which some writers store, becomes
    /// [`Self::RAW`]. What exceeds the registry becomes 65535, which is unassigned.
    pub(super) fn from_field(field: u32) -> Self {
        match field & 0x03ff_ffff {
            12 | 14 => Self::RAW,
            value => Self(u16::try_from(value).unwrap_or(u16::MAX)),
        }
    }

    /// BSD loopback: a protocol family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC-like framing (RFC 1662).
    pub const PPP: Self = Self(9);
    /// Raw IP, version told by the first nibble.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const CISCO_HDLC: Self = Self(104);
    /// OpenBSD loopback: a protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured frame, its bytes on loan.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Position in the whole input, from 0; files read in turn go on counting.
    pub ordinal: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Length on the wire, in bytes; `bytes` may hold fewer.
    pub wire_len: u32,
    /// How the bytes begin.
    pub link: LinkType,
    /// What was captured.
    pub bytes: &'a [u8],
}

/// Where a frame lies in its burst.
#[derive(Clone, Copy, Debug)]
struct Place {
    time: Timestamp,
    offset: u32,
    captured_len: u32,
    wire_len: u32,
    link: LinkType,
    shard: u16,
}

/// A moment at which timers run, the same for every worker however the input is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tick {
    /// The ordinal of the packet that moved the clock.
    pub ordinal: u64,
    /// The clock from there on: the latest packet time so far.
    pub clock: Timestamp,
}

/// Frames in input order, owned, with the shard that each belongs to.
///
/// A reader of files lets the burst adopt whole chunks of the file, and the frames are places in them: what lies
/// between frames (record headers, padding) is held too, and nothing is copied a second time.
/// Holds at most 4 GiB of bytes; readers close a burst long before.
#[derive(Debug, Default)]
pub struct Burst {
    /// Initialised memory; only the first `held` bytes mean anything. Kept at its length, so that it is zeroed once.
    storage: Vec<u8>,
    held: usize,
    index: Index,
}

/// The frames of a burst, without their bytes.
#[derive(Debug, Default)]
pub(super) struct Index {
    first_ordinal: u64,
    places: Vec<Place>,
    ticks: Vec<Tick>,
}

/// A frame as the reader of a format found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundFrame {
    pub(super) time: Timestamp,
    pub(super) wire_len: u32,
    pub(super) link: LinkType,
    /// Where its bytes begin, counted from the start of what was searched.
    pub(super) offset: usize,
    pub(super) captured_len: u32,
}

impl Burst {
    /// Empties the burst, keeping its memory, to begin at `first_ordinal`.
    pub fn restart(&mut self, first_ordinal: u64) {
        self.held = 0;
        self.index.first_ordinal = first_ordinal;
        self.index.places.clear();
        self.index.ticks.clear();
    }

    /// Appends a frame. Its ordinal follows from its place.
    pub fn push(&mut self, time: Timestamp, wire_len: u32, link: LinkType, shard: u16, bytes: &[u8]) {
        let captured_len = u32::try_from(bytes.len()).expect("readers refuse frames beyond 256 KiB");
        let frame = FoundFrame { time, wire_len, link, offset: self.held, captured_len };
        self.append(bytes);
        self.index.place(&frame, shard);
    }

    /// Notes that the clock moved to `clock` with the frame pushed next.
    pub fn tick(&mut self, clock: Timestamp) {
        self.index.tick(clock);
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.index.places.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.index.places.is_empty()
    }

    /// Bytes held, with what lies between the frames.
    pub fn byte_len(&self) -> usize {
        self.held
    }

    /// The ordinal after the last frame.
    pub fn end_ordinal(&self) -> u64 {
        self.index.first_ordinal + self.index.places.len() as u64
    }

    /// The moments at which timers run, by ordinal.
    pub fn ticks(&self) -> &[Tick] {
        &self.index.ticks
    }

    /// The frame at `index`.
    #[inline]
    pub fn frame(&self, index: usize) -> Frame<'_> {
        let place = &self.index.places[index];
        let start = place.offset as usize;
        Frame {
            ordinal: self.index.first_ordinal + index as u64,
            time: place.time,
            wire_len: place.wire_len,
            link: place.link,
            bytes: &self.storage[start..start + place.captured_len as usize],
        }
    }

    /// The shard to which the frame at `index` belongs.
    #[inline]
    pub fn shard(&self, index: usize) -> u16 {
        self.index.places[index].shard
    }

    /// Appends bytes in which frames may be found.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.held += bytes.len();
    }

    /// Room behind the bytes held, at least `len` long; [`Self::adopt`] makes it part of them.
    pub(super) fn spare(&mut self, len: usize) -> &mut [u8] {
        if self.storage.len() < self.held + len {
            self.storage.resize(self.held + len, 0);
        }
        &mut self.storage[self.held..self.held + len]
    }

    /// Holds the first `len` bytes of what [`Self::spare`] lent.
    pub(super) fn adopt(&mut self, len: usize) {
        self.held = (self.held + len).min(self.storage.len());
    }

    /// Gives up the bytes from `len` on, in which no frame lies.
    pub(super) fn truncate(&mut self, len: usize) {
        self.held = self.held.min(len);
    }

    /// Gives up the first `len` bytes of a burst without frames.
    pub(super) fn discard_front(&mut self, len: usize) {
        debug_assert!(self.is_empty(), "frames would lose their bytes");
        self.storage.copy_within(len..self.held, 0);
        self.held -= len;
    }

    /// The bytes held, and the index to which frames found in them are added.
    pub(super) fn parts(&mut self) -> (&[u8], &mut Index) {
        (&self.storage[..self.held], &mut self.index)
    }
}

impl Index {
    /// How many frames there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Notes that the clock moved to `clock` with the frame placed next.
    pub(super) fn tick(&mut self, clock: Timestamp) {
        let ordinal = self.first_ordinal + self.places.len() as u64;
        self.ticks.push(Tick { ordinal, clock });
    }

    /// Adds a frame whose offset counts from the first byte held.
    #[inline]
    pub(super) fn place(&mut self, frame: &FoundFrame, shard: u16) {
        let offset = u32::try_from(frame.offset).expect("a burst is closed long before 4 GiB");
        let FoundFrame { time, wire_len, link, captured_len, .. } = *frame;
        self.places.push(Place { time, offset, captured_len, wire_len, link, shard });
    }
}
