//! `content` and the modifiers that stand after it (Suricata documentation: "Payload Keywords").

use super::{Argument, Example, Keyword};
use crate::content::{Content, FastPatternChoice, Number};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep, no_content};

/// How far an offset, a depth, a distance or a within may reach.
const MAX_REACH: i64 = 1_048_576;

/// `content`: bytes to look for.
#[derive(Debug)]
pub(super) struct ContentKeyword;

impl Keyword for ContentKeyword {
    fn name(&self) -> &'static str {
        "content"
    }

    fn doc(&self) -> &'static str {
        "Bytes that the buffer holds, or with `!` before the quotes does not hold. Between bars they are in hex."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (content:"a|62 63|d"; sid:1;)"#,
                b"xabcdx",
                b"xabCdx",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:!"abcd"; sid:1;)"#,
                b"xabCdx",
                b"xabcdx",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "content",
            r#"content:"""#,
            "content:abc",
            r#"content:"|6|""#,
            r#"content:"|6x|""#,
            r#"content:"|61""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let content = argument.content()?;
        draft.push_step(DraftStep::Content(content, argument.span()));
        Ok(())
    }
}

/// The content a modifier stands after.
fn modified<'d>(argument: &Argument<'_>, draft: &'d mut Draft<'_>) -> Result<&'d mut Content, Diagnostic> {
    draft.last_content().ok_or_else(|| no_content(argument.keyword(), argument.span()))
}

/// That a modifier is not given twice.
fn once(argument: &Argument<'_>, given: bool) -> Result<(), Diagnostic> {
    if !given {
        return Ok(());
    }
    Err(argument.error("given-twice", format!("`{}` is given twice for one content", argument.keyword())))
}

/// That two modifiers of a content don't exclude each other.
fn excluded(argument: &Argument<'_>, with: bool, other: &str) -> Result<(), Diagnostic> {
    if !with {
        return Ok(());
    }
    let message = format!("`{}` does not go together with `{other}`", argument.keyword());
    Err(Diagnostic::error("modifiers-conflict", argument.span(), message)
        .with_help(format!("take one of the two out, or start another `content` without `{other}`")))
}

macro_rules! flag_keyword {
    ($(#[$meta:meta])* $name:ident, $word:literal, $doc:literal, [$($example:expr),+ $(,)?], |$argument:ident, $content:ident| $body:block) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl Keyword for $name {
            fn name(&self) -> &'static str {
                $word
            }

            fn doc(&self) -> &'static str {
                $doc
            }

            fn examples(&self) -> Vec<Example> {
                vec![$($example),+]
            }

            fn refused(&self) -> &'static [&'static str] {
                &[$word, concat!("content:\"a\"; ", $word, ":1")]
            }

            fn parse(&self, $argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
                $argument.none()?;
                let $content = modified($argument, draft)?;
                $body
                Ok(())
            }
        }
    };
}

