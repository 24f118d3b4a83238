//! One message (RFC 1035, section 4): checked once, then its names are put together when somebody asks for them.
//!
//! A check costs at most [`MAX_STEPS`] steps for each record, and copies nothing.

use super::event::{Event, Events};
use smallvec::SmallVec;
use std::ops::Range;

/// The fixed fields.
pub(super) const HEADER_LEN: usize = 12;
/// The most labels and pointers that are followed in one name. A name on the wire has at most 127 labels (RFC 1035,
/// section 2.3.4); Suricata follows as many as this.
const MAX_STEPS: usize = 255;
/// The most bytes of a name, dots included. RFC 1035 has 253; this is what Suricata shows of longer ones.
const MAX_NAME_LEN: usize = 1025;
/// The longest message, as its length over TCP has two bytes.
const MAX_LEN: usize = u16::MAX as usize;

/// Types of records that are looked into (RFC 1035, 2782, 4255, 6891).
mod kind {
    pub(super) const NS: u16 = 2;
    pub(super) const CNAME: u16 = 5;
    pub(super) const SOA: u16 = 6;
    pub(super) const PTR: u16 = 12;
    pub(super) const MX: u16 = 15;
    pub(super) const TXT: u16 = 16;
    pub(super) const SRV: u16 = 33;
    pub(super) const OPT: u16 = 41;
    pub(super) const SSHFP: u16 = 44;
}

/// Bytes that are no message: cut short, or a name leads nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

/// The fixed fields of a message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Header {
    /// The second two bytes: who speaks, the kind of operation, how it went.
    pub(super) flags: u16,
    /// How many records there are, by [`Section`].
    counts: [u16; 4],
}

impl Header {
    /// The header of a message of `len` bytes, if so many can hold as many records as it says.
    ///
    /// # Errors
    /// When there is not enough of it, or not enough behind it.
    pub(super) fn read(bytes: &[u8], len: usize) -> Result<Self, Malformed> {
        let word = |at| word(bytes, at, bytes.len());
        let header = Self { flags: word(2)?, counts: [word(4)?, word(6)?, word(8)?, word(10)?] };
        let records: usize = header.counts.iter().map(|&count| usize::from(count)).sum();
        if 2 * records > len { Err(Malformed) } else { Ok(header) }
    }

    /// Whether it is a response (QR).
    pub(super) fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The kind of operation (OPCODE).
    pub(super) fn opcode(self) -> u8 {
        (self.flags >> 11) as u8 & 15
    }

    /// How the operation went (RCODE), without what EDNS adds to it.
    pub(super) fn rcode(self) -> u8 {
        self.flags as u8 & 15
    }

    /// The bit that is reserved (Z).
    fn reserved(self) -> bool {
        self.flags & 0x40 != 0
    }
}

/// A part of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    Questions,
    Answers,
    Authorities,
    Additionals,
}

impl Section {
    /// Those that hold whole records.
    pub(super) const RECORDS: [Self; 3] = [Self::Answers, Self::Authorities, Self::Additionals];
}

/// A question or a record, by its places in its message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    name: usize,
    /// Its type.
    pub(super) kind: u16,
    /// What it says; empty in questions.
    data: Range<usize>,
}

/// A message that was checked.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct Message {
    bytes: Box<[u8]>,
    /// The fixed fields. Sections that turned out to be wrong count as empty.
    pub(super) header: Header,
    /// Where each section begins.
    starts: [u16; 4],
}

impl Message {
    /// Checks a message; tells what is wrong with it although it can be read.
    ///
    /// Wrong authorities count as none, and so do wrong additionals and what stands behind authorities that are wrong.
    ///
    /// # Errors
    /// When it cannot be read: questions and answers have to be right.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, Events), Malformed> {
        let (header, starts, events) = check(bytes)?;
        Ok((Self { bytes: bytes.into(), header, starts }, events))
    }

    /// What stands in a section.
    pub(super) fn records(&self, section: Section) -> impl Iterator<Item = Record> + '_ {
        let mut at = usize::from(self.starts[section as usize]);
        let count = self.header.counts[section as usize];
        (0..count).map_while(move |_| {
            let (record, next) = record(&self.bytes, at, section).ok()?;
            at = next;
            Some(record)
        })
    }

    /// Shows the name that a question or record is about; says whether that is enough.
    pub(super) fn show_owner(&self, record: &Record, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.show_name(record.name, self.bytes.len(), visit)
    }

    /// Shows the name that a record points to, if it is of a type that does so: CNAME, PTR, NS, MX, and the first name
    /// of SOA. Says whether that is enough.
    pub(super) fn show_target(&self, record: &Record, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let start = match record.kind {
            kind::CNAME | kind::PTR | kind::NS | kind::SOA => record.data.start,
            kind::MX => record.data.start + 2,
            _ => return false,
        };
        !record.data.is_empty() && self.show_name(start, record.data.end, visit)
    }

    fn show_name(&self, start: usize, end: usize, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut name = SmallVec::<[u8; 128]>::new();
        let walked = walk_name(&self.bytes, start, end, |label| {
            if !name.is_empty() {
                name.push(b'.');
            }
            name.extend_from_slice(label);
        });
        name.truncate(MAX_NAME_LEN);
        walked.is_ok() && visit(&name)
    }
}

