//! The Huffman code of strings (RFC 7541, section 5.2 and appendix B).

/// How long the code of each byte is and, behind them, that of the end of the string.
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];
const SYMBOLS: usize = 257;
const END: u16 = 256;
const LONGEST: usize = 30;
/// Codes of at most so many bits are looked up at once.
const SHORT: usize = 8;

/// The code: codes of one length follow one another in the order of their bytes, longer ones behind shorter ones.
struct Code {
    /// The symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
    /// For each length the first code.
    first: [u32; LONGEST + 1],
    /// For each length how many symbols have shorter codes.
    shorter: [u16; LONGEST + 2],
    /// For each byte the symbol whose code it begins with, and that code's length; 0 where the code is longer.
    short: [(u8, u8); 1 << SHORT],
}

static CODE: Code = Code::build();

impl Code {
    const fn build() -> Self {
        let mut code = Self {
            symbols: [0; SYMBOLS],
            first: [0; LONGEST + 1],
            shorter: [0; LONGEST + 2],
            short: [(0, 0); 1 << SHORT],
        };
        let (mut place, mut next, mut len) = (0, 0u32, 1);
        while len <= LONGEST {
            next <<= 1;
            code.first[len] = next;
            code.shorter[len] = place as u16;
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == len {
                    code.symbols[place] = symbol as u16;
                    if len <= SHORT {
                        let mut rest = 0;
                        while rest < 1 << (SHORT - len) {
                            code.short[((next as usize) << (SHORT - len)) | rest] = (symbol as u8, len as u8);
                            rest += 1;
                        }
                    }
                    place += 1;
                    next += 1;
                }
                symbol += 1;
            }
            len += 1;
        }
        code.shorter[LONGEST + 1] = place as u16;
        code
    }

    /// The symbol whose code the bits begin with, the highest first, with the length of the code.
    fn find(&self, bits: u64) -> (u16, usize) {
        if let (symbol, len @ 1..) = self.short[(bits >> (64 - SHORT)) as usize] {
            return (u16::from(symbol), usize::from(len));
        }
        for len in SHORT + 1..LONGEST {
            let behind = ((bits >> (64 - len)) as u32).wrapping_sub(self.first[len]);
            if behind < u32::from(self.shorter[len + 1] - self.shorter[len]) {
                return (self.symbols[usize::from(self.shorter[len]) + behind as usize], len);
            }
        }
        let behind = (bits >> (64 - LONGEST)) as u32 - self.first[LONGEST];
        (self.symbols[usize::from(self.shorter[LONGEST]) + behind as usize], LONGEST)
    }
}

/// Decodes a string and appends it. Whatever stands behind the last whole code is taken for padding.
pub(super) fn decode(coded: &[u8], into: &mut Vec<u8>) {
    let mut coming = coded.iter();
    let (mut bits, mut held) = (0u64, 0);
    loop {
        while held <= 56
            && let Some(&byte) = coming.next()
        {
            bits |= u64::from(byte) << (56 - held);
            held += 8;
        }
        let (symbol, len) = CODE.find(bits);
        if len > held || symbol == END {
            return;
        }
        into.push(symbol as u8);
        bits <<= len;
        held -= len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        decode(coded, &mut text);
        text
    }

    /// Codes one byte after the other, as [`CODE`] has them, and fills up with ones.
    fn coded(text: &[u8]) -> Vec<u8> {
        let mut bits = String::new();
        for &byte in text {
            let place = CODE.symbols.iter().position(|&symbol| symbol == u16::from(byte)).unwrap();
            let len = usize::from(LENGTHS[usize::from(byte)]);
            let code = CODE.first[len] as usize + place - usize::from(CODE.shorter[len]);
            bits += &format!("{code:0len$b}");
        }
        bits += &"1".repeat(bits.len().next_multiple_of(8) - bits.len());
        bits.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit & 1))).collect()
    }

    #[test]
    fn examples_of_the_standard() {
        let example = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&example), b"www.example.com");
        assert_eq!(decoded(&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f]), b"custom-key");
        assert_eq!(decoded(&[0xae, 0xc3, 0x77, 0x1a, 0x4b]), b"private");
    }

    #[test]
    fn the_longest_codes_are_those_of_the_standard() {
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xf3]), [0x0a]);
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xf7]), [0x0d]);
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xfb]), [0x16]);
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff, 0x00]), [0u8; 0], "the end of the string ends it");
    }

    #[test]
    fn every_byte_has_a_code() {
        let all: Vec<u8> = (0..=255).chain(0..=255).collect();
        assert_eq!(decoded(&coded(&all)), all);
        assert_eq!(decoded(&[]), [0u8; 0]);
    }
}
