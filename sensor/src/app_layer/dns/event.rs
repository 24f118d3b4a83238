//! What can be wrong with a DNS message.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Dns];
    InfiniteLoop = "infinite_loop",
    InvalidAdditionals = "invalid_additionals",
    InvalidAuthorities = "invalid_authorities",
    InvalidOpcode = "invalid_opcode",
    MalformedData = "malformed_data",
    NameTooLong = "name_too_long",
    NotRequest = "not_request",
    NotResponse = "not_response",
    TooManyLabels = "too_many_labels",
    ZFlagSet = "z_flag_set",
}

/// Several of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Events(u16);

impl Events {
    pub(super) fn insert(&mut self, event: Event) {
        self.0 |= 1 << event as u16;
    }

    pub(super) fn insert_all(&mut self, events: Self) {
        self.0 |= events.0;
    }

    /// The numbers of those inserted.
    pub(super) fn numbers(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |number| self.0 >> number & 1 == 1)
    }
}
