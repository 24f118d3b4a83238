//! How common bytes are in network payload, as far as the choice of a window needs it.

/// How common a byte is, from 1 (rare) to 15; letters in lower case.
const fn byte_rank(byte: u8) -> u8 {
    match byte {
        0 => 15,
        b' ' | b'e' | 0xff => 12,
        b't' | b'a' | b'o' | b'n' | b'i' | b's' | b'r' => 11,
        b'l' | b'c' | b'd' | b'p' | b'm' | b'h' | b'u' => 10,
        b'0' | b'1' | b'2' | b'/' | b'.' | b'\r' | b'\n' | b'-' | b':' | b'=' | b'w' => 9,
        b'3'..=b'9' | b'f' | b'g' | b'b' | b'y' | b'"' | b';' | b'x' | b'v' | b',' => 8,
        b'k' | b'j' | b'q' | b'z' | b'%' | b'&' | b'<' | b'>' | b'_' | b'(' | b')' | b'+' | b'*' => 6,
        1..=3 => 9,
        4..=0x1f => 5,
        0x20..=0x7f => 4,
        0x80..=0xfe => 3,
    }
}

/// The ranks of all bytes.
const RANKS: [u8; 256] = {
    let mut ranks = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        ranks[byte] = byte_rank(byte as u8);
        byte += 1;
    }
    ranks
};

/// Windows that nearly all traffic of some kind holds, whatever their bytes.
const COMMON: &[&[u8; 4]] = &[
    b"http",
    b"tp/1",
    b"p/1.",
    b"/1.1",
    b"1.1\r",
    b"host",
    b"ost:",
    b"user",
    b"agen",
    b"cont",
    b"ent-",
    b"type",
    b"://w",
    b"www.",
    b".com",
    b"text",
    b"html",
    b"conn",
    b"ecti",
    b"keep",
    b"aliv",
    b"acce",
    b"cept",
    b"\r\n\r\n",
    b"get ",
    b"post",
    b"mozi",
    b"zill",
    b"illa",
    b"wind",
    b"dows",
    b"appl",
    b"plic",
    b"cati",
    b"tion",
    b"tent",
    b"nten",
    b"onte",
    b"leng",
    b"engt",
    b"ngth",
    b"gth:",
    b"cook",
    b"refe",
    b"char",
    b"date",
    b"serv",
];

/// How often a window of folded bytes is expected; comparable among windows alone.
pub(super) fn expected(window: [u8; 4]) -> u32 {
    let [a, b, c, d] = window;
    if a == b && b == c && c == d {
        // Padding: runs of one byte come in long stretches.
        return 1 << 20;
    }
    let ranks = window.map(|byte| u32::from(RANKS[usize::from(byte)]));
    // The common windows have common bytes alone.
    if ranks.iter().all(|&rank| rank >= 6) && COMMON.contains(&&window) {
        return 1 << 19;
    }
    ranks.iter().product()
}
