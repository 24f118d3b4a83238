//! The tables of header fields (RFC 7541, section 2.3 and appendix A), and the fields in them.

use std::collections::VecDeque;
use std::sync::Arc;

/// What a field takes up in a table besides its bytes (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;
/// The size of a table that nobody has spoken of (RFC 9113, section 6.5.2).
const DEFAULT_SIZE: usize = 4096;
/// The largest size that is granted (suricata.yaml, `http2.max-table-size`).
const MAX_SIZE: usize = 64 << 10;

const STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// A header field. Copies share their bytes, so that a field that is repeated by its index takes up no more room.
#[derive(Clone, Debug)]
pub(in crate::app_layer::http2) enum HeaderField {
    /// Of the static table, by its place there.
    Static(u8),
    /// Its name with its value behind it, and where that begins.
    Given(Arc<[u8]>, u32),
}

impl HeaderField {
    /// A field of its own.
    pub(in crate::app_layer::http2) fn new(name: &[u8], value: &[u8]) -> Self {
        Self::joined(&[name, value].concat(), name.len())
    }

    /// A field whose name takes up the first `name_len` of the bytes.
    pub(super) fn joined(bytes: &[u8], name_len: usize) -> Self {
        Self::Given(Arc::from(bytes), name_len as u32)
    }

    /// Its name.
    pub(in crate::app_layer::http2) fn name(&self) -> &[u8] {
        match self {
            Self::Static(at) => STATIC[usize::from(*at)].0,
            Self::Given(bytes, name_len) => &bytes[..*name_len as usize],
        }
    }

    /// Its value.
    pub(in crate::app_layer::http2) fn value(&self) -> &[u8] {
        match self {
            Self::Static(at) => STATIC[usize::from(*at)].1,
            Self::Given(bytes, name_len) => &bytes[*name_len as usize..],
        }
    }

    /// Bytes of name and value.
    pub(in crate::app_layer::http2) fn len(&self) -> usize {
        self.name().len() + self.value().len()
    }
}

/// Both tables as one direction of a connection has them.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    dynamic: VecDeque<HeaderField>,
    size: usize,
    max_size: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { dynamic: VecDeque::new(), size: 0, max_size: DEFAULT_SIZE }
    }
}

impl Table {
    /// The field of an index; nothing where there is none.
    pub(super) fn get(&self, index: u64) -> Option<HeaderField> {
        let at = usize::try_from(index.checked_sub(1)?).ok()?;
        match at.checked_sub(STATIC.len()) {
            None => Some(HeaderField::Static(at as u8)),
            Some(at) => self.dynamic.get(at).cloned(),
        }
    }

    /// Puts a field in, in the place of the oldest where there is no room; one that is larger than the table empties it.
    pub(super) fn insert(&mut self, field: HeaderField) {
        let size = field.len() + OVERHEAD;
        self.evict(self.max_size.saturating_sub(size));
        if size <= self.max_size {
            self.size += size;
            self.dynamic.push_front(field);
        }
    }

    /// A header block changes the size, as far as any is granted.
    pub(super) fn resize(&mut self, size: u64) {
        self.max_size = usize::try_from(size).unwrap_or(MAX_SIZE).min(MAX_SIZE);
        self.evict(self.max_size);
    }

    /// The receiver of header blocks grants a size. Nobody has to say that it is used; a smaller one is.
    pub(super) fn grant(&mut self, size: u32) {
        self.max_size = self.max_size.max((size as usize).min(MAX_SIZE));
    }

    fn evict(&mut self, to: usize) {
        while self.size > to
            && let Some(field) = self.dynamic.pop_back()
        {
            self.size -= field.len() + OVERHEAD;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table, index: u64) -> Option<(Vec<u8>, Vec<u8>)> {
        table.get(index).map(|field| (field.name().to_vec(), field.value().to_vec()))
    }

    #[test]
    fn the_newest_field_stands_behind_the_static_ones() {
        let mut table = Table::default();
        assert!(table.get(0).is_none() && table.get(62).is_none() && table.get(u64::MAX).is_none());
        assert_eq!(shown(&table, 61), Some((b"www-authenticate".to_vec(), Vec::new())));
        table.insert(HeaderField::new(b"a", b"1"));
        table.insert(HeaderField::new(b"b", b"2"));
        assert_eq!(shown(&table, 62), Some((b"b".to_vec(), b"2".to_vec())));
        assert_eq!(shown(&table, 63), Some((b"a".to_vec(), b"1".to_vec())));
    }

    #[test]
    fn fields_go_where_there_is_no_room() {
        let mut table = Table::default();
        table.resize(2 * 34);
        for name in [b"a", b"b", b"c"] {
            table.insert(HeaderField::new(name, b"1"));
        }
        assert_eq!((table.dynamic.len(), table.size), (2, 68));
        assert_eq!(shown(&table, 63), Some((b"b".to_vec(), b"1".to_vec())));
        table.resize(34);
        assert_eq!((table.dynamic.len(), table.size), (1, 34));
        table.insert(HeaderField::new(b"larger", b"than the table"));
        assert_eq!((table.dynamic.len(), table.size), (0, 0));
    }

    #[test]
    fn the_size_is_bounded() {
        let mut table = Table::default();
        table.grant(u32::MAX);
        for _ in 0..10_000 {
            table.insert(HeaderField::new(b"name", &[b'x'; 1000]));
        }
        assert!(table.size <= MAX_SIZE && table.dynamic.len() <= MAX_SIZE / OVERHEAD);
        table.resize(u64::MAX);
        assert_eq!(table.max_size, MAX_SIZE);
    }
}
