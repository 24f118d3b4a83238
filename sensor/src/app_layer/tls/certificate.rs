//! The certificates of one side (RFC 5246, section 7.4.2; RFC 5280). Those of TLS 1.3 are encrypted.

use super::event::Event;
use super::outline::Outline;
use super::wire::Cursor;
use crate::app_layer::hex::{hex_with_colons, upper_hex_with_colons};
use sha1::{Digest, Sha1};
use std::net::IpAddr;
use std::ops::Range;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::nom::{self, Parser};
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// The certificates that one side showed, its own first.
#[derive(Debug)]
pub(super) struct Chain {
    /// Each behind its length.
    list: Box<[u8]>,
    /// What the first says.
    leaf: Leaf,
}

/// What a certificate says, by its places in the list: names become text when somebody asks for them.
#[derive(Debug)]
struct Leaf {
    subject: Range<u32>,
    issuer: Range<u32>,
    serial: Range<u32>,
    alternative_names: Range<u32>,
    not_before: u64,
    not_after: u64,
}

impl Chain {
    /// Reads the body of a message with certificates, of which the end may be missing. Nothing if it holds none.
    ///
    /// # Errors
    /// What is wrong with the list or with the first certificate.
    pub(super) fn read(body: &[u8], is_cut: bool) -> Result<Option<Self>, Event> {
        let mut cursor = Cursor(body);
        let list = match cursor.u24().map(|len| cursor.take(len)) {
            Some(Some(list)) => list,
            Some(None) if is_cut => cursor.0,
            Some(None) | None => return Ok(None),
        };
        let mut rest = Cursor(list);
        while !rest.is_empty() {
            if next(&mut rest).is_none() {
                if is_cut {
                    break;
                }
                return Err(Event::InvalidCertificate);
            }
        }
        let Some(first) = next(&mut Cursor(list)) else { return Ok(None) };
        let leaf = Leaf::read(first, list)?;
        Ok(Some(Self { list: list.into(), leaf }))
    }

    /// The certificates in DER.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut rest = Cursor(&self.list);
        std::iter::from_fn(move || next(&mut rest))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.certificates().count()
    }

    /// The SHA-1 of the first.
    pub(super) fn fingerprint(&self) -> String {
        hex_with_colons(&Sha1::digest(self.certificates().next().unwrap_or_default()))
    }

    /// Since when the first is valid, in seconds since 1970; 0 before that.
    pub(super) fn not_before(&self) -> u64 {
        self.leaf.not_before
    }

    /// Until when the first is valid.
    pub(super) fn not_after(&self) -> u64 {
        self.leaf.not_after
    }

    /// The subject of the first, such as `C=US, O=Example, CN=www.example.com`: in the order of the certificate.
    pub(super) fn subject(&self) -> String {
        name_string(self.part(&self.leaf.subject))
    }

    /// The issuer of the first, in the same form.
    pub(super) fn issuer(&self) -> String {
        name_string(self.part(&self.leaf.issuer))
    }

    /// Alternative names of the subject of the first: of hosts, mail boxes, resources and addresses.
    pub(super) fn alternative_names(&self) -> Vec<String> {
        let names = SubjectAlternativeName::from_der(self.part(&self.leaf.alternative_names));
        let names = names.map(|(_, names)| names.general_names).unwrap_or_default();
        names.iter().filter_map(name_text).collect()
    }

    /// The serial number of the first as rules write it.
    pub(super) fn serial(&self) -> String {
        upper_hex_with_colons(self.part(&self.leaf.serial))
    }

    fn part(&self, place: &Range<u32>) -> &[u8] {
        &self.list[place.start as usize..place.end as usize]
    }
}

/// Takes a certificate off a list.
fn next<'a>(list: &mut Cursor<'a>) -> Option<&'a [u8]> {
    list.u24().and_then(|len| list.take(len))
}

impl Leaf {
    /// Reads a certificate that stands in a list.
    fn read(der: &[u8], list: &[u8]) -> Result<Self, Event> {
        let outline = Outline::of(der).map_or_else(|| odd_outline(der), Ok)?;
        let place = |part: &[u8]| {
            let start = if part.is_empty() { 0 } else { part.as_ptr() as usize - list.as_ptr() as usize };
            start as u32..(start + part.len()) as u32
        };
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        Ok(Self {
            subject: place(outline.subject),
            issuer: place(outline.issuer),
            serial: place(outline.serial),
            alternative_names: place(outline.alternative_names),
            not_before: seconds(outline.not_before),
            not_after: seconds(outline.not_after),
        })
    }
}

/// The outline of a certificate of any form.
fn odd_outline(der: &[u8]) -> Result<Outline<'_>, Event> {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (_, certificate) = parser.parse(der).map_err(|error| event_of(&error))?;
    let signed = &certificate.tbs_certificate;
    Ok(Outline {
        subject: signed.subject.as_raw(),
        issuer: signed.issuer.as_raw(),
        serial: signed.raw_serial(),
        not_before: signed.validity.not_before.timestamp(),
        not_after: signed.validity.not_after.timestamp(),
        alternative_names: alternative_names(&certificate).unwrap_or_default(),
    })
}

/// The extension with the subject's alternative names.
fn alternative_names<'c>(certificate: &X509Certificate<'c>) -> Option<&'c [u8]> {
    let mut extensions = certificate.extensions().iter();
    Some(extensions.find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME)?.value)
}

/// A name that was read once, as text.
fn name_string(der: &[u8]) -> String {
    X509Name::from_der(der).map(|(_, name)| name.to_string()).unwrap_or_default()
}

/// A name that has a plain form.
fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*octets).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// How rules name what is wrong with a certificate.
fn event_of(error: &nom::Err<X509Error>) -> Event {
    let (nom::Err::Error(error) | nom::Err::Failure(error)) = error else {
        return Event::CertificateInvalidLength;
    };
    match error {
        X509Error::InvalidVersion => Event::CertificateInvalidVersion,
        X509Error::InvalidSerial => Event::CertificateInvalidSerial,
        X509Error::InvalidAlgorithmIdentifier => Event::CertificateInvalidAlgorithmidentifier,
        X509Error::InvalidX509Name => Event::CertificateInvalidX509name,
        X509Error::InvalidDate => Event::CertificateInvalidDate,
        X509Error::InvalidExtensions => Event::CertificateInvalidExtensions,
        X509Error::Der(_) => Event::CertificateInvalidDer,
        _ => Event::InvalidCertificate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("tests/certificate.der");

    #[test]
    fn usual_certificates_are_read_like_odd_ones() {
        assert!(Outline::of(CERTIFICATE).is_some());
        for at in 0..CERTIFICATE.len() {
            for change in [0x01, 0x02, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0xff] {
                let mut changed = CERTIFICATE.to_vec();
                changed[at] ^= change;
                if let Some(outline) = Outline::of(&changed) {
                    assert_eq!(odd_outline(&changed), Ok(outline), "byte {at} changed by {change:#x}");
                }
            }
        }
    }
}
