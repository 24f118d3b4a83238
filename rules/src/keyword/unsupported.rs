//! Keywords that are sound, and not done yet.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;

/// A keyword that is refused wherever it stands, and counted apart.
#[derive(Debug)]
pub(super) struct Unsupported {
    name: &'static str,
    doc: &'static str,
    why: &'static str,
    refused: &'static [&'static str],
}

impl Keyword for Unsupported {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        Vec::new()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn unsupported(&self) -> Option<&'static str> {
        Some(self.why)
    }

    fn parse(&self, argument: &Argument<'_>, _: &mut Draft<'_>) -> Result<(), Diagnostic> {
        Err(Diagnostic::not_supported("keyword-not-supported", argument.span(), self.why))
    }
}

pub(super) static LUA: Unsupported = Unsupported {
    name: "lua",
    doc: "Asks a Lua script. Not supported yet.",
    why: "`lua` is not supported yet",
    refused: &["lua:script.lua"],
};

pub(super) static LUAJIT: Unsupported = Unsupported {
    name: "luajit",
    doc: "Asks a Lua script. Not supported yet.",
    why: "`luajit` is not supported yet",
    refused: &["luajit:script.lua"],
};

pub(super) static LUAXFORM: Unsupported = Unsupported {
    name: "luaxform",
    doc: "Changes the buffer with a Lua script. Not supported yet.",
    why: "`luaxform` is not supported yet",
    refused: &["luaxform:script.lua"],
};
