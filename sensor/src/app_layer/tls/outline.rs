//! The form that nearly all certificates have (RFC 5280, section 4.1), gone through once, without taking its parts apart.
//! Whatever is odd is left to a parser that knows all forms and their faults.

use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// Tags of elements (X.690, section 8.1.2).
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OID: u8 = 0x06;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
    /// The bits of a number that goes on behind the first byte.
    pub(super) const LONG: u8 = 0x1f;
}

/// The extension with the subject's alternative names: 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Parts of a certificate as they stand in it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Outline<'a> {
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// In seconds since 1970.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// Empty without any.
    pub(super) alternative_names: &'a [u8],
}

impl<'a> Outline<'a> {
    /// Of a certificate in DER; nothing where it has not the usual form.
    pub(super) fn of(der: &'a [u8]) -> Option<Self> {
        Elements(der).within(tag::SEQUENCE, |certificate| {
            let outline = certificate.within(tag::SEQUENCE, Self::of_signed)?;
            certificate.within(tag::SEQUENCE, algorithm)?;
            bits(certificate)?;
            Some(outline)
        })
    }

    /// Of the part that is signed.
    fn of_signed(signed: &mut Elements<'a>) -> Option<Self> {
        if signed.is_next(tag::VERSION) && !matches!(signed.take(tag::VERSION)?, [tag::INTEGER, 1, 0..=2]) {
            return None;
        }
        let serial = signed.take(tag::INTEGER)?;
        signed.within(tag::SEQUENCE, algorithm)?;
        let issuer = name(signed)?;
        let [not_before, not_after] =
            signed.within(tag::SEQUENCE, |times| Some([time(times)?, time(times)?]))?;
        let subject = name(signed)?;
        signed.within(tag::SEQUENCE, |key| {
            key.within(tag::SEQUENCE, algorithm)?;
            bits(key)
        })?;
        let mut alternative_names = None;
        if signed.is_next(tag::EXTENSIONS) {
            signed.within(tag::EXTENSIONS, |explicit| {
                explicit.within(tag::SEQUENCE, |extensions| {
                    while !extensions.0.is_empty() {
                        let (id, value) = extensions.within(tag::SEQUENCE, extension)?;
                        if id == SUBJECT_ALT_NAME {
                            alternative_names.get_or_insert(value);
                        }
                    }
                    Some(())
                })
            })?;
        }
        let alternative_names = alternative_names.unwrap_or_default();
        Some(Self { serial, issuer, subject, not_before, not_after, alternative_names })
    }
}

/// An algorithm with its parameters (RFC 5280, section 4.1.1.2).
fn algorithm(parts: &mut Elements<'_>) -> Option<()> {
    parts.take(tag::OID)?;
    if parts.0.is_empty() { Some(()) } else { parts.any().map(|_| ()) }
}

/// A key or a signature: whole bytes.
fn bits(parts: &mut Elements<'_>) -> Option<()> {
    matches!(parts.take(tag::BIT_STRING)?, [0, _, ..]).then_some(())
}

/// A name with its header, made of sets of attributes (RFC 5280, section 4.1.2.4).
fn name<'a>(parts: &mut Elements<'a>) -> Option<&'a [u8]> {
    let start = parts.0;
    parts.within(tag::SEQUENCE, |sets| {
        while !sets.0.is_empty() {
            sets.within(tag::SET, |set| {
                loop {
                    set.within(tag::SEQUENCE, |attribute| {
                        attribute.take(tag::OID)?;
                        attribute.any()
                    })?;
                    if set.0.is_empty() {
                        return Some(());
                    }
                }
            })?;
        }
        Some(())
    })?;
    Some(&start[..start.len() - parts.0.len()])
}

fn time(parts: &mut Elements<'_>) -> Option<i64> {
    let (rest, time) = ASN1Time::from_der(parts.0).ok()?;
    parts.0 = rest;
    Some(time.timestamp())
}

/// The name and the value of an extension (RFC 5280, section 4.2).
fn extension<'a>(parts: &mut Elements<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let id = parts.take(tag::OID)?;
    if parts.is_next(tag::BOOLEAN) && parts.take(tag::BOOLEAN)?.len() != 1 {
        return None;
    }
    Some((id, parts.take(tag::OCTET_STRING)?))
}

/// Elements in DER, taken off from the front (X.690, section 8.1).
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The contents of the next element, shorter than 64 KiB.
    fn any(&mut self) -> Option<&'a [u8]> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match (first, rest) {
            _ if tag & tag::LONG == tag::LONG => return None,
            (0..=0x7f, _) => (usize::from(first), rest),
            (0x81, &[len, ref rest @ ..]) => (usize::from(len), rest),
            (0x82, &[high, low, ref rest @ ..]) => (usize::from(u16::from_be_bytes([high, low])), rest),
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(contents)
    }

    /// The contents of the next element, if it has that tag and is not empty.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.is_next(tag) { self.any().filter(|contents| !contents.is_empty()) } else { None }
    }

    /// Reads the contents of the next element, if it has that tag, to their end.
    fn within<T>(&mut self, tag: u8, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut contents = Self(if self.is_next(tag) { self.any()? } else { return None });
        read(&mut contents).filter(|_| contents.0.is_empty())
    }
}
