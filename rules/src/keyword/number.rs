//! Numbers of a packet or its flow that rules compare with the generic forms: one row each
//! (Suricata documentation: "Integer Keywords").

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::signature::{Condition, HeaderBuffer, Hint, Scope};
use crate::view::View;
use std::fmt;

/// A number of a packet or its flow.
pub(super) struct NumberKeyword {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) doc: &'static str,
    /// The number, to be followed by what it is compared with.
    pub(super) subject: &'static str,
    /// The largest value it can have.
    pub(super) max: u64,
    /// Where it stands; nothing in a packet without it, which never matches.
    pub(super) read: fn(&View<'_>) -> Option<u64>,
    pub(super) scope: Scope,
    /// The headers of which one must be there.
    pub(super) headers: &'static [HeaderBuffer],
    /// What a comparison tells the prefilter.
    pub(super) hint: fn(IntegerMatch) -> Hint,
    pub(super) examples: &'static [Example],
    pub(super) refused: &'static [&'static str],
}

impl NumberKeyword {
    /// A number of a packet, without a name: what rows don't say.
    pub(super) const PACKET: Self = Self {
        name: "",
        aliases: &[],
        doc: "",
        subject: "",
        max: 0,
        read: |_| None,
        scope: Scope::Packet,
        headers: &[],
        hint: |_| Hint::None,
        examples: &[],
        refused: &[],
    };

    /// A number of a flow, likewise.
    pub(super) const FLOW: Self = Self { scope: Scope::Flow, ..Self::PACKET };

    /// A number of the IPv4 header, likewise.
    pub(super) const IPV4: Self = Self { headers: &[HeaderBuffer::Ipv4], ..Self::PACKET };

    /// A number of the TCP header, likewise.
    pub(super) const TCP: Self = Self { headers: &[HeaderBuffer::Tcp], ..Self::PACKET };

    /// A number of an ICMP message of either version, likewise.
    pub(super) const ICMP: Self =
        Self { headers: &[HeaderBuffer::Icmpv4, HeaderBuffer::Icmpv6], ..Self::PACKET };
}

impl fmt::Debug for NumberKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Keyword for NumberKeyword {
    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        self.examples.to_vec()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let Self { subject, read, scope, headers, hint, .. } = *self;
        let form = argument.integer(self.max)?;
        draft.conditions.push(Box::new(Compare { subject, read, scope, headers, hint: hint(form), form }));
        Ok(())
    }
}

struct Compare {
    subject: &'static str,
    read: fn(&View<'_>) -> Option<u64>,
    scope: Scope,
    headers: &'static [HeaderBuffer],
    hint: Hint,
    form: IntegerMatch,
}

impl fmt::Debug for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compare({}, {:?})", self.subject, self.form)
    }
}

impl Condition for Compare {
    fn holds(&self, view: &View<'_>) -> bool {
        (self.read)(view).is_some_and(|value| self.form.holds(value))
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        self.headers
    }

    fn hint(&self) -> Hint {
        self.hint
    }

    fn explain(&self) -> String {
        format!("{} is {}", self.subject, self.form)
    }
}
