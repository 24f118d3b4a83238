//! What tests of parsers share: conversations cut into any pieces, and what came of them in words.

use super::conversation::{Conversation, FieldRow, ReaderPlace, begin, field_rows};
use super::frames::tests::ANY;
use super::frames::{Frame, FrameLog, FrameWishes};
use super::identify::Speech;
use super::parser::{Input, Malformed, Parser, Requests};
use crate::event::Direction;
use crate::time::Timestamp;

/// A conversation under test: keeps, for each direction, what its parser has not consumed yet.
#[derive(Debug)]
pub(crate) struct Dialogue {
    pub(crate) conversation: Box<dyn Conversation>,
    /// All that the parser asked for, in order.
    pub(crate) requests: Vec<Requests>,
    pub(crate) malformed: bool,
    left: [Vec<u8>; 2],
    /// All that was said.
    said: [Vec<u8>; 2],
    /// Frames of all kinds, as the parser has told of them.
    frames: [FrameLog; 2],
    wishes: FrameWishes,
}

impl Dialogue {
    pub(crate) fn new<P: Parser>() -> Self {
        Self::with(begin::<P>())
    }

    /// Of a flow that is found to speak this.
    pub(crate) fn of(speech: &Speech) -> Self {
        Self::with((speech.begin)())
    }

    fn with(conversation: Box<dyn Conversation>) -> Self {
        Self {
            conversation,
            requests: Vec::new(),
            malformed: false,
            left: Default::default(),
            said: Default::default(),
            frames: Default::default(),
            wishes: FrameWishes::all(),
        }
    }

    /// Says `bytes` one way, all at once.
    pub(crate) fn say(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        self.give(direction, bytes, false)
    }

    /// Says `bytes` one way, in pieces of at most `piece` bytes.
    pub(crate) fn say_in_pieces(&mut self, direction: Direction, bytes: &[u8], piece: usize) -> &mut Self {
        bytes.chunks(piece.max(1)).for_each(|bytes| {
            self.give(direction, bytes, false);
        });
        self
    }

    /// Nothing more comes that way.
    pub(crate) fn end(&mut self, direction: Direction) -> &mut Self {
        self.give(direction, &[], true)
    }

    fn give(&mut self, direction: Direction, bytes: &[u8], end: bool) -> &mut Self {
        if self.malformed {
            return self;
        }
        let way = direction.index();
        let left = &mut self.left[way];
        left.extend_from_slice(bytes);
        self.said[way].extend_from_slice(bytes);
        let base = self.said[way].len() - left.len();
        self.frames[way].begin(&self.wishes, ANY, base as u64);
        let mut requests = Requests { frames: std::mem::take(&mut self.frames[way]), ..Requests::default() };
        let input = Input { direction, bytes: left, end, time: Timestamp::ZERO };
        match self.conversation.parse(&input, &mut requests) {
            Ok(consumed) => drop(left.drain(..consumed)),
            Err(Malformed) => self.malformed = true,
        }
        self.frames[way] = std::mem::take(&mut requests.frames);
        if requests != Requests::default() {
            self.requests.push(requests);
        }
        self
    }

    /// How many bytes of a way the parser has left for later.
    pub(crate) fn left(&self, direction: Direction) -> usize {
        self.left[direction.index()].len()
    }

    /// Every frame with its bytes as far as they were said, by way and name, in the order of their places.
    pub(crate) fn frames(&self, speech: &Speech) -> Vec<String> {
        let rows = (speech.fields)();
        let name = |kind| {
            rows.iter().find(|row| row.reader == ReaderPlace::Frame(kind)).expect("it has a row").field.name
        };
        let mut lines = Vec::new();
        for (way, said) in Direction::ALL.into_iter().zip(&self.said) {
            let mut frames = self.frames[way.index()].waiting().to_vec();
            frames.sort_by_key(|frame| (frame.start, frame.kind, frame.len));
            for Frame { kind, start, len, .. } in frames {
                let bytes = &said[usize::try_from(start).expect("it was said")..];
                let len = len.map_or(usize::MAX, |len| usize::try_from(len).expect("it fits"));
                let bytes = &bytes[..bytes.len().min(len)];
                lines.push(format!("{way:?} {} {}", name(kind), bytes.escape_ascii()));
            }
        }
        lines
    }

    /// Every transaction with its fields, a line each: number, way, field, value. Growing fields are left out.
    pub(crate) fn lines<P: Parser>(&self) -> Vec<String> {
        self.lines_of::<P>(|row| !row.streaming || row.field.name == "app-layer-event")
    }

    /// Every transaction with its fields, growing ones too as far as they are shown by now.
    pub(crate) fn all_lines<P: Parser>(&self) -> Vec<String> {
        self.lines_of::<P>(|_| true)
    }

    fn lines_of<P: Parser>(&self, wanted: impl Fn(&FieldRow) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        for transaction in self.conversation.kept() {
            for direction in Direction::ALL {
                let Some(progress) = self.conversation.progress(transaction, direction) else { continue };
                lines.push(format!("{transaction} {direction:?} progress {progress}"));
                for row in field_rows::<P>().iter().filter(|row| wanted(row)) {
                    self.conversation.read(transaction, row.reader, direction, &mut |_, value| {
                        let name = row.field.name;
                        lines.push(format!("{transaction} {direction:?} {name} {}", value.escape_ascii()));
                        false
                    });
                }
            }
        }
        lines
    }
}

/// The values of a field one way, by transaction, among such lines.
pub(crate) fn values(lines: &[String], direction: Direction, field: &str) -> Vec<(u64, String)> {
    let mark = format!(" {direction:?} {field} ");
    lines
        .iter()
        .filter_map(|line| line.split_once(&mark))
        .map(|(transaction, value)| (transaction.parse().expect("a number"), value.to_owned()))
        .collect()
}

/// What is wrong with transactions, by their names among `names`.
pub(crate) fn events(lines: &[String], names: &[(&'static str, u64)]) -> Vec<(u64, &'static str)> {
    let written = |number: u64| number.to_be_bytes().escape_ascii().to_string();
    let mut found: Vec<(u64, &'static str)> = Vec::new();
    for direction in Direction::ALL {
        for (transaction, value) in values(lines, direction, "app-layer-event") {
            let known = names.iter().find(|&&(_, number)| written(number) == value);
            let event = (transaction, known.expect("an event has a name").0);
            if !found.contains(&event) {
                found.push(event);
            }
        }
    }
    found
}
