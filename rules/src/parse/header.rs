//! The header of a rule: action, protocol and hook, both sides and the arrow between them.

use nom::bytes::complete::{take_while, take_while1};
use nom::{Err, Parser as _};

use super::group;
use super::input::{Fault, Input, Place, Step, fault, is_blank, is_name, quoted};
use crate::ast::{Direction, Header};
use crate::diagnostic::Diagnostic;
use crate::header::action::Action;
use crate::header::group::{Group, Item};
use crate::text::Text;

/// Reads action and header, and leaves the parenthesis of the options to come. Says all that is wrong with them.
pub(super) fn header<'a>(
    text: &Text,
    input: Input<'a>,
    found: &mut Vec<Diagnostic>,
) -> (Input<'a>, Option<(Action, Header)>) {
    let mut reader = Reader { text, rest: input, found, lost: false };
    let action = reader.action();
    let protocol = reader.step(protocol);
    let src = reader.group();
    let src_port = reader.group();
    let direction = reader.direction();
    let dst = reader.group();
    let dst_port = reader.group();
    let header = (|| {
        let (protocol, hook) = protocol?;
        let direction = direction?;
        Some(Header {
            protocol,
            hook,
            src: src?,
            src_port: src_port?,
            direction,
            dst: dst?,
            dst_port: dst_port?,
        })
    })();
    (reader.rest, action.zip(header))
}

/// Reads field after field and goes on behind a faulty one.
struct Reader<'a, 't, 'd> {
    text: &'t Text,
    rest: Input<'a>,
    found: &'d mut Vec<Diagnostic>,
    /// A fault swallowed the fields that follow; they are not missed one by one.
    lost: bool,
}

impl<'a, 't> Reader<'a, 't, '_> {
    fn step<T>(&mut self, read: impl FnOnce(Place<'t>, Input<'a>) -> Step<'a, T>) -> Option<T> {
        self.rest = self.rest.trim_ascii_start();
        if self.lost {
            return None;
        }
        match read(Place(self.text), self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Some(value)
            }
            Err(error) => {
                self.found.extend(fault(error).map(|fault| fault.diagnostic(self.text)));
                self.rest = group::skip(self.rest);
                let following = self.rest.trim_ascii_start();
                self.lost = following.is_empty() || following[0] == b'(';
                None
            }
        }
    }

    fn group<T: Item>(&mut self) -> Option<Group<T>> {
        self.step(group::step::<T>)
    }

    fn direction(&mut self) -> Option<Direction> {
        let read = self.step(|_, input| direction(input));
        if read.is_none() && self.rest.starts_with(b"<-") {
            self.rest = &self.rest[2..];
        }
        read
    }

    fn action(&mut self) -> Option<Action> {
        let text = self.text;
        let place = Place(text);
        self.rest = self.rest.trim_ascii_start();
        let start = self.rest;
        let (rest, word) = word(start).unwrap_or((start, &[]));
        let span = place.span(start, rest);
        let (name, scope) = match memchr::memchr(b':', word) {
            Some(colon) => (&word[..colon], Some(&word[colon + 1..])),
            None => (word, None),
        };
        self.rest = rest;
        let action = Action::from_name(name);
        let found = match (action, scope) {
            (Some(_), None) => return action,
            (None, _) if name.eq_ignore_ascii_case(b"accept") => {
                let message = "`accept` belongs to the firewall mode, which this sensor does not have";
                Diagnostic::not_supported("firewall-action", span, message)
                    .with_help("use `pass` to exempt traffic from alerts")
            }
            (Some(action), Some(_)) => {
                let message =
                    "an action with a scope belongs to the firewall mode, which this sensor does not have";
                Diagnostic::not_supported("action-scope", span, message)
                    .with_help(format!("write `{action}`"))
            }
            (None, _) => unknown_action(place, start, rest, name),
        };
        self.found.push(found);
        None
    }
}

fn unknown_action(place: Place<'_>, start: Input<'_>, rest: Input<'_>, name: &[u8]) -> Diagnostic {
    let span = place.span(start, rest);
    let written = String::from_utf8_lossy(&name[..name.len().min(40)]).to_ascii_lowercase();
    let likeness = |action: &Action| strsim::jaro_winkler(action.name(), &written);
    let near = Action::ALL.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let help = match near.filter(|action| likeness(action) > 0.8) {
        Some(action) => format!("did you mean `{action}`?"),
        None => {
            "a rule begins with `alert`, `pass`, `drop`, `reject`, `rejectsrc`, `rejectdst`, `rejectboth` or \
                 `config`; a comment with `#`"
                .to_owned()
        }
    };
    Diagnostic::error("unknown-action", span, format!("{} is not an action", quoted(name))).with_help(help)
}

/// A word as far as the next blank or the parenthesis of the options.
fn word(input: Input<'_>) -> Step<'_, Input<'_>> {
    take_while1(|byte| !is_blank(byte) && byte != b'(').parse(input)
}

fn protocol<'a>(place: Place<'_>, input: Input<'a>) -> Step<'a, (Text, Option<Text>)> {
    let missing = |_| {
        let help = "write `tcp`, `udp`, `icmp`, `ip` or an application protocol such as `http`";
        Err::Failure(Fault::new(input, 0, "missing-protocol", "there is no protocol here", help))
    };
    let (rest, whole) = word(input).map_err(missing)?;
    let (after, name) = take_while(is_name).parse(whole)?;
    let split = &input[name.len()..];
    let protocol = place.text(input, split);
    if after.is_empty() && !name.is_empty() {
        return Ok((rest, (protocol, None)));
    }
    match after.strip_prefix(b":") {
        Some(hook) if !name.is_empty() && is_hook(hook) => {
            Ok((rest, (protocol, Some(place.text(&split[1..], rest)))))
        }
        Some(_) if !name.is_empty() => {
            let help = "write a hook such as `tls:client_hello_done`, or no colon";
            let length = whole.len() - name.len();
            Err(Err::Failure(Fault::new(split, length, "bad-hook", "this is not the name of a hook", help)))
        }
        _ => {
            let message = format!("{} is not the name of a protocol", quoted(whole));
            let help = "a rule reads `action protocol source port -> destination port (options)`";
            Err(Err::Failure(Fault::new(input, whole.len(), "bad-protocol", message, help)))
        }
    }
}

/// Hooks of protocols with inner states have a colon of their own, as in `http2:stream:request_headers`.
fn is_hook(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| is_name(byte) || byte == b':')
}

fn direction(input: Input<'_>) -> Step<'_, Direction> {
    for direction in [Direction::Forward, Direction::Both, Direction::Transactional] {
        if let Some(rest) = input.strip_prefix(direction.arrow().as_bytes()) {
            return Ok((rest, direction));
        }
    }
    if input.starts_with(b"<-") {
        let help = "swap the two sides and write `->`";
        let message = "a rule cannot point from right to left";
        return Err(Err::Failure(Fault::new(input, 2, "reverse-direction", message, help)));
    }
    let length = word(input).map_or(0, |(_, word)| word.len());
    let message = "there is no direction here";
    let help = "between source and destination stands `->`, `<>` or `=>`";
    Err(Err::Failure(Fault::new(input, length, "missing-direction", message, help)))
}
