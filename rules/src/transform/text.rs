//! Letters, blanks, dots and percent signs.

use super::plain;

plain!(
    DOTPREFIX,
    "dotprefix",
    |input, output| {
        output.push(b'.');
        output.extend_from_slice(input);
    },
    "Puts a dot before the buffer, so that `.example.com` is found in the name itself and in names below it.",
    ".ab",
    b"ab",
    b"xab"
);

plain!(
    TO_LOWERCASE,
    "to_lowercase",
    |input, output| output.extend(input.iter().map(u8::to_ascii_lowercase)),
    "Makes the buffer's ASCII letters small.",
    "abc",
    b"aBC",
    b"aB"
);

plain!(
    TO_UPPERCASE,
    "to_uppercase",
    |input, output| output.extend(input.iter().map(u8::to_ascii_uppercase)),
    "Makes the buffer's ASCII letters capital.",
    "ABC",
    b"aBC",
    b"aB"
);

/// As C's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

plain!(
    STRIP_WHITESPACE,
    "strip_whitespace",
    |input, output| output.extend(input.iter().filter(|&&byte| !is_space(byte))),
    "Takes all blanks, tabs and line ends out of the buffer.",
    "abc",
    b"a b\tc",
    b"a-b c"
);

/// Of each run of white space the first byte stays.
fn compress_whitespace(input: &[u8], output: &mut Vec<u8>) {
    let before = std::iter::once(false).chain(input.iter().map(|&byte| is_space(byte)));
    output.extend(
        input.iter().zip(before).filter(|&(&byte, before)| !(before && is_space(byte))).map(|(byte, _)| byte),
    );
}

plain!(
    COMPRESS_WHITESPACE,
    "compress_whitespace",
    compress_whitespace,
    "Leaves one of several blanks, tabs and line ends in a row.",
    "a b",
    b"a \t b",
    b"ab"
);

fn url_decode(input: &[u8], output: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut rest = input;
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        rest = match escaped {
            Some((high, low)) => {
                output.push(high << 4 | low);
                &tail[2..]
            }
            None => {
                output.push(if *first == b'+' { b' ' } else { *first });
                tail
            }
        };
    }
}

plain!(
    URL_DECODE,
    "url_decode",
    url_decode,
    "Makes a blank of `+` and a byte of `%` with two hexadecimal digits; other percent signs stay.",
    "a b/%zz",
    b"a+b%2F%zz",
    b"a%2bb/%zz"
);
