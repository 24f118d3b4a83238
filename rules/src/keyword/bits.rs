//! Bits that rules set and ask for: of a flow (`flowbits`), of an address or a pair of them (`xbits`, `hostbits`).

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::effect::{BitChange, Effect};
use crate::names::NameKind;
use crate::signature::{Condition, Hint, Scope};
use crate::text::Text;
use crate::view::{BitScope, View};

/// The most bits that one option may ask for.
const MAX_ALTERNATIVES: usize = 100;

/// How long a bit of `xbits` lives, unless the rule says otherwise.
const XBIT_SECONDS: u32 = 30;

/// How long a bit of `hostbits` lives, unless the rule says otherwise.
const HOSTBIT_SECONDS: u32 = 300;

/// What an option does with its bit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    Change(BitChange),
    /// Whether it is set, or whether it isn't.
    Ask(bool),
}

fn command(argument: &Argument<'_>, word: &Text) -> Result<Command, Diagnostic> {
    Ok(match &*word.to_str_lossy() {
        "set" => Command::Change(BitChange::Set),
        "unset" => Command::Change(BitChange::Unset),
        "toggle" => Command::Change(BitChange::Toggle),
        "isset" => Command::Ask(true),
        "isnotset" => Command::Ask(false),
        other => {
            let message = format!("`{}` has no `{other}`", argument.keyword());
            return Err(Diagnostic::error("unknown-bit-command", word.span(), message)
                .with_help("the words are set, unset, toggle, isset, isnotset, noalert"));
        }
    })
}

/// The name of a bit, which stands second.
fn bit_name(argument: &Argument<'_>, parts: &[Text]) -> Result<Text, Diagnostic> {
    let missing = || {
        argument
            .error("no-bit-name", format!("`{}` needs the name of a bit", argument.keyword()))
            .with_help(format!("write `{}:set,<name>`", argument.keyword()))
    };
    let name = parts.get(1).filter(|name| !name.is_empty()).ok_or_else(missing)?;
    match name.iter().any(u8::is_ascii_whitespace) {
        false => Ok(name.clone()),
        true => Err(Diagnostic::error("bad-bit-name", name.span(), "the name of a bit holds no blanks")
            .with_help("separate what follows the name by a comma")),
    }
}

/// `flowbits:noalert` and the like, which stand alone.
fn is_noalert(argument: &Argument<'_>, parts: &[Text]) -> Result<bool, Diagnostic> {
    match parts {
        [word] if **word == *b"noalert" => Ok(true),
        [word, ..] if **word == *b"noalert" => Err(argument
            .error("unexpected-value", "`noalert` takes no name")
            .with_help(format!("write `{}:noalert`", argument.keyword()))),
        _ => Ok(false),
    }
}

fn too_much(part: &Text) -> Diagnostic {
    Diagnostic::error("unexpected-value", part.span(), "this is more than the option takes")
        .with_help("take it out")
}

/// `flowbits` (Suricata documentation: "Flow Keywords", flowbits).
#[derive(Debug)]
pub(super) struct Flowbits;

