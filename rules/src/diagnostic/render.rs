//! Diagnostics for people: the line, a caret under the place, and the help.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Severity};
use crate::text::{Source, Span};

/// Columns that a tab takes.
const TAB_COLUMNS: usize = 4;
/// The longest UTF-8 sequence, and so the most bytes that one column can take short of combining marks.
const BYTES_PER_COLUMN: usize = 4;
const ELLIPSIS: char = '…';

/// Writes diagnostics in the manner of rustc.
#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    width: usize,
    colour: bool,
}

impl Default for Renderer {
    fn default() -> Self {
        Self { width: 100, colour: false }
    }
}

impl Renderer {
    /// For a terminal of that many columns; lines are cut around the caret to fit. At least 40.
    pub fn new(width_columns: usize, colour: bool) -> Self {
        Self { width: width_columns.max(40), colour }
    }

    /// The text of one diagnostic, with a line end.
    pub fn render(&self, diagnostic: &Diagnostic, source: &Source) -> String {
        let start = source.location(diagnostic.span.start);
        let gutter = self.gutter_columns(diagnostic, source);
        let blank = " ".repeat(gutter);
        let heading =
            self.paint(diagnostic.severity, &format!("{}[{}]", diagnostic.severity, diagnostic.code));
        let mut out = format!("{heading}: {}\n", printable(diagnostic.message.as_bytes()));
        let _ = writeln!(out, "{blank}--> {}:{}:{}", source.name(), start.line, start.column);
        let _ = writeln!(out, "{blank} |");
        self.snippet(&mut out, gutter, source, diagnostic.span, diagnostic.severity, None);
        for label in &diagnostic.labels {
            self.snippet(&mut out, gutter, source, label.span, Severity::Note, Some(&label.text));
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(out, "{blank} |\n{blank} = help: {}", printable(help.as_bytes()));
        }
        out
    }

    fn gutter_columns(&self, diagnostic: &Diagnostic, source: &Source) -> usize {
        let spans = diagnostic.labels.iter().map(|label| label.span).chain([diagnostic.span]);
        let last = spans.map(|span| source.location(span.start).line).max().unwrap_or(1);
        last.to_string().len()
    }

    fn snippet(
        &self,
        out: &mut String,
        gutter: usize,
        source: &Source,
        span: Span,
        severity: Severity,
        label: Option<&str>,
    ) {
        let number = source.location(span.start).line;
        let line = source.line_span(number);
        let bytes = &source.bytes()[line.start as usize..line.end as usize];
        let start = ((span.start - line.start) as usize).min(bytes.len());
        let end =
            ((span.end.clamp(span.start, line.end.max(span.start)) - line.start) as usize).min(bytes.len());
        let view = Window::around(bytes, start..end, self.width.saturating_sub(gutter + 3));
        let mark = if label.is_some() { "-" } else { "^" };
        let mut under = mark.repeat(view.marked);
        if let Some(label) = label {
            let _ = write!(under, " {}", printable(label.as_bytes()));
        }
        let under = self.paint(severity, &under);
        let _ = writeln!(out, "{number:>gutter$} | {}", view.text);
        let _ = writeln!(out, "{:gutter$} | {}{under}", "", " ".repeat(view.indent));
    }

    fn paint(&self, severity: Severity, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match severity {
            Severity::Error => "1;31",
            Severity::NotSupported => "1;35",
            Severity::Warning => "1;33",
            Severity::Note | Severity::Skipped => "1;34",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The part of a line that is shown, and where the caret goes under it.
struct Window {
    text: String,
    /// Columns before the caret.
    indent: usize,
    /// Columns under which carets stand, at least one.
    marked: usize,
}

impl Window {
    /// Cuts a line around a place so that it takes at most `columns`. Looks at no more of the line than it may need.
    fn around(line: &[u8], place: Range<usize>, columns: usize) -> Self {
        let reach = columns * BYTES_PER_COLUMN;
        let from = character_start(line, place.start.saturating_sub(reach));
        let to = character_start(line, place.start.saturating_add(reach).min(line.len()));
        let end = place.end.min(to);
        let before: Vec<(char, usize)> = shown(&line[from..place.start]).collect();
        let inside: Vec<(char, usize)> = shown(&line[place.start..end]).collect();
        let after: Vec<(char, usize)> = shown(&line[end..to]).collect();

        // The place itself may take half of the room, what leads up to it the rest but a quarter.
        let marked = fitting(inside.iter(), columns / 2);
        let is_whole = from == 0 && to == line.len();
        let lead_room = if is_whole && width(&before) + width(&inside) + width(&after) <= columns {
            columns
        } else {
            columns - columns / 4 - width(&inside[..marked]) - 1
        };
        let lead = fitting(before.iter().rev(), lead_room);
        let cut_before = from > 0 || lead < before.len();

        let mut text = String::new();
        let mut used = 0;
        let mut push = |part: &[(char, usize)]| {
            for &(character, columns) in part {
                text.push(character);
                text.extend(std::iter::repeat_n(' ', if character == ' ' { columns - 1 } else { 0 }));
                used += columns;
            }
            used
        };
        if cut_before {
            push(&[(ELLIPSIS, 1)]);
        }
        let indent = push(&before[before.len() - lead..]);
        let end_of_mark = push(&inside[..marked]);
        let rest: Vec<(char, usize)> = inside[marked..].iter().chain(&after).copied().collect();
        let tail_room = columns.saturating_sub(end_of_mark);
        if width(&rest) <= tail_room && to == line.len() {
            push(&rest);
        } else {
            push(&rest[..fitting(rest.iter(), tail_room.saturating_sub(1))]);
            push(&[(ELLIPSIS, 1)]);
        }
        Self { text, indent, marked: (end_of_mark - indent).max(1) }
    }
}

/// How many of the characters fit into that many columns.
fn fitting<'a>(characters: impl Iterator<Item = &'a (char, usize)>, columns: usize) -> usize {
    let mut used = 0;
    characters
        .take_while(|(_, width)| {
            used += width;
            used <= columns
        })
        .count()
}

fn width(characters: &[(char, usize)]) -> usize {
    characters.iter().map(|(_, width)| width).sum()
}

/// The characters to show for some bytes, with the columns each takes. A tab comes out as a blank of several columns.
fn shown(bytes: &[u8]) -> impl Iterator<Item = (char, usize)> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = (!chunk.invalid().is_empty()).then_some((char::REPLACEMENT_CHARACTER, 1));
        chunk.valid().chars().map(shown_character).chain(invalid)
    })
}

