//! URLs in text (suricata.yaml, `extract-urls`, with its default scheme).

use memchr::memchr;

/// The scheme of the URLs that are kept, which is cut off them.
const SCHEME: &[u8] = b"http://";
/// The most URLs of one mail that are kept, and the most bytes of each.
const MAX_URLS: usize = 1024;
const MAX_URL: usize = 2048;

/// URLs as they are found.
#[derive(Debug, Default)]
pub(super) struct Urls {
    /// Without their scheme.
    pub(super) found: Vec<Vec<u8>>,
    /// How much of the scheme the text so far ends with.
    begun: usize,
    /// Whether the last URL goes on.
    open: bool,
}

impl Urls {
    /// Reads on in the text.
    pub(super) fn read(&mut self, text: &[u8]) {
        let mut rest = text;
        while !rest.is_empty() {
            rest = if self.open { self.read_url(rest) } else { self.seek(rest) };
        }
    }

    /// The text is over.
    pub(super) fn end(&mut self) {
        self.close();
        self.begun = 0;
    }

    fn read_url<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let end = text.iter().position(|&byte| !belongs(byte)).unwrap_or(text.len());
        if let Some(url) = self.found.last_mut() {
            let room = MAX_URL - url.len();
            url.extend_from_slice(&text[..end.min(room)]);
        }
        if end < text.len() {
            self.close();
        }
        &text[end..]
    }

    /// Ends the URL that is open; one without a host is none.
    fn close(&mut self) {
        if std::mem::take(&mut self.open) && self.found.last().is_some_and(Vec::is_empty) {
            self.found.pop();
        }
    }

    /// Looks for the scheme; says what stands behind it, or nothing.
    fn seek<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let mut rest = text;
        if self.begun == 0 {
            // The colon is rarer than the first letter.
            let Some(colon) = memchr(b':', rest) else {
                return self.seek_slowly(&rest[rest.len() - rest.len().min(SCHEME.len() - 1)..]);
            };
            rest = &rest[colon - colon.min(4)..];
        }
        self.seek_slowly(rest)
    }

    fn seek_slowly<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        for (at, byte) in text.iter().enumerate() {
            let byte = byte.to_ascii_lowercase();
            // No part of the scheme but its first letter begins it anew.
            self.begun = match self.begun {
                begun if byte == SCHEME[begun] => begun + 1,
                _ => usize::from(byte == SCHEME[0]),
            };
            if self.begun == SCHEME.len() {
                self.begun = 0;
                self.open = self.found.len() < MAX_URLS;
                if self.open {
                    self.found.push(Vec::new());
                }
                return &text[at + 1..];
            }
            if self.begun == 0 && byte == b':' {
                return &text[at + 1..];
            }
        }
        &[]
    }
}

/// Whether a byte can belong to a URL in text.
fn belongs(byte: u8) -> bool {
    byte > b' ' && byte < 0x7f && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> Vec<String> {
        let mut urls = Urls::default();
        pieces.iter().for_each(|piece| urls.read(piece));
        urls.end();
        urls.found.iter().map(|url| String::from_utf8_lossy(url).into_owned()).collect()
    }

    #[test]
    fn urls_lose_their_scheme_and_what_surrounds_them() {
        let text = b"see: <a href=\"HTTP://test-site.org/blah/123/\">hthttp://b.example:8080/?q=1</a> https://no http:// x";
        let expected = ["test-site.org/blah/123/", "b.example:8080/?q=1"];
        assert_eq!(found(&[text]), expected);
        for cut in 0..text.len() {
            assert_eq!(found(&[&text[..cut], &text[cut..]]), expected, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(found(&bytes), expected);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(found(&[&b"http://a ".repeat(MAX_URLS + 5)]).len(), MAX_URLS);
        let long = [b"http://".as_slice(), &[b'a'; 10_000]].concat();
        assert_eq!(found(&[&long])[0].len(), MAX_URL);
    }
}
