//! Flags and options of the IPv4 header: `fragbits`, `ipopts`.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{Condition, HeaderBuffer};
use crate::view::{Network, View};

/// `fragbits` (Suricata documentation: "IP Keywords", fragbits).
#[derive(Debug)]
pub(super) struct FragBits;

impl Keyword for FragBits {
    fn name(&self) -> &'static str {
        "fragbits"
    }

    fn doc(&self) -> &'static str {
        "The flags of an IPv4 header: M (more fragments), D (don't fragment), R (reserved). They must be exactly these; \
         with `+` before them others may be set too, with `*` one of them is enough, with `!` not all of them may be \
         set."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (fragbits:M; sid:1;)",
                |stage| stage.network[6] = 0x20,
                |stage| stage.network[6] = 0x60,
            ),
            Example::staged(
                "alert ip any any -> any any (fragbits:+MD; sid:1;)",
                |stage| stage.network[6] = 0xe0,
                |stage| stage.network[6] = 0xa0,
            ),
            Example::staged(
                "alert ip any any -> any any (fragbits:*MR; sid:1;)",
                |stage| stage.network[6] = 0x80,
                |stage| stage.network[6] = 0x40,
            ),
            Example::staged(
                "alert ip any any -> any any (fragbits:!D; sid:1;)",
                |stage| stage.network[6] = 0x20,
                |stage| stage.network[6] = 0x60,
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["fragbits", "fragbits:X", "fragbits:+", "fragbits:+*M"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let condition = read_flags(&text).ok_or_else(|| {
            argument
                .error("bad-flags", format!("`{text}` names no flags of an IPv4 header"))
                .with_help("write letters of MDR, with one of `+`, `*`, `!` before them if need be")
        })?;
        draft.conditions.push(Box::new(condition));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Exactly,
    All,
    Any,
    NotAll,
}

#[derive(Debug)]
struct Flags {
    relation: Relation,
    wanted: u8,
}

fn read_flags(text: &str) -> Option<Flags> {
    let (relation, letters) = match text.as_bytes().first()? {
        b'+' => (Relation::All, &text[1..]),
        b'*' => (Relation::Any, &text[1..]),
        b'!' => (Relation::NotAll, &text[1..]),
        _ => (Relation::Exactly, text),
    };
    let mut wanted = 0;
    for letter in letters.trim().bytes() {
        wanted |= match letter {
            b'M' => 0b001,
            b'D' => 0b010,
            b'R' => 0b100,
            _ => return None,
        };
    }
    (wanted != 0).then_some(Flags { relation, wanted })
}

impl Condition for Flags {
    fn holds(&self, view: &View<'_>) -> bool {
        let Network::V4(header) = view.packet.network else { return false };
        let common = header.flags() & self.wanted;
        match self.relation {
            Relation::Exactly => header.flags() == self.wanted,
            Relation::All => common == self.wanted,
            Relation::Any => common != 0,
            Relation::NotAll => common != self.wanted,
        }
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        &[HeaderBuffer::Ipv4]
    }

    fn explain(&self) -> String {
        let all = [(0b001, "more fragments"), (0b010, "don't fragment"), (0b100, "reserved")];
        let set = all.iter().filter(|(bit, _)| self.wanted & bit != 0).map(|&(_, name)| name);
        let wanted = set.collect::<Vec<_>>().join(", ");
        match self.relation {
            Relation::Exactly => format!("the IPv4 flags are {wanted} and no others"),
            Relation::All => format!("the IPv4 flags {wanted} are set"),
            Relation::Any => format!("one of the IPv4 flags {wanted} is set"),
            Relation::NotAll => format!("not all of the IPv4 flags {wanted} are set"),
        }
    }
}

/// Options by the names that rules use, with their numbers (IANA, "IP Option Numbers").
const OPTIONS: &[(&str, u8)] = &[
    ("eol", 0),
    ("nop", 1),
    ("rr", 7),
    ("qs", 25),
    ("ts", 68),
    ("sec", 130),
    ("lsrr", 131),
    ("esec", 133),
    ("cipso", 134),
    ("satid", 136),
    ("ssrr", 137),
    ("rtralt", 148),
];

/// `ipopts` (Suricata documentation: "IP Keywords", ipopts).
#[derive(Debug)]
pub(super) struct IpOpts;

impl Keyword for IpOpts {
    fn name(&self) -> &'static str {
        "ipopts"
    }

    fn doc(&self) -> &'static str {
        "An option of the IPv4 header: rr, eol, nop, ts, sec, esec, lsrr, ssrr, satid, qs, rtralt, cipso, or any."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (ipopts:lsrr; sid:1;)",
                |stage| put_options(&mut stage.network, &[1, 131, 3, 4]),
                |stage| put_options(&mut stage.network, &[7, 3, 131, 0]),
            ),
            Example::staged(
                "alert ip any any -> any any (ipopts:any; sid:1;)",
                |stage| put_options(&mut stage.network, &[148, 4, 0, 0]),
                |_| {},
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["ipopts", "ipopts:7", "ipopts:lsrr,ssrr"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let named = OPTIONS.iter().find(|(name, _)| *name == text).map(|&(_, number)| Some(number));
        let wanted = named.or((text == "any").then_some(None)).ok_or_else(|| {
            let names: Vec<&str> = OPTIONS.iter().map(|&(name, _)| name).collect();
            argument
                .error("unknown-ip-option", format!("`{text}` is no IP option"))
                .with_help(format!("the options are {}, any", names.join(", ")))
        })?;
        draft.conditions.push(Box::new(HasOption { wanted, name: text }));
        Ok(())
    }
}

fn put_options(network: &mut Vec<u8>, options: &[u8; 4]) {
    network[0] = 0x46;
    network.extend_from_slice(options);
}

#[derive(Debug)]
struct HasOption {
    /// Nothing where any will do.
    wanted: Option<u8>,
    name: String,
}

impl Condition for HasOption {
    fn holds(&self, view: &View<'_>) -> bool {
        let Network::V4(header) = view.packet.network else { return false };
        let mut rest = header.options();
        // Nothing stands after the end of the list, or after an option whose length cannot be right (RFC 791 §3.1).
        while let Some(&kind) = rest.first() {
            if self.wanted.is_none_or(|wanted| wanted == kind) {
                return true;
            }
            let len = match (kind, rest.get(1)) {
                (0, _) | (_, None) => return false,
                (1, _) => 1,
                (_, Some(&len)) => usize::from(len.max(2)),
            };
            rest = rest.get(len..).unwrap_or_default();
        }
        false
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        &[HeaderBuffer::Ipv4]
    }

    fn explain(&self) -> String {
        format!("the IPv4 header has the option {}", self.name)
    }
}
