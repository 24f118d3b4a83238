//! What a rule says about itself (Suricata documentation: "Meta Keywords").

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;

/// `msg`: what the alert says.
#[derive(Debug)]
pub(super) struct Msg;

impl Keyword for Msg {
    fn name(&self) -> &'static str {
        "msg"
    }

    fn doc(&self) -> &'static str {
        "What the alert says; it becomes the event's `alert.signature`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (msg:"Greeting"; content:"hello"; sid:1;)"#,
            b"hello",
            b"bye",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["msg", "msg:unquoted", r#"msg:!"no""#]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        draft.meta.message = argument.message()?;
        Ok(())
    }
}

fn plain_number(argument: &Argument<'_>) -> Result<u32, Diagnostic> {
    let text = argument.string()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u32>().ok().filter(|_| digits).ok_or_else(|| {
        argument
            .error("bad-number", format!("`{}` needs a number up to {}", argument.keyword(), u32::MAX))
            .with_help(format!("write `{}:<number>;`", argument.keyword()))
    })
}

macro_rules! number_keyword {
    ($(#[$meta:meta])* $name:ident, $word:literal, $doc:literal, $refused:expr, |$draft:ident, $number:ident, $argument:ident| $body:block) => {
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
                vec![Example::payload(
                    concat!(r#"alert tcp any any -> any any (content:"hello"; "#, $word, r#":3; sid:1;)"#),
                    b"hello",
                    b"bye",
                )]
            }

            fn refused(&self) -> &'static [&'static str] {
                $refused
            }

            fn parse(&self, $argument: &Argument<'_>, $draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
                let $number = plain_number($argument)?;
                $body
            }
        }
    };
}

number_keyword! {
    /// `gid`: the generator.
    Gid, "gid", "The id of the generator, 1 unless the rule says otherwise.",
    &["gid", "gid:x", "gid:-1", "gid:4294967296"],
    |draft, number, argument| {
        let _ = argument;
        draft.meta.gid = number;
        Ok(())
    }
}

number_keyword! {
    /// `rev`: the revision.
    Rev, "rev", "The revision of the rule.",
    &["rev", "rev:x", "rev:0"],
    |draft, number, argument| {
        if number == 0 {
            return Err(argument.error("zero", "`rev` counts from 1"));
        }
        draft.meta.rev = number;
        Ok(())
    }
}

number_keyword! {
    /// `priority`: how severe it is.
    Priority, "priority", "How severe the alert is, 1 the most; it overrides the class's.",
    &["priority", "priority:x", "priority:256"],
    |draft, number, argument| {
        if number > 255 {
            return Err(argument.error("number-out-of-range", "`priority` goes from 0 to 255"));
        }
        draft.priority = Some(number);
        Ok(())
    }
}

/// `sid`: the signature's number.
#[derive(Debug)]
pub(super) struct Sid;

impl Keyword for Sid {
    fn name(&self) -> &'static str {
        "sid"
    }

    fn doc(&self) -> &'static str {
        "The number of the signature, unique within its generator."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(r#"alert tcp any any -> any any (content:"hello"; sid:7;)"#, b"hello", b"bye")]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["sid", "sid:x", "sid:0", "sid:4294967296"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        match plain_number(argument)? {
            0 => Err(argument.error("zero", "`sid` counts from 1")),
            sid => {
                draft.meta.sid = sid;
                Ok(())
            }
        }
    }
}

/// `classtype`: the class of the attack.
#[derive(Debug)]
pub(super) struct Classtype;

impl Keyword for Classtype {
    fn name(&self) -> &'static str {
        "classtype"
    }

    fn doc(&self) -> &'static str {
        "The class of what was found, with its description and priority from classification.config."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"hello"; classtype:misc-activity; sid:1;)"#,
            b"hello",
            b"bye",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["classtype", "classtype:two words"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let class = argument.string()?;
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !class.bytes().all(named) {
            return Err(argument.error("bad-class", "a class is named by letters, digits, `-` and `_`"));
        }
        draft.meta.class = Some(class);
        Ok(())
    }
}

/// `reference`: where to read more.
#[derive(Debug)]
pub(super) struct Reference;

impl Keyword for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn doc(&self) -> &'static str {
        "Where to read more: a kind, a comma, and what it is known under there."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"hello"; reference:cve,2020-0001; sid:1;)"#,
            b"hello",
            b"bye",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["reference", "reference:cve"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let Some((kind, value)) = text.split_once(',') else {
            return Err(argument
                .error("bad-reference", "a reference is a kind, a comma and a value")
                .with_help("write `reference:cve,2020-0001;` or `reference:url,example.com/page;`"));
        };
        draft.meta.references.push((kind.trim().to_owned(), value.trim().to_owned()));
        Ok(())
    }
}

/// `metadata`: keys and values for whoever keeps the rules.
#[derive(Debug)]
pub(super) struct Metadata;

impl Keyword for Metadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn doc(&self) -> &'static str {
        "Keys and values for whoever keeps the rules; matching does not look at them."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"hello"; metadata:created 2026, owner us; sid:1;)"#,
            b"hello",
            b"bye",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["metadata"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        for part in argument.parts()? {
            let part = part.to_str_lossy();
            let (key, value) = part.split_once(char::is_whitespace).unwrap_or((&part, ""));
            draft.meta.metadata.push((key.to_owned(), value.trim().to_owned()));
        }
        Ok(())
    }
}
