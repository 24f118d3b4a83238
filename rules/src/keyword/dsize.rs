//! `dsize`: the length of a packet's payload.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::signature::{Condition, Hint};
use crate::view::View;

/// The longest payload that `dsize` speaks of.
const MAX: u64 = u16::MAX as u64;

/// `dsize` (Suricata documentation: "Payload Keywords", dsize).
#[derive(Debug)]
pub(super) struct Dsize;

impl Keyword for Dsize {
    fn name(&self) -> &'static str {
        "dsize"
    }

    fn doc(&self) -> &'static str {
        "How many bytes of payload the packet has."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload("alert udp any any -> any any (dsize:3; sid:1;)", b"abc", b"abcd"),
            Example::payload("alert udp any any -> any any (dsize:2<>5; sid:1;)", b"abcd", b"ab"),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["dsize", "dsize:x", "dsize:65536", "dsize:3<>4"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        draft.conditions.push(Box::new(PayloadLen(argument.integer(MAX)?)));
        Ok(())
    }
}

#[derive(Debug)]
struct PayloadLen(IntegerMatch);

impl Condition for PayloadLen {
    fn holds(&self, view: &View<'_>) -> bool {
        self.0.holds(view.packet.payload.len() as u64)
    }

    fn hint(&self) -> Hint {
        let (min, max) = self.0.bounds(MAX);
        Hint::PayloadLen { min, max }
    }

    fn explain(&self) -> String {
        format!("the packet's payload has {} bytes", self.0)
    }
}
