//! Strings of JSON. Beside what RFC 8259 §7 demands, characters are escaped that some reader takes for the end of a
//! line or for a command: DEL, the C1 controls (NEL among them), and Unicode's line and paragraph separators.

/// Bytes that are escaped, or that begin a character that may be.
const SUSPICIOUS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte < 0x20 || matches!(byte as u8, b'"' | b'\\' | 0x7f | 0xc2 | 0xe2);
        byte += 1;
    }
    table
};

/// Appends a text as it stands between the quotes; what is no UTF-8 is replaced.
pub(super) fn push_escaped(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        push_valid(chunk.valid(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 3]).as_bytes());
        }
    }
}

fn push_valid(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| SUSPICIOUS[usize::from(byte)]) {
        let (harmless, suspicious) = rest.split_at(at);
        out.extend_from_slice(harmless.as_bytes());
        let mut characters = suspicious.chars();
        characters.by_ref().take(1).for_each(|c| push_character(c, out));
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

fn push_character(c: char, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\r' => out.extend_from_slice(b"\\r"),
        _ if is_control(c) => {
            let digit = |shift: u32| DIGITS[(u32::from(c) >> shift & 0xf) as usize];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
        _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Whether the character never stands in an event as it is.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// How many bytes of JSON a character takes within a string.
pub(super) fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        _ if is_control(c) => 6,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &[u8]) -> String {
        let mut out = b"\"".to_vec();
        push_escaped(text, &mut out);
        out.push(b'"');
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_takes_the_room_it_is_said_to() {
        for c in (0..0x3000).chain(0xfff0..0x1_0010).filter_map(char::from_u32) {
            let json = escaped(c.to_string().as_bytes());
            assert_eq!(json.len() - 2, escaped_len(c), "{c:?}");
            assert_eq!(serde_json::from_str::<char>(&json).unwrap(), c);
            assert!(!json.chars().any(is_control));
            if !is_control(c) || c < ' ' {
                assert_eq!(json, serde_json::to_string(&c).unwrap(), "as serde_json writes it");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(text: Vec<u8>) {
            let read: String = serde_json::from_str(&escaped(&text)).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&text));
        }
    }
}
