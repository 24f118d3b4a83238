//! Bytes as rules compare them with text.

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// `0fa0`.
pub(super) fn hex(bytes: &[u8]) -> String {
    written(bytes, LOWER, "")
}

/// `0f:a0`.
pub(super) fn hex_with_colons(bytes: &[u8]) -> String {
    written(bytes, LOWER, ":")
}

/// `0F:A0`.
pub(super) fn upper_hex_with_colons(bytes: &[u8]) -> String {
    written(bytes, UPPER, ":")
}

fn written(bytes: &[u8], digits: &[u8; 16], between: &str) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_order() {
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
        assert_eq!(hex_with_colons(&[0x0f, 0xa0]), "0f:a0");
        assert_eq!(upper_hex_with_colons(&[0x0f]), "0F");
        assert_eq!(hex_with_colons(&[]), "");
    }
}