impl Keyword for Flowbits {
    fn name(&self) -> &'static str {
        "flowbits"
    }

    fn doc(&self) -> &'static str {
        "Bits of a flow, by name: `set`, `unset` or `toggle` one when the rule matches, or ask whether it `isset` or \
         `isnotset`, where one of several names separated by `|` is enough. `noalert` keeps the rule silent."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (flowbits:isset,logged.in; sid:1;)",
                |stage| stage.flowbits.push("logged.in"),
                |stage| stage.flowbits.push("other"),
            ),
            Example::staged(
                "alert tcp any any -> any any (flowbits:isset,one|two; flowbits:isnotset,three; sid:1;)",
                |stage| stage.flowbits.push("two"),
                |stage| stage.flowbits.extend(["two", "three"]),
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"USER"; flowbits:set,user.seen; flowbits:noalert; sid:1;)"#,
                b"USER",
                b"PASS",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "flowbits",
            "flowbits:set",
            "flowbits:set,",
            "flowbits:sets,a",
            "flowbits:set,a b",
            "flowbits:set,a,b",
            "flowbits:set,a|b",
            "flowbits:isset,a|",
            "flowbits:noalert,a",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        if is_noalert(argument, &parts)? {
            return draft.set_alerts(false, argument.span());
        }
        let command = command(argument, &parts[0])?;
        let name = bit_name(argument, &parts)?;
        if let Some(part) = parts.get(2) {
            return Err(too_much(part));
        }
        let names = name.to_str_lossy();
        let ids: Vec<u32> = match names.split('|').map(str::trim) {
            each if each.clone().any(str::is_empty) || each.clone().count() > MAX_ALTERNATIVES => {
                let message = format!("a list has from 1 to {MAX_ALTERNATIVES} names");
                return Err(Diagnostic::error("bad-bit-name", name.span(), message)
                    .with_help("separate names by `|`"));
            }
            each => each.map(|name| draft.names.id(NameKind::Flowbit, name)).collect(),
        };
        match (command, ids.as_slice()) {
            (Command::Change(change), &[id]) => draft.effects.push(Effect::Flowbit { id, change }),
            (Command::Change(_), _) => {
                return Err(Diagnostic::error(
                    "bad-bit-name",
                    name.span(),
                    "only one bit can be changed at a time",
                )
                .with_help("write a `flowbits` for each"));
            }
            (Command::Ask(set), _) => {
                draft.conditions.push(Box::new(FlowbitIs { ids, set, names: names.into_owned() }));
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct FlowbitIs {
    ids: Vec<u32>,
    set: bool,
    names: String,
}

impl Condition for FlowbitIs {
    fn holds(&self, view: &View<'_>) -> bool {
        view.flow.is_some() && self.ids.iter().any(|&id| view.memory.flowbit(id) == self.set)
    }

    fn scope(&self) -> Scope {
        Scope::Address
    }

    fn hint(&self) -> Hint {
        match (self.ids.as_slice(), self.set) {
            (&[id], true) => Hint::Flowbit(id),
            _ => Hint::None,
        }
    }

    fn reads(&self) -> Option<NameKind> {
        Some(NameKind::Flowbit)
    }

    fn explain(&self) -> String {
        let one = if self.ids.len() > 1 { "one of the bits" } else { "the bit" };
        format!("{one} {} of the flow is {}set", self.names, if self.set { "" } else { "not " })
    }
}

/// `xbits` (Suricata documentation: "Xbits Keyword").
#[derive(Debug)]
pub(super) struct Xbits;

impl Keyword for Xbits {
    fn name(&self) -> &'static str {
        "xbits"
    }

    fn doc(&self) -> &'static str {
        "Bits by name that outlive a flow, kept for the sender's address (`track ip_src`), the receiver's (`track \
         ip_dst`), both (`track ip_pair`), or for a transaction (`track tx`): `set`, `unset` or `toggle` one when \
         the rule matches, or ask whether it `isset` or `isnotset`. `expire` says for how many seconds."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (xbits:isset,scanner,track ip_src; sid:1;)",
                |stage| stage.address_bits.push((BitScope::Source, "scanner")),
                |stage| stage.address_bits.push((BitScope::Destination, "scanner")),
            ),
            Example::staged(
                "alert tcp any any -> any any (xbits:isnotset,seen,track ip_pair,expire 60; sid:1;)",
                |_| {},
                |stage| stage.address_bits.push((BitScope::Pair, "seen")),
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"x"; xbits:set,x,track ip_dst, expire 10; xbits:noalert; sid:1;)"#,
                b"x",
                b"y",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "xbits",
            "xbits:set,a",
            "xbits:set",
            "xbits:frob,a,track ip_src",
            "xbits:set,a,track flow",
            "xbits:set,a,track ip_src,expire 0",
            "xbits:set,a,track ip_src,expire soon",
            "xbits:set,a,expire 10,track ip_src",
            "xbits:set,a,track ip_src,expire 10,more",
            "xbits:noalert,a",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        if is_noalert(argument, &parts)? {
            return draft.set_alerts(false, argument.span());
        }
        let command = command(argument, &parts[0])?;
        let name = bit_name(argument, &parts)?;
        let tracked = parts.get(2).and_then(|part| after_word(part, "track"));
        let scope = match tracked.as_deref() {
            Some("ip_src") => BitScope::Source,
            Some("ip_dst") => BitScope::Destination,
            Some("ip_pair") => BitScope::Pair,
            Some("tx") => BitScope::Transaction,
            _ => {
                let span = parts.get(2).map_or(argument.value_span(), Text::span);
                return Err(Diagnostic::error("bad-track", span, "this doesn't say whose bit it is")
                    .with_help(
                        "write `track ip_src`, `track ip_dst`, `track ip_pair` or `track tx` after the name",
                    ));
            }
        };
        let expire_seconds = parts.get(3).map_or(Ok(XBIT_SECONDS), |part| {
            let seconds = after_word(part, "expire").and_then(|text| text.parse().ok());
            seconds.filter(|&seconds| seconds > 0).ok_or_else(|| bad_expiry(part))
        })?;
        if let Some(part) = parts.get(4) {
            return Err(too_much(part));
        }
        add_address_bit(draft, command, scope, &name, expire_seconds);
        Ok(())
    }
}

/// `hostbits` (Suricata documentation: "Flow Keywords", hostbits).
#[derive(Debug)]
pub(super) struct Hostbits;

