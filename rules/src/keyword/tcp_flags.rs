//! `tcp.flags`: which control bits a TCP segment carries.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{Condition, HeaderBuffer, Hint};
use crate::view::{Transport, View};

/// `tcp.flags` (Suricata documentation: "TCP keywords", tcp.flags).
#[derive(Debug)]
pub(super) struct TcpFlags;

impl Keyword for TcpFlags {
    fn name(&self) -> &'static str {
        "tcp.flags"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["flags"]
    }

    fn doc(&self) -> &'static str {
        "The flags of a TCP header: F, S, R, P, A, U, C (or 1) and E (or 2), or 0 for none. They must be exactly \
         these; with `+` others may be set too, with `*` one of them is enough, with `!` not all of them may be \
         set. Flags after a comma don't count."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (flags:S; sid:1;)",
                |stage| stage.transport[13] = 0x02,
                |stage| stage.transport[13] = 0x12,
            ),
            Example::staged(
                "alert tcp any any -> any any (tcp.flags:S,CE; sid:1;)",
                |stage| stage.transport[13] = 0xc2,
                |stage| stage.transport[13] = 0xd2,
            ),
            Example::staged(
                "alert tcp any any -> any any (flags:SF+; sid:1;)",
                |stage| stage.transport[13] = 0x0b,
                |stage| stage.transport[13] = 0x0a,
            ),
            Example::staged(
                "alert tcp any any -> any any (flags:*RF; sid:1;)",
                |stage| stage.transport[13] = 0x14,
                |stage| stage.transport[13] = 0x18,
            ),
            Example::staged(
                "alert tcp any any -> any any (flags:!SA,12; sid:1;)",
                |stage| stage.transport[13] = 0x10,
                |stage| stage.transport[13] = 0x1a,
            ),
            Example::staged(
                "alert tcp any any -> any any (flags:0; sid:1;)",
                |stage| stage.transport[13] = 0,
                |stage| stage.transport[13] = 0x10,
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "flags",
            "flags:X",
            "flags:s",
            "flags:+*S",
            "flags:+S!",
            "flags:+",
            "flags:S,0",
            "flags:S,A,P",
            "flags:S,",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let condition = read(&text).ok_or_else(|| {
            argument
                .error("bad-flags", format!("`{text}` names no TCP flags"))
                .with_help("write letters of FSRPAUCE or `0`, with one of `+`, `*`, `!` before them if need be, then perhaps a comma and letters to ignore")
        })?;
        draft.conditions.push(Box::new(condition));
        Ok(())
    }
}

/// How the flags of a packet relate to those of the rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Exactly,
    All,
    Any,
    NotAll,
}

#[derive(Debug, Eq, PartialEq)]
struct Flags {
    relation: Relation,
    wanted: u8,
    ignored: u8,
}

fn read(text: &str) -> Option<Flags> {
    let (wanted, ignored) = match text.split_once(',') {
        Some((wanted, ignored)) => (wanted, Some(ignored)),
        None => (text, None),
    };
    let mut flags = Flags { relation: Relation::Exactly, wanted: 0, ignored: 0 };
    let mut named = false;
    for letter in wanted.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let relation = match letter {
            b'+' => Relation::All,
            b'*' => Relation::Any,
            b'!' => Relation::NotAll,
            b'0' => {
                named = true;
                continue;
            }
            _ => {
                flags.wanted |= bit(letter)?;
                named = true;
                continue;
            }
        };
        if std::mem::replace(&mut flags.relation, relation) != Relation::Exactly {
            return None;
        }
    }
    if let Some(ignored) = ignored {
        for letter in ignored.trim().bytes() {
            flags.ignored |= bit(letter)?;
        }
    }
    (named && ignored.is_none_or(|letters| !letters.trim().is_empty())).then_some(flags)
}

fn bit(letter: u8) -> Option<u8> {
    Some(match letter {
        b'F' => 0x01,
        b'S' => 0x02,
        b'R' => 0x04,
        b'P' => 0x08,
        b'A' => 0x10,
        b'U' => 0x20,
        b'E' | b'2' => 0x40,
        b'C' | b'1' => 0x80,
        _ => return None,
    })
}

impl Flags {
    fn match_byte(&self, flags: u8) -> bool {
        if self.wanted == 0 && flags != 0 {
            return self.relation == Relation::NotAll;
        }
        let common = flags & !self.ignored & self.wanted;
        match self.relation {
            Relation::Exactly => flags & !self.ignored == self.wanted,
            Relation::All => common == self.wanted,
            Relation::Any => common != 0,
            Relation::NotAll => common != self.wanted,
        }
    }
}

impl Condition for Flags {
    fn holds(&self, view: &View<'_>) -> bool {
        match view.packet.transport {
            Transport::Tcp(header) => self.match_byte(header.flags()),
            _ => false,
        }
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        &[HeaderBuffer::Tcp]
    }

    fn hint(&self) -> Hint {
        let value = self.wanted;
        match self.relation {
            Relation::Exactly if value == 0 => Hint::TcpFlags { mask: 0xff, value },
            Relation::Exactly => Hint::TcpFlags { mask: !self.ignored, value },
            Relation::All => Hint::TcpFlags { mask: value, value },
            Relation::Any | Relation::NotAll => Hint::None,
        }
    }

    fn explain(&self) -> String {
        let wanted = names(self.wanted);
        let mut words = match self.relation {
            Relation::Exactly => format!("the TCP flags are {wanted} and no others"),
            Relation::All => format!("the TCP flags {wanted} are set"),
            Relation::Any => format!("one of the TCP flags {wanted} is set"),
            Relation::NotAll => format!("not all of the TCP flags {wanted} are set"),
        };
        if self.ignored != 0 {
            words.push_str(&format!(", {} aside", names(self.ignored)));
        }
        words
    }
}

fn names(flags: u8) -> String {
    let all = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = all.iter().enumerate().filter(|(at, _)| flags & (1 << at) != 0).map(|(_, &name)| name);
    let names: Vec<&str> = set.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_leave_out_no_packet_that_matches() {
        for text in ["S", "S,12", "0", "0,CE", "SA+", "*SA", "!S", "+S,S", "!0", "+0"] {
            let flags = read(text).expect("valid");
            let Hint::TcpFlags { mask, value } = flags.hint() else { continue };
            for byte in 0..=255 {
                assert!(!flags.match_byte(byte) || byte & mask == value, "{text} {byte:#x}");
            }
        }
    }

    #[test]
    fn a_modifier_stands_on_either_side() {
        assert_eq!(read("+SA"), read("SA +"));
        assert_eq!(read("S, 12"), read("S,CE"));
    }
}
