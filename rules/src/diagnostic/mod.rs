//! What is wrong with a rule, where, and what to do about it.
//!
//! Knows spans and words; must not know the grammar or any keyword.

mod render;

use std::fmt;

use crate::text::{Location, Source, Span};

pub use render::Renderer;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Worth knowing; the rule loads.
    Note,
    /// Suspicious; the rule loads.
    Warning,
    /// The rule says itself (`requires`) that it is for another engine; it is left out.
    Skipped,
    /// The rule is sound, but asks for something this sensor does not do yet; it is refused.
    NotSupported,
    /// The rule is refused.
    Error,
}

impl Severity {
    /// The word for it on a terminal and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::NotSupported => "not supported",
            Self::Error => "error",
        }
    }

    /// The SARIF 2.1.0 level (§3.27.10).
    pub const fn sarif_level(self) -> &'static str {
        match self {
            Self::Note | Self::Skipped => "note",
            Self::Warning => "warning",
            Self::NotSupported | Self::Error => "error",
        }
    }

    /// Whether the rule is kept out.
    pub const fn refuses(self) -> bool {
        matches!(self, Self::Skipped | Self::NotSupported | Self::Error)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A second place that helps to understand the first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to see there.
    pub text: String,
}

/// One finding about a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable slug for machines, such as `missing-semicolon`.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Other places worth a look.
    pub labels: Vec<Label>,
    /// What would mend it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without labels and help.
    pub fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity, code, message: message.into(), span, labels: Vec::new(), help: None }
    }

    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// Something sound that this sensor does not do yet.
    pub fn not_supported(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::NotSupported, code, span, message)
    }

    /// With what would mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another place worth a look.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Its place in lines and columns.
    pub fn region(&self, source: &Source) -> Region {
        Region { start: source.location(self.span.start), end: source.location(self.span.end) }
    }

    /// The text for a terminal of 100 columns, without colour.
    pub fn render(&self, source: &Source) -> String {
        Renderer::default().render(self, source)
    }
}

/// A span in lines and columns, as SARIF (§3.30) and editors want it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Region {
    /// Of the first character.
    pub start: Location,
    /// After the last character.
    pub end: Location,
}