impl Keyword for Hostbits {
    fn name(&self) -> &'static str {
        "hostbits"
    }

    fn doc(&self) -> &'static str {
        "Bits by name of an address, the sender's unless `dst` stands after the name: the same bits as those of \
         `xbits` with `track ip_src` and `track ip_dst`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (hostbits:isset,scanner; sid:1;)",
                |stage| stage.address_bits.push((BitScope::Source, "scanner")),
                |_| {},
            ),
            Example::staged(
                "alert tcp any any -> any any (hostbits:isset,victim,dst; sid:1;)",
                |stage| stage.address_bits.push((BitScope::Destination, "victim")),
                |stage| stage.address_bits.push((BitScope::Source, "victim")),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "hostbits",
            "hostbits:set",
            "hostbits:frob,a",
            "hostbits:set,a b",
            "hostbits:set,a,up",
            "hostbits:set,a,both",
            "hostbits:set,a,src,0",
            "hostbits:set,a,src,10,x",
            "hostbits:noalert,a",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        if is_noalert(argument, &parts)? {
            return draft.set_alerts(false, argument.span());
        }
        let command = command(argument, &parts[0])?;
        let name = bit_name(argument, &parts)?;
        let scope = match parts.get(2).map(Text::to_str_lossy).as_deref() {
            None | Some("src") => BitScope::Source,
            Some("dst") => BitScope::Destination,
            Some(_) => {
                return Err(Diagnostic::error(
                    "bad-track",
                    parts[2].span(),
                    "a bit is the sender's or the receiver's",
                )
                .with_help("write `src` or `dst`; for both, an option for each"));
            }
        };
        let expire_seconds = parts.get(3).map_or(Ok(HOSTBIT_SECONDS), |part| {
            let seconds = part.to_str_lossy().parse().ok();
            seconds.filter(|&seconds| seconds > 0).ok_or_else(|| bad_expiry(part))
        })?;
        if let Some(part) = parts.get(4) {
            return Err(too_much(part));
        }
        add_address_bit(draft, command, scope, &name, expire_seconds);
        Ok(())
    }
}

/// What follows `word` and blanks.
fn after_word(part: &Text, word: &str) -> Option<String> {
    let text = part.to_str_lossy();
    let rest = text.strip_prefix(word)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim().to_owned())
}

fn bad_expiry(part: &Text) -> Diagnostic {
    Diagnostic::error("bad-expiry", part.span(), "this doesn't say for how many seconds the bit is kept")
        .with_help("write a number from 1 up, after `expire` in `xbits`")
}

fn add_address_bit(
    draft: &mut Draft<'_>,
    command: Command,
    scope: BitScope,
    name: &Text,
    expire_seconds: u32,
) {
    let name = name.to_str_lossy();
    let id = draft.names.id(NameKind::AddressBit, &name);
    match command {
        Command::Change(change) => {
            draft.effects.push(Effect::AddressBit { scope, id, change, expire_seconds })
        }
        Command::Ask(set) => {
            draft.conditions.push(Box::new(AddressBitIs { scope, id, set, name: name.into_owned() }));
        }
    }
}

#[derive(Debug)]
struct AddressBitIs {
    scope: BitScope,
    id: u32,
    set: bool,
    name: String,
}

impl Condition for AddressBitIs {
    fn holds(&self, view: &View<'_>) -> bool {
        view.memory.address_bit(self.scope, self.id) == self.set
    }

    fn scope(&self) -> Scope {
        Scope::Address
    }

    fn reads(&self) -> Option<NameKind> {
        Some(NameKind::AddressBit)
    }

    fn explain(&self) -> String {
        let whose = match self.scope {
            BitScope::Source => "the sender",
            BitScope::Destination => "the receiver",
            BitScope::Pair => "sender and receiver",
            BitScope::Transaction => "the transaction",
        };
        format!("the bit {} of {whose} is {}set", self.name, if self.set { "" } else { "not " })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    fn effects(options: &str) -> (Vec<Effect>, bool) {
        let rule = format!("alert tcp any any -> any any ({options} sid:1;)");
        let signature = compiled(&rule, &Names::default()).expect("sound");
        (signature.effects, signature.silent)
    }

    #[test]
    fn a_match_changes_bits() {
        let expected = vec![
            Effect::Flowbit { id: 0, change: BitChange::Set },
            Effect::Flowbit { id: 1, change: BitChange::Unset },
            Effect::Flowbit { id: 0, change: BitChange::Toggle },
        ];
        assert_eq!(effects("flowbits:set,a; flowbits:unset,b; flowbits: toggle, a;"), (expected, false));
        assert_eq!(effects("flowbits:noalert;"), (vec![], true));
    }

    #[test]
    fn bits_of_addresses_expire() {
        let bit = |scope, expire_seconds| Effect::AddressBit {
            scope,
            id: 0,
            change: BitChange::Set,
            expire_seconds,
        };
        let expected = vec![
            bit(BitScope::Source, XBIT_SECONDS),
            bit(BitScope::Destination, 300),
            bit(BitScope::Destination, HOSTBIT_SECONDS),
        ];
        let options = "xbits:set,a,track ip_src; xbits:set,a, track ip_dst, expire 300; hostbits:set,a,dst;";
        assert_eq!(effects(options).0, expected);
    }
}
