//! What a rule says, word for word, with the place of each word; not what it means.
//!
//! Knows the shape of rules; must not know any keyword. A tree prints back to a rule that parses to the same tree.

mod value;

use std::fmt;

use crate::header::action::Action;
use crate::header::address::AddressExpr;
use crate::header::port::PortExpr;
use crate::text::{Span, Text};

pub use value::Value;

/// One rule.
///
/// Equality compares what is said, not where.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it asks for.
    pub action: Action,
    /// Which packets and flows it is about.
    pub header: Header,
    /// What to look for there, in the order of the rule.
    pub options: Vec<OptionNode>,
    /// All of it as it stands in the file, continuation lines joined.
    pub text: Text,
}

/// What stands between the action and the parenthesis.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The name of a protocol, not yet looked up: see [`crate::header::protocol::Protocol::resolve`].
    pub protocol: Text,
    /// The state of the protocol at which the rule is evaluated, as in `tls:client_hello_done` (Suricata
    /// documentation: "Firewall Mode Design", Explicit rule hook).
    pub hook: Option<Text>,
    /// Addresses before the arrow.
    pub src: AddressExpr,
    /// Ports before the arrow.
    pub src_port: PortExpr,
    /// The arrow.
    pub direction: Direction,
    /// Addresses after the arrow.
    pub dst: AddressExpr,
    /// Ports after the arrow.
    pub dst_port: PortExpr,
}

/// Which way a rule looks (Suricata documentation: "Rules Format", Direction).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// `->`: from source to destination.
    Forward,
    /// `<>`: either way.
    Both,
    /// `=>`: source and destination as with `->`, but over both directions of one transaction.
    Transactional,
}

impl Direction {
    /// The arrow.
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::Forward => "->",
            Self::Both => "<>",
            Self::Transactional => "=>",
        }
    }
}

/// One option: a keyword, and perhaps a value after a colon.
///
/// Equality compares what is said, not where.
#[derive(Clone, Debug)]
pub struct OptionNode {
    /// The keyword as written: ASCII letters, digits, `_`, `.` and `-`.
    pub name: Box<str>,
    /// Where the keyword stands.
    pub name_span: Span,
    /// What stands after the colon; `None` without a colon.
    pub value: Option<Value>,
    /// From the keyword to before the semicolon.
    pub span: Span,
}

impl Rule {
    /// Where all of it stands.
    pub fn span(&self) -> Span {
        self.text.span()
    }

    /// The first option of that name.
    pub fn option(&self, name: &str) -> Option<&OptionNode> {
        self.options.iter().find(|option| option.name.eq_ignore_ascii_case(name))
    }

    /// The rule printed anew, in one form whatever the blanks and line ends were; parses to the same tree.
    ///
    /// [`fmt::Display`] prints the same, with U+FFFD for what is not UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} (", self.action, self.header).into_bytes();
        for (index, option) in self.options.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            option.write_to(&mut out);
        }
        out.push(b')');
        out
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.action == other.action && self.header == other.header && self.options == other.options
    }
}

impl Eq for Rule {}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol.to_str_lossy())?;
        if let Some(hook) = &self.hook {
            write!(f, ":{}", hook.to_str_lossy())?;
        }
        let Self { src, src_port, direction, dst, dst_port, .. } = self;
        write!(f, " {src} {src_port} {} {dst} {dst_port}", direction.arrow())
    }
}

impl OptionNode {
    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.as_bytes());
        if let Some(value) = &self.value {
            out.push(b':');
            value.write_to(out);
        }
        out.push(b';');
    }
}

impl PartialEq for OptionNode {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl Eq for OptionNode {}

impl fmt::Display for OptionNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write_to(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}
