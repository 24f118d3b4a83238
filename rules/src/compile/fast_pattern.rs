//! Which content the prefilter looks for: what the rule asks for, else the one that traffic is least likely to hold.

use crate::content::{Content, FastPatternChoice, Number};
use crate::draft::DraftBuffer;
use crate::signature::{Absent, FastPattern, Gate, Source};

/// How far from a buffer's start a content is still near it, in bytes.
const MAX_GATE: u32 = 64;

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
        .map(|(inspection, buffer, content)| FastPattern {
            inspection,
            bytes: part(content).to_vec(),
            nocase: content.nocase,
            end: latest_end(content),
            content: content.clone(),
            gate: gate(buffer),
        })
}

/// The strongest of a buffer's contents that stand at its start.
fn gate(buffer: &DraftBuffer) -> Option<Gate> {
    let contents = buffer.steps.iter().filter_map(|step| step.content()).filter(|content| !content.negated);
    contents
        .filter_map(|content| {
            let part_end = latest_end(content)?;
            Some((strength(content), Gate { bytes: part(content).to_vec(), end: part_end }))
        })
        .filter(|(_, gate)| gate.end <= MAX_GATE)
        .max_by_key(|&(strength, _)| strength)
        .map(|(_, gate)| gate)
}

/// Within how many bytes of the buffer's start the looked-for part ends, if the rule says so in numbers.
fn latest_end(content: &Content) -> Option<u32> {
    let whole = i64::try_from(content.pattern.len()).ok()?;
    let behind = match content.fast_pattern {
        FastPatternChoice::Part { offset, len } => whole - i64::from(offset) - i64::from(len),
        _ => 0,
    };
    let end = if content.starts_with {
        whole
    } else if content.is_relative() {
        return None;
    } else {
        let offset = content.offset.map_or(Some(0), Number::literal)?;
        offset.saturating_add(content.depth?.literal()?)
    };
    u32::try_from(end.max(whole) - behind).ok()
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
