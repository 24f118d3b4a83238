//! The lines of a companion file.

use crate::text::{Source, Text};

/// Lines without comments and blanks around them, continued where a backslash ends them.
pub(super) fn lines(source: &Source) -> impl Iterator<Item = Text> + '_ {
    source.rules()
}

/// The comma-separated parts of a text, without blanks around them; commas in brackets don't separate.
pub(super) fn parts(text: &Text) -> Vec<Text> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text.slice(start..at).trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.slice(start..text.len()).trim());
    parts
}

/// The first word of a text, and the rest without blanks around it.
pub(super) fn word(text: &Text) -> (Text, Text) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    (text.slice(0..end), text.slice(end..text.len()).trim())
}
