//! Characters that JSON lets stand in a string though some reader takes them for the end of a line or for a
//! command: DEL, the C1 controls (NEL among them), and Unicode's line and paragraph separators. serde_json escapes
//! the others (RFC 8259 §7).

/// Escapes them in `out` from `start` on, which must be JSON. Its own syntax is printable ASCII, so that all of them
/// are within strings.
pub(super) fn escape_controls(out: &mut Vec<u8>, start: usize) {
    let Some(first) = find_control(&out[start..]) else { return };
    let tail = out.split_off(start + first);
    let tail = str::from_utf8(&tail).expect("JSON is UTF-8, and the split is before a character");
    for c in tail.chars() {
        if is_control(c) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Where the first of them begins.
fn find_control(json: &[u8]) -> Option<usize> {
    memchr::memchr3_iter(0x7f, 0xc2, 0xe2, json).find(|&at| {
        matches!(json[at..], [0x7f, ..] | [0xc2, 0x80..=0x9f, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..])
    })
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

    #[test]
    fn every_character_takes_the_room_it_is_said_to() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let mut json = serde_json::to_vec(&c).unwrap();
            escape_controls(&mut json, 1);
            assert_eq!(json.len() - 2, escaped_len(c), "{c:?}");
            assert_eq!(serde_json::from_slice::<char>(&json).unwrap(), c);
            assert!(!str::from_utf8(&json).unwrap().chars().any(is_control));
        }
    }

    #[test]
    fn what_lies_before_the_start_stays() {
        let mut out = "\u{7f}\u{7f}é".as_bytes().to_vec();
        escape_controls(&mut out, 1);
        assert_eq!(out, "\u{7f}\\u007fé".as_bytes());
    }
}
