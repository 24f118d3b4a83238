//! Mail (RFC 5322) in MIME (RFC 2045 to 2047, RFC 2231), read line by line: header fields, files, URLs.
//!
//! Knows nothing of how the mail travels. What it keeps is bounded: the header fields that rules name, the parts that
//! lie one in the other, and of each file what rules have not looked at yet.

mod encoding;
mod header;
mod part;
mod url;

use crate::app_layer::file::Wanted;
use crate::app_layer::file::transfer::Files;
use crate::app_layer::line::Line;
use header::{Field, FieldName};
use md5::{Digest, Md5};
use part::{Content, Part};

/// What can be wrong with a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Anomaly {
    /// A byte that base64 does not have.
    InvalidBase64,
    /// A `=` that begins nothing in quoted-printable.
    InvalidQuotedPrintable,
    /// A boundary longer than [`MAX_BOUNDARY`].
    LongBoundary,
    /// An encoded line longer than [`MAX_ENCODED_LINE`].
    LongEncodedLine,
    /// A file's name longer than [`MAX_FILE_NAME`].
    LongFileName,
    /// A header field's name longer than [`MAX_FIELD_NAME`].
    LongFieldName,
    /// A header field's value longer than [`MAX_FIELD_VALUE`].
    LongFieldValue,
    /// A line longer than [`MAX_LINE`].
    LongLine,
    /// A header line that is none, or an end in the middle of things.
    Malformed,
    /// More parts one in the other than [`MAX_DEPTH`].
    TooDeep,
}

/// The longest boundary that is sound (Suricata documentation: "SMTP/MIME").
pub const MAX_BOUNDARY: usize = 254;
/// The longest line in base64 or quoted-printable that is sound (RFC 2045, sections 6.7 and 6.8).
pub const MAX_ENCODED_LINE: usize = 76;
/// The longest line that is sound (RFC 5322, section 2.1.1).
pub const MAX_LINE: usize = 998;
/// How much of a file's name is kept.
pub const MAX_FILE_NAME: usize = 255;
/// The longest name of a header field that is sound.
pub const MAX_FIELD_NAME: usize = 75;
/// How much of a header field's value is kept (suricata.yaml, `header-value-depth`).
pub const MAX_FIELD_VALUE: usize = 2000;
/// How many parts may lie one in the other.
pub const MAX_DEPTH: usize = 32;
/// How many `Received` of one mail are kept: ten times as many as tell of a loop (RFC 5321, section 6.3).
const MAX_RECEIVED: usize = 1000;

/// The header fields of a mail that rules name, unfolded.
#[derive(Debug, Default)]
pub struct Fields {
    /// `From`.
    pub from: Option<Vec<u8>>,
    /// `To`.
    pub to: Option<Vec<u8>>,
    /// `Cc`.
    pub cc: Option<Vec<u8>>,
    /// `Subject`.
    pub subject: Option<Vec<u8>>,
    /// `Date`.
    pub date: Option<Vec<u8>>,
    /// `Message-Id`.
    pub message_id: Option<Vec<u8>>,
    /// `X-Mailer`.
    pub x_mailer: Option<Vec<u8>>,
    /// Each `Received`.
    pub received: Vec<Vec<u8>>,
}

impl Fields {
    /// Keeps a value, of fields that occur once the first.
    fn keep(&mut self, name: FieldName, value: Vec<u8>) {
        let place = match name {
            FieldName::From => &mut self.from,
            FieldName::To => &mut self.to,
            FieldName::Cc => &mut self.cc,
            FieldName::Subject => &mut self.subject,
            FieldName::Date => &mut self.date,
            FieldName::MessageId => &mut self.message_id,
            FieldName::XMailer => &mut self.x_mailer,
            FieldName::Received => {
                if self.received.len() < MAX_RECEIVED {
                    self.received.push(value);
                }
                return;
            }
            FieldName::ContentType | FieldName::ContentDisposition | FieldName::TransferEncoding => return,
        };
        place.get_or_insert(value);
    }
}

/// Where in a mail the next line stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Place {
    /// Among the header fields of the mail itself.
    #[default]
    MainHeader,
    /// Among those of a part, or of a mail within the mail.
    PartHeader,
    /// In a part's content.
    Body,
    /// Behind the last part: nothing there counts but the boundaries of parts further out.
    Epilogue,
    /// The mail is over.
    Ended,
}

/// A mail as far as it was read.
#[derive(Debug, Default)]
pub struct Mail {
    place: Place,
    /// The header field that lines are being added to, if rules or MIME name it.
    field: Option<Field>,
    part: Part,
    /// What separates the parts of each multipart that is open, the outermost first.
    boundaries: Vec<Vec<u8>>,
    /// Length of the line so far, of one that comes in pieces.
    line_len: usize,
    wants_md5: bool,
    md5: Option<Md5>,
    fields: Fields,
    files: Files,
    urls: url::Urls,
    anomalies: u16,
}

impl Mail {
    /// A mail before its first line; this is wanted of it and of the files attached.
    pub fn new(wanted: Wanted) -> Self {
        Self { wants_md5: wanted.body_md5, files: Files::new(wanted), ..Self::default() }
    }

    /// The header fields that rules name.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The files attached.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The same.
    pub fn files_mut(&mut self) -> &mut Files {
        &mut self.files
    }

    /// The URLs in its text, without their scheme.
    pub fn urls(&self) -> impl Iterator<Item = &[u8]> {
        self.urls.found.iter().map(Vec::as_slice)
    }

    /// The MD5 of all that comes behind the header, if anything does and somebody asks.
    pub fn body_md5(&self) -> Option<[u8; 16]> {
        Some(self.md5.clone()?.finalize().into())
    }