/// Control characters as their pictures, and no character that turns the direction of the text around.
fn shown_character(character: char) -> (char, usize) {
    match character {
        '\t' => (' ', TAB_COLUMNS),
        '\0'..='\x1f' => (char::from_u32(0x2400 + u32::from(character)).unwrap_or(' '), 1),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
            (char::REPLACEMENT_CHARACTER, 1)
        }
        _ => character.width().map_or((char::REPLACEMENT_CHARACTER, 1), |width| (character, width)),
    }
}

fn printable(bytes: &[u8]) -> String {
    shown(bytes).map(|(character, _)| character).collect()
}

/// The start of the character at an offset, looking back over at most three continuation bytes.
fn character_start(bytes: &[u8], at: usize) -> usize {
    let is_continuation = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(BYTES_PER_COLUMN - 1)..=at).rev().find(|&at| !is_continuation(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(bytes: &[u8], span: Span, width: usize) -> String {
        let source = Source::new("web.rules", bytes).unwrap();
        let found = Diagnostic::error("missing-semicolon", span, "no `;` here").with_help("insert `;`");
        Renderer::new(width, false).render(&found, &source)
    }

    #[test]
    fn a_caret_stands_under_the_place() {
        let text = rendered(b"# one\nalert tcp (msg:\"x\" sid:1;)\n", Span::new(24, 27), 100);
        let expected = "error[missing-semicolon]: no `;` here
 --> web.rules:2:19
  |
2 | alert tcp (msg:\"x\" sid:1;)
  |                   ^^^
  |
  = help: insert `;`
";
        assert_eq!(text, expected);
    }

    #[test]
    fn labels_show_their_own_line() {
        let source = Source::new("a", "one\ntwo\n").unwrap();
        let found = Diagnostic::warning("duplicate-sid", Span::new(4, 7), "sid 1 again")
            .with_label(Span::new(0, 3), "first here");
        let text = found.render(&source);
        assert!(text.ends_with("2 | two\n  | ^^^\n1 | one\n  | --- first here\n"), "{text}");
    }

    #[test]
    fn tabs_wide_and_faulty_characters_keep_the_caret_in_place() {
        let caret = |bytes: &[u8], at: u32| {
            let text = rendered(bytes, Span::new(at, at + 1), 100);
            let under = text.lines().nth(4).unwrap().to_owned();
            under.find('^').unwrap() - "  | ".len()
        };
        assert_eq!(caret(b"\tx", 1), 4);
        assert_eq!(caret("漢x".as_bytes(), 3), 2);
        assert_eq!(caret("éx".as_bytes(), 2), 1);
        assert_eq!(caret(b"\xff\x01x", 2), 2);
        assert_eq!(caret("e\u{301}x".as_bytes(), 3), 1);
        assert_eq!(caret("\u{202e}x".as_bytes(), 3), 1);
    }

    #[test]
    fn an_empty_span_at_the_end_has_a_caret() {
        let text = rendered(b"ab", Span::new(2, 2), 100);
        assert!(text.contains("1 | ab\n  |   ^\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let mut line = vec![b'a'; 10_000_000];
        line[5_000_000] = b'X';
        let text = rendered(&line, Span::new(5_000_000, 5_000_001), 80);
        let shown: Vec<&str> = text.lines().collect();
        assert!(shown[3].chars().count() <= 80 && shown[3].contains("…a") && shown[3].ends_with("a…"));
        let at = shown[3].chars().position(|character| character == 'X').unwrap();
        assert_eq!(shown[4].find('^').unwrap(), at);
        let everything = rendered(&line, Span::new(0, 10_000_000), 80);
        assert!(everything.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn colour_only_when_asked() {
        let source = Source::new("a", "x").unwrap();
        let found = Diagnostic::error("e", Span::new(0, 1), "m\x1b[2J");
        assert!(!found.render(&source).contains('\x1b'), "not even from the message");
        assert!(Renderer::new(80, true).render(&found, &source).contains("\x1b[1;31m"));
    }

    proptest! {
        #[test]
        fn any_place_in_any_bytes_renders_within_the_width(
            bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0u32..700, length in 0u32..700,
        ) {
            let text = rendered(&bytes, Span::new(start, start + length), 60);
            let line = text.lines().nth(3).expect("the snippet");
            prop_assert!(width(&shown(line.as_bytes()).collect::<Vec<_>>()) <= 60, "{}", text);
            prop_assert!(text.lines().nth(4).expect("the caret").contains('^'));
        }
    }
}
