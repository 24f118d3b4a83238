//! Integers with a prefix (RFC 7541, section 5.1).

use super::Fault;

/// Reads an integer that begins in the lowest `bits` of the next byte.
pub(super) fn read(bytes: &mut &[u8], bits: u32) -> Result<u64, Fault> {
    let (&first, mut rest) = bytes.split_first().ok_or(Fault::Truncated)?;
    let most = u64::from(u8::MAX >> (8 - bits));
    let mut number = u64::from(first) & most;
    if number == most {
        let mut shift = 0;
        loop {
            let (&byte, after) = rest.split_first().ok_or(Fault::Truncated)?;
            rest = after;
            let part = u64::from(byte & 0x7f);
            let fits = shift < u64::BITS && part.leading_zeros() >= shift;
            number = fits.then(|| number.checked_add(part << shift)).flatten().ok_or(Fault::Overflow)?;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
    }
    *bytes = rest;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_standard() {
        for (mut bytes, bits, expected) in
            [(&[0xea_u8, 1][..], 5, 10), (&[0x1f, 0x9a, 0x0a, 1], 5, 1337), (&[42, 1], 8, 42)]
        {
            assert_eq!((read(&mut bytes, bits), bytes), (Ok(expected), &[1][..]));
        }
    }

    #[test]
    fn what_is_cut_or_too_large() {
        let most = [0xff, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&mut &most[..], 7), Ok(u64::MAX));
        let mut more = most;
        more[1] += 1;
        assert_eq!(read(&mut &more[..], 7), Err(Fault::Overflow));
        assert_eq!(read(&mut &[&[0x7f][..], &[0xff; 100]].concat()[..], 7), Err(Fault::Overflow));
        assert_eq!(read(&mut &[&[0x7f][..], &[0x80; 11]].concat()[..], 7), Err(Fault::Overflow));
        for cut in [&[][..], &[0x1f], &[0x1f, 0x9a]] {
            assert_eq!(read(&mut &*cut, 5), Err(Fault::Truncated));
        }
    }
}
