//! What stands in the value of a `pcre`: expression, flags, names for captures.

use crate::diagnostic::Diagnostic;
use crate::effect::CaptureScope;
use crate::keyword::Argument;
use crate::text::Text;

/// What a captured value belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scope {
    /// The flow, for as long as it lives.
    Flow,
    /// The packet that the rule matched on.
    Packet,
    /// The alert.
    Alert,
}

impl Scope {
    /// The word before the colon.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Packet => "pkt",
            Self::Alert => "alert",
        }
    }

    /// For whom the value is kept; the events of alerts have no place for one.
    pub(super) fn keeper(self) -> Option<CaptureScope> {
        match self {
            Self::Flow => Some(CaptureScope::Flow),
            Self::Packet => Some(CaptureScope::Packet),
            Self::Alert => None,
        }
    }

    const ALL: [Self; 3] = [Self::Flow, Self::Packet, Self::Alert];

    /// The scope and name of `flow:name`, or with another separator of `flow_name`.
    pub(super) fn split(word: &str, separator: char) -> Option<(Self, &str)> {
        let (scope, name) = word.split_once(separator)?;
        let scope = Self::ALL.into_iter().find(|known| known.name() == scope)?;
        (!name.is_empty()).then_some((scope, name))
    }
}

/// A `pcre`'s value, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    /// What stands between the slashes.
    pub(super) text: Text,
    pub(super) caseless: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
    /// `A`: only where looking begins.
    pub(super) anchored: bool,
    /// `E`: `$` is the very end, not before a last newline too.
    pub(super) dollar_end_only: bool,
    /// `G`: quantifiers take as little as they can.
    pub(super) ungreedy: bool,
    /// `R`: from where the step before ended.
    pub(super) relative: bool,
    /// The letter of a buffer.
    pub(super) buffer: Option<u8>,
    /// Names for what the groups capture, in the order of the groups.
    pub(super) captures: Vec<(Scope, String)>,
}

impl Expression {
    /// An expression without flags and names.
    pub(super) fn bare(text: Text) -> Self {
        Self {
            text,
            caseless: false,
            multi_line: false,
            dot_all: false,
            extended: false,
            anchored: false,
            dollar_end_only: false,
            ungreedy: false,
            relative: false,
            buffer: None,
            captures: Vec::new(),
        }
    }

    pub(super) fn parse(argument: &Argument<'_>, value: &Text) -> Result<Self, Diagnostic> {
        let close =
            closing_slash(value).filter(|&close| close > 0 && value.starts_with(b"/")).ok_or_else(|| {
                argument
                    .error("no-slashes", "the expression does not stand between slashes")
                    .with_help("write `pcre:\"/expression/\";`")
            })?;
        let rest = value.slice(close + 1..value.len());
        let (flags, names) = match memchr::memchr(b',', &rest) {
            Some(comma) => (rest.slice(0..comma), Some(rest.slice(comma + 1..rest.len()))),
            None => (rest, None),
        };
        let mut expression = Self::bare(value.slice(1..close));
        if let Some(names) = names {
            expression.captures = captures(&names)?;
        }
        let flags = flags.trim();
        for (at, &flag) in flags.iter().enumerate() {
            expression.flag(flag).map_err(|message| {
                Diagnostic::error("bad-pcre-flag", flags.span_of(at..at + 1), message)
                    .with_help("the flags are i m s x A E G R B O, and one of U I P Q H D M C S Y V W Z")
            })?;
        }
        Ok(expression)
    }

    fn flag(&mut self, flag: u8) -> Result<(), String> {
        match flag {
            b'i' => self.caseless = true,
            b'm' => self.multi_line = true,
            b's' => self.dot_all = true,
            b'x' => self.extended = true,
            b'A' => self.anchored = true,
            b'E' => self.dollar_end_only = true,
            b'G' => self.ungreedy = true,
            b'R' => self.relative = true,
            // Bytes are looked at as they came, and the match limit is not to be configured.
            b'B' | b'O' => {}
            b'U' | b'I' | b'P' | b'Q' | b'H' | b'D' | b'M' | b'C' | b'S' | b'Y' | b'V' | b'W' | b'Z' => {
                if self.buffer.is_some_and(|known| known != flag) {
                    return Err("an expression is for one buffer".to_owned());
                }
                self.buffer = Some(flag);
            }
            _ => return Err(format!("there is no flag `{}`", char::from(flag))),
        }
        Ok(())
    }
}

/// The slash after the expression: the last one, or the last before names for captures, which may have slashes too.
fn closing_slash(value: &Text) -> Option<usize> {
    let names = memchr::memchr_iter(b',', value).find(|&comma| {
        let rest = value[comma + 1..].trim_ascii_start();
        let named = Scope::ALL.iter().any(|scope| {
            rest.strip_prefix(scope.name().as_bytes()).is_some_and(|rest| rest.starts_with(b":"))
        });
        named && flags_before(&value[..comma])
    });
    memchr::memrchr(b'/', &value[..names.unwrap_or(value.len())])
}

/// Whether this ends in a slash and letters.
fn flags_before(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    text.iter().rev().find(|byte| !byte.is_ascii_alphabetic()) == Some(&b'/')
}

fn captures(names: &Text) -> Result<Vec<(Scope, String)>, Diagnostic> {
    let mut captures = Vec::new();
    for name in names.split(|&byte| byte == b',') {
        let name = String::from_utf8_lossy(name.trim_ascii());
        let (scope, name) = Scope::split(&name, ':').ok_or_else(|| {
            let message = format!("`{name}` says not what a capture is for");
            Diagnostic::error("bad-capture", names.span(), message)
                .with_help("write `flow:name`, `pkt:name` or `alert:name`")
        })?;
        captures.push((scope, name.to_owned()));
    }
    Ok(captures)
}