/// Walks through a whole message; tells its header, where its sections begin, and what is wrong with it.
///
/// # Errors
/// See [`Message::read`].
pub(super) fn check(bytes: &[u8]) -> Result<(Header, [u16; 4], Events), Malformed> {
    if bytes.len() > MAX_LEN {
        return Err(Malformed);
    }
    let mut header = Header::read(bytes, bytes.len())?;
    let mut events = Events::default();
    let mut starts = [HEADER_LEN as u16; 4];
    let answers = check_section(bytes, HEADER_LEN, header.counts[0], Section::Questions, &mut events)?;
    let authorities = check_section(bytes, answers, header.counts[1], Section::Answers, &mut events)?;
    starts[1] = answers as u16;
    starts[2] = authorities as u16;
    match check_section(bytes, authorities, header.counts[2], Section::Authorities, &mut events) {
        Err(Malformed) => {
            events.insert(Event::InvalidAuthorities);
            header.counts[2..].fill(0);
        }
        Ok(additionals) => {
            starts[3] = additionals as u16;
            let end = check_section(bytes, additionals, header.counts[3], Section::Additionals, &mut events);
            if end.is_err() {
                events.insert(Event::InvalidAdditionals);
                header.counts[3] = 0;
            }
        }
    }
    if header.reserved() {
        events.insert(Event::ZFlagSet);
    }
    if header.opcode() >= 7 {
        events.insert(Event::InvalidOpcode);
    }
    Ok((header, starts, events))
}

/// Checks so many records; says where they end.
fn check_section(
    bytes: &[u8],
    mut at: usize,
    count: u16,
    section: Section,
    events: &mut Events,
) -> Result<usize, Malformed> {
    for _ in 0..count {
        let name = walk_name(bytes, at, bytes.len(), |_| {})?;
        events.insert_all(name.events);
        let (record, next) = record_behind(bytes, at, name.next, section)?;
        if section != Section::Questions {
            check_data(bytes, &record, events)?;
        }
        at = next;
    }
    Ok(at)
}

/// The question or record at a place, and where the next begins.
fn record(bytes: &[u8], at: usize, section: Section) -> Result<(Record, usize), Malformed> {
    record_behind(bytes, at, skip_name(bytes, at)?, section)
}

fn record_behind(
    bytes: &[u8],
    name: usize,
    at: usize,
    section: Section,
) -> Result<(Record, usize), Malformed> {
    let end = bytes.len();
    let kind = word(bytes, at, end)?;
    if section == Section::Questions {
        word(bytes, at + 2, end)?;
        let next = at + 4;
        return Ok((Record { name, kind, data: next..next }, next));
    }
    let start = at + 10;
    let next = start + usize::from(word(bytes, at + 8, end)?);
    if next > end { Err(Malformed) } else { Ok((Record { name, kind, data: start..next }, next)) }
}

/// Checks what a record says, as far as its type is known. Only OPT may say nothing.
fn check_data(bytes: &[u8], record: &Record, events: &mut Events) -> Result<(), Malformed> {
    let Range { start, end } = record.data.clone();
    if start == end {
        return if record.kind == kind::OPT { Ok(()) } else { Err(Malformed) };
    }
    let mut name = |at: usize| {
        if at > end {
            return Err(Malformed);
        }
        let walked = walk_name(bytes, at, end, |_| {})?;
        events.insert_all(walked.events);
        Ok(walked.next)
    };
    let fits = |len: usize| if start + len > end { Err(Malformed) } else { Ok(()) };
    match record.kind {
        kind::CNAME | kind::PTR | kind::NS => name(start).map(|_| ()),
        kind::MX => name(start + 2).map(|_| ()),
        kind::SRV => name(start + 6).map(|_| ()),
        kind::SOA => {
            let behind = name(start).and_then(&mut name)?;
            if behind + 20 > end { Err(Malformed) } else { Ok(()) }
        }
        // One string has to be there; what follows and is none is passed over.
        kind::TXT => fits(1 + usize::from(bytes[start])),
        kind::SSHFP => fits(2),
        kind::OPT => check_options(&bytes[start..end]),
        _ => Ok(()),
    }
}

