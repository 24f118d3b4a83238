//! Events that no try will get into the stream, with the reason, in a file of their own.

use super::engine::DeadLetter;
use crate::sink::SinkError;
use crate::sink::file::{FileSink, RotationConfig};
use crate::sink::{Record, Sink};
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::PathBuf;

/// One line of the file.
#[derive(Serialize)]
struct Line<'a> {
    reason: &'a str,
    id: String,
    event: &'a RawValue,
}

/// The dead-letter file: made when the first one comes, bounded, turned over once.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    path: PathBuf,
    max_bytes: u64,
    file: Option<FileSink>,
}

impl DeadLetters {
    pub(crate) fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes, file: None }
    }

    /// Writes them out; a disk that takes none is told in the log, for they are accounted for already.
    pub(crate) fn bury(&mut self, letters: Vec<DeadLetter>) {
        for letter in letters {
            tracing::warn!(id = %letter.record.id, reason = %letter.reason, "an event went to the dead letters");
            if let Err(error) = self.write(&letter) {
                tracing::error!(%error, "a dead letter could not be written");
            }
        }
    }

    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        let fault =
            |source: std::io::Error| SinkError::Write { what: self.path.display().to_string(), source };
        let event: &RawValue =
            serde_json::from_slice(&letter.record.json).map_err(|error| fault(error.into()))?;
        let line = Line { reason: &letter.reason, id: letter.record.id.to_string(), event };
        let json = serde_json::to_vec(&line).map_err(|error| fault(error.into()))?;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let rotation = RotationConfig { max_bytes: self.max_bytes, max_age_s: 0, keep: 1 };
                none.insert(FileSink::open(&self.path, rotation)?)
            }
        };
        file.accept(&[Record { json: json.into(), ..letter.record.clone() }])?;
        file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::record;

    #[test]
    fn a_dead_letter_says_why_and_holds_the_event() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().join("dead.jsonl");
        let mut letters = DeadLetters::new(path.clone(), 1 << 20);
        letters.bury(vec![DeadLetter { record: record(3, 4), reason: "too \"large\"".into() }]);
        let text = std::fs::read_to_string(path).expect("it was written");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("it is JSON of one line");
        assert_eq!(line["reason"], "too \"large\"");
        assert_eq!(line["event"]["number"], 3);
        assert_eq!(line["id"], line["event"]["id"]);
    }
}
