//! The header fields of one way of a stream, and how rules are shown them.

use super::hpack::HeaderField;
use std::borrow::Cow;

/// The most fields of one way of a stream, as in HTTP/1.
const MAX_FIELDS: usize = 1024;
/// The most bytes of names and values of one way of a stream, as in HTTP/1.
const MAX_BYTES: usize = 256 << 10;

/// Header fields in their order, pseudo-header fields too.
#[derive(Debug, Default)]
pub(super) struct Headers {
    fields: Vec<HeaderField>,
    bytes: usize,
}

impl Headers {
    /// Adds a field; says whether there was room.
    pub(super) fn push(&mut self, field: HeaderField) -> bool {
        let bytes = self.bytes + field.len();
        let fits = self.fields.len() < MAX_FIELDS && bytes <= MAX_BYTES;
        if fits {
            self.bytes = bytes;
            self.fields.push(field);
        }
        fits
    }

    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Names and values of the fields from a place on.
    pub(super) fn from(&self, at: usize) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields[at..].iter().map(|field| (field.name(), field.value()))
    }

    /// Names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.from(0)
    }

    /// The first value of that name, which HTTP/2 writes in lower case.
    pub(super) fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The last value of that name.
    pub(super) fn last(&self, name: &[u8]) -> Option<&[u8]> {
        self.values(name).last()
    }

    /// All values of that name, with commas between them.
    pub(super) fn all(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut values = self.values(name);
        let first = values.next()?;
        let Some(second) = values.next() else { return Some(Cow::Borrowed(first)) };
        let mut joined = [first, b", ", second].concat();
        for value in values {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        Some(Cow::Owned(joined))
    }

    fn values(&self, name: &[u8]) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |&(known, _)| known == name).map(|(_, value)| value)
    }

    /// Names and values, a line each, as far as their names are wanted; nothing where there are none.
    pub(super) fn lines(
        &self,
        wanted: impl Fn(&[u8]) -> bool,
        shown: impl Fn(&[u8]) -> &[u8],
    ) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(self.bytes + 4 * self.fields.len());
        for (name, value) in self.iter().filter(|(name, _)| wanted(name)) {
            text.extend_from_slice(name);
            text.extend_from_slice(b": ");
            text.extend_from_slice(shown(value));
            text.extend_from_slice(b"\r\n");
        }
        (!text.is_empty()).then_some(text)
    }

    /// The names, a line each between two empty ones; nothing where there are none.
    pub(super) fn names(&self) -> Option<Vec<u8>> {
        if self.fields.is_empty() {
            return None;
        }
        let mut text = b"\r\n".to_vec();
        for (name, _) in self.iter() {
            text.extend_from_slice(name);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_name_are_joined() {
        let mut headers = Headers::default();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("A", "4"), ("a", "")] {
            assert!(headers.push(HeaderField::new(name.as_bytes(), value.as_bytes())));
        }
        assert_eq!(headers.all(b"a").as_deref(), Some(&b"1, 3, "[..]));
        assert_eq!((headers.first(b"a"), headers.last(b"a")), (Some(&b"1"[..]), Some(&b""[..])));
        assert_eq!(headers.all(b"b").as_deref(), Some(&b"2"[..]));
        assert_eq!(headers.all(b"c"), None);
    }

    #[test]
    fn fields_and_bytes_are_bounded() {
        let mut headers = Headers::default();
        let kept = (0..5000).filter(|_| headers.push(HeaderField::new(b"n", b""))).count();
        assert_eq!(kept, MAX_FIELDS);
        let mut headers = Headers::default();
        let large = HeaderField::new(b"n", &[b'x'; 60_000]);
        let kept = (0..100).filter(|_| headers.push(large.clone())).count();
        assert_eq!(kept, MAX_BYTES / 60_001);
    }
}
