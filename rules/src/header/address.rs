//! Addresses as a rule writes them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use super::group::{Group, Item, ItemFault, Resolve, trimmed};
use super::range_set::RangeSet;

/// The addresses of one side of a rule.
pub type AddressExpr = Group<AddressRange>;

/// One address, a network, or a range from one address to another.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AddressRange {
    /// `10.0.0.1`.
    Address(IpAddr),
    /// `10.0.0.0/8`; a netmask comes out as its prefix length. Host bits may be set and do not count.
    Network {
        /// As written.
        address: IpAddr,
        /// At most 32 or 128.
        prefix_bits: u8,
    },
    /// `10.0.0.1-10.0.0.9`, of one family, ascending.
    Range {
        /// The lowest.
        first: IpAddr,
        /// The highest.
        last: IpAddr,
    },
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Network { address, prefix_bits } => write!(f, "{address}/{prefix_bits}"),
            Self::Range { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl Item for AddressRange {
    const WHAT: &'static str = "address";
    const CODE: &'static str = "bad-address";
    const MISSING_CODE: &'static str = "missing-address";

    /// `10.0.0.1`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.0.0.1-10.0.0.9`, `2001:db8::/32` and so on.
    fn parse(word: &[u8]) -> Result<Self, ItemFault> {
        if let Some(slash) = memchr::memchr(b'/', word) {
            let address = address(word, 0..slash)?;
            let prefix_bits = prefix(word, slash + 1..word.len(), address)?;
            return Ok(Self::Network { address, prefix_bits });
        }
        let Some(hyphen) = memchr::memchr(b'-', word) else {
            return address(word, 0..word.len()).map(Self::Address);
        };
        let first = address(word, 0..hyphen)?;
        let last = address(word, hyphen + 1..word.len())?;
        if first.is_ipv4() != last.is_ipv4() {
            let message = "a range from one family of addresses to the other";
            return Err(ItemFault::new(0..word.len(), message, "write a range for each family"));
        }
        if first > last {
            let message = format!("the range runs backwards, from {first} to {last}");
            return Err(ItemFault::new(0..word.len(), message, format!("write `{last}-{first}`")));
        }
        Ok(Self::Range { first, last })
    }
}

impl Resolve for AddressRange {
    type Set = AddressSet;
    const HIGHEST: &'static [u128] = &[u32::MAX as u128, u128::MAX];

    fn bounds(&self) -> (usize, (u128, u128)) {
        match *self {
            Self::Address(address) => (family(address), (bits(address), bits(address))),
            Self::Network { address, prefix_bits } => {
                let highest = Self::HIGHEST[family(address)];
                let host_bits = highest.checked_shr(prefix_bits.into()).unwrap_or(0);
                let first = bits(address) & !host_bits;
                (family(address), (first, first | host_bits))
            }
            Self::Range { first, last } => (family(first), (bits(first), bits(last))),
        }
    }

    fn set([v4, v6]: [RangeSet<u128>; 2]) -> AddressSet {
        AddressSet { v4: v4.narrow(), v6 }
    }
}

fn family(address: IpAddr) -> usize {
    usize::from(address.is_ipv6())
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The addresses that one side of a rule means.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AddressSet {
    v4: RangeSet<u32>,
    v6: RangeSet<u128>,
}

impl AddressSet {
    /// Every address.
    pub fn any() -> Self {
        Self { v4: RangeSet::all(), v6: RangeSet::all() }
    }

    /// Whether an address is in it.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.into()),
            IpAddr::V6(address) => self.v6.contains(address.into()),
        }
    }

    /// Whether every address is in it.
    pub fn is_any(&self) -> bool {
        self.v4.is_all() && self.v6.is_all()
    }

    /// Its IPv4 addresses, as big-endian numbers.
    pub fn v4(&self) -> &RangeSet<u32> {
        &self.v4
    }

    /// Its IPv6 addresses, as big-endian numbers.
    pub fn v6(&self) -> &RangeSet<u128> {
        &self.v6
    }
}

fn address(word: &[u8], part: Range<usize>) -> Result<IpAddr, ItemFault> {
    let (text, range) = trimmed(word, part);
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        let help = "write an IPv4 or IPv6 address, a network such as `10.0.0.0/8`, a `$VARIABLE` or `any`";
        ItemFault::new(range, format!("`{shown}` is not an address"), help)
    })
}

fn prefix(word: &[u8], part: Range<usize>, address: IpAddr) -> Result<u8, ItemFault> {
    let (digits, range) = trimmed(word, part);
    let text = std::str::from_utf8(digits).unwrap_or_default();
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if address.is_ipv4() && text.contains('.') {
        return text.parse().ok().and_then(netmask_bits).ok_or_else(|| {
            let help = "write the length of the prefix, such as `/24`";
            ItemFault::new(range, "this is not a netmask of leading ones", help)
        });
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bits = if is_number { text.parse().ok() } else { None };
    bits.filter(|&bits| bits <= longest).ok_or_else(|| {
        let message = format!("the length of a prefix is a number from 0 to {longest}");
        ItemFault::new(range, message, format!("write `{address}/{longest}` for this one address"))
    })
}

fn netmask_bits(mask: Ipv4Addr) -> Option<u8> {
    let mask = u32::from(mask);
    let bits = mask.leading_ones();
    (bits + mask.trailing_zeros().min(32 - bits) == 32)
        .then_some(bits)
        .and_then(|bits| u8::try_from(bits).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(word: &str) -> Option<String> {
        AddressRange::parse(word.as_bytes()).ok().map(|range| range.to_string())
    }

    #[test]
    fn every_form_prints_as_it_is_read() {
        for word in
            ["10.0.0.1", "10.1.2.3/8", "0.0.0.0/0", "::1", "2001:db8::/32", "10.0.0.1-10.0.0.9", "::1-::2"]
        {
            assert_eq!(printed(word).as_deref(), Some(word));
        }
        assert_eq!(printed("10.0.0.0/255.255.0.0").as_deref(), Some("10.0.0.0/16"));
        assert_eq!(printed("10.0.0.0/0.0.0.0").as_deref(), Some("10.0.0.0/0"));
        assert_eq!(printed("10.0.0.0/255.255.255.255").as_deref(), Some("10.0.0.0/32"));
        assert_eq!(printed("10.0.0.1 - 10.0.0.2").as_deref(), Some("10.0.0.1-10.0.0.2"));
    }

    #[test]
    fn faults_are_refused() {
        for word in [
            "",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1/33",
            "10.0.0.0/",
            "::/129",
            "10.0.0.0/255.0.255.0",
            "::/ffff::",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-::1",
            "-",
            "10.0.0.1-",
            "web",
            "010.0.0.1",
            "10.0.0.0/+8",
        ] {
            assert_eq!(printed(word), None, "{word}");
        }
        assert_eq!(AddressRange::parse(b"10.0.0.1/33").unwrap_err().range, 9..11);
    }
}
