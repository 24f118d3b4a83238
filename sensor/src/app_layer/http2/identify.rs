//! How HTTP/2 in clear text is told: the client by its preface, the server by the SETTINGS frame it begins with, on the
//! port where it is expected (Suricata's pattern and probing parser).

use super::frame::{END_STREAM, Frame, Kind, PREFACE};
use crate::app_layer::identify::{Carrier, Likeness, Probe};
use crate::event::Direction;

/// The client's on any port, the server's on port 80.
pub(super) static PROBES: &[Probe] = &[
    Probe { carrier: Carrier::Tcp, ports: &[], likeness: client },
    Probe { carrier: Carrier::Tcp, ports: &[80], likeness: server },
];

/// How much of the preface tells enough.
const PATTERN_LEN: usize = 16;
/// The largest frame that a peer may send unasked (RFC 9113, section 4.2).
const DEFAULT_FRAME_SIZE: u32 = 16_384;

fn client(bytes: &[u8], direction: Direction) -> Likeness {
    let seen = bytes.len().min(PATTERN_LEN);
    if direction != Direction::ToServer || !bytes[..seen].eq_ignore_ascii_case(&PREFACE[..seen]) {
        Likeness::None
    } else if seen == PATTERN_LEN {
        Likeness::Certain
    } else {
        Likeness::Possible
    }
}

fn server(bytes: &[u8], direction: Direction) -> Likeness {
    if direction != Direction::ToClient {
        return Likeness::None;
    }
    let Some(frame) = Frame::read(bytes) else { return Likeness::Possible };
    // The flag of SETTINGS that acknowledges has the bit of the one that ends streams.
    let may_be_first = frame.kind() == Some(Kind::Settings)
        && !frame.reserved
        && frame.flags & !END_STREAM == 0
        && frame.len <= DEFAULT_FRAME_SIZE;
    if may_be_first { Likeness::Certain } else { Likeness::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefaces_and_settings() {
        use Direction::{ToClient, ToServer};
        for (bytes, direction, of_client, of_server) in [
            (&PREFACE[..], ToServer, Likeness::Certain, Likeness::None),
            (b"pri * http/2.0\r\n", ToServer, Likeness::Certain, Likeness::None),
            (b"PRI *", ToServer, Likeness::Possible, Likeness::None),
            (b"PRI * HTTP/1.1\r\n", ToServer, Likeness::None, Likeness::None),
            (PREFACE, ToClient, Likeness::None, Likeness::None),
            (b"\0\0\x06\x04\0\0\0\0\0", ToClient, Likeness::None, Likeness::Certain),
            (b"\0\0\0\x04\x01\0\0\0\0", ToClient, Likeness::None, Likeness::Certain),
            (b"\0\0\x06\x04\0", ToClient, Likeness::None, Likeness::Possible),
            (b"\0\0\x06\x04\x02\0\0\0\0", ToClient, Likeness::None, Likeness::None),
            (b"\0\0\x06\x04\0\x80\0\0\0", ToClient, Likeness::None, Likeness::None),
            (b"\0\x40\x01\x04\0\0\0\0\0", ToClient, Likeness::None, Likeness::None),
            (b"\0\0\x06\x06\0\0\0\0\0", ToClient, Likeness::None, Likeness::None),
        ] {
            assert_eq!(client(bytes, direction), of_client, "{}", bytes.escape_ascii());
            assert_eq!(server(bytes, direction), of_server, "{}", bytes.escape_ascii());
        }
    }
}
