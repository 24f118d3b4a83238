//! Units as tests write them.

use super::wire::{Interface, kind};

/// The first, the last, and the only fragment of a call.
pub(crate) const FIRST: u8 = 1;
pub(crate) const LAST: u8 = 2;
pub(crate) const WHOLE: u8 = 3;

/// The endpoint mapper's interface.
pub(crate) const MAPPER: Interface =
    Interface { uuid: *b"\xe1\xaf\x83\x08\x5d\x1f\x11\xc9\x91\xa4\x08\x00\x2b\x14\xa0\xfa", version: 3 };

/// Writes units in one byte order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    pub(crate) big_endian: bool,
}

impl Writer {
    pub(crate) const LITTLE: Self = Self { big_endian: false };
    pub(crate) const BIG: Self = Self { big_endian: true };

    fn u16(self, number: u16) -> [u8; 2] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn uuid(self, mut uuid: [u8; 16]) -> [u8; 16] {
        if !self.big_endian {
            uuid[..4].reverse();
            uuid[4..6].reverse();
            uuid[6..8].reverse();
        }
        uuid
    }

    pub(crate) fn unit(self, kind: u8, flags: u8, call: u32, body: &[u8]) -> Vec<u8> {
        let label = if self.big_endian { 0 } else { 0x10 };
        let len = self.u16(u16::try_from(16 + body.len()).expect("a unit is short"));
        [&[5, 0, kind, flags, label, 0, 0, 0], &len[..], &[0; 2], &self.u32(call), body].concat()
    }

    /// Offers interfaces, each in the context of its place.
    pub(crate) fn bind(self, call: u32, interfaces: &[Interface]) -> Vec<u8> {
        let mut body = vec![0; 12];
        body[8] = u8::try_from(interfaces.len()).expect("there are few");
        for (context, interface) in (0..).zip(interfaces) {
            body.extend_from_slice(&self.u16(context));
            body.extend_from_slice(&[1, 0]);
            body.extend_from_slice(&self.uuid(interface.uuid));
            body.extend_from_slice(&self.u32(interface.version.into()));
            body.extend_from_slice(&[0; 20]);
        }
        self.unit(kind::BIND, WHOLE, call, &body)
    }

    /// Says which interfaces are accepted, behind the address of an endpoint.
    pub(crate) fn bind_ack(self, call: u32, results: &[u16]) -> Vec<u8> {
        let address = b"\\PIPE\\x\0";
        let mut body = vec![0; 8];
        body.extend_from_slice(&self.u16(u16::try_from(address.len()).expect("it is short")));
        body.extend_from_slice(address);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend_from_slice(&[u8::try_from(results.len()).expect("there are few"), 0, 0, 0]);
        for &result in results {
            body.extend_from_slice(&self.u16(result));
            body.extend_from_slice(&[0; 22]);
        }
        self.unit(kind::BIND_ACK, WHOLE, call, &body)
    }

    pub(crate) fn request(self, flags: u8, call: u32, context: u16, operation: u16, stub: &[u8]) -> Vec<u8> {
        let body = [&[0; 4], &self.u16(context)[..], &self.u16(operation), stub].concat();
        self.unit(kind::REQUEST, flags, call, &body)
    }

    pub(crate) fn response(self, flags: u8, call: u32, stub: &[u8]) -> Vec<u8> {
        self.unit(kind::RESPONSE, flags, call, &[&[0; 8], stub].concat())
    }

    /// A datagram of a call: which one, which fragment, and what it carries.
    pub(crate) fn datagram(self, kind: u8, flags: u8, call: u32, fragment: u16, stub: &[u8]) -> Vec<u8> {
        let mut header = [0; 80];
        header[..4].copy_from_slice(&[4, kind, flags, 0]);
        header[4] = if self.big_endian { 0 } else { 0x10 };
        header[24..40].copy_from_slice(&self.uuid(MAPPER.uuid));
        header[60..64].copy_from_slice(&self.u32(MAPPER.version.into()));
        header[64..68].copy_from_slice(&self.u32(call));
        header[68..70].copy_from_slice(&self.u16(2));
        header[74..76].copy_from_slice(&self.u16(u16::try_from(stub.len()).expect("it is short")));
        header[76..78].copy_from_slice(&self.u16(fragment));
        [&header[..], stub].concat()
    }
}
