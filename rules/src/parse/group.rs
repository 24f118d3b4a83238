//! Addresses and ports: `any`, one, a range, a variable, lists within lists, each perhaps negated.

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::sequence::preceded;
use nom::{Err, Parser as _};

use super::input::{Fault, Input, Place, Step, fault, is_blank, quoted};
use crate::diagnostic::Diagnostic;
use crate::header::group::{Group, GroupKind, Item, MAX_NESTING};
use crate::text::Text;

/// Reads a text that holds one group and nothing else, such as the value of a variable.
///
/// # Errors
///
/// The first mistake.
pub fn group<T: Item>(text: &Text) -> Result<Group<T>, Diagnostic> {
    let text = text.trim();
    let finished = step::<T>(Place(&text), &text).and_then(|(rest, group)| {
        if rest.is_empty() {
            return Ok((rest, group));
        }
        let message = format!("something follows the {}", T::WHAT);
        Err(Err::Failure(Fault::new(
            rest,
            rest.len(),
            "trailing-text",
            message,
            "put several into `[…]`, with commas",
        )))
    });
    finished.map(|(_, group)| group).map_err(|error| match fault(error) {
        Some(fault) => fault.diagnostic(&text),
        None => Diagnostic::error("syntax", text.span(), "the text breaks off"),
    })
}

/// Reads one group at the start of the input. Outermost, the brackets of a list may be left out where no blank
/// stands in it: rules in circulation write `!5800,!445`, and Suricata loads them.
pub(super) fn step<'a, T: Item>(place: Place<'_>, input: Input<'a>) -> Step<'a, Group<T>> {
    let (mut rest, first) = nested(place, input, 0)?;
    if rest.first() != Some(&b',') {
        return Ok((rest, first));
    }
    let mut members = vec![first];
    while let Some(after) = rest.strip_prefix(b",") {
        let member;
        (rest, member) = nested(place, after, 0)?;
        members.push(member);
    }
    Ok((rest, Group { negated: false, kind: GroupKind::List(members), span: place.span(input, rest) }))
}

/// Whether the arrow between the two sides stands here.
fn starts_with_arrow(input: Input<'_>) -> bool {
    matches!(input, [b'-' | b'=', b'>', ..] | [b'<', b'>' | b'-', ..])
}

