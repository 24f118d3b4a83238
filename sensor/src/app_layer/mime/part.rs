//! One part of a mail: what its header says of it, and its content out of its transfer encoding.

use super::encoding::{Base64, QuotedPrintable};
use super::header::{Field, FieldName, before_parameters, parameter};
use super::{Anomaly, MAX_BOUNDARY, MAX_FILE_NAME};
use crate::app_layer::line::Line;

/// What a part holds.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) enum Content {
    /// Text, which URLs are looked for in; also where nothing is said (RFC 2045, section 5.2).
    #[default]
    Text,
    /// Parts, with what separates them.
    Multipart(Vec<u8>),
    /// A mail.
    Message,
    /// Something else.
    Other,
}

#[derive(Debug, Default)]
enum Encoding {
    #[default]
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

/// What was wrong with a header field.
#[derive(Debug, Default)]
pub(super) struct Faults {
    long_boundary: bool,
    long_file_name: bool,
}

impl Faults {
    pub(super) fn anomalies(&self) -> impl Iterator<Item = Anomaly> + use<> {
        let boundary = self.long_boundary.then_some(Anomaly::LongBoundary);
        boundary.into_iter().chain(self.long_file_name.then_some(Anomaly::LongFileName))
    }
}

/// A part.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) content: Content,
    /// The file's name; empty where it is none.
    pub(super) name: Vec<u8>,
    /// What the last line stands for.
    pub(super) decoded: Vec<u8>,
    encoding: Encoding,
    /// The end of the line before: it belongs to the content only if another line follows (RFC 2046, section 5.1.1).
    held_ending: Vec<u8>,
}

impl Part {
    /// Takes notice of a field of its header.
    pub(super) fn describe(&mut self, field: &Field) -> Faults {
        let mut faults = Faults::default();
        let value = field.value.as_slice();
        match field.name {
            FieldName::ContentType => {
                self.content = content(value, &mut faults);
                self.take_name(parameter(value, "name"), &mut faults);
            }
            FieldName::ContentDisposition => self.take_name(parameter(value, "filename"), &mut faults),
            FieldName::TransferEncoding => {
                self.encoding = match before_parameters(value).to_ascii_lowercase().as_slice() {
                    b"base64" => Encoding::Base64(Base64::default()),
                    b"quoted-printable" => Encoding::QuotedPrintable(QuotedPrintable::default()),
                    _ => Encoding::Identity,
                };
            }
            _ => {}
        }
        faults
    }

    fn take_name(&mut self, name: Option<Vec<u8>>, faults: &mut Faults) {
        let Some(mut name) = name.filter(|_| self.name.is_empty()) else { return };
        faults.long_file_name |= name.len() > MAX_FILE_NAME;
        name.truncate(MAX_FILE_NAME);
        self.name = name;
    }

    /// Whether its content is encoded.
    pub(super) fn is_encoded(&self) -> bool {
        !matches!(self.encoding, Encoding::Identity)
    }

    /// Puts what a line stands for into `decoded`; says what is wrong with it.
    pub(super) fn decode(&mut self, line: Line<'_>) -> Option<Anomaly> {
        let Self { decoded, encoding, held_ending, .. } = self;
        decoded.clear();
        match encoding {
            Encoding::Base64(base64) => {
                let sound = base64.decode(line.text, decoded);
                (!sound).then_some(Anomaly::InvalidBase64)
            }
            Encoding::Identity => {
                decoded.append(held_ending);
                decoded.extend_from_slice(line.text);
                held_ending.extend_from_slice(line.ending);
                None
            }
            Encoding::QuotedPrintable(quoted) => {
                decoded.append(held_ending);
                let said = quoted.decode(line.text, !line.ending.is_empty(), decoded);
                if !said.goes_on {
                    held_ending.extend_from_slice(line.ending);
                }
                (!said.sound).then_some(Anomaly::InvalidQuotedPrintable)
            }
        }
    }

    /// Puts what is left at the end into `decoded`.
    pub(super) fn finish(&mut self) {
        self.decoded.clear();
        if let Encoding::Base64(base64) = &mut self.encoding {
            base64.finish(&mut self.decoded);
        }
    }
}

fn content(value: &[u8], faults: &mut Faults) -> Content {
    if let Some(boundary) = parameter(value, "boundary").filter(|boundary| !boundary.is_empty()) {
        faults.long_boundary = boundary.len() > MAX_BOUNDARY;
        return Content::Multipart(boundary);
    }
    match before_parameters(value).to_ascii_lowercase().as_slice() {
        b"message/rfc822" => Content::Message,
        b"text/plain" | b"text/html" => Content::Text,
        _ => Content::Other,
    }
}
