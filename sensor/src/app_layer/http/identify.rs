//! How HTTP/1 is told: a method to the server, a version to the client (Suricata's patterns, in either case).

use super::line::METHODS;
use crate::app_layer::identify::{Carrier, Likeness, Probe};
use crate::event::Direction;

/// On any port.
pub(super) static PROBES: &[Probe] = &[Probe { carrier: Carrier::Tcp, ports: &[], likeness }];

const VERSIONS: [&str; 3] = ["HTTP/0.9", "HTTP/1.0", "HTTP/1.1"];

fn likeness(bytes: &[u8], direction: Direction) -> Likeness {
    let words: &[&str] = match direction {
        Direction::ToServer => &METHODS,
        Direction::ToClient => &VERSIONS,
    };
    let mut likeness = Likeness::None;
    for word in words {
        let seen = bytes.len().min(word.len());
        if !bytes[..seen].eq_ignore_ascii_case(&word.as_bytes()[..seen]) {
            continue;
        }
        match bytes.get(word.len()) {
            _ if direction == Direction::ToClient && seen == word.len() => return Likeness::Certain,
            Some(b' ' | b'\t' | 0x0b | 0x0c | b'\r') => return Likeness::Certain,
            Some(_) => {}
            None => likeness = Likeness::Possible,
        }
    }
    likeness
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_versions() {
        use Direction::{ToClient, ToServer};
        for (bytes, direction, expected) in [
            (&b"GET / HTTP/1.1"[..], ToServer, Likeness::Certain),
            (b"version-control\t/", ToServer, Likeness::Certain),
            (b"GE", ToServer, Likeness::Possible),
            (b"GET", ToServer, Likeness::Possible),
            (b"GETX", ToServer, Likeness::None),
            (b"HTTP/1.1 200", ToServer, Likeness::None),
            (b"", ToServer, Likeness::Possible),
            (b"http/1.0 200 OK", ToClient, Likeness::Certain),
            (b"HTTP/1", ToClient, Likeness::Possible),
            (b"HTTP/2 200", ToClient, Likeness::None),
            (b"GET /", ToClient, Likeness::None),
        ] {
            assert_eq!(likeness(bytes, direction), expected, "{}", bytes.escape_ascii());
        }
    }
}
