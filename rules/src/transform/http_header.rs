//! Header names of HTTP/1 and HTTP/2 made alike.

use super::plain;

/// Lower case from each line's start to its first colon.
fn header_lowercase(input: &[u8], output: &mut Vec<u8>) {
    let mut name = true;
    for &byte in input {
        output.push(if name { byte.to_ascii_lowercase() } else { byte });
        name = match byte {
            b':' => false,
            b'\n' => true,
            _ => name,
        };
    }
}

plain!(
    HEADER_LOWERCASE,
    "header_lowercase",
    header_lowercase,
    "Makes the names of headers small, and leaves their values.",
    "host: A",
    b"X: y\r\nHOST: A\r\n",
    b"X: y\r\nHOST: a\r\n"
);

plain!(
    STRIP_PSEUDO_HEADERS,
    "strip_pseudo_headers",
    |input, output| {
        let lines = input.split_inclusive(|&byte| byte == b'\n').filter(|line| !line.starts_with(b":"));
        lines.for_each(|line| output.extend_from_slice(line));
    },
    "Takes out the lines that begin with a colon: the pseudo-headers of HTTP/2.",
    "a|0a|b",
    b"a\n:c\nb",
    b"a\nc\nb"
);
