//! One coding of several.

use super::{Coding, Event, Meter, Stopped};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;
use std::io::Write;

/// Bytes decoded at once.
const PIECE: usize = 16 << 10;
/// Bytes of LZMA decoded at once: there is no telling how many they become.
const LZMA_PIECE: usize = 256;
/// The largest dictionary of LZMA (suricata.yaml, `lzma-memlimit`).
const LZMA_MEMORY: usize = 1 << 20;
/// Codings tried in the place of the one that was named.
const MAX_RESTARTS: u8 = 3;
/// Bytes kept for another coding to be tried on.
const MAX_KEPT: usize = 8 << 10;
/// Bytes that a coding tried in the place of another has to make before it is believed: almost anything is deflate
/// for a while.
const BELIEVED: usize = 8 << 10;

/// A coding that is being undone.
#[derive(Debug)]
pub(super) struct Stage {
    coding: Coding,
    engine: Engine,
    restarts: u8,
    /// What came before the first byte was made.
    kept: Vec<u8>,
    /// What was made and is not believed yet.
    doubtful: Vec<u8>,
    /// The coding is believed: no other is tried.
    believed: bool,
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;
type Lzma = lzma_rs::decompress::Stream<Vec<u8>>;

/// How far a coding has come.
enum Engine {
    GzipHeader,
    Inflate(Decompress),
    Brotli(Box<Brotli>),
    Lzma(Box<Lzma>),
    /// Bytes go through as they are.
    Through,
    /// Whatever follows is passed over.
    Over,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GzipHeader => "GzipHeader",
            Self::Inflate(_) => "Inflate",
            Self::Brotli(_) => "Brotli",
            Self::Lzma(_) => "Lzma",
            Self::Through => "Through",
            Self::Over => "Over",
        })
    }
}

impl Engine {
    fn of(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::GzipHeader,
            Coding::Deflate => Self::Inflate(Decompress::new(false)),
            Coding::Zlib => Self::Inflate(Decompress::new(true)),
            Coding::Brotli => Self::Brotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            Coding::Lzma => {
                let options = lzma_rs::decompress::Options {
                    memlimit: Some(LZMA_MEMORY),
                    allow_incomplete: true,
                    ..Default::default()
                };
                Self::Lzma(Box::new(lzma_rs::decompress::Stream::new_with_options(&options, Vec::new())))
            }
        }
    }
}

