//! Addresses as text: of IP, of Ethernet, and an event's id.

use super::json::{Plain, Value};
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// An IP address; of version 6 as RFC 5952 says.
#[derive(Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

impl Value for Address {
    fn write(&self, out: &mut Vec<u8>) {
        let text = match self.0 {
            IpAddr::V4(address) => Short::dotted(address),
            IpAddr::V6(address) => Short::of(format_args!("{address}")),
        };
        Plain(text.as_str()).write(out);
    }
}

/// An Ethernet address, in lower case with colons.
#[derive(Clone, Copy)]
pub(super) struct Mac(pub(super) [u8; 6]);

impl Value for Mac {
    fn write(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b':'; 17];
        for (pair, byte) in text.chunks_mut(3).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Plain(str::from_utf8(&text).expect("digits and colons are ASCII")).write(out);
    }
}

/// An event's id, hyphenated and in lower case.
#[derive(Clone, Copy)]
pub(super) struct EventId(pub(super) Uuid);

impl Value for EventId {
    fn write(&self, out: &mut Vec<u8>) {
        Plain(self.0.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())).write(out);
    }
}

/// The text of an address, put together on the stack.
struct Short {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Short {
    /// The longest is `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`.
    const CAPACITY: usize = 39;
    const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0 };

    /// `text` must be within the capacity.
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut short = Self::EMPTY;
        short.write_fmt(text).expect("no address is longer");
        short
    }

    /// Digit by digit: [`fmt`] takes several times as long, and most addresses are of this kind.
    fn dotted(address: Ipv4Addr) -> Self {
        let mut short = Self::EMPTY;
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                short.push(b'.');
            }
            if octet >= 100 {
                short.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                short.push(b'0' + octet / 10 % 10);
            }
            short.push(b'0' + octet % 10);
        }
        short
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("put together from strings")
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(address: IpAddr) -> String {
        let mut out = Vec::new();
        Address(address).write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn addresses_are_written_as_the_standard_library_does(v4: [u8; 4], v6: [u16; 8]) {
            for address in [IpAddr::V4(v4.into()), IpAddr::V6(v6.into())] {
                prop_assert_eq!(written(address), format!("\"{address}\""));
            }
        }
    }

    #[test]
    fn the_longest_addresses_fit() {
        for longest in
            ["255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:255.255.255.255"]
        {
            assert_eq!(written(longest.parse().unwrap()), format!("\"{longest}\""));
        }
    }
}
