//! What tests of parsers share: conversations cut into any pieces, and what came of them in words.

use super::conversation::{Conversation, FieldRow, begin, field_rows};
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
}

impl Dialogue {
    pub(crate) fn new<P: Parser>() -> Self {
        Self { conversation: begin::<P>(), requests: Vec::new(), malformed: false, left: Default::default() }
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
        let left = &mut self.left[direction.index()];
        left.extend_from_slice(bytes);
        let mut requests = Requests::default();
        let input = Input { direction, bytes: left, end, time: Timestamp::ZERO };
        match self.conversation.parse(&input, &mut requests) {
            Ok(consumed) => drop(left.drain(..consumed)),
            Err(Malformed) => self.malformed = true,
        }
        if requests != Requests::default() {
            self.requests.push(requests);
        }
        self
    }

    /// How many bytes of a way the parser has left for later.
    pub(crate) fn left(&self, direction: Direction) -> usize {
        self.left[direction.index()].len()
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