/// After a fault in a group: the rest from the next blank that stands outside of brackets, or from the parenthesis
/// that opens the options; nothing is skipped where an arrow stands instead of the group.
pub(super) fn skip(input: Input<'_>) -> Input<'_> {
    if starts_with_arrow(input) {
        return input;
    }
    let mut open = 0usize;
    let end = input.iter().position(|&byte| {
        match byte {
            b'[' => open += 1,
            b']' => open = open.saturating_sub(1),
            _ => {}
        }
        byte == b'(' || (open == 0 && is_blank(byte))
    });
    &input[end.unwrap_or(input.len())..]
}

fn nested<'a, T: Item>(place: Place<'_>, input: Input<'a>, depth: usize) -> Step<'a, Group<T>> {
    let (rest, negated) = negation(input)?;
    let (rest, kind) = if rest.first() == Some(&b'[') {
        list(place, rest, depth + 1)?
    } else {
        single(place, rest, depth > 0)?
    };
    Ok((rest, Group { negated, kind, span: place.span(input, rest) }))
}

fn negation(input: Input<'_>) -> Step<'_, bool> {
    let Some(rest) = input.strip_prefix(b"!") else { return Ok((input, false)) };
    let (rest, _) = take_while(is_blank).parse(rest)?;
    if rest.first() == Some(&b'!') {
        let fault = Fault::new(rest, 1, "double-negation", "negated twice", "remove both exclamation marks");
        return Err(Err::Failure(fault));
    }
    Ok((rest, true))
}

fn list<'a, T: Item>(place: Place<'_>, open: Input<'a>, depth: usize) -> Step<'a, GroupKind<T>> {
    if depth > MAX_NESTING {
        let message = format!("more than {MAX_NESTING} brackets within each other");
        let help = "list the members in one pair of brackets";
        return Err(Err::Failure(Fault::new(open, 1, "too-deeply-nested", message, help)));
    }
    let mut members = Vec::new();
    let mut rest = &open[1..];
    loop {
        (rest, _) = take_while(is_blank).parse(rest)?;
        if let Some(&byte @ (b',' | b']')) = rest.first() {
            let message = format!("there is no {} before this `{}`", T::WHAT, char::from(byte));
            let help = "remove the comma or the empty brackets";
            return Err(Err::Failure(Fault::new(rest, 1, "empty-list-member", message, help)));
        }
        let member;
        (rest, member) = nested(place, rest, depth)?;
        members.push(member);
        (rest, _) = take_while(is_blank).parse(rest)?;
        match rest.first() {
            Some(b',') => rest = &rest[1..],
            Some(b']') => return Ok((&rest[1..], GroupKind::List(members))),
            _ if closes_before_the_arrow(rest) => {
                let message = "there is no comma before this";
                return Err(Err::Failure(Fault::new(rest, 1, "missing-comma", message, "insert `,`")));
            }
            _ => {
                let message = "this bracket is never closed";
                return Err(Err::Failure(Fault::new(
                    open,
                    1,
                    "unclosed-bracket",
                    message,
                    "close it with `]`",
                )));
            }
        }
    }
}

fn closes_before_the_arrow(rest: Input<'_>) -> bool {
    rest.iter().find(|&&byte| matches!(byte, b']' | b'>' | b'(')) == Some(&b']')
}

/// Reads everything but a list.
fn single<'a, T: Item>(place: Place<'_>, input: Input<'a>, in_list: bool) -> Step<'a, GroupKind<T>> {
    let word = if starts_with_arrow(input) { &[] } else { word(input, in_list) };
    let rest = &input[word.len()..];
    if word.is_empty() {
        let message = format!("there is no {} here", T::WHAT);
        return Err(Err::Failure(Fault::new(input, 0, T::MISSING_CODE, message, "write `any` for all")));
    }
    if word.eq_ignore_ascii_case(b"any") {
        return Ok((rest, GroupKind::Any));
    }
    if word[0] == b'$' {
        let is_variable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let whole = preceded(tag("$"), take_while1::<_, _, Fault<'_>>(is_variable)).parse(word);
        return match whole {
            Ok(([], _)) => Ok((rest, GroupKind::Variable(place.text(&input[1..], rest)))),
            _ => {
                let message = format!("{} is not the name of a variable", quoted(word));
                let help = "a name has letters, digits and `_`";
                Err(Err::Failure(Fault::new(input, word.len(), "bad-variable-name", message, help)))
            }
        };
    }
    match T::parse(word) {
        Ok(item) => Ok((rest, GroupKind::One(item))),
        Err(found) => {
            let at = &input[found.range.start..];
            Err(Err::Failure(Fault::new(at, found.range.len(), T::CODE, found.message, found.help)))
        }
    }
}

/// The bytes of an address, a port or a variable. Within a list, blanks may stand around the sign of a range.
fn word(input: Input<'_>, in_list: bool) -> Input<'_> {
    let is_part =
        |byte: u8| !is_blank(byte) && !matches!(byte, b',' | b'[' | b']' | b'(' | b')' | b'<' | b'>' | b'"');
    let run = |from: usize| {
        input[from..].iter().position(|&byte| !is_part(byte)).map_or(input.len(), |at| from + at)
    };
    let mut end = run(0);
    while in_list && end > 0 {
        let next = input.len() - input[end..].trim_ascii_start().len();
        let goes_on = match input[next..] {
            [b'-', b'>', ..] => false,
            [b'-' | b':', ..] => true,
            _ => matches!(input[end - 1], b'-' | b':') && run(next) > next,
        };
        if next == end || !goes_on {
            break;
        }
        end = run(next);
    }
    &input[..end]
}
