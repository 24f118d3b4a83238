//! The order in which rules are inspected and their alerts reported: action first, then rules that write memory
//! before rules that read it, then priority, then number (observed behaviour).

use crate::header::action::Action;
use crate::names::NameKind;
use crate::signature::Signature;

/// Memory by which rules are ordered, the most important first.
const MEMORIES: [NameKind; 4] =
    [NameKind::Flowbit, NameKind::Flowint, NameKind::Capture, NameKind::AddressBit];

/// Sorts signatures into the order of inspection.
pub(super) fn sort(signatures: &mut [Signature]) {
    signatures.sort_by_cached_key(|signature| {
        let memory = MEMORIES.map(|kind| memory_rank(signature, kind));
        let meta = &signature.meta;
        (action_rank(signature.action), memory, meta.priority, meta.gid, meta.sid)
    });
}

fn action_rank(action: Action) -> u8 {
    match action {
        Action::Pass => 0,
        Action::Drop => 1,
        Action::Reject | Action::RejectSrc | Action::RejectDst | Action::RejectBoth => 2,
        Action::Alert | Action::Config => 3,
    }
}

fn memory_rank(signature: &Signature, kind: NameKind) -> u8 {
    let writes = signature.effects.iter().any(|effect| effect.writes() == Some(kind));
    let reads = signature.conditions.iter().any(|condition| condition.reads() == Some(kind));
    match (writes, reads) {
        (true, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}
