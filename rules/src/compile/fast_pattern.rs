//! Which content the prefilter looks for: what the rule asks for, else the one that traffic is least likely to hold.

use crate::content::{Content, FastPatternChoice};
use crate::draft::DraftBuffer;
use crate::signature::{Absent, FastPattern, Source};

/// The content by which to find the rule; nothing where no content must be there.
pub(super) fn choose(buffers: &[DraftBuffer]) -> Option<FastPattern> {
    let candidates =
        buffers.iter().enumerate().filter(|(_, buffer)| findable(buffer)).flat_map(|(at, buffer)| {
            let contents = buffer.steps.iter().filter_map(|step| step.content());
            contents.filter(|content| !content.negated).map(move |content| (at, buffer, content))
        });
    candidates
        .max_by_key(|(at, buffer, content)| {
            let asked = content.fast_pattern != FastPatternChoice::Automatic;
            // The first of equals, and never the reverse: `max_by_key` keeps the last.
            (asked, rank(buffer.source), strength(content), std::cmp::Reverse(*at))
        })
        .map(|(inspection, _, content)| FastPattern {
            inspection,
            bytes: part(content).to_vec(),
            nocase: content.nocase,
            content: content.clone(),
        })
}

fn findable(buffer: &DraftBuffer) -> bool {
    buffer.absent == Absent::Fails && buffer.source != Source::Base64
}

/// A field is narrower than a payload: its contents are found more cheaply.
fn rank(source: Source) -> u8 {
    match source {
        Source::Field(_) => 1,
        Source::Payload | Source::Header(_) | Source::Base64 => 0,
    }
}

fn part(content: &Content) -> &[u8] {
    match content.fast_pattern {
        FastPatternChoice::Part { offset, len } => {
            let start = usize::from(offset);
            &content.pattern[start..start + usize::from(len)]
        }
        _ => &content.pattern,
    }
}

/// How rarely the bytes occur: each byte adds, the more so the rarer it is and if it was not there before.
fn strength(content: &Content) -> u32 {
    let bytes = part(content);
    let mut seen = [false; 256];
    bytes
        .iter()
        .map(|&byte| {
            let again = std::mem::replace(&mut seen[usize::from(byte)], true);
            let worth = match byte {
                0 | 0xff | b' ' => 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 3,
                0x21..=0x7e => 4,
                _ => 5,
            };
            if again { 1 } else { worth }
        })
        .sum()
}
