//! Transfer encodings (RFC 2045, section 6), undone in pieces.

/// The six bits that a byte stands for; [`PADDING`], [`SPACE`] or [`NONE`] where it stands for none.
const BASE64: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < alphabet.len() {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table[b'=' as usize] = PADDING;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table
};
const PADDING: u8 = 0x80;
const SPACE: u8 = 0x81;
const NONE: u8 = 0x82;

/// Base64 under way: what is left of a group of four.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    bits: u32,
    digits: u8,
}

impl Base64 {
    /// Adds what `text` stands for to `decoded`; bytes that base64 does not have are passed over, as RFC 2045 wants.
    /// Says whether there were none.
    pub(super) fn decode(&mut self, text: &[u8], decoded: &mut Vec<u8>) -> bool {
        let mut sound = true;
        let mut rest = text;
        while let [byte, after @ ..] = rest {
            if self.digits == 0 {
                let groups = decode_groups(rest, decoded);
                if groups > 0 {
                    rest = &rest[groups * 4..];
                    continue;
                }
            }
            match BASE64[usize::from(*byte)] {
                PADDING => self.finish(decoded),
                SPACE => {}
                NONE => sound = false,
                value => self.digit(value, decoded),
            }
            rest = after;
        }
        sound
    }

    fn digit(&mut self, value: u8, decoded: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(value);
        self.digits += 1;
        if self.digits == 4 {
            decoded.extend_from_slice(&self.bits.to_be_bytes()[1..]);
            *self = Self::default();
        }
    }

    /// Adds what is left of the last group.
    pub(super) fn finish(&mut self, decoded: &mut Vec<u8>) {
        match self.digits {
            2 => decoded.push((self.bits >> 4) as u8),
            3 => decoded.extend_from_slice(&(self.bits >> 2).to_be_bytes()[2..]),
            _ => {}
        }
        *self = Self::default();
    }
}

/// Adds what whole groups of four stand for, up to the first that is not all digits; says how many there were.
fn decode_groups(text: &[u8], decoded: &mut Vec<u8>) -> usize {
    let mut groups = 0;
    for group in text.chunks_exact(4) {
        let [a, b, c, d] = [group[0], group[1], group[2], group[3]].map(|byte| BASE64[usize::from(byte)]);
        if (a | b | c | d) & PADDING != 0 {
            break;
        }
        decoded.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        groups += 1;
    }
    groups
}

/// Quoted-printable under way: an escape, or a soft line break, that a piece of a line has cut.
#[derive(Debug, Default)]
pub(super) struct QuotedPrintable {
    escape: Vec<u8>,
}

/// What became of a line in quoted-printable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct QuotedLine {
    /// It ended in a soft break: the next line belongs to it.
    pub(super) goes_on: bool,
    /// Each `=` began something.
    pub(super) sound: bool,
}

impl QuotedPrintable {
    /// Adds what a line, or a piece of one that does not end it, stands for to `decoded`.
    pub(super) fn decode(&mut self, text: &[u8], ends: bool, decoded: &mut Vec<u8>) -> QuotedLine {
        if self.escape.is_empty() {
            return self.decode_line(text, ends, decoded);
        }
        let mut joined = std::mem::take(&mut self.escape);
        joined.extend_from_slice(text);
        self.decode_line(&joined, ends, decoded)
    }

    fn decode_line(&mut self, text: &[u8], ends: bool, decoded: &mut Vec<u8>) -> QuotedLine {
        let mut line = QuotedLine { goes_on: false, sound: true };
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'=', rest) {
            decoded.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            if ends && rest[1..].trim_ascii().is_empty() {
                line.goes_on = true;
                return line;
            }
            if !ends && rest.len() < 3 {
                self.escape = rest.to_vec();
                return line;
            }
            match rest.get(1..3).and_then(hex) {
                Some(byte) => {
                    decoded.push(byte);
                    rest = &rest[3..];
                }
                None => {
                    line.sound = false;
                    decoded.push(b'=');
                    rest = &rest[1..];
                }
            }
        }
        decoded.extend_from_slice(rest);
        line
    }
}

/// The byte that two digits stand for.
pub(super) fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let &[high, low] = digits else { return None };
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(pieces: &[&str]) -> (Vec<u8>, bool) {
        let (mut decoder, mut decoded, mut sound) = (Base64::default(), Vec::new(), true);
        for piece in pieces {
            sound &= decoder.decode(piece.as_bytes(), &mut decoded);
        }
        decoder.finish(&mut decoded);
        (decoded, sound)
    }

    #[test]
    fn base64_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE", "fooba"),
        ] {
            assert_eq!(base64(&[text]), (bytes.as_bytes().to_vec(), true), "{text}");
        }
    }

    #[test]
    fn base64_in_any_pieces() {
        let text = "Zm9v IGJh\tciBiYXo=";
        for cut in 0..text.len() {
            assert_eq!(base64(&[&text[..cut], &text[cut..]]), (b"foo bar baz".to_vec(), true), "{cut}");
        }
    }

    #[test]
    fn what_is_no_base64_is_passed_over() {
        assert_eq!(base64(&["Zm*9v"]), (b"foo".to_vec(), false));
        assert_eq!(base64(&["Zg==Zg=="]), (b"ff".to_vec(), true));
        assert_eq!(base64(&["Z"]), (Vec::new(), true));
    }

    fn quoted(pieces: &[&str]) -> (Vec<u8>, QuotedLine) {
        let (mut decoder, mut decoded) = (QuotedPrintable::default(), Vec::new());
        let mut whole = QuotedLine { goes_on: false, sound: true };
        for (index, piece) in pieces.iter().enumerate() {
            let line = decoder.decode(piece.as_bytes(), index + 1 == pieces.len(), &mut decoded);
            whole = QuotedLine { goes_on: line.goes_on, sound: whole.sound && line.sound };
        }
        (decoded, whole)
    }

    #[test]
    fn quoted_printable_in_any_pieces() {
        for (text, bytes, soft) in
            [("a=3Db=", "a=b", true), ("=e4=C4x", "\u{e4}\u{c4}x", false), ("= ", "", true)]
        {
            let bytes: Vec<u8> = bytes.chars().map(|c| c as u8).collect();
            for cut in 0..text.len() {
                let line = QuotedLine { goes_on: soft, sound: true };
                assert_eq!(quoted(&[&text[..cut], &text[cut..]]), (bytes.clone(), line), "{text} at {cut}");
            }
        }
    }

    #[test]
    fn an_escape_that_is_none_stays() {
        let line = QuotedLine { goes_on: true, sound: false };
        assert_eq!(quoted(&["a=zzb="]), (b"a=zzb".to_vec(), line));
    }
}