flag_keyword! {
    /// `nocase`: either case.
    Nocase, "nocase", "The content before it matches ASCII letters in either case.",
    [Example::payload(r#"alert tcp any any -> any any (content:"abc"; nocase; sid:1;)"#, b"xaBCx", b"xabx")],
    |argument, content| { once(argument, content.nocase)?; content.nocase = true; }
}

flag_keyword! {
    /// `startswith`: at the start of the buffer.
    StartsWith, "startswith", "The content before it must begin the buffer.",
    [Example::payload(r#"alert tcp any any -> any any (content:"abc"; startswith; sid:1;)"#, b"abcx", b"xabc")],
    |argument, content| {
        once(argument, content.starts_with)?;
        excluded(argument, content.is_relative(), "distance or within")?;
        excluded(argument, content.offset.is_some() || content.depth.is_some(), "offset or depth")?;
        content.starts_with = true;
    }
}

flag_keyword! {
    /// `endswith`: at the end of the buffer.
    EndsWith, "endswith", "The content before it must end the buffer.",
    [Example::payload(r#"alert tcp any any -> any any (content:"abc"; endswith; sid:1;)"#, b"abcabc", b"abcx")],
    |argument, content| {
        once(argument, content.ends_with)?;
        content.ends_with = true;
    }
}

flag_keyword! {
    /// `rawbytes`: the bytes as they came, which they always are.
    RawBytes, "rawbytes", "Accepted for rules written for other engines: contents always see the bytes as they came.",
    [Example::payload(r#"alert tcp any any -> any any (content:"abc"; rawbytes; sid:1;)"#, b"abc", b"abx")],
    |argument, content| { let _ = (argument, content); }
}

/// `replace`: what a device in the packets' way would write instead.
#[derive(Debug)]
pub(super) struct Replace;

impl Keyword for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn doc(&self) -> &'static str {
        "Accepted for rules written for devices that change packets: here the rule alerts, and nothing is changed."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"abc"; replace:"xyz"; sid:1;)"#,
            b"abc",
            b"xyz",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[r#"replace:"a""#, r#"content:"a"; replace"#, r#"content:"a"; replace:"|6|""#]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.value()?.content()?;
        modified(argument, draft).map(|_| ())
    }
}

macro_rules! reach_keyword {
    ($(#[$meta:meta])* $name:ident, $word:literal, $field:ident, $range:expr, $doc:literal, [$($example:expr),+ $(,)?], $refused:expr) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl Keyword for $name {
            fn name(&self) -> &'static str {
                $word
            }

            fn doc(&self) -> &'static str {
                $doc
            }

            fn examples(&self) -> Vec<Example> {
                vec![$($example),+]
            }

            fn refused(&self) -> &'static [&'static str] {
                $refused
            }

            fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
                let number = argument.number(&argument.text()?, $range, draft)?;
                let content = modified(argument, draft)?;
                once(argument, content.$field.is_some())?;
                excluded(argument, content.starts_with, "startswith")?;
                content.$field = Some(number);
                Ok(())
            }
        }
    };
}

reach_keyword! {
    /// `offset`: where the content may begin.
    Offset, "offset", offset, 0..MAX_REACH,
    "The content before it begins at this byte of the buffer or later.",
    [Example::payload(r#"alert tcp any any -> any any (content:"abc"; offset:2; sid:1;)"#, b"xxabc", b"xabcx")],
    &["offset:1", r#"content:"a"; offset:-1"#, r#"content:"a"; offset:unbound"#, r#"content:"a"; offset"#]
}

/// `depth`: where the content must have ended.
#[derive(Debug)]
pub(super) struct Depth;

impl Keyword for Depth {
    fn name(&self) -> &'static str {
        "depth"
    }

    fn doc(&self) -> &'static str {
        "The content before it lies within this many bytes, counted from its `offset`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"abc"; depth:4; sid:1;)"#,
            b"xabcx",
            b"xxabc",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["depth:4", r#"content:"abc"; depth:2"#, r#"content:"a"; depth:-1"#]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let number = argument.number(&argument.text()?, 0..MAX_REACH, draft)?;
        let content = modified(argument, draft)?;
        once(argument, content.depth.is_some())?;
        excluded(argument, content.starts_with, "startswith")?;
        at_least_the_content(argument, number, content)?;
        content.depth = Some(number);
        Ok(())
    }
}

/// `within`: where the content must have ended, counted from the step before.
#[derive(Debug)]
pub(super) struct Within;

impl Keyword for Within {
    fn name(&self) -> &'static str {
        "within"
    }

    fn doc(&self) -> &'static str {
        "The content before it lies within this many bytes after the step before, and after its `distance`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"abc"; content:"def"; within:4; sid:1;)"#,
            b"abcxdef",
            b"abcxxdef",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["within:4", r#"content:"abc"; content:"def"; within:2"#]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let number = argument.number(&argument.text()?, -MAX_REACH..MAX_REACH, draft)?;
        let content = modified(argument, draft)?;
        once(argument, content.within.is_some())?;
        excluded(argument, content.starts_with, "startswith")?;
        at_least_the_content(argument, number, content)?;
        content.within = Some(number);
        Ok(())
    }
}

fn at_least_the_content(
    argument: &Argument<'_>,
    number: Number,
    content: &Content,
) -> Result<(), Diagnostic> {
    let len = content.pattern.len();
    match number.literal() {
        Some(value) if value < i64::try_from(len).unwrap_or(i64::MAX) => Err(argument
            .error("shorter-than-content", format!("{value} bytes cannot hold the {len} of the content"))
            .with_help(format!("write `{}:{len};` or more", argument.keyword()))),
        _ => Ok(()),
    }
}

reach_keyword! {
    /// `distance`: how far from the step before.
    Distance, "distance", distance, -MAX_REACH..MAX_REACH,
    "The content before it begins this many bytes after the step before ended, or later.",
    [Example::payload(
        r#"alert tcp any any -> any any (content:"abc"; content:"def"; distance:2; sid:1;)"#,
        b"abcxxdef",
        b"abcxdef",
    )],
    &["distance:1", r#"content:"a"; distance:unbound"#]
}

/// `fast_pattern`: the content by which the rule is found.
#[derive(Debug)]
pub(super) struct FastPattern;

impl Keyword for FastPattern {
    fn name(&self) -> &'static str {
        "fast_pattern"
    }

    fn doc(&self) -> &'static str {
        "The prefilter finds the rule by the content before it: by all of it, `only` by it, or by a part `offset,length`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (content:"longer one"; content:"rare"; fast_pattern; sid:1;)"#,
                b"rare longer one",
                b"longer one",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"abcdef"; fast_pattern:1,3; sid:1;)"#,
                b"abcdef",
                b"xbcdxx",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"abc"; nocase; fast_pattern:only; sid:1;)"#,
                b"xABCx",
                b"xABx",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "fast_pattern",
            r#"content:"abc"; fast_pattern:often"#,
            r#"content:"abc"; fast_pattern:1,3"#,
            r#"content:"abc"; fast_pattern:1"#,
            r#"content:"abc"; content:"def"; distance:0; fast_pattern:only"#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let content = modified(argument, draft)?;
        once(argument, content.fast_pattern != FastPatternChoice::Automatic)?;
        content.fast_pattern = match argument.optional() {
            None => FastPatternChoice::This,
            Some(_) => choice(argument, content)?,
        };
        Ok(())
    }
}

fn choice(argument: &Argument<'_>, content: &Content) -> Result<FastPatternChoice, Diagnostic> {
    let text = argument.string()?;
    if text == "only" {
        let placed = content.is_relative() || content.offset.is_some() || content.depth.is_some();
        excluded(argument, placed, "offset, depth, distance or within")?;
        excluded(argument, content.negated, "a negated content")?;
        return Ok(FastPatternChoice::Only);
    }
    let part = text.split_once(',').and_then(|(offset, len)| {
        Some((offset.trim().parse::<u16>().ok()?, len.trim().parse::<u16>().ok()?))
    });
    match part {
        Some((offset, len)) if len > 0 && usize::from(offset) + usize::from(len) <= content.pattern.len() => {
            Ok(FastPatternChoice::Part { offset, len })
        }
        Some(_) => Err(argument
            .error("part-outside-content", format!("the content has {} bytes", content.pattern.len()))
            .with_help("offset and length together must not exceed the content's length")),
        None => Err(argument
            .error("bad-fast-pattern", "neither `only` nor `offset,length`")
            .with_help("write `fast_pattern;`, `fast_pattern:only;` or `fast_pattern:2,8;`")),
    }
}
