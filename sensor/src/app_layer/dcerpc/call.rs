//! One call: what is asked of an interface, and what it returns.

use super::wire::Interface;
use crate::app_layer::bounded::Room;
use crate::app_layer::parser::{Visit, VisitWindow, visit_number};
use crate::event::Direction;

/// The most bytes of a request or a response that are kept (Suricata: 1 MiB).
pub const MAX_STUB: usize = 1 << 20;
/// The most bytes that the calls of a connection hold together.
const MAX_HELD: usize = 4 << 20;

/// What a request names.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The operation.
    pub operation: u16,
    /// The interface, where it was bound and accepted.
    pub interface: Option<Interface>,
    /// Whether its first fragment was seen.
    pub begins: bool,
}

/// What goes one way.
#[derive(Debug, Default)]
struct Stub {
    bytes: Vec<u8>,
    big_endian: bool,
    ended: bool,
    /// How much of it there was when rules looked.
    looked_at: usize,
    looked_at_end: bool,
}

impl Stub {
    /// All of it, when it has ended, and before that whenever it has doubled: rules look at the whole each time.
    fn view(&self) -> Option<&[u8]> {
        let ready = match self.ended {
            true => !self.looked_at_end,
            false => self.bytes.len() >= 2 * self.looked_at,
        };
        (ready && !self.bytes.is_empty()).then_some(&self.bytes)
    }

    fn inspected(&mut self) {
        if self.view().is_some() {
            self.looked_at = self.bytes.len();
            self.looked_at_end = self.ended;
        }
    }
}

/// A call, or the negotiation of interfaces, of which rules see nothing.
#[derive(Debug, Default)]
pub struct Call {
    /// Nothing where no request was seen.
    pub asked: Option<Asked>,
    stubs: [Stub; 2],
}

impl Call {
    /// Adds to what goes one way, as far as there is room; says how many bytes it keeps.
    pub(super) fn add(&mut self, direction: Direction, bytes: &[u8], big_endian: bool) -> usize {
        let stub = &mut self.stubs[direction.index()];
        let kept = bytes.len().min(MAX_STUB - stub.bytes.len());
        stub.bytes.extend_from_slice(&bytes[..kept]);
        stub.big_endian = big_endian;
        kept
    }

    /// Nothing more comes that way.
    pub(super) fn end(&mut self, direction: Direction) {
        self.stubs[direction.index()].ended = true;
    }

    /// Bytes that it holds.
    pub fn held(&self) -> usize {
        self.stubs.iter().map(|stub| stub.bytes.len()).sum()
    }

    /// Shows the interface, as [`super::fields::INTERFACE`] describes it.
    pub fn show_interface(&self, visit: &mut Visit<'_>) {
        if let Some(Asked { interface: Some(interface), begins, .. }) = self.asked {
            let mut value = [0; 19];
            value[..16].copy_from_slice(&interface.uuid);
            value[16..18].copy_from_slice(&interface.version.to_be_bytes());
            value[18] = u8::from(begins);
            visit(&value);
        }
    }

    /// Shows the operation.
    pub fn show_operation(&self, visit: &mut Visit<'_>) {
        if let Some(asked) = self.asked {
            visit_number(visit, asked.operation.into());
        }
    }

    /// Shows what goes one way.
    pub fn show_stub(&self, direction: Direction, visit: &mut VisitWindow<'_>) {
        if let Some(bytes) = self.stubs[direction.index()].view() {
            visit(0, bytes);
        }
    }

    /// Whether numbers that go one way stand most significant byte first.
    pub fn is_big_endian(&self, direction: Direction) -> bool {
        self.stubs[direction.index()].big_endian
    }

    /// Rules have looked at one way.
    pub fn inspected(&mut self, direction: Direction) {
        self.stubs[direction.index()].inspected();
    }
}

/// What the calls of a connection hold together.
pub type Held = Room<MAX_HELD>;

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn shown(call: &Call, direction: Direction) -> Option<usize> {
        let mut len = None;
        call.show_stub(direction, &mut |_, bytes| {
            len = Some(bytes.len());
            false
        });
        len
    }

    #[test]
    fn what_grows_is_shown_whenever_it_has_doubled_and_at_its_end() {
        let mut call = Call::default();
        assert_eq!(shown(&call, ToServer), None);
        let mut looks = Vec::new();
        for _ in 0..9 {
            call.add(ToServer, &[0; 10], false);
            looks.extend(shown(&call, ToServer));
            call.inspected(ToServer);
        }
        assert_eq!(looks, [10, 20, 40, 80]);
        call.end(ToServer);
        assert_eq!((shown(&call, ToServer), shown(&call, ToClient)), (Some(90), None));
        call.inspected(ToServer);
        assert_eq!(shown(&call, ToServer), None);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut call = Call::default();
        assert_eq!(call.add(ToServer, &vec![0; MAX_STUB + 9], false), MAX_STUB);
        assert_eq!(call.add(ToServer, b"more", false), 0);
        assert_eq!(call.held(), MAX_STUB);
    }
}