/// Options of EDNS (RFC 6891, section 6.1.2) fill their record.
fn check_options(mut options: &[u8]) -> Result<(), Malformed> {
    while !options.is_empty() {
        let len = usize::from(word(options, 2, options.len())?);
        options = options.get(4 + len..).ok_or(Malformed)?;
    }
    Ok(())
}

/// Two bytes below `end`, which lies within the message.
fn word(bytes: &[u8], at: usize, end: usize) -> Result<u16, Malformed> {
    match bytes[..end].get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(Malformed),
    }
}

/// Where a name led.
struct Walked {
    /// Behind the name, where it stands first.
    next: usize,
    events: Events,
}

/// Walks along a name that starts below `end`, handing on its labels, pointers followed (RFC 1035, section 4.1.4).
/// They may point ahead. A name that its record or message cuts off between labels ends there.
///
/// What is wrong behind the first pointer ends the name, as it is known already where it ends in its record.
fn walk_name(
    bytes: &[u8],
    start: usize,
    end: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<Walked, Malformed> {
    let (mut at, mut end) = (start, end);
    let mut events = Events::default();
    let mut behind_pointer = None;
    let mut len = 0;
    for step in 1.. {
        match next_piece(bytes, at, end)? {
            Piece::End { next } => {
                at = next;
                break;
            }
            Piece::Label { label, next } => {
                if len <= MAX_NAME_LEN {
                    take(label);
                    len += usize::from(len > 0) + label.len();
                    if len > MAX_NAME_LEN {
                        events.insert(Event::NameTooLong);
                    }
                }
                at = next;
            }
            Piece::Pointer { target, .. } if target > bytes.len() => return Err(Malformed),
            Piece::Pointer { target, next } => {
                if target == at && end == bytes.len() {
                    events.insert(Event::InfiniteLoop);
                    behind_pointer.ok_or(Malformed)?;
                    break;
                }
                behind_pointer.get_or_insert(next);
                (at, end) = (target, bytes.len());
            }
        }
        if step > MAX_STEPS {
            behind_pointer.ok_or(Malformed)?;
            events.insert(Event::TooManyLabels);
            events.insert(Event::NameTooLong);
            break;
        }
        if len > MAX_NAME_LEN && behind_pointer.is_some() {
            break;
        }
    }
    Ok(Walked { next: behind_pointer.unwrap_or(at), events })
}

/// The end of a name where it stands, without following pointers.
fn skip_name(bytes: &[u8], start: usize) -> Result<usize, Malformed> {
    let mut at = start;
    loop {
        match next_piece(bytes, at, bytes.len())? {
            Piece::End { next } | Piece::Pointer { next, .. } => return Ok(next),
            Piece::Label { next, .. } => at = next,
        }
    }
}

/// A part of a name.
enum Piece<'a> {
    Label { label: &'a [u8], next: usize },
    Pointer { target: usize, next: usize },
    End { next: usize },
}

#[inline]
fn next_piece(bytes: &[u8], at: usize, end: usize) -> Result<Piece<'_>, Malformed> {
    let bytes = &bytes[..end];
    match bytes.get(at) {
        None => Ok(Piece::End { next: at }),
        Some(0) => Ok(Piece::End { next: at + 1 }),
        Some(&len @ 1..=63) => {
            let next = at + 1 + usize::from(len);
            let label = bytes.get(at + 1..next).ok_or(Malformed)?;
            Ok(Piece::Label { label, next })
        }
        Some(192..) => {
            let target = usize::from(word(bytes, at, end)? & 0x3fff);
            Ok(Piece::Pointer { target, next: at + 2 })
        }
        // Lengths of 64 to 191 have no meaning any more (RFC 6891, section 5).
        Some(_) => Err(Malformed),
    }
}
