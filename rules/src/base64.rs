//! Base64 as it occurs in traffic: broken off, wrapped, or with something else after it.

/// What to make of characters that are not of the alphabet (Suricata documentation: "Transformations", from_base64).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// They end it (RFC 4648 §3.3).
    Rfc4648,
    /// They are passed over (RFC 2045 §6.8).
    Rfc2045,
    /// They spoil all of it, and so do a wrong length and wrong padding.
    Strict,
}

/// Appends what `input` decodes to, as far as it goes. A last group of two or three characters need not be padded.
pub(crate) fn decode(input: &[u8], mode: Mode, output: &mut Vec<u8>) {
    let start = output.len();
    let (mut bits, mut count) = (0u32, 0u8);
    let mut end = input.len();
    for (at, &byte) in input.iter().enumerate() {
        let Some(value) = value(byte) else {
            if mode == Mode::Rfc2045 && byte != b'=' {
                continue;
            }
            end = at;
            break;
        };
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            output.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    if mode == Mode::Strict && !padded(&input[end..], count) {
        output.truncate(start);
        return;
    }
    match count {
        2 => output.push((bits >> 4).to_be_bytes()[3]),
        3 => output.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
        _ => {}
    }
}

/// Whether what follows fills the last group up, and nothing else.
fn padded(rest: &[u8], count: u8) -> bool {
    match count {
        0 => rest.is_empty(),
        2 => rest == b"==",
        3 => rest == b"=",
        _ => false,
    }
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_far_as_each_mode_goes() {
        for (input, rfc4648, rfc2045, strict) in [
            ("dGVzdA==", "test", "test", "test"),
            ("dGVzdA", "test", "test", ""),
            ("dGVzdCE", "test!", "test!", ""),
            ("dGVz dA==", "tes", "test", ""),
            ("dGVzdA==dGVz", "test", "test", ""),
            ("dGVzd", "tes", "tes", ""),
            ("!", "", "", ""),
            ("", "", "", ""),
        ] {
            for (mode, wanted) in [(Mode::Rfc4648, rfc4648), (Mode::Rfc2045, rfc2045), (Mode::Strict, strict)]
            {
                let mut output = Vec::new();
                decode(input.as_bytes(), mode, &mut output);
                assert_eq!(output, wanted.as_bytes(), "{input} {mode:?}");
            }
        }
    }
}
