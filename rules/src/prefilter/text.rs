//! The patterns' bytes, which decide once a filter has shown a place.

use super::{Pattern, PatternId};

/// Patterns in lower case, one after another.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    texts: Vec<Text>,
}

/// One pattern.
#[derive(Clone, Copy, Debug)]
struct Text {
    /// Where its bytes stand.
    start: u32,
    len: u16,
    /// Where it ends in an input at the latest.
    end: u32,
}

impl Texts {
    /// Of patterns in lower case.
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let mut bytes = Vec::with_capacity(patterns.iter().map(|pattern| pattern.bytes.len()).sum());
        let texts = patterns.iter().map(|pattern| {
            let start = u32::try_from(bytes.len()).expect("rules are under 4 GiB");
            bytes.extend_from_slice(&pattern.bytes);
            Text {
                start,
                len: u16::try_from(pattern.bytes.len()).expect("a content is at most 8192 bytes long"),
                end: pattern.end.unwrap_or(u32::MAX),
            }
        });
        let texts = texts.collect();
        Self { bytes, texts }
    }

    /// Whether a pattern stands in the input with its byte `offset` at `at`.
    pub(super) fn stands(&self, pattern: PatternId, input: &[u8], at: usize, offset: usize) -> bool {
        let text = self.texts[pattern as usize];
        let Some(start) = at.checked_sub(offset) else { return false };
        let end = start + usize::from(text.len);
        let pattern = &self.bytes[text.start as usize..text.start as usize + usize::from(text.len)];
        end <= text.end as usize
            && input.get(start..end).is_some_and(|bytes| bytes.eq_ignore_ascii_case(pattern))
    }

    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + self.texts.len() * size_of::<Text>()
    }
}
