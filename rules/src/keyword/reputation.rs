//! What is known about an address: `iprep`, `geoip`.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::names::NameKind;
use crate::signature::{AddressList, Condition, Scope};
use crate::text::Text;
use crate::view::View;
use std::net::IpAddr;

/// Whose address is looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Source,
    Destination,
    Any,
    Both,
}

impl Side {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "src" => Some(Self::Source),
            "dst" | "dest" => Some(Self::Destination),
            "any" => Some(Self::Any),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    fn holds(self, view: &View<'_>, test: impl Fn(IpAddr) -> bool) -> bool {
        let (source, destination) = (view.packet.source, view.packet.destination);
        view.packet.is_ip()
            && match self {
                Self::Source => test(source),
                Self::Destination => test(destination),
                Self::Any => test(source) || test(destination),
                Self::Both => test(source) && test(destination),
            }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Source => "the sender's address",
            Self::Destination => "the receiver's address",
            Self::Any => "one of the addresses",
            Self::Both => "each of the addresses",
        }
    }
}

/// The largest score of a reputation.
const MAX_SCORE: u64 = 127;

/// `iprep` (Suricata documentation: "IP Reputation Keyword").
#[derive(Debug)]
pub(super) struct IpRep;

impl Keyword for IpRep {
    fn name(&self) -> &'static str {
        "iprep"
    }

    fn doc(&self) -> &'static str {
        "The reputation of an address in a category, a score from 0 to 127 to compare, or `isset` or `isnotset`: of \
         `src`, `dst`, `any` or `both`. It needs the lists that the configuration names."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (iprep:dst,CnC,>,30; sid:1;)",
                |stage| stage.reputations.push(("203.0.113.5", "CnC", 31)),
                |stage| stage.reputations.push(("192.168.1.2", "CnC", 31)),
            ),
            Example::staged(
                "alert ip any any -> any any (iprep:any,CnC,isset; sid:1;)",
                |stage| stage.reputations.push(("192.168.1.2", "CnC", 1)),
                |stage| stage.reputations.push(("192.168.1.2", "Spam", 1)),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "iprep",
            "iprep:src,CnC",
            "iprep:up,CnC,>,30",
            "iprep:src,CnC,~,30",
            "iprep:src,CnC,>,128",
            "iprep:src,CnC,isset,3",
            "iprep:src,,>,30",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let words: Vec<_> = parts.iter().map(|part| part.to_str_lossy()).collect();
        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
        let read = || {
            let (side, category, test) = match *words.as_slice() {
                [side, category, "isset"] => (side, category, Test::Known(true)),
                [side, category, "isnotset"] => (side, category, Test::Known(false)),
                [side, category, sign @ ("<" | ">" | "=" | "<=" | ">="), score] => {
                    let form = IntegerMatch::parse(&format!("{sign}{score}"), MAX_SCORE).ok()?;
                    (side, category, Test::Score(form))
                }
                _ => return None,
            };
            Side::from_name(side).filter(|_| !category.is_empty()).map(|side| (side, category, test))
        };
        let (side, category, test) = read().ok_or_else(|| {
            argument.error("bad-iprep", "this is no side, category and score").with_help(
                "write `iprep:src,<category>,>,30` with a score up to 127, or `iprep:src,<category>,isset`",
            )
        })?;
        let id = draft.names.id(NameKind::Reputation, category);
        draft.conditions.push(Box::new(Reputation { side, id, category: category.to_owned(), test }));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Known(bool),
    Score(IntegerMatch),
}

#[derive(Debug)]
struct Reputation {
    side: Side,
    id: u32,
    category: String,
    test: Test,
}

impl Condition for Reputation {
    /// Of a category that no list has, not even `isnotset` holds.
    fn holds(&self, view: &View<'_>) -> bool {
        view.memory.knows_category(self.id)
            && self.side.holds(view, |address| {
                let score = view.memory.reputation(address, self.id);
                match self.test {
                    Test::Known(wanted) => score.is_some() == wanted,
                    Test::Score(form) => score.is_some_and(|score| form.holds(score.into())),
                }
            })
    }

    fn scope(&self) -> Scope {
        Scope::Address
    }

    fn list(&self) -> Option<AddressList> {
        Some(AddressList::Reputation(self.id))
    }

    fn explain(&self) -> String {
        let (whose, category) = (self.side.words(), &self.category);
        match self.test {
            Test::Known(true) => format!("{whose} has a reputation in {category}"),
            Test::Known(false) => format!("{whose} has no reputation in {category}"),
            Test::Score(form) => format!("the reputation of {whose} in {category} is {form}"),
        }
    }
}

/// `geoip` (Suricata documentation: "IP Keywords", geoip).
#[derive(Debug)]
pub(super) struct GeoIp;

impl Keyword for GeoIp {
    fn name(&self) -> &'static str {
        "geoip"
    }

    fn doc(&self) -> &'static str {
        "The country of an address, by two letters (ISO 3166-1), one of several, or with `!` another: of `src`, `dst`, \
         `any` or `both`. It needs the database that the configuration names."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (geoip:dst,CA,NZ; sid:1;)",
                |stage| stage.countries.push(("203.0.113.5", *b"NZ")),
                |stage| stage.countries.push(("192.168.1.2", *b"NZ")),
            ),
            Example::staged(
                "alert ip any any -> any any (geoip:any,!CA; sid:1;)",
                |stage| stage.countries.push(("203.0.113.5", *b"NZ")),
                |stage| stage.countries.push(("203.0.113.5", *b"CA")),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["geoip", "geoip:src", "geoip:src,Canada", "geoip:src,1A", "geoip:src,CA,!NZ"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let (side, countries) = match Side::from_name(&parts[0].to_str_lossy()) {
            Some(side) => (side, &parts[1..]),
            None => (Side::Any, parts.as_slice()),
        };
        let negated = countries.iter().filter(|country| country.starts_with(b"!")).count();
        let codes: Option<Vec<[u8; 2]>> = countries.iter().map(code).collect();
        match codes.filter(|codes| !codes.is_empty() && (negated == 0 || negated == codes.len())) {
            Some(codes) => {
                draft.conditions.push(Box::new(Country { side, codes, negated: negated > 0 }));
                Ok(())
            }
            None => Err(argument
                .error("bad-country", "this is no list of countries")
                .with_help("write two letters for each, all with `!` or none: `geoip:src,CA,NZ`")),
        }
    }
}

fn code(text: &Text) -> Option<[u8; 2]> {
    let letters = text.strip_prefix(b"!").unwrap_or(text);
    let code: [u8; 2] = letters.try_into().ok()?;
    code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
}

#[derive(Debug)]
struct Country {
    side: Side,
    codes: Vec<[u8; 2]>,
    negated: bool,
}

impl Condition for Country {
    /// An address whose country is not known is in none, and not in another either.
    fn holds(&self, view: &View<'_>) -> bool {
        self.side.holds(view, |address| {
            view.memory.country(address).is_some_and(|code| self.codes.contains(&code) != self.negated)
        })
    }

    fn scope(&self) -> Scope {
        Scope::Flow
    }

    fn list(&self) -> Option<AddressList> {
        Some(AddressList::Countries)
    }

    fn explain(&self) -> String {
        let codes: Vec<_> = self.codes.iter().map(|code| String::from_utf8_lossy(code)).collect();
        let negation = if self.negated { "not " } else { "" };
        format!("{} is {negation}in {}", self.side.words(), codes.join(" or "))
    }
}
