//! Header fields that MIME or rules name, and the parameters in their values.

use super::encoding::hex;

/// Header fields that are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FieldName {
    From,
    To,
    Cc,
    Subject,
    Date,
    MessageId,
    XMailer,
    Received,
    ContentType,
    ContentDisposition,
    TransferEncoding,
}

const NAMES: [(&str, FieldName); 11] = [
    ("from", FieldName::From),
    ("to", FieldName::To),
    ("cc", FieldName::Cc),
    ("subject", FieldName::Subject),
    ("date", FieldName::Date),
    ("message-id", FieldName::MessageId),
    ("x-mailer", FieldName::XMailer),
    ("received", FieldName::Received),
    ("content-type", FieldName::ContentType),
    ("content-disposition", FieldName::ContentDisposition),
    ("content-transfer-encoding", FieldName::TransferEncoding),
];

impl FieldName {
    /// The field of that name, in any case.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let known = NAMES.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        known.map(|&(_, field)| field)
    }
}

/// A header field: its value is what stands behind the colon, unfolded, without the white space before each piece.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: FieldName,
    pub(super) value: Vec<u8>,
}

/// What stands before the first parameter, as in `text/plain; charset=utf-8`.
pub(super) fn before_parameters(value: &[u8]) -> &[u8] {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// The value of a parameter (RFC 2045, section 5.1), put together from its pieces and out of its encoding where it
/// has some (RFC 2231, sections 3 and 4).
pub(super) fn parameter(value: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut whole: Option<Vec<u8>> = None;
    let mut next_piece = 0;
    for (name, said) in Parameters::behind(value) {
        let Some(rest) = name.get(..wanted.len()).filter(|name| name.eq_ignore_ascii_case(wanted.as_bytes()))
        else {
            continue;
        };
        match &name[rest.len()..] {
            b"" => return Some(said),
            b"*" => return Some(percent_decoded(without_charset(&said))),
            piece => {
                let Some((number, encoded)) = piece_number(piece) else { continue };
                if number != next_piece {
                    continue;
                }
                let said = match (encoded, number) {
                    (false, _) => said,
                    (true, 0) => percent_decoded(without_charset(&said)),
                    (true, _) => percent_decoded(&said),
                };
                whole.get_or_insert_default().extend(said);
                next_piece += 1;
            }
        }
    }
    whole
}

/// `*1` or `*1*`: which piece, and whether it is encoded.
fn piece_number(suffix: &[u8]) -> Option<(u32, bool)> {
    let number = suffix.strip_prefix(b"*")?;
    let (digits, encoded) = match number.strip_suffix(b"*") {
        Some(digits) => (digits, true),
        None => (number, false),
    };
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, encoded))
}

/// What stands behind `charset'language'`.
fn without_charset(value: &[u8]) -> &[u8] {
    value.splitn(3, |&byte| byte == b'\'').nth(2).unwrap_or(value)
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        let escaped = (*byte == b'%').then(|| after.get(..2).and_then(hex)).flatten();
        decoded.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// The parameters of a header field, name and value.
struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Those behind the first semicolon.
    fn behind(value: &'a [u8]) -> Self {
        let at = memchr::memchr(b';', value).unwrap_or(value.len());
        Self { rest: &value[at..] }
    }

    /// A quoted string's contents: the quotes and what a backslash protects undone.
    fn quoted(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        let mut bytes = self.rest.iter().enumerate();
        let mut end = self.rest.len();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    end = at + 1;
                    break;
                }
                b'\\' => value.extend(bytes.next().map(|(_, &byte)| byte)),
                byte => value.push(byte),
            }
        }
        self.rest = &self.rest[end..];
        value
    }

    fn bare(&mut self) -> Vec<u8> {
        let ends = |byte: &u8| *byte == b';' || byte.is_ascii_whitespace();
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        value.to_vec()
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = memchr::memchr(b';', self.rest)?;
            self.rest = self.rest[at + 1..].trim_ascii_start();
            let end = memchr::memchr2(b'=', b';', self.rest)?;
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            let Some(rest) = rest.strip_prefix(b"=") else { continue };
            self.rest = rest.trim_ascii_start();
            let value = match self.rest.strip_prefix(b"\"") {
                Some(rest) => {
                    self.rest = rest;
                    self.quoted()
                }
                None => self.bare(),
            };
            return Some((name.trim_ascii_end(), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: &str, name: &str) -> Option<String> {
        parameter(value.as_bytes(), name).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn parameters_bare_quoted_and_in_pieces() {
        for (value, name, expected) in [
            ("text/plain; charset=us-ascii", "charset", Some("us-ascii")),
            ("text/plain; charset=us-ascii", "name", None),
            ("text/plain", "charset", None),
            (r#"a/b;name="x;y\"z" ; q=1"#, "name", Some("x;y\"z")),
            (r#"a/b;name="x;y" ; q=1"#, "q", Some("1")),
            ("a/b; NAME = x", "name", Some("x")),
            ("a/b; nothing; name=x", "name", Some("x")),
            ("a/b; namex=y", "name", None),
            (r#"a/b; name="open"#, "name", Some("open")),
            ("a; filename*=utf-8'en'%e2%82%AC%20x%", "filename", Some("\u{20ac} x%")),
            ("a; filename*0=long; filename*1=\"er name\"", "filename", Some("longer name")),
            ("a; filename*0*=us-ascii''a%2Eb; filename*1=c%2E", "filename", Some("a.bc%2E")),
            ("a; filename*1=b; filename*0=a", "filename", Some("a")),
        ] {
            assert_eq!(said(value, name).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn what_stands_before_parameters() {
        assert_eq!(before_parameters(b" Text/HTML ;x=y"), b"Text/HTML");
        assert_eq!(before_parameters(b""), b"");
    }
}
