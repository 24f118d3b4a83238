//! Rules on streams, by what the stream's flow speaks: a rule for a protocol is looked for in that protocol's streams
//! alone.

use super::SignatureId;
use super::group::Group;
use super::ports::PortGroups;
use crate::header::protocol::AppProtocol;
use crate::signature::Signature;

/// The most groups by port of the rules that every stream can match.
const MAX_COMMON_GROUPS: u8 = 32;
/// The most groups by port of those and of the rules for one protocol.
const MAX_PROTOCOL_GROUPS: u8 = 8;

/// Rules on streams going one way.
#[derive(Debug)]
pub struct StreamGroups {
    /// Those for any protocol, which are all there is while the protocol is not known.
    common: PortGroups,
    /// Protocols that rules name, with the place of their groups.
    protocols: Vec<(AppProtocol, usize)>,
    /// Those for any protocol together with those for certain ones.
    specific: Vec<PortGroups>,
}

impl StreamGroups {
    pub(super) fn new(rules: &[(SignatureId, &Signature)], to_server: bool) -> Self {
        let common: Vec<_> = rules.iter().copied().filter(|(_, s)| s.app_protocol.is_none()).collect();
        let mut protocols = Vec::new();
        let mut sets: Vec<Vec<(SignatureId, &Signature)>> = Vec::new();
        for &protocol in AppProtocol::ALL {
            let fits = |s: &Signature| s.app_protocol.is_none_or(|wanted| protocol.is(wanted));
            let set: Vec<_> = rules.iter().copied().filter(|(_, s)| fits(s)).collect();
            if set.len() == common.len() {
                continue;
            }
            let same = |known: &Vec<(SignatureId, &Signature)>| {
                known.iter().map(|(id, _)| id).eq(set.iter().map(|(id, _)| id))
            };
            let place = sets.iter().position(same).unwrap_or_else(|| {
                sets.push(set);
                sets.len() - 1
            });
            protocols.push((protocol, place));
        }
        Self {
            common: PortGroups::new(&common, to_server, MAX_COMMON_GROUPS),
            protocols,
            specific: sets.iter().map(|set| PortGroups::new(set, to_server, MAX_PROTOCOL_GROUPS)).collect(),
        }
    }

    /// The rules that a stream can match, by what its flow speaks and the server's port.
    pub fn of(&self, protocol: Option<AppProtocol>, port: u16) -> &Group {
        let known = self.protocols.iter().find(|&&(known, _)| Some(known) == protocol);
        known.map_or(&self.common, |&(_, place)| &self.specific[place]).of(port)
    }

    /// All groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.common.groups().iter().chain(self.specific.iter().flat_map(PortGroups::groups))
    }
}
