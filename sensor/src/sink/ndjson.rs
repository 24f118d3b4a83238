//! Events as newline-delimited JSON on a stream: a pipe, a file.

use super::{Record, Sink, SinkError};
use std::io::{BufWriter, ErrorKind, Write};

/// Bytes held back for the sake of larger writes.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes each event as a line.
#[derive(Debug)]
pub struct NdjsonSink<W: Write> {
    output: BufWriter<W>,
    name: String,
}

impl<W: Write> NdjsonSink<W> {
    /// Writes to `output`, which errors call `name`.
    pub fn new(output: W, name: impl Into<String>) -> Self {
        Self { output: BufWriter::with_capacity(BUFFER_BYTES, output), name: name.into() }
    }
}

impl<W: Write + Send> Sink for NdjsonSink<W> {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        let write = |record: &Record| {
            self.output.write_all(&record.json)?;
            self.output.write_all(b"\n")
        };
        records.iter().try_for_each(write).map_err(|error| fault(&self.name, error))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.output.flush().map_err(|error| fault(&self.name, error))
    }
}

/// What a failed write to `name` means.
pub(super) fn fault(name: &str, source: std::io::Error) -> SinkError {
    match source.kind() {
        ErrorKind::BrokenPipe => SinkError::Closed,
        _ => SinkError::Write { what: name.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::RecordKind;
    use crate::time::Timestamp;
    use std::io;
    use std::sync::Arc;
    use std::time::Instant;
    use uuid::Uuid;

    fn record(json: &str) -> Record {
        Record {
            id: Uuid::nil(),
            kind: RecordKind::Alert,
            rule: None,
            severity: 1,
            order_key: 0,
            time: Timestamp::ZERO,
            created: Instant::now(),
            json: Arc::from(json.as_bytes()),
        }
    }

    /// Fails every write in one way.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_each_in_order() {
        let mut written = Vec::new();
        let mut sink = NdjsonSink::new(&mut written, "a buffer");
        sink.accept(&[record("{\"a\":1}"), record("{\"b\":2}")]).unwrap();
        sink.flush().unwrap();
        drop(sink);
        assert_eq!(written, b"{\"a\":1}\n{\"b\":2}\n");
    }

    #[test]
    fn a_reader_that_left_is_told_from_a_disk_that_is_full() {
        let outcome = |kind| {
            let mut sink = NdjsonSink::new(Broken(kind), "events.ndjson");
            sink.accept(&[record("{}")]).unwrap();
            sink.flush().unwrap_err()
        };
        assert!(matches!(outcome(ErrorKind::BrokenPipe), SinkError::Closed));
        assert!(outcome(ErrorKind::StorageFull).to_string().starts_with("cannot write events.ndjson: "));
    }
}
