//! Groups of addresses or ports as a rule writes them: one, a variable, a list of groups, each perhaps negated.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::ops::Range;

use super::range_set::RangeSet;
use crate::text::{Span, Text};

/// A group of `T`: addresses or ports.
///
/// Equality compares what is said, not where.
#[derive(Clone, Debug)]
pub struct Group<T> {
    /// Whether an exclamation mark stands before it.
    pub negated: bool,
    /// What stands there.
    pub kind: GroupKind<T>,
    /// Where, the exclamation mark included.
    pub span: Span,
}

/// The forms that a group takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GroupKind<T> {
    /// `any`.
    Any,
    /// One range.
    One(T),
    /// `$NAME`, without the dollar.
    Variable(Text),
    /// `[a,b,…]`, never empty, nested to at most [`MAX_NESTING`].
    List(Vec<Group<T>>),
}

/// The most brackets around an address or a port.
pub const MAX_NESTING: usize = 64;

/// What groups are made of: addresses, or ports.
pub trait Item: Sized {
    /// What one is called in messages.
    const WHAT: &'static str;
    /// The code of the diagnostic for one that is written wrongly.
    const CODE: &'static str;
    /// The code of the diagnostic for one that is missing.
    const MISSING_CODE: &'static str;

    /// Reads one, without exclamation mark and without blanks around it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    fn parse(word: &[u8]) -> Result<Self, ItemFault>;
}

/// Ranges of numbers, both ends included, in each family: for addresses IPv4 and IPv6, for ports the first alone.
pub(super) type Families = [Vec<(u128, u128)>; 2];

/// What can be put into a set with the values of variables.
pub(super) trait Resolve: Item {
    /// The set.
    type Set: Clone + fmt::Debug + Eq + Hash;
    /// The highest number of each family.
    const HIGHEST: &'static [u128];

    /// The family it belongs to, and its lowest and highest number.
    fn bounds(&self) -> (usize, (u128, u128));

    /// The set of the ranges of each family.
    fn set(families: [RangeSet<u128>; 2]) -> Self::Set;
}

/// What is wrong with an address or a port.
#[derive(Debug, Eq, PartialEq)]
pub struct ItemFault {
    /// The bytes of the word at fault.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: Cow<'static, str>,
}

impl ItemFault {
    /// A fault in some bytes of a word.
    pub(super) fn new(
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { range, message: message.into(), help: help.into() }
    }
}

/// A part of a word without the blanks around it, and where it stands in the word.
pub(super) fn trimmed(word: &[u8], part: Range<usize>) -> (&[u8], Range<usize>) {
    let start = part.end - word[part.clone()].trim_ascii_start().len();
    let inner = word[start..part.end].trim_ascii_end();
    (inner, start..start + inner.len())
}

impl<T: PartialEq> PartialEq for Group<T> {
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated && self.kind == other.kind
    }
}

impl<T: Eq> Eq for Group<T> {}

impl<T: fmt::Display> fmt::Display for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("!")?;
        }
        match &self.kind {
            GroupKind::Any => f.write_str("any"),
            GroupKind::One(one) => one.fmt(f),
            GroupKind::Variable(name) => write!(f, "${}", name.to_str_lossy()),
            GroupKind::List(members) => {
                for (index, member) in members.iter().enumerate() {
                    write!(f, "{}{member}", if index == 0 { '[' } else { ',' })?;
                }
                f.write_str("]")
            }
        }
    }
}
