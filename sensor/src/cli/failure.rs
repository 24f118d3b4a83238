//! How a command can fail, in words and in exit codes.

use crate::sink::SinkError;
use std::fmt::{self, Display};
use std::io;

/// Exit codes other than 0, those above 63 from BSD's sysexits.h.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Rules are wrong.
    Findings = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// EX_DATAERR: an input is corrupt.
    CorruptInput = 65,
    /// EX_NOINPUT: an input is missing or unreadable.
    MissingInput = 66,
    /// EX_UNAVAILABLE: a service does not answer, or fails.
    Unavailable = 69,
    /// EX_SOFTWARE: the sensor itself failed.
    Internal = 70,
    /// EX_CANTCREAT: the output cannot be written.
    CannotWrite = 73,
    /// EX_NOPERM: a service refuses.
    Refused = 77,
    /// EX_CONFIG: the configuration is wrong.
    Configuration = 78,
    /// Told to stop before the input had ended, as shells number SIGINT.
    Interrupted = 130,
}

impl Exit {
    /// The number the process exits with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command ended before it was done.
#[derive(Debug)]
pub enum Failure {
    /// The reader of standard output went away: an end, but no fault.
    Closed,
    /// What was looked for was found, and told already.
    Findings,
    /// Something is wrong.
    Fault(Fault),
}

/// What was tried, what was wrong, what to do.
#[derive(Debug)]
pub struct Fault {
    /// The exit code.
    pub exit: Exit,
    /// What was tried, as in "cannot read rules.rules".
    pub tried: String,
    /// What was wrong, a line each.
    pub wrong: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Failure {
    /// A fault with one reason.
    pub fn new(exit: Exit, tried: impl Into<String>, wrong: impl Display) -> Self {
        Self::Fault(Fault { exit, tried: tried.into(), wrong: vec![wrong.to_string()], help: None })
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        if let Self::Fault(fault) = &mut self {
            fault.help = Some(advice.into());
        }
        self
    }

    /// The failure of writing to `what`.
    pub fn writing(what: impl Display, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Self::new(Exit::CannotWrite, format!("cannot write {what}"), error)
    }
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Closed => Self::Closed,
            SinkError::Write { what, source } => Self::writing(what, source),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tried)?;
        match self.wrong.as_slice() {
            [only] => write!(f, ": {only}")?,
            several => several.iter().try_for_each(|line| write!(f, "\n  {line}"))?,
        }
        match &self.help {
            Some(advice) => write!(f, "\n  help: {advice}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_tells_what_was_tried_what_was_wrong_and_what_to_do() {
        let failure =
            Failure::new(Exit::MissingInput, "cannot read a.pcap", "no such file").help("check the path");
        let Failure::Fault(fault) = failure else { panic!("a fault") };
        assert_eq!(fault.to_string(), "cannot read a.pcap: no such file\n  help: check the path");
        assert_eq!(fault.exit.code(), 66);
    }

    #[test]
    fn a_closed_pipe_is_no_fault() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(Failure::writing("standard output", broken), Failure::Closed));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(
            Failure::writing("standard output", full),
            Failure::Fault(Fault { exit: Exit::CannotWrite, .. })
        ));
    }
}
