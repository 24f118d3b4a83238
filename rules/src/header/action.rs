//! What a rule asks for when it matches.

use std::fmt;

/// The first word of a rule (Suricata documentation: "Rules Format", Action).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// Generate an alert.
    Alert,
    /// Stop further inspection.
    Pass,
    /// Drop the packet and alert; a passive sensor alerts.
    Drop,
    /// Send a reset or an ICMP error to the sender of the packet.
    Reject,
    /// The same as `reject`.
    RejectSrc,
    /// Send it to the receiver.
    RejectDst,
    /// Send it to both.
    RejectBoth,
    /// Change how the engine treats the flow or transaction (documentation: "Config Rules").
    Config,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::Alert,
        Self::Pass,
        Self::Drop,
        Self::Reject,
        Self::RejectSrc,
        Self::RejectDst,
        Self::RejectBoth,
        Self::Config,
    ];

    /// The word in a rule.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::RejectSrc => "rejectsrc",
            Self::RejectDst => "rejectdst",
            Self::RejectBoth => "rejectboth",
            Self::Config => "config",
        }
    }

    /// The action of that name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for &action in Action::ALL {
            assert_eq!(Action::from_name(action.name().to_uppercase().as_bytes()), Some(action));
        }
        assert_eq!(Action::from_name(b"log"), None);
    }
}