/// The bytes are not of the coding.
enum Failure {
    Foreign,
    Stopped(Stopped),
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

type Sink<'s> = &'s mut dyn FnMut(&[u8]);

impl Stage {
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            coding,
            engine: Engine::of(coding),
            restarts: 0,
            kept: Vec::new(),
            doubtful: Vec::new(),
            believed: false,
        }
    }

    /// Sends bytes through all stages.
    pub(super) fn feed(
        stages: &mut [Self],
        bytes: &[u8],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Stopped> {
        let Some((stage, inner)) = stages.split_first_mut() else {
            meter.made += bytes.len() as u64;
            sink(bytes);
            return meter.check();
        };
        match stage.decode(bytes, inner, meter, sink) {
            Ok(()) => stage.keep(bytes, inner, meter, sink),
            Err(Failure::Stopped(stopped)) => Err(stopped),
            Err(Failure::Foreign) => stage.try_others(bytes, inner, meter, sink),
        }
    }

    /// Nothing more comes for any stage.
    pub(super) fn finish(stages: &mut [Self], meter: &mut Meter, sink: Sink<'_>) -> Result<(), Stopped> {
        let Some((stage, inner)) = stages.split_first_mut() else { return Ok(()) };
        stage.believe(inner, meter, sink)?;
        if let Engine::Lzma(stream) = std::mem::replace(&mut stage.engine, Engine::Over)
            && let Ok(rest) = stream.finish()
        {
            stage.make(&rest, inner, meter, sink)?;
        }
        Self::finish(inner, meter, sink)
    }

    /// Hands on what was made, once it is believed.
    fn make(
        &mut self,
        made: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Stopped> {
        meter.worked += made.len() as u64;
        self.believed |= self.restarts == 0 && !made.is_empty();
        if self.believed {
            Self::feed(inner, made, meter, sink)?;
            return meter.check();
        }
        self.doubtful.extend_from_slice(made);
        if self.doubtful.len() >= BELIEVED { self.believe(inner, meter, sink) } else { Ok(()) }
    }

    fn believe(&mut self, inner: &mut [Self], meter: &mut Meter, sink: Sink<'_>) -> Result<(), Stopped> {
        self.believed = true;
        self.kept = Vec::new();
        let doubtful = std::mem::take(&mut self.doubtful);
        if doubtful.is_empty() { Ok(()) } else { Self::feed(inner, &doubtful, meter, sink) }
    }

    /// Keeps bytes as long as another coding may have to be tried on them.
    fn keep(
        &mut self,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Stopped> {
        if self.believed {
            return Ok(());
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > MAX_KEPT { self.believe(inner, meter, sink) } else { Ok(()) }
    }

    /// Tries other codings on all that came so far, and lets it through when it is of none.
    fn try_others(
        &mut self,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Stopped> {
        if self.believed {
            self.engine = Engine::Over;
            meter.failed = true;
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.kept);
        all.extend_from_slice(bytes);
        while self.restarts < MAX_RESTARTS {
            self.restarts += 1;
            self.doubtful.clear();
            self.coding = self.coding.next();
            self.engine = Engine::of(self.coding);
            match self.decode(&all, inner, meter, sink) {
                Ok(()) => return self.keep(&all, inner, meter, sink),
                Err(Failure::Stopped(stopped)) => return Err(stopped),
                Err(Failure::Foreign) if self.believed => {
                    self.engine = Engine::Over;
                    meter.failed = true;
                    return Ok(());
                }
                Err(Failure::Foreign) => {}
            }
        }
        meter.failed = true;
        self.doubtful = Vec::new();
        self.engine = Engine::Through;
        inner.iter_mut().for_each(|stage| stage.engine = Engine::Through);
        Self::feed(inner, &all, meter, sink)
    }

    fn decode(
        &mut self,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Failure> {
        let mut engine = std::mem::replace(&mut self.engine, Engine::Over);
        let over = match &mut engine {
            Engine::Over => true,
            Engine::Through => {
                Self::feed(inner, bytes, meter, sink)?;
                false
            }
            Engine::GzipHeader => {
                self.engine = engine;
                return self.decode_gzip(bytes, inner, meter, sink);
            }
            Engine::Inflate(inflate) => self.inflate(inflate, bytes, inner, meter, sink)?,
            Engine::Brotli(state) => self.decode_brotli(state, bytes, inner, meter, sink)?,
            Engine::Lzma(stream) => self.decode_lzma(stream, bytes, inner, meter, sink)?,
        };
        if over {
            self.believe(inner, meter, sink)?;
        } else {
            self.engine = engine;
        }
        Ok(())
    }

    /// Passes a gzip header (RFC 1952, section 2.3), whatever its checksum, once it is there.
    fn decode_gzip(
        &mut self,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<(), Failure> {
        let joined;
        let all = if self.kept.is_empty() {
            bytes
        } else {
            joined = [&self.kept, bytes].concat();
            &joined
        };
        if let Some(len) = gzip_header(all)? {
            self.engine = Engine::Inflate(Decompress::new(false));
            self.decode(&all[len..], inner, meter, sink)?;
        }
        Ok(())
    }

    /// Undoes deflate; says whether its end was reached.
    fn inflate(
        &mut self,
        inflate: &mut Decompress,
        mut bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<bool, Failure> {
        let mut out = [0; PIECE];
        loop {
            let (took, made) = (inflate.total_in(), inflate.total_out());
            let result = inflate.decompress(bytes, &mut out, FlushDecompress::Sync);
            let took = (inflate.total_in() - took) as usize;
            let made = (inflate.total_out() - made) as usize;
            self.make(&out[..made], inner, meter, sink)?;
            bytes = &bytes[took..];
            match result {
                Err(_) => return Err(Failure::Foreign),
                Ok(Status::StreamEnd) => return Ok(true),
                Ok(_) if made == 0 && took == 0 => return Ok(false),
                Ok(_) if made < out.len() && bytes.is_empty() => return Ok(false),
                Ok(_) => {}
            }
        }
    }

    /// Undoes brotli; says whether its end was reached.
    fn decode_brotli(
        &mut self,
        state: &mut Brotli,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<bool, Failure> {
        let mut out = [0; PIECE];
        let (mut left, mut at, mut total) = (bytes.len(), 0, 0);
        loop {
            let (mut room, mut made) = (out.len(), 0);
            let result = BrotliDecompressStream(
                &mut left, &mut at, bytes, &mut room, &mut made, &mut out, &mut total, state,
            );
            self.make(&out[..made], inner, meter, sink)?;
            match result {
                BrotliResult::ResultFailure => return Err(Failure::Foreign),
                BrotliResult::ResultSuccess => return Ok(true),
                BrotliResult::NeedsMoreInput => return Ok(false),
                BrotliResult::NeedsMoreOutput => {}
            }
        }
    }

    /// Undoes LZMA, whose end nothing tells.
    fn decode_lzma(
        &mut self,
        stream: &mut Lzma,
        bytes: &[u8],
        inner: &mut [Self],
        meter: &mut Meter,
        sink: Sink<'_>,
    ) -> Result<bool, Failure> {
        for piece in bytes.chunks(LZMA_PIECE) {
            if let Err(error) = stream.write_all(piece) {
                if error.to_string().contains("memory limit") {
                    return Err(Stopped(Event::LzmaMemlimitReached).into());
                }
                return Err(Failure::Foreign);
            }
            let made = stream.get_output_mut().map(std::mem::take).unwrap_or_default();
            self.make(&made, inner, meter, sink)?;
        }
        Ok(false)
    }
}

/// How long a gzip header is; nothing while it is not all there.
fn gzip_header(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    const FIXED: usize = 10;
    let seen = bytes.len().min(MAGIC.len());
    if bytes[..seen] != MAGIC[..seen] {
        return Err(Failure::Foreign);
    }
    let Some(rest) = bytes.get(FIXED..) else { return Ok(None) };
    let flags = bytes[3];
    let (crc, extra, name, comment) = (flags & 2 != 0, flags & 4 != 0, flags & 8 != 0, flags & 16 != 0);
    let mut rest = rest;
    if extra {
        let Some((len, after)) = rest.split_first_chunk::<2>() else { return Ok(None) };
        let Some(after) = after.get(usize::from(u16::from_le_bytes(*len))..) else { return Ok(None) };
        rest = after;
    }
    for _ in 0..u8::from(name) + u8::from(comment) {
        let Some(end) = memchr::memchr(0, rest) else { return Ok(None) };
        rest = &rest[end + 1..];
    }
    let Some(rest) = rest.get(2 * usize::from(crc)..) else { return Ok(None) };
    Ok(Some(bytes.len() - rest.len()))
}
