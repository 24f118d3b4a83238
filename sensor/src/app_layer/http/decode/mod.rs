//! Content codings: gzip, deflate, brotli and LZMA, one on top of the other, as much as bombs allow.
//!
//! Browsers take one coding for another and plain bytes for coded ones; so does this. A stage that can make nothing
//! of its first bytes tries the next coding on them, and after all of them passes the bytes on as they are (compare
//! <https://noxxi.de/research/http-evader-explained-5-gzip.html>).

mod stage;

use super::event::Event;
use super::line::Faults;
use super::octets::{holds, is_same};
use smallvec::SmallVec;
use stage::Stage;

/// The most codings one on top of the other (suricata.yaml, `decompression-layers`' default).
const MAX_LAYERS: usize = 2;
/// Bytes that are decoded whatever they were decoded from (suricata.yaml, `compression-bomb-limit`).
const BOMB_LIMIT: u64 = 1 << 20;
/// Beyond [`BOMB_LIMIT`], the most bytes that one byte becomes.
const BOMB_RATIO: u64 = 2048;
/// Bytes that all stages together make whatever they are made from. Suricata gives each message a tenth of a second
/// of decoding (`decompression-time-limit`); work is counted here, to the same end.
const WORK_LIMIT: u64 = 4 << 20;
/// Beyond [`WORK_LIMIT`], the most bytes of work that one byte makes.
const WORK_RATIO: u64 = 100;

/// A way to code content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Coding {
    Gzip,
    /// Without a header (RFC 1951), although the name means RFC 1950.
    Deflate,
    Zlib,
    Brotli,
    Lzma,
}

impl Coding {
    /// What bytes may be that are not of this coding.
    fn next(self) -> Self {
        match self {
            Self::Deflate => Self::Zlib,
            Self::Zlib => Self::Gzip,
            Self::Gzip | Self::Brotli | Self::Lzma => Self::Deflate,
        }
    }

    /// The coding of exactly that name; nothing inside where the name means none.
    fn named(name: &[u8]) -> Option<Option<Self>> {
        let names: [(&[u8], Option<Self>); 8] = [
            (b"gzip", Some(Self::Gzip)),
            (b"x-gzip", Some(Self::Gzip)),
            (b"deflate", Some(Self::Deflate)),
            (b"x-deflate", Some(Self::Deflate)),
            (b"br", Some(Self::Brotli)),
            (b"lzma", Some(Self::Lzma)),
            (b"inflate", None),
            (b"none", None),
        ];
        names.iter().find(|(known, _)| is_same(name, known)).map(|&(_, coding)| coding)
    }

    /// The coding that a name may mean.
    fn meant(name: &[u8]) -> Option<Self> {
        if holds(name, b"gzip") {
            Some(Self::Gzip)
        } else if holds(name, b"deflate") {
            Some(Self::Deflate)
        } else {
            None
        }
    }
}

/// The codings of a message's content, in the order in which they were applied.
fn codings(field: &[u8], faults: &mut Faults) -> SmallVec<[Coding; MAX_LAYERS]> {
    if let Some(coding) = Coding::named(field) {
        return coding.into_iter().collect();
    }
    let mut codings = SmallVec::new();
    let names = field.split(|&byte| byte == b',' || byte == b' ').filter(|name| !name.is_empty());
    for (layer, name) in names.enumerate() {
        if layer >= MAX_LAYERS {
            faults.push(Event::TooManyEncodingLayers);
            break;
        }
        match Coding::named(name) {
            Some(coding) => codings.extend(coding),
            None => {
                if !faults.contains(&Event::AbnormalCeHeader) {
                    faults.push(Event::AbnormalCeHeader);
                }
                codings.extend(Coding::meant(name));
            }
        }
    }
    codings
}

/// Decoding is over: a bomb, or the memory limit of a coding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stopped(pub(super) Event);

/// Decodes the content of one message.
#[derive(Debug)]
pub(in crate::app_layer) struct Decoder {
    /// The coding applied last comes first.
    stages: SmallVec<[Stage; MAX_LAYERS]>,
    meter: Meter,
    stopped: bool,
}

/// What decoding has cost and brought.
#[derive(Debug, Default)]
struct Meter {
    taken: u64,
    worked: u64,
    made: u64,
    /// Bytes were not of their coding.
    failed: bool,
}

impl Meter {
    fn check(&self) -> Result<(), Stopped> {
        let beyond = |made: u64, limit, ratio| made > limit && made > self.taken.saturating_mul(ratio);
        if beyond(self.made, BOMB_LIMIT, BOMB_RATIO) || beyond(self.worked, WORK_LIMIT, WORK_RATIO) {
            return Err(Stopped(Event::CompressionBomb));
        }
        Ok(())
    }
}

impl Decoder {
    /// A decoder for what `Content-Encoding` says; nothing where content is not coded.
    pub(in crate::app_layer) fn of(field: &[u8], faults: &mut Faults) -> Option<Box<Self>> {
        let codings = codings(field, faults);
        let stages: SmallVec<_> = codings.iter().rev().map(|&coding| Stage::new(coding)).collect();
        (!stages.is_empty()).then(|| Box::new(Self { stages, meter: Meter::default(), stopped: false }))
    }

    /// Whether bytes were not of their coding.
    pub(super) fn has_failed(&self) -> bool {
        self.meter.failed
    }

    /// Decodes bytes and hands on what comes of them; nothing any more once it has stopped.
    ///
    /// # Errors
    ///
    /// When it stops, once.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<(), Stopped> {
        if self.stopped {
            return Ok(());
        }
        self.meter.taken += bytes.len() as u64;
        let fed = Stage::feed(&mut self.stages, bytes, &mut self.meter, sink);
        self.stopped = fed.is_err();
        fed
    }

    /// Nothing more comes: hands on what stages held back.
    ///
    /// # Errors
    ///
    /// When it stops, once.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        Stage::finish(&mut self.stages, &mut self.meter, sink)
    }
}

#[cfg(test)]
mod tests;
