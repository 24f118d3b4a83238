//! The certificates of one side (RFC 5246, section 7.4.2; RFC 5280). Those of TLS 1.3 are encrypted.

use super::event::Event;
use super::wire::Cursor;
use crate::app_layer::hex::{hex_with_colons, upper_hex_with_colons};
use sha1::{Digest, Sha1};
use smallvec::SmallVec;
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
    der: Box<[u8]>,
    certificates: SmallVec<[Range<usize>; 4]>,
    /// What the first says.
    pub(super) leaf: Leaf,
}

/// What a certificate says, names as they stand in it: they become text when somebody asks for them.
#[derive(Debug)]
pub(super) struct Leaf {
    subject: Box<[u8]>,
    issuer: Box<[u8]>,
    serial: SmallVec<[u8; 24]>,
    /// Since when it is valid, in seconds since 1970; 0 before that.
    pub(super) not_before: u64,
    /// Until when it is valid.
    pub(super) not_after: u64,
    alternative_names: Box<[u8]>,
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
        let mut certificates = SmallVec::new();
        let mut rest = Cursor(list);
        while !rest.is_empty() {
            let Some(certificate) = rest.u24().and_then(|len| rest.take(len)) else {
                if is_cut {
                    break;
                }
                return Err(Event::InvalidCertificate);
            };
            let end = list.len() - rest.0.len();
            certificates.push(end - certificate.len()..end);
        }
        let Some(first) = certificates.first() else { return Ok(None) };
        let leaf = Leaf::read(&list[Range::clone(first)])?;
        Ok(Some(Self { der: list.into(), certificates, leaf }))
    }

    /// The certificates in DER.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &[u8]> + '_ {
        self.certificates.iter().map(|range| &self.der[Range::clone(range)])
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.certificates.len()
    }

    /// The SHA-1 of the first.
    pub(super) fn fingerprint(&self) -> String {
        hex_with_colons(&Sha1::digest(self.certificates().next().unwrap_or_default()))
    }
}

impl Leaf {
    fn read(der: &[u8]) -> Result<Self, Event> {
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (_, certificate) = parser.parse(der).map_err(|error| event_of(&error))?;
        let validity = certificate.validity();
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        Ok(Self {
            subject: certificate.subject().as_raw().into(),
            issuer: certificate.issuer().as_raw().into(),
            serial: certificate.raw_serial().into(),
            not_before: seconds(validity.not_before.timestamp()),
            not_after: seconds(validity.not_after.timestamp()),
            alternative_names: alternative_names(&certificate).unwrap_or_default().into(),
        })
    }

    /// The subject, such as `C=US, O=Example, CN=www.example.com`: in the order of the certificate.
    pub(super) fn subject(&self) -> String {
        name_string(&self.subject)
    }

    /// The issuer, in the same form.
    pub(super) fn issuer(&self) -> String {
        name_string(&self.issuer)
    }

    /// Alternative names of the subject: of hosts, mail boxes, resources and addresses.
    pub(super) fn alternative_names(&self) -> Vec<String> {
        let names = SubjectAlternativeName::from_der(&self.alternative_names);
        let names = names.map(|(_, names)| names.general_names).unwrap_or_default();
        names.iter().filter_map(name_text).collect()
    }

    /// The serial number as rules write it.
    pub(super) fn serial(&self) -> String {
        upper_hex_with_colons(&self.serial)
    }
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
