//! Keeping an event within its size: which texts give way, in which order, and where they may be cut.

use super::Detection;
use super::escape::escaped_len;

/// The texts of a detection that have no length of their own, in the order in which they give way.
///
/// The contract names the first three. The rest follow because no packet may make an event too large, whichever
/// header it stuffs.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Rule,
    Url,
    UserAgent,
    ContentType,
    Hostname,
    Method,
    Protocol,
    Category,
    Signature,
}

/// Those texts, whole or cut; empty where the detection has none.
pub(super) struct Texts<'a>([&'a [u8]; Field::Signature as usize + 1]);

impl<'a> Texts<'a> {
    /// All of them whole.
    pub(super) fn of(detection: &'a Detection) -> Self {
        let alert = &detection.alert;
        let http = |text: fn(&super::Http) -> &Option<Vec<u8>>| {
            detection.http.as_deref().and_then(|http| text(http).as_deref()).unwrap_or_default()
        };
        Self([
            alert.rule.as_bytes(),
            http(|http| &http.url),
            http(|http| &http.user_agent),
            http(|http| &http.content_type),
            http(|http| &http.hostname),
            http(|http| &http.method),
            http(|http| &http.protocol),
            alert.category.as_bytes(),
            alert.signature.as_bytes(),
        ])
    }

    pub(super) fn text(&self, field: Field) -> &'a [u8] {
        self.0[field as usize]
    }

    /// Cuts until the JSON is shorter by at least `excess` bytes, or all texts are empty.
    pub(super) fn shorten(&mut self, mut excess: usize) {
        for text in &mut self.0 {
            if excess == 0 {
                return;
            }
            let written = json_len(text);
            let kept = prefix_within(text, written.saturating_sub(excess));
            *text = &text[..kept];
            excess = excess.saturating_sub(written - json_len(text));
        }
    }
}

/// The characters as the event writes them, each with the bytes it stands for in `text`; an invalid sequence is
/// one replacement character.
fn characters(text: &[u8]) -> impl Iterator<Item = (char, usize)> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid().len();
        let replacement = (invalid > 0).then_some((char::REPLACEMENT_CHARACTER, invalid));
        chunk.valid().chars().map(|c| (c, c.len_utf8())).chain(replacement)
    })
}

/// How many bytes of JSON the text takes, quotes apart.
fn json_len(text: &[u8]) -> usize {
    characters(text).map(|(c, _)| escaped_len(c)).sum()
}

/// The longest start of the text, in whole characters, that takes no more than `budget` bytes of JSON.
fn prefix_within(text: &[u8], budget: usize) -> usize {
    let mut spent = 0;
    let within = characters(text).take_while(|&(c, _)| {
        spent += escaped_len(c);
        spent <= budget
    });
    within.map(|(_, len)| len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_between_characters() {
        let text = "aä€😀\u{1}\"".as_bytes();
        assert_eq!(json_len(text), 1 + 2 + 3 + 4 + 6 + 2);
        let ends: Vec<usize> = (0..=18).map(|budget| prefix_within(text, budget)).collect();
        assert_eq!(ends, [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10, 10, 10, 10, 10, 11, 11, 12]);
    }

    #[test]
    fn an_invalid_sequence_counts_as_its_replacement() {
        let text = b"a\xe2\x82b\xff";
        assert_eq!(json_len(text), String::from_utf8_lossy(text).len());
        assert_eq!(prefix_within(text, 3), 1);
        assert_eq!(prefix_within(text, 4), 3);
    }
}
