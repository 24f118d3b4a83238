//! Keywords about files whose values have forms of their own (Suricata documentation: "File Keywords").

use super::fields::{NAME, SIZE, STORE};
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::effect::{Effect, StoreScope};
use rules::field::{NumberStep, PresentStep, ask, ask_content};
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::signature::Way;

/// `fileext:"pdf"`: the name ends in `.pdf`.
pub(super) fn extension(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    ask_content(&NAME, argument, draft, |content| {
        content.pattern.insert(0, b'.');
        content.nocase = true;
        content.ends_with = true;
    })
}

/// `filesize:100<>200KB`: a number form with units.
pub(super) fn size(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let text = argument.string()?.to_ascii_uppercase();
    let form =
        in_bytes(&text).and_then(|form| IntegerMatch::parse(&form, u64::MAX).ok()).ok_or_else(|| {
            argument
                .error("bad-size", format!("`{text}` is no size"))
                .with_help("write `100`, `<10KB`, `>5MB` or `1MB<>2MB`")
        })?;
    ask(&SIZE, Box::new(NumberStep { form }), argument, draft)
}

/// The form with its numbers in bytes; nothing where one is too large.
fn in_bytes(text: &str) -> Option<String> {
    let mut form = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (before, digits_on) =
            rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, after) =
            digits_on.split_at(digits_on.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits_on.len()));
        form.push_str(before);
        rest = after;
        if digits.is_empty() {
            continue;
        }
        let units = [("KB", 1u64 << 10), ("MB", 1 << 20), ("GB", 1 << 30)];
        let unit = units.iter().find_map(|&(name, bytes)| Some((rest.strip_prefix(name)?, bytes)));
        let (after, bytes) = unit.unwrap_or((rest, 1));
        rest = after;
        form.push_str(&digits.parse::<u64>().ok()?.checked_mul(bytes)?.to_string());
    }
    Some(form)
}

/// Which way files go that are stored, by its names.
fn way(word: &str) -> Option<Way> {
    match word {
        "request" | "to_server" => Some(Way::ToServer),
        "response" | "to_client" => Some(Way::ToClient),
        "both" => Some(Way::Both),
        _ => None,
    }
}

/// Which files are stored, by its names.
fn scope(word: &str) -> Option<StoreScope> {
    match word {
        "file" => Some(StoreScope::File),
        "tx" => Some(StoreScope::Transaction),
        "ssn" | "flow" => Some(StoreScope::Flow),
        _ => None,
    }
}

/// `filestore`, alone or with a direction and a scope: the file that matched, which goes the way in which it did, unless
/// they say otherwise.
pub(super) fn store(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let mut said = (None, StoreScope::File);
    if argument.optional().is_some() {
        let parts = argument.parts()?;
        let words: Vec<String> = parts.iter().map(|part| part.to_str_lossy().to_ascii_lowercase()).collect();
        let meant = match words.as_slice() {
            [one] => way(one).map(|way| (Some(way), StoreScope::File)).or(scope(one).map(|of| (None, of))),
            [first, second] => way(first).and_then(|way| Some((Some(way), scope(second)?))),
            _ => None,
        };
        said = meant.ok_or_else(|| {
            argument.error("bad-filestore", "this is no direction and scope").with_help(
                "write `filestore;` or `filestore:<request, response or both>,<file, tx or flow>;`",
            )
        })?;
    }
    ask(&STORE, Box::new(PresentStep), argument, draft)?;
    let (way, scope) = said;
    draft.effects.push(Effect::StoreFile { way, scope });
    Ok(())
}
