//! Bytes as HTTP/1 implementations class them, which is more lenient than RFC 9110.

/// Whether C's `isspace` holds.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// Space or tab.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A character of a token (RFC 2616, section 2.2).
pub(super) const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether each byte can be in a token.
static TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 33;
    while byte < 127 {
        token[byte] = true;
        byte += 1;
    }
    let separators = b"()<>@,;:\\\"/[]?={}";
    let mut at = 0;
    while at < separators.len() {
        token[separators[at] as usize] = false;
        at += 1;
    }
    token
};

/// Without white space at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// Without white space at the beginning.
pub(super) fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_space(byte)).unwrap_or(bytes.len());
    &bytes[start..]
}

/// Without white space at the end.
pub(super) fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| !is_space(byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}

/// Without the line ends at the end.
pub(super) fn chomp(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    &line[..end]
}

/// Whether the bytes are `wanted`, given in lower case, whatever their case and the NULs among them: browsers pass
/// over those.
pub(super) fn is_same(bytes: &[u8], wanted: &[u8]) -> bool {
    if bytes.len() == wanted.len() {
        return bytes.eq_ignore_ascii_case(wanted);
    }
    bytes.len() > wanted.len()
        && bytes.iter().filter(|&&byte| byte != 0).map(u8::to_ascii_lowercase).eq(wanted.iter().copied())
}

/// Whether the bytes hold `wanted`, given in lower case, whatever their case and the NULs among them.
pub(super) fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    if memchr::memchr(0, bytes).is_some() {
        let without: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
        return find(&without, wanted).is_some();
    }
    find(bytes, wanted).is_some()
}

/// Where `wanted`, given in lower case, begins in the bytes, whatever their case.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted))
}

/// Where the first LF is.
pub(super) fn find_lf(bytes: &[u8]) -> Option<usize> {
    let found = memchr::memchr(b'\n', bytes);
    effort::spend(found.unwrap_or(bytes.len()));
    found
}

/// Where the first CR or LF is.
pub(super) fn find_cr_or_lf(bytes: &[u8]) -> Option<usize> {
    let found = memchr::memchr2(b'\r', b'\n', bytes);
    effort::spend(found.unwrap_or(bytes.len()));
    found
}

/// How many bytes were searched for line ends: what tests hold against the bytes that came.
mod effort {
    #[cfg(test)]
    thread_local! {
        pub(in super::super) static SPENT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[inline]
    pub(super) fn spend(_bytes: usize) {
        #[cfg(test)]
        SPENT.with(|spent| spent.set(spent.get() + _bytes));
    }
}

/// Bytes searched for line ends by this thread so far.
#[cfg(test)]
pub(super) fn effort() -> usize {
    effort::SPENT.with(std::cell::Cell::get)
}

/// The first decimal number in the bytes, with what stands before it and behind it, blanks aside.
pub(super) fn first_number(bytes: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let blank = bytes.iter().position(|&byte| !is_blank(byte))?;
    let (_, bytes) = bytes.split_at(blank);
    let start = bytes.iter().position(u8::is_ascii_digit)?;
    let (before, digits_on) = bytes.split_at(start);
    let end = digits_on.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits_on.len());
    let (digits, after) = digits_on.split_at(end);
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let blank = after.iter().position(|&byte| !is_blank(byte)).unwrap_or(after.len());
    Some((before, number, &after[blank..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_nul() {
        assert!(is_same(b"Content\0-Length", b"content-length") && is_same(b"HOST", b"host"));
        assert!(!is_same(b"Hos", b"host") && !is_same(b"Hosts", b"host") && !is_same(b"H\0os", b"host"));
        assert!(holds(b"x Chun\0Ked", b"chunked") && !holds(b"chunke", b"chunked") && !holds(b"", b"a"));
    }

    #[test]
    fn numbers_are_found_among_other_things() {
        assert_eq!(first_number(b" \t42 "), Some((&b""[..], 42, &b""[..])));
        assert_eq!(first_number(b"(68) 34"), Some((&b"("[..], 68, &b") 34"[..])));
        assert_eq!(first_number(b"none"), None);
        assert_eq!(first_number(b"99999999999999999999"), None, "beyond 64 bits");
    }

    #[test]
    fn ends_are_trimmed() {
        assert_eq!(
            (trim(b" \x0ba b\r\n"), trim(b" \t"), chomp(b"a\r\r\n")),
            (&b"a b"[..], &b""[..], &b"a"[..])
        );
    }
}
