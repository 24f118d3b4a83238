//! Characters as the byte that looks alike, as Windows maps them to code page 1252 ("best fit"), as far as ASCII goes.

/// What stands for a character that nothing looks like.
pub(super) const REPLACEMENT: u8 = b'?';

/// Characters in a row with their bytes; a NUL where nothing looks alike.
static ROWS: &[(u32, &[u8])] = &[
    (0x100, b"AaAaAaCcCcCcCcDd\0dEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi\0\0JjKk\0LlLlLl\0\0LlNnNnNn\0\0\0OoOoOo\0\0RrRrRrSsSsSs\0\0TtTtTtUuUuUuUuUuUuWwYy\0Z\0Zz"),
    (0x180, b"b"),
    (0x197, b"I\0\0l\0\0\0\0OOo"),
    (0x1ab, b"t\0\0TUu"),
    (0x1b6, b"z"),
    (0x1c0, b"|\0\0!"),
    (0x1cd, b"AaIiOoUuUuUuUuUu\0Aa\0\0\0\0GgGgKkOoOo\0\0j"),
    (0x261, b"g"),
    (0x2b9, b"'\"\0'"),
    (0x2c4, b"^\0\0\0'\0\0`\0_"),
    (0x300, b"`\0^~"),
    (0x30e, b"\""),
    (0x331, b"__"),
    (0x37e, b";"),
    (0x393, b"G\0\0\0\0T"),
    (0x3a3, b"S\0\0F\0\0O"),
    (0x3b1, b"a\0\0de"),
    (0x3c0, b"p\0\0st\0f"),
    (0x4bb, b"h"),
    (0x589, b":"),
    (0x66a, b"%"),
    (0x2000, b"       "),
    (0x2010, b"--\0\0\0\0\0="),
    (0x2032, b"'\0\0`"),
    (0x2044, b"/"),
    (0x2074, b"45678\0\0\0\0\0\0n0123456789"),
    (0x20a7, b"P"),
    (0x2102, b"C\0\0\0\0E\0\0gHHHh\0IILl\0N\0\0PPQRRR\0\0\0\0\0\0Z\0\0\0Z\0K\0BCeeEF\0Mo"),
    (0x2212, b"-\0\0/\\*\0\0v\0\0\08\0\0\0\0|\0\0\0\0\0n"),
    (0x2236, b":\0\0\0\0\0~"),
    (0x2261, b"=\0\0=="),
    (0x2303, b"^"),
    (0x2320, b"()\0\0\0\0\0\0\0<>"),
    (0x2500, b"-\0\0\0\0\0\0\0\0\0\0\0+\0\0\0+\0\0\0+\0\0\0+\0\0\0+\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0-\0\0\0\0\0\0\0-\0\0\0\0\0\0\0+"),
    (0x2550, b"-\0++++++++++++\0\0\0\0\0\0------+++"),
    (0x2584, b"_"),
    (0x2758, b"|"),
    (0x3000, b" \0\0\0\0\0\0\0<>"),
    (0x301a, b"[]"),
];

/// Full-width forms of ASCII.
const FULL_WIDTH: std::ops::RangeInclusive<u32> = 0xff01..=0xff5e;

/// The byte that looks like a character beyond U+00FF.
pub(super) fn best_fit(point: u32) -> u8 {
    if FULL_WIDTH.contains(&point) {
        return (point - FULL_WIDTH.start()) as u8 + b'!';
    }
    let row = ROWS.partition_point(|(start, _)| *start <= point);
    row.checked_sub(1)
        .and_then(|row| ROWS[row].1.get((point - ROWS[row].0) as usize))
        .copied()
        .filter(|&byte| byte != 0)
        .unwrap_or(REPLACEMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_look_alike() {
        let fits = [
            (0x100, b'A'),
            (0x110, b'?'),
            (0x131, b'i'),
            (0x148, b'n'),
            (0x160, b'?'),
            (0x174, b'W'),
            (0x17c, b'z'),
            (0x19f, b'O'),
            (0x1b0, b'u'),
            (0x1dc, b'u'),
            (0x1df, b'a'),
            (0x1f0, b'j'),
            (0x2cd, b'_'),
            (0x3a9, b'O'),
            (0x2017, b'='),
            (0x2044, b'/'),
            (0x207f, b'n'),
            (0x2089, b'9'),
            (0x210e, b'h'),
            (0x211d, b'R'),
            (0x2124, b'Z'),
            (0x212a, b'K'),
            (0x2134, b'o'),
            (0x2216, b'\\'),
            (0x221e, b'8'),
            (0x2223, b'|'),
            (0x2229, b'n'),
            (0x223c, b'~'),
            (0x232a, b'>'),
            (0x253c, b'+'),
            (0x255d, b'+'),
            (0x2569, b'-'),
            (0x256c, b'+'),
            (0x3009, b'>'),
            (0xff0f, b'/'),
            (0xff5e, b'~'),
            (0x4e00, b'?'),
            (0x10ffff, b'?'),
        ];
        for (point, byte) in fits {
            assert_eq!(best_fit(point), byte, "U+{point:04X}");
        }
        assert!(ROWS.is_sorted_by_key(|(start, _)| *start));
        assert!(ROWS.windows(2).all(|pair| pair[0].0 + pair[0].1.len() as u32 <= pair[1].0));
    }
}