    /// Whether something is wrong with it.
    pub fn has(&self, anomaly: Anomaly) -> bool {
        self.anomalies & (1 << anomaly as u16) != 0
    }

    fn note(&mut self, anomaly: Anomaly) {
        self.anomalies |= 1 << anomaly as u16;
    }

    /// Reads the next line.
    pub fn push(&mut self, line: Line<'_>) {
        self.line_len = if line.begins { line.text.len() } else { self.line_len + line.text.len() };
        if self.line_len > MAX_LINE {
            self.note(Anomaly::LongLine);
        }
        if self.wants_md5 && !matches!(self.place, Place::MainHeader | Place::Ended) {
            let md5 = self.md5.get_or_insert_default();
            md5.update(line.text);
            md5.update(line.ending);
        }
        if line.begins && self.take_boundary(line.text) {
            return;
        }
        match self.place {
            Place::MainHeader | Place::PartHeader => self.header_line(line),
            Place::Body => self.body_line(line),
            Place::Epilogue | Place::Ended => {}
        }
    }

    /// Nothing more comes, be it that the mail is over or that it broke off.
    pub fn end(&mut self) {
        if matches!(self.place, Place::MainHeader | Place::PartHeader) || !self.boundaries.is_empty() {
            self.note(Anomaly::Malformed);
        }
        self.finish_field();
        self.finish_part();
        self.place = Place::Ended;
    }

    /// Whether the line separates parts (RFC 2046, section 5.1.1); if so, the part before it is over.
    fn take_boundary(&mut self, text: &[u8]) -> bool {
        let Some(said) = text.strip_prefix(b"--") else { return false };
        if !matches!(self.place, Place::PartHeader | Place::Body | Place::Epilogue) {
            return false;
        }
        let separates = |boundary: &Vec<u8>| closes(said, boundary);
        let Some((depth, closing)) = (0..self.boundaries.len())
            .rev()
            .find_map(|depth| Some((depth, separates(&self.boundaries[depth])?)))
        else {
            return false;
        };
        self.finish_field();
        self.finish_part();
        self.boundaries.truncate(depth + usize::from(!closing));
        self.place = if closing { Place::Epilogue } else { Place::PartHeader };
        true
    }

    fn header_line(&mut self, line: Line<'_>) {
        if !line.begins {
            self.continue_field(line.text);
        } else if line.text.is_empty() && !line.ending.is_empty() {
            self.finish_field();
            self.begin_body();
        } else if line.text.starts_with(b" ") || line.text.starts_with(b"\t") {
            self.continue_field(line.text.trim_ascii_start());
        } else {
            self.finish_field();
            self.begin_field(line.text);
        }
    }

    fn begin_field(&mut self, text: &[u8]) {
        let Some(colon) = memchr::memchr(b':', text) else {
            self.note(Anomaly::Malformed);
            return;
        };
        let name = text[..colon].trim_ascii_end();
        if name.len() > MAX_FIELD_NAME {
            self.note(Anomaly::LongFieldName);
        }
        self.field = FieldName::of(name).map(|name| Field { name, value: Vec::new() });
        self.continue_field(text[colon + 1..].trim_ascii_start());
    }

    fn continue_field(&mut self, text: &[u8]) {
        let Some(field) = &mut self.field else { return };
        let room = MAX_FIELD_VALUE - field.value.len();
        field.value.extend_from_slice(&text[..text.len().min(room)]);
        if text.len() > room {
            self.note(Anomaly::LongFieldValue);
        }
    }

    fn finish_field(&mut self) {
        let Some(field) = self.field.take() else { return };
        let faults = self.part.describe(&field);
        faults.anomalies().for_each(|anomaly| self.note(anomaly));
        if self.place == Place::MainHeader {
            self.fields.keep(field.name, field.value);
        }
    }

    /// Behind a header: what comes now is what its fields have said.
    fn begin_body(&mut self) {
        self.place = Place::Body;
        match std::mem::take(&mut self.part.content) {
            Content::Multipart(boundary) if self.boundaries.len() < MAX_DEPTH => {
                self.boundaries.push(boundary);
                self.place = Place::Epilogue;
            }
            Content::Multipart(_) => self.note(Anomaly::TooDeep),
            Content::Message => {
                self.part = Part::default();
                self.place = Place::PartHeader;
            }
            content => self.part.content = content,
        }
        if self.place == Place::Body && !self.part.name.is_empty() {
            self.files.begin(std::mem::take(&mut self.part.name));
        }
    }

    fn body_line(&mut self, line: Line<'_>) {
        if self.part.is_encoded() && self.line_len > MAX_ENCODED_LINE {
            self.note(Anomaly::LongEncodedLine);
        }
        if !self.files.is_open() && self.part.content != Content::Text {
            return;
        }
        if let Some(anomaly) = self.part.decode(line) {
            self.note(anomaly);
        }
        self.files.push(&self.part.decoded);
        if self.part.content == Content::Text {
            self.urls.read(&self.part.decoded);
        }
    }

    fn finish_part(&mut self) {
        if self.place == Place::Body {
            self.part.finish();
            self.files.push(&self.part.decoded);
            self.files.end();
            self.urls.end();
        }
        self.part = Part::default();
    }
}

/// Whether what stands behind `--` is the boundary, and if so whether it is the last.
fn closes(said: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = said.strip_prefix(boundary)?;
    match rest.strip_prefix(b"--") {
        Some(_) => Some(true),
        None if rest.trim_ascii().is_empty() => Some(false),
        None => None,
    }
}

#[cfg(test)]
mod tests;
