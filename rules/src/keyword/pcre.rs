//! `pcre`: Perl-compatible regular expressions (Suricata documentation: "Payload Keywords", pcre).

mod expression;
mod pattern;

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::effect::Effect;
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::names::NameKind;
use crate::signature::Source;
use crate::vocabulary::Field;
use expression::{Expression, Scope};

pub use pattern::MatchMemory;
pub(crate) use pattern::{Pattern, Search};

/// `pcre`.
#[derive(Debug)]
pub(super) struct Pcre;

impl Keyword for Pcre {
    fn name(&self) -> &'static str {
        "pcre"
    }

    fn doc(&self) -> &'static str {
        "A Perl-compatible regular expression that the buffer matches, or with `!` before the quotes does not match: \
         `/expression/flags`. Flags are i s m x A E G, R for relative to the match before, and a letter for a \
         buffer of HTTP. After a comma, names for what groups capture."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(r#"alert tcp any any -> any any (pcre:"/ab+c/i"; sid:1;)"#, b"xABBC", b"xac"),
            Example::payload(r#"alert tcp any any -> any any (pcre:!"/^ab/"; sid:1;)"#, b"xab", b"abx"),
            Example::payload(
                r#"alert tcp any any -> any any (content:"n="; pcre:"/^[0-9]+\;/R"; sid:1;)"#,
                b"n=x n=12;",
                b"n=x n=12",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (pcre:"/a./s"; content:"c"; within:1; sid:1;)"#,
                b"axbaac",
                b"axbaa",
            ),
            Example::payload(r#"alert tcp any any -> any any (pcre:"/a$/E"; sid:1;)"#, b"xa", b"xa\n"),
            Example::payload(r#"alert tcp any any -> any any (pcre:"/b|c/A"; sid:1;)"#, b"cx", b"xb"),
            Example::field(
                r#"alert http any any -> any any (pcre:"/id=\d/U"; sid:1;)"#,
                "http.uri",
                b"/?id=7",
                b"/?id=x",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (pcre:"/user=(\w+)/, flow:user"; sid:1;)"#,
                b"user=eve",
                b"user=",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "pcre",
            r#"pcre:"abc""#,
            r#"pcre:"/abc""#,
            r#"pcre:"/a(b/""#,
            r#"pcre:"/ab/k""#,
            r#"pcre:"/ab/HU""#,
            r#"http.uri; content:"a"; pcre:"/ab/H""#,
            r#"pcre:"/ab/, flow:one""#,
            r#"pcre:"/(a)b/, one""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let value = argument.value()?;
        let expression = Expression::parse(argument, &argument.text()?)?;
        let (pattern, named) = Pattern::new(&expression)?;
        let mut captures = Vec::new();
        for (group, (scope, name)) in expression.captures.iter().enumerate() {
            captures.extend(CaptureGroup::new(group + 1, *scope, name, draft));
        }
        for (group, scope, name) in named {
            captures.extend(CaptureGroup::new(group, scope, &name, draft));
        }
        if expression.captures.len() >= pattern.groups() {
            let groups = pattern.groups() - 1;
            let message = format!("{} names for {groups} groups", expression.captures.len());
            return Err(argument
                .error("too-many-captures", message)
                .with_help("put a group in parentheses for each"));
        }
        let step = PcreStep { pattern, negated: value.is_negated(), relative: expression.relative, captures };
        let step = DraftStep::Other(Box::new(step), argument.span());
        match expression.buffer {
            None => draft.push_step(step),
            Some(letter) => {
                let field = buffer(letter, argument, draft)?;
                match draft.source() {
                    Source::Payload => draft.push_step_at(Source::Field(field), step),
                    _ => draft.push_step(step),
                }
            }
        }
        Ok(())
    }
}

/// The field that a buffer letter stands for.
fn buffer(letter: u8, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<&'static Field, Diagnostic> {
    let name = match letter {
        b'U' => "http_uri",
        b'I' => "http_raw_uri",
        b'P' => "http_client_body",
        b'Q' => "http_server_body",
        b'H' => "http_header",
        b'D' => "http_raw_header",
        b'M' => "http_method",
        b'C' => "http_cookie",
        b'S' => "http_stat_code",
        b'Y' => "http_stat_msg",
        b'V' => "http_user_agent",
        b'W' => "http_host",
        _ => "http_raw_host",
    };
    let field = draft.modifier(name).ok_or_else(|| {
        let message = format!("the flag `{}` means `{name}`, which is no buffer here", char::from(letter));
        argument.error("unknown-buffer", message)
    })?;
    // `Q` also means the file that a body is, whose name is younger.
    let selected = match draft.source() {
        Source::Payload => true,
        Source::Field(selected) => selected == field || letter == b'Q' && selected.name == "file.data",
        _ => false,
    };
    if !selected {
        return Err(argument
            .error("letter-after-sticky", "a buffer letter, where another sticky buffer is selected already")
            .with_help("take the letter out, or put `pkt_data;` before"));
    }
    draft.need_protocol(field.protocols, argument.span())?;
    Ok(field)
}

/// A group of the expression, and the variable that keeps what it captures.
#[derive(Debug)]
struct CaptureGroup {
    group: usize,
    variable: u32,
}

impl CaptureGroup {
    /// What the group captures is kept when the rule matches, if anybody keeps it.
    fn new(group: usize, scope: Scope, name: &str, draft: &mut Draft<'_>) -> Option<Self> {
        let keeper = scope.keeper()?;
        let id = draft.names.id(NameKind::Capture, &format!("{}:{name}", scope.name()));
        draft.effects.push(Effect::Capture { scope: keeper, id });
        Some(Self { group, variable: id })
    }
}

#[derive(Debug)]
struct PcreStep {
    pattern: Pattern,
    negated: bool,
    relative: bool,
    captures: Vec<CaptureGroup>,
}

impl PcreStep {
    fn fails(&self) -> Outcome {
        if self.relative { Outcome::Fails } else { Outcome::FailsForGood }
    }
}

impl Step for PcreStep {
    fn check(&self, cursor: &mut Cursor<'_>, resume: Option<Resume>) -> Outcome {
        let base = if self.relative { cursor.at.min(cursor.bytes.len()) } else { 0 };
        let subject = &cursor.bytes[base..];
        let from = resume.map_or(0, |Resume(from)| from.saturating_sub(base));
        if from > subject.len() {
            return self.fails();
        }
        let scratch = &mut *cursor.scratch;
        match self.pattern.search(subject, from, &mut scratch.matches) {
            Search::Limited => {
                scratch.pcre_limit_hits += 1;
                self.fails()
            }
            Search::Missing if self.negated => Outcome::Holds,
            Search::Missing => self.fails(),
            Search::Found { .. } if self.negated => self.fails(),
            Search::Found { start, end } => {
                for capture in &self.captures {
                    if let Some(range) = self.pattern.group(capture.group, &scratch.matches) {
                        scratch.captures.push(capture.variable, &subject[range]);
                    }
                }
                cursor.at = base + end;
                Outcome::HoldsHere(Resume(base + start + 1))
            }
        }
    }

    fn relative(&self) -> bool {
        self.relative
    }

    fn repeats(&self) -> bool {
        !self.negated
    }

    fn explain(&self) -> String {
        let verb = if self.negated { "does not match" } else { "matches" };
        let from = if self.relative { " from where the match before ended" } else { "" };
        format!("{verb} {}{from}", self.pattern)
    }
}
