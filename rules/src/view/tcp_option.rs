//! TCP options, one by one.

use super::Tcp;

/// One TCP option other than padding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TcpOption<'a> {
    /// Maximum segment size in bytes (RFC 9293 §3.7.1).
    MaximumSegmentSize(u16),
    /// Window scale, a shift count (RFC 7323 §2).
    WindowScale(u8),
    /// Selective acknowledgement permitted (RFC 2018 §2).
    SackPermitted,
    /// Selective acknowledgement: pairs of 32-bit edges (RFC 2018 §3).
    Sack(&'a [u8]),
    /// Timestamps (RFC 7323 §3).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The receiver's clock as last heard.
        echo: u32,
    },
    /// Fast Open cookie, empty in a request for one (RFC 7413 §4.1.1).
    FastOpen(&'a [u8]),
    /// Any other option, and a known one whose length is wrong.
    Other {
        /// The option's kind.
        kind: u8,
        /// What follows kind and length.
        data: &'a [u8],
    },
}

impl TcpOption<'_> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
}

/// Walks the options of a header; ends at the end-of-list option or where a length cannot be right.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions<'a> {
    rest: &'a [u8],
    malformed: bool,
}

impl TcpOptions<'_> {
    /// Whether the walk so far ended at an option that is longer than what is left, or shorter than itself.
    pub fn malformed(&self) -> bool {
        self.malformed
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        loop {
            match *self.rest {
                [] | [TcpOption::END, ..] => return None,
                [TcpOption::NO_OPERATION, ref rest @ ..] => self.rest = rest,
                [_] => return None,
                [kind, len, ..] => {
                    let Some(data) = self.rest.get(2..usize::from(len)) else {
                        self.malformed = true;
                        self.rest = &[];
                        return None;
                    };
                    self.rest = &self.rest[usize::from(len)..];
                    return Some(option(kind, data));
                }
            }
        }
    }
}

fn option(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (2, &[high, low]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([high, low])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (5, edges) if matches!(edges.len(), 8 | 16 | 24 | 32) => TcpOption::Sack(edges),
        (8, &[a, b, c, d, e, f, g, h]) => TcpOption::Timestamps {
            value: u32::from_be_bytes([a, b, c, d]),
            echo: u32::from_be_bytes([e, f, g, h]),
        },
        (34, cookie) if matches!(cookie.len(), 0 | 4 | 6 | 8 | 10 | 12 | 14 | 16) => {
            TcpOption::FastOpen(cookie)
        }
        _ => TcpOption::Other { kind, data },
    }
}

impl<'a> Tcp<'a> {
    /// The options one by one, padding left out.
    pub fn option_list(&self) -> TcpOptions<'a> {
        TcpOptions { rest: self.options(), malformed: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(options: &[u8]) -> (Vec<TcpOption<'_>>, bool) {
        let mut walk = TcpOptions { rest: options, malformed: false };
        (walk.by_ref().collect(), walk.malformed())
    }

    #[test]
    fn options_of_a_syn() {
        let bytes = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7];
        let expected = vec![
            TcpOption::MaximumSegmentSize(1460),
            TcpOption::SackPermitted,
            TcpOption::Timestamps { value: 1, echo: 2 },
            TcpOption::WindowScale(7),
        ];
        assert_eq!(walk(&bytes), (expected, false));
    }

    #[test]
    fn the_end_of_the_list_ends_it() {
        assert_eq!(walk(&[0, 3, 3, 7]), (vec![], false));
        assert_eq!(walk(&[1, 1, 3]), (vec![], false), "a lone last byte is no option");
    }

    #[test]
    fn a_length_that_cannot_be_right_ends_the_walk() {
        for bytes in [[1, 1, 3, 0], [1, 1, 3, 1], [1, 1, 3, 3], [1, 9, 200, 1]] {
            assert_eq!(walk(&bytes), (vec![], true));
        }
    }

    #[test]
    fn a_known_kind_of_wrong_length_is_some_other_option() {
        assert_eq!(walk(&[3, 4, 1, 2]), (vec![TcpOption::Other { kind: 3, data: &[1, 2] }], false));
    }

    #[test]
    fn fast_open_with_and_without_a_cookie() {
        assert_eq!(walk(&[34, 2, 1, 1]).0, vec![TcpOption::FastOpen(&[])]);
        assert_eq!(walk(&[34, 6, 1, 2, 3, 4]).0, vec![TcpOption::FastOpen(&[1, 2, 3, 4])]);
    }
}
