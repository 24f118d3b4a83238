//! Values of data sets as files hold them (Suricata documentation: "Datasets", file formats).

use crate::detect::address;
use ::rules::dataset::DatasetKind;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt::Write;
use std::net::IpAddr;

/// Padding is written, and not insisted on.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value that a line of a file holds; nothing where it holds none of the kind.
pub(super) fn of_line(kind: DatasetKind, text: &[u8]) -> Option<Vec<u8>> {
    match kind {
        DatasetKind::String => BASE64.decode(text).ok(),
        _ => of_text(kind, str::from_utf8(text).ok()?),
    }
}

/// The value that a string in a JSON document stands for.
pub(super) fn of_text(kind: DatasetKind, text: &str) -> Option<Vec<u8>> {
    match kind {
        DatasetKind::String => Some(text.as_bytes().to_vec()),
        DatasetKind::Md5 => digest(text, 16),
        DatasetKind::Sha1 => digest(text, 20),
        DatasetKind::Sha256 => digest(text, 32),
        DatasetKind::Ipv4 | DatasetKind::Ipv6 | DatasetKind::Ip => match (kind, text.parse().ok()?) {
            (DatasetKind::Ipv4 | DatasetKind::Ip, IpAddr::V4(address)) => Some(address.octets().into()),
            (DatasetKind::Ipv6 | DatasetKind::Ip, IpAddr::V6(address)) => Some(address.octets().into()),
            _ => None,
        },
    }
}

/// A value as a line of a file.
pub(super) fn to_line(kind: DatasetKind, value: &[u8]) -> String {
    match kind {
        DatasetKind::String => BASE64.encode(value),
        DatasetKind::Md5 | DatasetKind::Sha1 | DatasetKind::Sha256 => {
            value.iter().fold(String::new(), |mut line, byte| {
                write!(line, "{byte:02x}").expect("writing to memory does not fail");
                line
            })
        }
        DatasetKind::Ipv4 | DatasetKind::Ipv6 | DatasetKind::Ip => {
            address(value).map(|address| address.to_string()).unwrap_or_default()
        }
    }
}

fn digest(text: &str, len: usize) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * len)?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_written_back() {
        for (kind, line, value) in [
            (DatasetKind::String, "Y3VybC83LjQzLjA=", b"curl/7.43.0".as_slice()),
            (
                DatasetKind::Md5,
                "d41d8cd98f00b204e9800998ecf8427e",
                &[0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0, 0xb2, 4, 0xe9, 0x80, 9, 0x98, 0xec, 0xf8, 0x42, 0x7e],
            ),
            (DatasetKind::Ipv4, "10.0.0.1", &[10, 0, 0, 1]),
            (DatasetKind::Ip, "10.0.0.1", &[10, 0, 0, 1]),
            (DatasetKind::Ip, "2001:db8::1", &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ] {
            assert_eq!(of_line(kind, line.as_bytes()).as_deref(), Some(value), "{line}");
            assert_eq!(to_line(kind, value), line);
        }
    }

    #[test]
    fn what_is_no_value_of_its_kind_is_refused() {
        for (kind, line) in [
            (DatasetKind::String, "Y3VybC83Lj!QzLjA="),
            (DatasetKind::Md5, "d41d8cd98f00b204e9800998ecf8427"),
            (DatasetKind::Sha256, "d41d8cd98f00b204e9800998ecf8427e"),
            (DatasetKind::Md5, "é41d8cd98f00b204e9800998ecf842"),
            (DatasetKind::Ipv4, "2001:db8::1"),
            (DatasetKind::Ipv6, "10.0.0.1"),
            (DatasetKind::Ip, "10.0.0"),
        ] {
            assert_eq!(of_line(kind, line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn case_and_padding_do_not_matter() {
        assert_eq!(of_line(DatasetKind::String, b"Y3VybC83LjQzLjA").as_deref(), Some(&b"curl/7.43.0"[..]));
        let upper = of_line(DatasetKind::Md5, b"D41D8CD98F00B204E9800998ECF8427E");
        assert_eq!(upper, of_line(DatasetKind::Md5, b"d41d8cd98f00b204e9800998ecf8427e"));
    }
}
