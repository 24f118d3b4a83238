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

/// What [`expected`] says of a window that nearly all traffic of some kind holds.
pub(super) const KNOWN: u32 = 1 << 19;

/// What it says of nothing but one byte.
const STRETCH: u32 = 1 << 20;

/// How often a window of bytes in lower case is expected; comparable among windows alone.
pub(super) fn expected(window: [u8; 4]) -> u32 {
    let [a, b, c, d] = window;
    if a == b && b == c && c == d {
        // Padding comes in long stretches.
        return STRETCH;
    }
    let ranks = window.map(|byte| u32::from(RANKS[usize::from(byte)]));
    // The common windows have common bytes alone.
    if ranks.iter().all(|&rank| rank >= 6) && COMMON.contains(&&window) {
        return KNOWN;
    }
    ranks.iter().product()
}

/// How often each byte is expected at a place, all together 1.
const SHARES: [f32; 256] = {
    let mut shares = [0.0; 256];
    let mut all = 0.0;
    let mut byte = 0;
    while byte < 256 {
        shares[byte] = RANKS[byte] as f32 * RANKS[byte] as f32;
        all += shares[byte];
        byte += 1;
    }
    while byte > 0 {
        byte -= 1;
        shares[byte] /= all;
    }
    shares
};

/// How often a place is expected to lie in a stretch of nothing but a byte.
fn stretches(byte: u8) -> f32 {
    match byte {
        0 => 0.02,
        0xff | b' ' => 0.005,
        _ => 0.0003,
    }
}

/// The halves of a byte that may stand at a place, the lower and the upper, a bit for each.
pub(super) type PlaceHalves = (u16, u16);

/// By upper half and by four lower halves, how often those of the four are expected that a bit is set for.
const SHARES_OF_HALVES: [[[f32; 16]; 4]; 16] = {
    let mut shares = [[[0.0; 16]; 4]; 16];
    let mut at = 0;
    while at < 16 * 4 * 16 {
        let (high, group, set) = (at / 64, at / 16 % 4, at % 16);
        let mut low = 0;
        while low < 4 {
            if set >> low & 1 != 0 {
                shares[high][group][set] += SHARES[high * 16 + group * 4 + low];
            }
            low += 1;
        }
        at += 1;
    }
    shares
};

/// The bits set, counted from the lowest.
fn bits(mut halves: u16) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let bit = u8::try_from(halves.trailing_zeros()).ok().filter(|_| halves != 0)?;
        halves &= halves - 1;
        Some(bit)
    })
}

/// How often four bytes are expected whose halves are among such.
pub(super) fn of_halves(places: &[PlaceHalves; 4]) -> f32 {
    let share = |&(low, high): &PlaceHalves| {
        let of_high = |high: u8| {
            let groups = SHARES_OF_HALVES[usize::from(high)].iter().zip([0, 4, 8, 12]);
            groups.map(|(shares, first)| shares[usize::from(low >> first & 15)]).sum::<f32>()
        };
        bits(high).map(of_high).sum::<f32>()
    };
    let in_all = places.iter().fold((u16::MAX, u16::MAX), |all, place| (all.0 & place.0, all.1 & place.1));
    let alike = bits(in_all.1).flat_map(|high| bits(in_all.0).map(move |low| high << 4 | low));
    places.iter().map(share).product::<f32>() + alike.map(stretches).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: PlaceHalves = (u16::MAX, u16::MAX);

    fn only(byte: u8) -> PlaceHalves {
        (1 << (byte & 15), 1 << (byte >> 4))
    }

    #[test]
    fn four_bytes_that_may_be_any_are_always_met() {
        assert!(of_halves(&[ANY; 4]) >= 0.99);
    }

    #[test]
    fn what_is_rarer_is_expected_less() {
        let rare = of_halves(&[only(b'q'), only(0x9b), only(b'z'), only(0x81)]);
        let common = of_halves(&[only(b'e'), only(b't'), only(b'a'), only(b'o')]);
        let stretch = of_halves(&[only(0); 4]);
        assert!(0.0 < rare && rare < common && common < stretch);
    }

    #[test]
    fn halves_of_several_bytes_stand_for_all_their_pairs() {
        let both = |a: u8, b: u8| (only(a).0 | only(b).0, only(a).1 | only(b).1);
        let pairs = [0x12, 0x15, 0x82, 0x85].map(|byte| of_halves(&[only(byte), ANY, ANY, only(7)]));
        let all = of_halves(&[both(0x12, 0x85), ANY, ANY, only(7)]);
        assert!((all - pairs.iter().sum::<f32>()).abs() < 1e-6, "{all} {pairs:?}");
    }
}
